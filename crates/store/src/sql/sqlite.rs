use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, OpenFlags, ToSql};
use tokio::runtime::{Handle, RuntimeFlavor};

use super::row::Value;
use super::{Answer, Bound, Connection, DatabaseError, Query, Row, Wanted};
use crate::dialect::Durability;

/// Statements that stay prepared; there are about 600 in this crate, of which a server says half.
const PREPARED: usize = 384;

/// How long another process may be in the way.
const PATIENCE: Duration = Duration::from_secs(20);

/// Between two attempts, at first and at most.
const FIRST_WAIT: Duration = Duration::from_millis(1);
const LONGEST_WAIT: Duration = Duration::from_millis(50);

/// A wait for the disk that is shorter than two changes of thread and what they bring about is not worth them.
const SHORT: Duration = Duration::from_micros(400);

/// What is worth a line in the log.
const SLOW: Duration = Duration::from_secs(1);

/// A connection to a file.
#[derive(Debug)]
pub(crate) struct SqliteConnection {
    inner: rusqlite::Connection,
    /// What its commits survive.
    durability: Durability,
    /// How long the last of them took.
    last_commit: Duration,
}

impl SqliteConnection {
    /// Opens a file that is there.
    pub(crate) fn open(path: &Path) -> Result<Self, DatabaseError> {
        // One thread at a time has it, as `&mut` says.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let inner = rusqlite::Connection::open_with_flags(path, flags)?;
        inner.set_prepared_statement_cache_capacity(PREPARED);
        // A statement is prepared once, and not again for values that might want another plan.
        inner.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        // The waiting is done here, so that others can go on meanwhile.
        inner.busy_timeout(Duration::ZERO)?;
        Ok(Self { inner, durability: Durability::Full, last_commit: Duration::ZERO })
    }

    /// Says what its commits survive from now on; it is in no transaction.
    pub(crate) async fn set_durability(&mut self, durability: Durability) -> Result<(), DatabaseError> {
        let level = match durability {
            Durability::Full => "FULL",
            Durability::Relaxed => "NORMAL",
        };
        self.patiently(|this| Ok(this.inner.pragma_update(None, "synchronous", level)?)).await?;
        self.durability = durability;
        Ok(())
    }

    pub(super) fn durability(&self) -> Durability {
        self.durability
    }

    /// Whether its next commit will take a while: it waits for the disk, and the last one did.
    fn will_wait(&self) -> bool {
        self.durability == Durability::Full && self.last_commit > SHORT
    }

    pub(crate) fn close(self) -> Result<(), DatabaseError> {
        self.inner.close().map_err(|(_, error)| error.into())
    }

