use sqlx::{Any, AnyPool};

use super::pool::LentFile;
use super::{Connection, DatabaseError, Pool};

/// A transaction that writes. Dropped, it is undone.
pub(crate) enum Transaction {
    Sqlite(LentFile),
    Postgres(sqlx::Transaction<'static, Any>),
}

impl Transaction {
    pub(crate) async fn begin(pool: &Pool) -> Result<Self, DatabaseError> {
        match pool {
            Pool::Postgres(pool) => Ok(Self::Postgres(begun(pool.clone()).await?)),
            Pool::Sqlite(pool, durability) => {
                let mut lent = pool.lend(*durability).await?;
                lent.connection().begin().await?;
                Ok(Self::Sqlite(lent))
            }
        }
    }

    pub(crate) fn connection(&mut self) -> Connection<'_> {
        match self {
            Self::Sqlite(lent) => Connection::Sqlite(lent.connection()),
            Self::Postgres(transaction) => Connection::Postgres(&mut *transaction),
        }
    }

    pub(crate) async fn commit(self) -> Result<(), DatabaseError> {
        match self {
            Self::Postgres(transaction) => Ok(transaction.commit().await?),
            Self::Sqlite(mut lent) => lent.connection().commit(),
        }
    }
}

/// Begins, to the end even where the caller does not wait for it: the driver forgets a transaction that
/// was given up before its beginning was answered, and gives its connection to the next one, who changes
/// something in it that is never committed.
async fn begun(pool: AnyPool) -> Result<sqlx::Transaction<'static, Any>, sqlx::Error> {
    match tokio::spawn(async move { pool.begin().await }).await {
        Ok(begun) => begun,
        Err(stopped) => match stopped.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is going down and takes this task with it.
            Err(_) => std::future::pending().await,
        },
    }
}
