use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crypto::{HashKey, KeyRing, PublicKey, RunKey, SigningKey};
use jiff::Timestamp;
use model::{Clock, IdSource, RunId};
use sqlx::{Connection as _, Executor as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::dialect::{Access, ConnectionSetup, Dialect};
use crate::lease_clock::LeaseClock;
use crate::ledger::LedgerQueue;
use crate::migrations::MIGRATIONS;
use crate::page::PageQueue;
use crate::privacy_request::DaysKnown;
use crate::sql::{Connection, Lent, Pool, Transaction, query};
use crate::{StoreError, StorePlace};

/// What a [`Store`] is made of.
#[derive(Debug)]
pub struct StoreParts {
    /// Where the state is kept.
    pub place: StorePlace,
    /// Opens and seals what lies in it.
    pub keys: KeyRing,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn IdSource>,
    /// Whether writing is wanted.
    pub access: Access,
    /// The most that a SQLite file may grow to; none: until the disk is full.
    pub max_bytes: Option<u64>,
}

/// Tutela's own state. Cheap to clone; all clones share connections and keys.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) dialect: Dialect,
    pub(crate) place: StorePlace,
    pub(crate) writer: Pool,
    /// The same connections as `writer`, for commits that a power failure may undo where the state is
    /// a file.
    relaxed: Pool,
    pub(crate) reader: Pool,
    /// In one process SQLite's writers wait here, in order, instead of polling the file's lock.
    gate: Option<Arc<Semaphore>>,
    pub(crate) keys: KeyRing,
    pub(crate) hash_key: HashKey,
    pub(crate) signing_key: SigningKey,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    lease_clock: LeaseClock,
    woken: watch::Sender<()>,
    pub(crate) ledger: LedgerQueue,
    pub(crate) pages_waiting: PageQueue,
    pub(crate) days_known: DaysKnown,
    run_keys: Mutex<HashMap<RunId, Arc<RunKey>>>,
    #[cfg(feature = "planted-defects")]
    pub(crate) forgets_fences: std::sync::atomic::AtomicBool,
}

/// What the connection that writes keeps of a file: nobody else of this process changes it, so what it knows
/// stays true.
const WRITER_CACHE_KIB: u32 = 8 * 1024;

/// What one that reads keeps: it forgets all of it whenever somebody has written.
const READER_CACHE_KIB: u32 = 1024;

/// Keys of runs kept open in memory.
const OPEN_RUN_KEYS: usize = 256;

/// A connection for one statement that changes something by itself.
pub(crate) struct Single {
    lent: Lent,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Single {
    pub(crate) fn connection(&mut self) -> Connection<'_> {
        self.lent.connection()
    }
}

/// A transaction that writes.
pub(crate) struct Tx {
    // Before the permit: dropped, it rolls back before the next writer may begin.
    inner: Transaction,
    _permit: Option<OwnedSemaphorePermit>,
    /// Whether it changes what requests are worked off with.
    pub(crate) is_change: bool,
}

impl Tx {
    pub(crate) fn connection(&mut self) -> Connection<'_> {
        self.inner.connection()
    }

    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        if self.is_change {
            self.revise().await?;
        }
        Ok(self.inner.commit().await?)
    }
}

