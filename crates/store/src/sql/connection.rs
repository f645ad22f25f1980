use super::sqlite::SqliteConnection;
use super::{DatabaseError, query};

/// A connection to either database, for as long as somebody may use it.
#[derive(Debug)]
pub(crate) enum Connection<'a> {
    Sqlite(&'a mut SqliteConnection),
    Postgres(&'a mut sqlx::AnyConnection),
}

impl Connection<'_> {
    /// Says a statement that has no values and no answer.
    pub(crate) async fn say(&mut self, text: &'static str) -> Result<(), DatabaseError> {
        query(text).execute(self).await?;
        Ok(())
    }
}
