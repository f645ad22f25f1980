//! Whether the database answers, and is the one that this version needs.

use crate::migrations::MIGRATIONS;
use crate::sql::{Pool, query};
use crate::store::count;
use crate::{Store, StoreError};

/// What the database says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseHealth {
    /// The newest migration that its tables have.
    pub revision: u64,
    /// The newest that this version knows.
    pub wanted: u64,
    /// Connections to it.
    pub pools: Vec<PoolHealth>,
}

/// Connections of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolHealth {
    /// `writer` or `reader`.
    pub name: &'static str,
    /// How many are open.
    pub open: u32,
    /// How many of them wait for work.
    pub idle: usize,
    /// How many there may be.
    pub most: u32,
}

impl Store {
    /// Asks the database which tables it has.
    pub async fn database_health(&self) -> Result<DatabaseHealth, StoreError> {
        const NEWEST: &str = "SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations WHERE success";
        let row = query(NEWEST).fetch_one(&self.inner.reader).await?;
        let wanted = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0);
        let pool = |name, pool: &Pool| {
            let counted = pool.counted();
            PoolHealth { name, open: counted.open, idle: counted.idle, most: counted.most }
        };
        Ok(DatabaseHealth {
            revision: count(row.try_get(0)?)?,
            wanted: count(wanted)?,
            pools: vec![pool("writer", &self.inner.writer), pool("reader", &self.inner.reader)],
        })
    }
}