impl Store {
    /// Opens the state, brings its tables up to date and checks that commits survive a power failure.
    ///
    /// # Errors
    /// [`StoreError::Schema`] for tables of a newer version, [`StoreError::NotDurable`] for a database
    /// that may lose commits, [`StoreError::Sealed`] if the master key is another one.
    pub async fn open(parts: StoreParts) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let StoreParts { place, keys, clock, ids, access, max_bytes } = parts;
        let dialect = place.dialect();
        place.make()?;
        let setup = |cache_kib| ConnectionSetup { dialect, access, cache_kib, max_bytes };
        let writer = setup(WRITER_CACHE_KIB).pool(&place, dialect.writers())?;
        if access == Access::Write {
            setup(WRITER_CACHE_KIB).check_durable(writer.acquire().await?.connection()).await?;
            migrate(&place, &writer).await?;
        }
        let has_one_writer = dialect.has_one_writer();
        let reader = if has_one_writer { setup(READER_CACHE_KIB).pool(&place, 4)? } else { writer.clone() };
        let own = crate::installation::keys(&writer, &keys, access).await?;
        let gate = has_one_writer.then(|| Arc::new(Semaphore::new(1)));
        Ok(Self {
            inner: Arc::new(Inner {
                dialect,
                place,
                relaxed: writer.relaxed(),
                writer,
                reader,
                gate,
                keys,
                hash_key: own.hash_key,
                signing_key: own.signing_key,
                clock,
                ids,
                woken: watch::Sender::new(()),
                ledger: LedgerQueue::default(),
                pages_waiting: PageQueue::default(),
                days_known: DaysKnown::default(),
                lease_clock: LeaseClock::default(),
                run_keys: Mutex::default(),
                #[cfg(feature = "planted-defects")]
                forgets_fences: std::sync::atomic::AtomicBool::new(false),
            }),
        })
    }

    /// Ends all connections; open calls fail.
    pub async fn close(&self) {
        self.inner.reader.close().await;
        self.inner.writer.close().await;
    }

    /// The key that certificates and checkpoints of this installation are checked with.
    pub fn public_key(&self) -> PublicKey {
        self.inner.signing_key.public()
    }

    /// Signs a statement as this installation.
    pub fn sign(&self, payload_type: &str, payload: &[u8]) -> crypto::Envelope {
        crypto::Envelope::sign(payload_type, payload, &self.inner.signing_key)
    }

    /// A hash that is the same for the same value in this installation and says nothing elsewhere.
    pub fn keyed_hash(&self, value: &[u8]) -> [u8; 32] {
        self.inner.hash_key.keyed_hash(value)
    }

    /// Where the store takes the time from.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    pub(crate) fn now(&self) -> i64 {
        self.inner.clock.now().as_microsecond()
    }

    /// The time that leases are measured by, the same for all who share the database: hosts' clocks
    /// differ, and one that is ahead would take tasks from their holders.
    pub(crate) async fn lease_now(&self, connection: Connection<'_>) -> Result<i64, StoreError> {
        match self.inner.dialect.now() {
            Some(now) if self.inner.clock.is_hosts_own() => {
                if let Some(now) = self.inner.lease_clock.now(self.now()) {
                    return Ok(now);
                }
                let now = query(now).fetch_one(connection).await?.try_get(0)?;
                self.inner.lease_clock.note(self.now(), now);
                Ok(now)
            }
            Some(_) | None => Ok(self.now()),
        }
    }

    /// Tells listeners of this process that there may be work.
    pub(crate) fn wake(&self) {
        self.inner.woken.send_replace(());
    }

    pub(crate) fn wakes(&self) -> watch::Receiver<()> {
        self.inner.woken.subscribe()
    }

    pub(crate) async fn begin(&self) -> Result<Tx, StoreError> {
        self.begin_on(&self.inner.writer).await
    }

    /// A transaction that survives the end of every process but, where the state is a file, not a power
    /// failure: that undoes it together with all after it, and ends everybody who shares the file. For
    /// steps that are taken anew then. What must not be undone once somebody outside may know of it is
    /// followed by a commit that survives, and so does everything before that. A database server may
    /// fail by itself, and whoever uses it goes on believing what they were told: there it survives.
    pub(crate) async fn begin_local(&self) -> Result<Tx, StoreError> {
        self.begin_on(&self.inner.relaxed).await
    }

    /// A connection for one statement, which survives what a transaction of [`Store::begin_local`] does.
    pub(crate) async fn single_local(&self) -> Result<Single, StoreError> {
        let permit = self.alone().await;
        Ok(Single { lent: self.inner.relaxed.acquire().await?, _permit: permit })
    }

    /// A transaction that a failure of the machine or of the database server may undo, while whoever
    /// made it goes on: for what is said again before long, as signs of life.
    pub(crate) async fn begin_relaxed(&self) -> Result<Tx, StoreError> {
        let mut tx = self.begin_on(&self.inner.relaxed).await?;
        if let Some(relax) = self.inner.dialect.relax() {
            tx.connection().say(relax).await?;
        }
        Ok(tx)
    }

    /// Waits until no other writer of this process is under way.
    pub(crate) async fn alone(&self) -> Option<OwnedSemaphorePermit> {
        match &self.inner.gate {
            Some(gate) => gate.clone().acquire_owned().await.ok(),
            None => None,
        }
    }

    async fn begin_on(&self, pool: &Pool) -> Result<Tx, StoreError> {
        let permit = self.alone().await;
        Ok(Tx { inner: Transaction::begin(pool).await?, _permit: permit, is_change: false })
    }

    /// The data key of a run.
    pub(crate) async fn run_key(&self, run: &RunId) -> Result<Arc<RunKey>, StoreError> {
        if let Some(key) = self.run_keys().get(run) {
            return Ok(key.clone());
        }
        const FIND: &str = "SELECT data_key FROM run WHERE id = $1";
        let row = query(FIND)
            .bind(run.as_str())
            .fetch_optional(&self.inner.reader)
            .await?
            .ok_or_else(|| StoreError::NotFound { what: "run", id: run.to_string() })?;
        let wrapped: Option<Vec<u8>> = row.try_get(0)?;
        let wrapped = wrapped.ok_or_else(|| StoreError::Forgotten { run: run.clone() })?;
        let key = RunKey::unwrap(&self.inner.keys, &run_key_place(run), &wrapped)
            .map_err(|source| StoreError::Sealed { what: "the data key of a run", source })?;
        let key = Arc::new(key);
        self.run_key_keep(run, &key);
        Ok(key)
    }

    /// Fails unless `key` is still the data key of its run. What was sealed with an older one is
    /// forgotten, or will be before long.
    pub(crate) async fn run_key_check(&self, run: &RunId, key: &RunKey) -> Result<(), StoreError> {
        if self.run_subject_with(run, key).await?.is_some() {
            return Ok(());
        }
        // Another process may have replaced the key that is kept in memory here.
        self.run_key_drop(run);
        self.run_subject(run).await?;
        Err(StoreError::Forgotten { run: run.clone() })
    }

    pub(crate) fn run_key_keep(&self, run: &RunId, key: &Arc<RunKey>) {
        let mut keys = self.run_keys();
        if keys.len() >= OPEN_RUN_KEYS {
            keys.clear();
        }
        keys.insert(run.clone(), key.clone());
    }

    pub(crate) fn run_key_drop(&self, run: &RunId) {
        self.run_keys().remove(run);
    }

    fn run_keys(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, Arc<RunKey>>> {
        self.inner.run_keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({:?})", self.inner.place)
    }
}

