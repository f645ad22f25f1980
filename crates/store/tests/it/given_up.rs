//! Calls that are given up half-way, as when a caller hangs up.

use std::time::Duration;

use model::{RandomIds, RunId};
use sqlx::{AnyPool, Row as _};

use crate::bench::{Backend, LEASE, new_run, task};

/// Sessions of other connections that are in a transaction in which nothing happens.
async fn in_transaction(sql: &AnyPool) -> i64 {
    const FIND: &str = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'";
    sqlx::query(FIND).fetch_one(sql).await.unwrap().get(0)
}

// A transaction that began behind the back of whoever gave it up would swallow every change that is made
// on its connection from then on, and hold what it changed.
#[tokio::test]
async fn a_transaction_that_is_given_up_while_it_begins_is_over() {
    let Some(bench) = Backend::Postgres.start().await else { return };
    let sql = bench.sql().await;
    let tasks = [task("a", &[])];

    // Polled so often and dropped: the first time when it has been said and not answered.
    for polls in 1..12 {
        let run = RunId::new(&RandomIds);
        let mut making = Box::pin(bench.store.run_create(new_run(&run), &tasks));
        for _ in 0..polls {
            if futures::poll!(making.as_mut()).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(making);
        // Time for the connection to come back to where it is taken from.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let mut looks = 0;
    while in_transaction(&sql).await > 0 {
        looks += 1;
        assert!(looks < 100, "a connection stays in a transaction that nobody ends");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // What is taken on any of the connections is seen by others.
    bench.run(&["b", "c", "d", "e", "f", "g", "h", "i", "j"]).await;
    let claims = (0..9).map(|_| bench.store.task_claim("worker-1", LEASE));
    let claimed = futures::future::join_all(claims).await;
    assert!(claimed.iter().all(|claimed| matches!(claimed, Ok(Some(_)))), "{claimed:?}");
    let leased = "SELECT COUNT(*) FROM task WHERE state = 'leased'";
    let leased: i64 = sqlx::query(leased).fetch_one(&sql).await.unwrap().get(0);
    assert_eq!(leased, 9);
}
