use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::{Any, AnyPool};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::sqlite::SqliteConnection;
use super::{Connection, DatabaseError};
use crate::dialect::{ConnectionSetup, Durability};

/// How long one waits for a connection that others have.
pub(crate) const WAIT: Duration = Duration::from_secs(30);

/// Connections that are used in turns. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) enum Pool {
    /// Connections to a file, and what their commits survive for whoever borrows them here.
    Sqlite(Arc<FilePool>, Durability),
    Postgres(AnyPool),
}

/// Connections to one file.
#[derive(Debug)]
pub(crate) struct FilePool {
    path: PathBuf,
    setup: ConnectionSetup,
    most: u32,
    free: Arc<Semaphore>,
    idle: Mutex<Vec<SqliteConnection>>,
}

/// A connection for a while. Dropped, it goes back where it came from, out of any transaction.
#[derive(Debug)]
pub(crate) enum Lent {
    Sqlite(LentFile),
    Postgres(sqlx::pool::PoolConnection<Any>),
}

#[derive(Debug)]
pub(crate) struct LentFile {
    /// Nothing while this is dropped.
    connection: Option<SqliteConnection>,
    home: Arc<FilePool>,
    _permit: OwnedSemaphorePermit,
}

/// How many connections there are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    pub(crate) open: u32,
    pub(crate) idle: usize,
    pub(crate) most: u32,
}

impl Pool {
    /// Connections to a file, each made when it is first needed.
    pub(crate) fn of_file(path: &Path, setup: ConnectionSetup, most: u32) -> Self {
        let free = Arc::new(Semaphore::new(most as usize));
        let pool = FilePool { path: path.to_owned(), setup, most, free, idle: Mutex::default() };
        Self::Sqlite(Arc::new(pool), Durability::Full)
    }

    /// The same connections, for commits that a power failure may undo. Connections of their own would
    /// throw away what they know of the file whenever one of the others has changed it.
    pub(crate) fn relaxed(&self) -> Self {
        match self {
            Self::Postgres(pool) => Self::Postgres(pool.clone()),
            Self::Sqlite(pool, _) => Self::Sqlite(Arc::clone(pool), Durability::Relaxed),
        }
    }

    /// A connection that nobody else has.
    pub(crate) async fn acquire(&self) -> Result<Lent, DatabaseError> {
        match self {
            Self::Postgres(pool) => Ok(Lent::Postgres(Box::pin(pool.acquire()).await?)),
            Self::Sqlite(pool, durability) => Ok(Lent::Sqlite(pool.lend(*durability).await?)),
        }
    }

    /// Ends all connections; whoever asks for one from now on gets none.
    pub(crate) async fn close(&self) {
        match self {
            Self::Postgres(pool) => pool.close().await,
            Self::Sqlite(pool, _) => {
                // Those that are lent come back first.
                let _all = pool.free.acquire_many(pool.most).await;
                pool.free.close();
                pool.idle().clear();
            }
        }
    }

    pub(crate) fn counted(&self) -> Counted {
        match self {
            Self::Postgres(pool) => Counted {
                open: pool.size(),
                idle: pool.num_idle(),
                most: pool.options().get_max_connections(),
            },
            Self::Sqlite(pool, _) => {
                let idle = pool.idle().len();
                let lent = (pool.most as usize).saturating_sub(pool.free.available_permits());
                Counted { open: (idle + lent) as u32, idle, most: pool.most }
            }
        }
    }
}

impl FilePool {
    /// A connection that nobody else has.
    pub(super) async fn lend(self: &Arc<Self>, durability: Durability) -> Result<LentFile, DatabaseError> {
        let permit = self.permit().await?;
        let idle = self.idle().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => Box::pin(self.connect()).await?,
        };
        if connection.durability() != durability {
            Box::pin(connection.set_durability(durability)).await?;
        }
        Ok(LentFile { connection: Some(connection), home: Arc::clone(self), _permit: permit })
    }

    async fn permit(self: &Arc<Self>) -> Result<OwnedSemaphorePermit, DatabaseError> {
        // A statement gives nobody else a turn; its beginning does.
        tokio::task::consume_budget().await;
        if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
            return Ok(permit);
        }
        let permit = tokio::time::timeout(WAIT, Arc::clone(&self.free).acquire_owned());
        match Box::pin(permit).await {
            Ok(permit) => permit.map_err(|_| DatabaseError::closed()),
            Err(_) => Err(DatabaseError::timed_out()),
        }
    }

    async fn connect(&self) -> Result<SqliteConnection, DatabaseError> {
        let mut connection = SqliteConnection::open(&self.path)?;
        self.setup.prepare_file(&mut connection).await?;
        Ok(connection)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lent {
    pub(crate) fn connection(&mut self) -> Connection<'_> {
        match self {
            Self::Postgres(connection) => Connection::Postgres(connection),
            Self::Sqlite(lent) => Connection::Sqlite(lent.connection()),
        }
    }
}

impl LentFile {
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        self.connection.as_mut().expect("it is there until this is dropped")
    }
}

impl Drop for LentFile {
    fn drop(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            connection.roll_back();
            self.home.idle().push(connection);
        }
    }
}