/// The place that a run's wrapped data key is bound to.
pub(crate) fn run_key_place(run: &RunId) -> Vec<u8> {
    format!("run|{run}|data-key").into_bytes()
}

/// Microseconds of the store as a time; out of range is damage.
pub(crate) fn time(microseconds: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(microseconds).map_err(|_| StoreError::Damaged { what: "a time" })
}

/// The same for a column that may be empty.
pub(crate) fn time_or_none(microseconds: Option<i64>) -> Result<Option<Timestamp>, StoreError> {
    microseconds.map(time).transpose()
}

/// A count of the store; negative is damage.
pub(crate) fn count(value: i64) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| StoreError::Damaged { what: "a count" })
}

/// A count for the store. More than 2⁶³ of anything does not happen.
pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Brings the tables up to date. The driver that migrates is `sqlx` for both databases.
async fn migrate(place: &StorePlace, writer: &Pool) -> Result<(), StoreError> {
    let migrated = match (place, writer) {
        (_, Pool::Postgres(pool)) => {
            let migrated = MIGRATIONS.run(pool).await;
            if migrated.is_ok() {
                make_own_indexes(pool).await?;
            }
            migrated
        }
        (place, Pool::Sqlite(..)) => {
            let mut connection = sqlx::AnyConnection::connect(place.url().expose()).await?;
            connection.execute("PRAGMA busy_timeout = 20000").await?;
            let migrated = MIGRATIONS.run(&mut connection).await;
            connection.close().await?;
            migrated
        }
    };
    migrated.map_err(migration_failed)
}

/// Makes what only PostgreSQL needs; one process alone, if several start at once.
async fn make_own_indexes(pool: &sqlx::AnyPool) -> Result<(), StoreError> {
    const LOCK: &str = "SELECT CAST(pg_advisory_xact_lock(hashtext('tutela indexes')) AS TEXT)";
    const IS_THERE: &str = "SELECT COUNT(*) WHERE to_regclass($1) IS NOT NULL";
    let mut tx = pool.begin().await?;
    tx.execute(LOCK).await?;
    for (name, make) in Dialect::Postgres.own_indexes() {
        let is_there: i64 = sqlx::query_scalar(IS_THERE).bind(*name).fetch_one(&mut *tx).await?;
        if is_there == 0 {
            tx.execute(*make).await?;
        }
    }
    Ok(tx.commit().await?)
}

fn migration_failed(source: sqlx::migrate::MigrateError) -> StoreError {
    match source {
        sqlx::migrate::MigrateError::Execute(source)
        | sqlx::migrate::MigrateError::ExecuteMigration(source, _) => source.into(),
        other => StoreError::Schema { source: Box::new(other) },
    }
}
