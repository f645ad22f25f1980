//! The one place where SQLite and PostgreSQL differ.

use sqlx::any::AnyPoolOptions;
use sqlx::{AnyConnection, Connection as _, Executor as _};

use crate::StoreError;
use crate::sql::{Connection, DatabaseError, Pool, SqliteConnection, query, query_made};
use crate::{StorePlace, sql};

/// Which database keeps the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// Whether a commit must survive a power failure before it returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Survives: ledger, approvals, states.
    Full,
    /// May be lost together with everything after it: page checkpoints, which are read again.
    Relaxed,
}

/// What a store may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everything.
    Write,
    /// Look only: no migration, and the database refuses every write.
    Read,
}

/// How one pool's connections are set up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConnectionSetup {
    pub(crate) dialect: Dialect,
    pub(crate) access: Access,
    /// How much of a file one connection keeps in memory. Not used with a server.
    pub(crate) cache_kib: u32,
    pub(crate) max_bytes: Option<u64>,
}

/// How long a connection that nobody used is taken to be alive without being asked.
const TRUSTED: std::time::Duration = std::time::Duration::from_millis(500);

/// Steps that each hold the database's lock for a moment only.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scrub {
    /// Gives back a part of the room.
    pub(crate) shrink: &'static str,
    /// How much there is to be given back.
    pub(crate) free_pages: &'static str,
    /// Said to a connection of its own before `checkpoint`.
    pub(crate) impatience: &'static str,
    /// Empties the write-ahead log; its first column is not 0 if somebody was in the way.
    pub(crate) checkpoint: &'static str,
}

/// The claim is the one statement whose locking must be said: PostgreSQL has many writers at once.
macro_rules! claim {
    ($lock:literal) => {
        concat!(
            "UPDATE task SET state = 'leased', fence = fence + 1, worker = $1, lease_from = $2, lease_until = $3, ",
            "attempts = attempts + 1 WHERE id = (SELECT t.id FROM task t JOIN run r ON r.id = t.run_id ",
            "WHERE r.state = 'active' AND t.blocked_by = 0 AND ((t.state = 'ready' AND t.due_at <= $4) ",
            // The second half: the clock went back behind the lease's beginning by more than its length.
            "OR (t.state = 'leased' AND (t.lease_until <= $2 OR 2 * t.lease_from - t.lease_until > $2))) ",
            "ORDER BY t.due_at, t.id LIMIT 1",
            $lock,
            ") RETURNING id, run_id, kind, name, fence, attempts, rows_read, pages_read"
        )
    };
}

/// The same for messages.
macro_rules! message_claim {
    ($lock:literal) => {
        concat!(
            "UPDATE message SET state = 'sending', fence = fence + 1, worker = $1, lease_from = $2, ",
            "lease_until = $3, attempts = attempts + 1 WHERE id = (SELECT id FROM message ",
            "WHERE (state = 'waiting' AND due_at <= $4) OR (state = 'sending' AND ",
            "(lease_until <= $2 OR 2 * lease_from - lease_until > $2)) ORDER BY due_at, id LIMIT 1",
            $lock,
            ") RETURNING id, kind, about, sealed, fence, attempts, created_at, expires_at"
        )
    };
}

/// The same for requests of people.
macro_rules! request_claim {
    ($lock:literal) => {
        concat!(
            "UPDATE privacy_request SET worker = $1, fence = fence + 1, lease_from = $2, lease_until = $3, ",
            "attempts = attempts + 1 WHERE id = (SELECT r.id FROM privacy_request r WHERE r.work_at <= $4 ",
            "AND (r.lease_until IS NULL OR r.lease_until <= $2 OR 2 * r.lease_from - r.lease_until > $2) ",
            "ORDER BY r.work_at, r.id LIMIT 1",
            $lock,
            ") RETURNING fence, ",
            crate::privacy_request::columns!()
        )
    };
}