    pub(crate) fn borrowed(&mut self) -> Connection<'_> {
        Connection::Sqlite(self)
    }

    /// Whether it is in no transaction: there is none, or the database has ended it by itself, as it does
    /// when the disk is full.
    pub(super) fn is_by_itself(&self) -> bool {
        self.inner.is_autocommit()
    }

    /// Says a statement. Outside a transaction it waits for other processes.
    pub(super) async fn run(&mut self, query: Query<'_>, wanted: Wanted) -> Result<Answer, DatabaseError> {
        let begun = Instant::now();
        let answer = self.patiently(|this| this.run_once(&query, wanted)).await;
        let took = begun.elapsed();
        if took > SLOW && !query.is_long {
            let elapsed_ms = took.as_millis() as u64;
            tracing::warn!(
                statement = &*query.text,
                elapsed_ms,
                "a statement of the state database was slow"
            );
        }
        answer
    }

    /// Begins a transaction, and keeps other writers out until it ends.
    pub(super) async fn begin(&mut self) -> Result<(), DatabaseError> {
        self.patiently(|this| this.say("BEGIN IMMEDIATE")).await
    }

    /// Commits the transaction it is in.
    pub(super) fn commit(&mut self) -> Result<(), DatabaseError> {
        let begun = Instant::now();
        let committed = if self.will_wait() { meanwhile(|| self.say("COMMIT")) } else { self.say("COMMIT") };
        if self.durability == Durability::Full {
            self.last_commit = begun.elapsed();
        }
        committed
    }

    /// Tries again while another connection is in the way.
    async fn patiently<T>(
        &mut self,
        mut once: impl FnMut(&mut Self) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        let (begun, mut wait) = (Instant::now(), FIRST_WAIT);
        loop {
            match once(self) {
                Err(error) if error.is_busy() && self.is_by_itself() && begun.elapsed() < PATIENCE => {
                    Box::pin(tokio::time::sleep(wait)).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
                done => return done,
            }
        }
    }

    fn say(&mut self, text: &str) -> Result<(), DatabaseError> {
        self.inner.prepare_cached(text)?.raw_execute()?;
        Ok(())
    }

    fn run_once(&mut self, query: &Query<'_>, wanted: Wanted) -> Result<Answer, DatabaseError> {
        let will_wait = self.will_wait();
        let mut statement = self.inner.prepare_cached(&query.text)?;
        bind(&mut statement, &query.values)?;
        // What commits by itself waits for the disk.
        let waits = query.is_long || (will_wait && self.inner.is_autocommit() && !statement.readonly());
        let mut work = || answer(&mut statement, wanted);
        let mut answer = if waits { meanwhile(work)? } else { work()? };
        if wanted == Wanted::None {
            answer.changed = self.inner.changes();
        }
        Ok(answer)
    }

    /// Undoes the transaction it is in, if it is in one.
    pub(super) fn roll_back(&mut self) {
        if !self.is_by_itself()
            && let Err(error) = self.inner.execute_batch("ROLLBACK")
        {
            tracing::warn!(%error, "a transaction of the state database could not be undone");
        }
    }
}

/// Lets other tasks of this thread go on elsewhere while something waits for the disk.
fn meanwhile<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// `$2` is the second value wherever it stands; SQLite itself numbers places by where they first stand.
fn bind(statement: &mut CachedStatement<'_>, values: &[Bound<'_>]) -> Result<(), DatabaseError> {
    for place in 1..=statement.parameter_count() {
        let named = statement.parameter_name(place).and_then(|name| name.strip_prefix('$'));
        let number = named.and_then(|number| number.parse().ok()).unwrap_or(place);
        // Without a value it is NULL, as in every database.
        if let Some(value) = values.get(number.wrapping_sub(1)) {
            statement.raw_bind_parameter(place, value)?;
        }
    }
    Ok(())
}

fn answer(statement: &mut CachedStatement<'_>, wanted: Wanted) -> Result<Answer, DatabaseError> {
    let columns = statement.column_count();
    let mut found = Vec::new();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        if wanted == Wanted::None {
            continue;
        }
        let values = (0..columns).map(|place| value(row.get_ref(place)?).ok_or(DatabaseError::column(place)));
        found.push(Row::Sqlite(values.collect::<Result<_, _>>()?));
        if wanted == Wanted::First {
            break;
        }
    }
    Ok(Answer { changed: 0, rows: found })
}

/// Nothing for a text that is none.
fn value(value: ValueRef<'_>) -> Option<Value> {
    Some(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Number(number),
        ValueRef::Real(real) => Value::Real(real),
        ValueRef::Text(text) => Value::Text(std::str::from_utf8(text).ok()?.to_owned()),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
    })
}

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match self {
            Self::Number(Some(number)) => ValueRef::Integer(*number),
            Self::Real(Some(real)) => ValueRef::Real(*real),
            Self::Text(Some(text)) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(Some(bytes)) => ValueRef::Blob(bytes),
            Self::Number(None) | Self::Real(None) | Self::Text(None) | Self::Bytes(None) => ValueRef::Null,
        };
        Ok(ToSqlOutput::Borrowed(value))
    }
}
