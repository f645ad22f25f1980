use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Which database stands behind a connection.
///
/// The last two are known by name only: a driver for one of them is a file in `driver/`, a variant
/// of its enum, and what the compiler then asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DatabaseKind {
    /// PostgreSQL, and what speaks its protocol.
    PostgreSql,
    /// MySQL and MariaDB.
    MySql,
    /// A SQLite file.
    Sqlite,
    /// Microsoft SQL Server; no driver yet.
    SqlServer,
    /// MongoDB; no driver yet.
    MongoDb,
}

impl DatabaseKind {
    /// The name in project files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PostgreSql => "postgres",
            Self::MySql => "mysql",
            Self::Sqlite => "sqlite",
            Self::SqlServer => "mssql",
            Self::MongoDb => "mongodb",
        }
    }

    /// Whether this build can connect to it.
    pub fn is_built_in(self) -> bool {
        match self {
            Self::PostgreSql => cfg!(feature = "postgres"),
            Self::MySql => cfg!(feature = "mysql"),
            Self::Sqlite => cfg!(feature = "sqlite"),
            Self::SqlServer | Self::MongoDb => false,
        }
    }

    pub(crate) fn default_port(self) -> u16 {
        match self {
            Self::PostgreSql => 5432,
            Self::MySql => 3306,
            Self::SqlServer => 1433,
            Self::MongoDb => 27017,
            Self::Sqlite => 0,
        }
    }
}

impl fmt::Display for DatabaseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DatabaseKind {
    type Err = UnknownDatabaseKind;

    /// Reads the `connector` of a project file; `postgresql` and `mariadb` are other names.
    fn from_str(text: &str) -> Result<Self, UnknownDatabaseKind> {
        match text {
            "postgres" | "postgresql" => Ok(Self::PostgreSql),
            "mysql" | "mariadb" => Ok(Self::MySql),
            "sqlite" => Ok(Self::Sqlite),
            "mssql" => Ok(Self::SqlServer),
            "mongodb" => Ok(Self::MongoDb),
            _ => Err(UnknownDatabaseKind { text: text.to_owned() }),
        }
    }
}

impl From<spec::DatabaseKind> for DatabaseKind {
    fn from(kind: spec::DatabaseKind) -> Self {
        match kind {
            spec::DatabaseKind::Postgres => Self::PostgreSql,
            spec::DatabaseKind::MySql => Self::MySql,
            spec::DatabaseKind::Sqlite => Self::Sqlite,
        }
    }
}

/// A name that is no database.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` is not a database; write `postgres`, `mysql` or `sqlite`")]
pub struct UnknownDatabaseKind {
    text: String,
}