impl Dialect {
    /// The time of the database's own host, where several hosts may share the database.
    pub(crate) fn now(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"),
        }
    }

    /// Takes the next task that is due.
    pub(crate) fn task_claim(self) -> &'static str {
        match self {
            Self::Sqlite => claim!(""),
            Self::Postgres => claim!(" FOR UPDATE OF t SKIP LOCKED"),
        }
    }

    /// Takes the next message that is due.
    pub(crate) fn message_claim(self) -> &'static str {
        match self {
            Self::Sqlite => message_claim!(""),
            Self::Postgres => message_claim!(" FOR UPDATE SKIP LOCKED"),
        }
    }

    /// Takes the next request that is due.
    pub(crate) fn privacy_request_claim(self) -> &'static str {
        match self {
            Self::Sqlite => request_claim!(""),
            Self::Postgres => request_claim!(" FOR UPDATE OF r SKIP LOCKED"),
        }
    }

    /// Whether a text of `column` is between two others, or begins with a third: the two say the same for
    /// texts that are compared by their bytes. Only in that order an index is of use.
    pub(crate) fn begins(self, column: &str) -> String {
        match self {
            Self::Sqlite => format!("({column} >= ? AND {column} < ?)"),
            Self::Postgres => format!("starts_with({}, ?)", self.by_letters(column)),
        }
    }

    /// A text as it is compared to sort by it: by its bytes, whatever language a database speaks.
    pub(crate) fn by_letters(self, text: &str) -> String {
        match self {
            Self::Sqlite => text.to_owned(),
            Self::Postgres => format!("({text} COLLATE \"C\")"),
        }
    }

    /// A table that is to be read by this index. SQLite, which knows nothing of how often values stand in
    /// a table, would guess; PostgreSQL counts them, and chooses by itself.
    pub(crate) fn by_index(self, table: &str, index: Option<&str>) -> String {
        match (self, index) {
            (Self::Sqlite, Some(index)) => format!("{table} INDEXED BY {index}"),
            (Self::Sqlite, None) | (Self::Postgres, _) => table.to_owned(),
        }
    }

    /// Indexes that one of the two needs beside those of the tables: here texts by their bytes, which in
    /// SQLite is the order of every index. Names, and how they are made.
    pub(crate) fn own_indexes(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Sqlite => &[],
            Self::Postgres => &[
                (
                    "privacy_request_by_external_letters",
                    "CREATE INDEX privacy_request_by_external_letters ON privacy_request ((external_id COLLATE \"C\")) WHERE external_id IS NOT NULL",
                ),
                (
                    "privacy_request_by_location_letters",
                    "CREATE INDEX privacy_request_by_location_letters ON privacy_request ((location COLLATE \"C\")) WHERE location IS NOT NULL",
                ),
            ],
        }
    }

    /// Said in a transaction that counts all days anew; SQLite has one writer in any case.
    pub(crate) fn lock_days(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("LOCK TABLE privacy_request_day IN EXCLUSIVE MODE"),
        }
    }

    /// Said in a transaction that made work for others.
    pub(crate) fn wake(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("SELECT CAST(pg_notify('tutela', '') AS TEXT)"),
        }
    }

    /// What is said after personal data was destroyed, so that the file gives back the room, and no
    /// copy stays in the write-ahead log.
    pub(crate) fn scrub(self) -> Option<Scrub> {
        match self {
            Self::Sqlite => Some(Scrub {
                shrink: "PRAGMA incremental_vacuum(1000)",
                free_pages: "PRAGMA freelist_count",
                // Waiting for readers, it keeps all writers out.
                impatience: "PRAGMA busy_timeout = 200",
                checkpoint: "PRAGMA wal_checkpoint(TRUNCATE)",
            }),
            Self::Postgres => None,
        }
    }

    /// SQLite has one writer; more connections would only wait for each other.
    pub(crate) fn writers(self) -> u32 {
        match self {
            Self::Sqlite => 1,
            Self::Postgres => 8,
        }
    }

    /// Whether reading needs connections of its own, and writers wait for each other.
    pub(crate) fn has_one_writer(self) -> bool {
        match self {
            Self::Sqlite => true,
            Self::Postgres => false,
        }
    }

    /// Loosens the durability of one transaction.
    pub(crate) fn relax(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("SET LOCAL synchronous_commit TO off"),
        }
    }
}

