use std::path::PathBuf;

use tempfile::TempDir;

use super::{Cause, DatabaseError, Pool, SqliteConnection, Transaction, query};
use crate::dialect::{Access, ConnectionSetup, Dialect};

struct Bench {
    path: PathBuf,
    _folder: TempDir,
}

impl Bench {
    async fn new() -> (Self, Pool) {
        let folder = tempfile::tempdir().unwrap();
        let bench = Self { path: folder.path().join("a.db"), _folder: folder };
        std::fs::File::create(&bench.path).unwrap();
        let pool = bench.pool();
        query("CREATE TABLE thing (id BIGINT PRIMARY KEY, name TEXT)").execute(&pool).await.unwrap();
        (bench, pool)
    }

    /// As another process would have it.
    fn pool(&self) -> Pool {
        let setup = ConnectionSetup {
            dialect: Dialect::Sqlite,
            access: Access::Write,
            cache_kib: 1024,
            max_bytes: None,
        };
        Pool::of_file(&self.path, setup, 1)
    }
}

async fn counted(pool: &Pool) -> i64 {
    query("SELECT COUNT(*) FROM thing").fetch_one(pool).await.unwrap().try_get(0).unwrap()
}

async fn put(tx: &mut Transaction, id: i64) -> Result<u64, DatabaseError> {
    let put = query("INSERT INTO thing (id, name) VALUES ($1, $2)").bind(id).bind("a");
    Ok(put.execute(tx.connection()).await?.rows_affected())
}

#[tokio::test]
async fn places_are_those_of_their_numbers_and_not_of_where_they_stand() {
    let (_bench, pool) = Bench::new().await;

    let row = query("SELECT $2, $1, $2, $3").bind("first").bind(2_i64).bind(None::<String>);
    let row = row.fetch_one(&pool).await.unwrap();

    let texts: (i64, String, i64) =
        (row.try_get(0).unwrap(), row.try_get(1).unwrap(), row.try_get(2).unwrap());
    assert_eq!(texts, (2, "first".to_owned(), 2));
    assert_eq!(row.try_get::<Option<String>>(3).unwrap(), None);
}

#[tokio::test]
async fn a_column_that_holds_something_else_is_damage_and_not_a_guess() {
    let (_bench, pool) = Bench::new().await;

    let row = query("SELECT 'x', NULL, 1").fetch_one(&pool).await.unwrap();

    for wrong in [
        row.try_get::<i64>(0).unwrap_err(),
        row.try_get::<String>(1).unwrap_err(),
        row.try_get::<Vec<u8>>(2).unwrap_err(),
        row.try_get::<i64>(3).unwrap_err(),
    ] {
        assert_eq!(wrong.cause(), Cause::Damaged, "{wrong}");
    }
    let torn = query("SELECT CAST(x'c3' AS TEXT)").fetch_one(&pool).await.unwrap_err();
    assert_eq!(torn.cause(), Cause::Damaged, "{torn}");
}

#[tokio::test]
async fn a_dropped_transaction_is_undone_before_its_connection_is_used_again() {
    let (_bench, pool) = Bench::new().await;

    let mut given_up = Transaction::begin(&pool).await.unwrap();
    put(&mut given_up, 1).await.unwrap();
    drop(given_up);
    let mut kept = Transaction::begin(&pool).await.unwrap();
    let changed = put(&mut kept, 2).await.unwrap();
    kept.commit().await.unwrap();

    assert_eq!((changed, counted(&pool).await), (1, 1));
}

#[tokio::test]
async fn a_refusal_has_the_code_of_the_database_and_none_of_the_values() {
    let (_bench, pool) = Bench::new().await;
    let mut tx = Transaction::begin(&pool).await.unwrap();
    put(&mut tx, 1).await.unwrap();

    let refused = put(&mut tx, 1).await.unwrap_err();

    assert_eq!(refused.cause(), Cause::Refused("1555".to_owned()), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_that_writes_is_waited_for() {
    let (bench, pool) = Bench::new().await;
    let other = bench.pool();
    let mut tx = Transaction::begin(&other).await.unwrap();
    put(&mut tx, 1).await.unwrap();

    let waiting = tokio::spawn({
        let pool = pool.clone();
        async move {
            let one = query("INSERT INTO thing (id) VALUES ($1)").bind(2_i64);
            one.execute(&pool).await?;
            let mut tx = Transaction::begin(&pool).await?;
            put(&mut tx, 3).await?;
            tx.commit().await
        }
    });
    // Reading waits for nobody.
    let meanwhile = counted(&bench.pool()).await;
    tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    let is_waiting = !waiting.is_finished();
    tx.commit().await.unwrap();
    waiting.await.unwrap().unwrap();

    assert_eq!((meanwhile, is_waiting, counted(&pool).await), (0, true, 3));
}

#[tokio::test]
async fn closed_connections_are_lent_to_nobody() {
    let (bench, pool) = Bench::new().await;

    pool.close().await;
    let refused = query("SELECT 1").fetch_one(&pool).await.unwrap_err();

    assert_eq!(refused.cause(), Cause::Away);
    assert_eq!(pool.counted().open, 0);
    SqliteConnection::open(&bench.path).unwrap().close().unwrap();
}

// architecture law 3: one connection serves both, and each borrower has what was asked for
#[tokio::test]
async fn commits_survive_what_whoever_borrows_the_connection_wants() {
    let (_bench, pool) = Bench::new().await;
    let relaxed = pool.relaxed();
    let mut levels: Vec<i64> = Vec::new();

    for pool in [&pool, &relaxed, &relaxed, &pool] {
        let mut tx = Transaction::begin(pool).await.unwrap();
        let row = query("PRAGMA synchronous").fetch_one(tx.connection()).await.unwrap();
        levels.push(row.try_get(0).unwrap());
        tx.commit().await.unwrap();
    }

    assert_eq!(levels, [2, 1, 1, 2]);
    assert_eq!(pool.counted().open, 1);
}