impl ConnectionSetup {
    /// Connections that are all set up this way, each made when it is needed.
    pub(crate) fn pool(self, place: &StorePlace, most: u32) -> Result<Pool, StoreError> {
        match place {
            StorePlace::File(path) => Ok(Pool::of_file(path, self, most)),
            StorePlace::Postgres(url) => {
                let options = AnyPoolOptions::new()
                    .max_connections(most)
                    .acquire_timeout(sql::WAIT)
                    // Asking each time would cost as much as a statement.
                    .test_before_acquire(false)
                    .before_acquire(|connection, about| {
                        let may_be_gone = about.idle_for > TRUSTED;
                        Box::pin(async move {
                            if may_be_gone {
                                connection.ping().await?;
                            }
                            Ok(true)
                        })
                    })
                    .after_connect(move |connection, _| Box::pin(self.prepare_session(connection)));
                Ok(Pool::Postgres(options.connect_lazy(url.expose()).map_err(DatabaseError::from)?))
            }
        }
    }

    pub(crate) async fn prepare_file(self, connection: &mut SqliteConnection) -> Result<(), DatabaseError> {
        connection.set_durability(Durability::Full).await?;
        let mut connection = Connection::Sqlite(connection);
        connection.say("PRAGMA foreign_keys = ON").await?;
        connection.say("PRAGMA secure_delete = ON").await?;
        query_made(format!("PRAGMA cache_size = -{}", self.cache_kib)).execute(&mut connection).await?;
        // Counts for a file that has no tables yet; later it would only wait for the writer.
        let pages: i64 = query("PRAGMA page_count").fetch_one(&mut connection).await?.try_get(0)?;
        if self.access == Access::Write && pages == 0 {
            connection.say("PRAGMA auto_vacuum = INCREMENTAL").await?;
        }
        connection
            .say(match self.access {
                Access::Write => "PRAGMA journal_mode = WAL",
                Access::Read => "PRAGMA query_only = ON",
            })
            .await?;
        if let Some(bytes) = self.max_bytes {
            let limit = format!("PRAGMA max_page_count = {}", (bytes / 4096).max(1));
            query_made(limit).execute(&mut connection).await?;
        }
        Ok(())
    }

    async fn prepare_session(self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        connection.execute("SET synchronous_commit TO on").await?;
        connection.execute("SET idle_in_transaction_session_timeout TO '60s'").await?;
        connection.execute("SET lock_timeout TO '20s'").await?;
        if self.access == Access::Read {
            connection.execute("SET default_transaction_read_only TO on").await?;
        }
        Ok(())
    }

    /// Refuses a database whose commits would not survive (architecture law 3).
    pub(crate) async fn check_durable(self, mut connection: Connection<'_>) -> Result<(), StoreError> {
        match self.dialect {
            Dialect::Sqlite => {
                let level: i64 = query("PRAGMA synchronous").fetch_one(&mut connection).await?.try_get(0)?;
                check("synchronous", &level.to_string(), "2")?;
                let mode: String =
                    query("PRAGMA journal_mode").fetch_one(&mut connection).await?.try_get(0)?;
                check("journal_mode", &mode, "wal")
            }
            Dialect::Postgres => {
                let commit: String =
                    query("SHOW synchronous_commit").fetch_one(&mut connection).await?.try_get(0)?;
                check("synchronous_commit", &commit, "on")?;
                let fsync: String = query("SHOW fsync").fetch_one(&mut connection).await?.try_get(0)?;
                if fsync != "on" {
                    tracing::error!(
                        "the server of the state database has fsync off; a power failure loses the ledger"
                    );
                }
                Ok(())
            }
        }
    }
}

fn check(setting: &'static str, found: &str, wanted: &'static str) -> Result<(), StoreError> {
    if found == wanted {
        return Ok(());
    }
    Err(StoreError::NotDurable { setting, found: found.to_owned(), wanted })
}

/// Sorts an error of the database by its code: SQLite's extended numbers, PostgreSQL's five characters.
pub(crate) fn classify(code: &str, source: DatabaseError) -> StoreError {
    // Five characters are a PostgreSQL class; the low byte of a SQLite number is its primary code.
    let primary = code.parse::<u32>().ok().filter(|_| code.len() < 5).map(|number| number & 0xff);
    match (primary, code) {
        (Some(5 | 6), _) | (_, "40001" | "40P01" | "55P03") => StoreError::Busy { source },
        (Some(8), _) | (_, "25006" | "42501") => StoreError::ReadOnly { source },
        (Some(13), _) | (_, "53100") => StoreError::DiskFull { source },
        (_, "57P01" | "57P02" | "57P03" | "25P03" | "53300") => StoreError::Unavailable { source },
        (_, code) if code.starts_with("08") => StoreError::Unavailable { source },
        _ => StoreError::Database { source },
    }
}
