//! What was used last, by whom and on what, beside the inventory (governance AUT-2).
//!
//! Of each use only the newest time is kept, whatever the order in which events come, so that reading some of them
//! twice changes nothing. The span says of which time *all* events were read: what is not among the uses was not used
//! in it. Whatever goes, because it is old or there is too much, shortens the span first.

mod forget;
mod put;
mod span;

use jiff::Timestamp;
use model::ConnectionKey;

use crate::access_inventory::InventoryKey;
use crate::sql::{Row, query};
use crate::store::{time, time_or_none};
use crate::{Store, StoreError};

pub use put::NewActivity;
pub use span::ActivitySpan;

/// How many uses are read at once.
const AT_ONCE: u32 = 4_096;

/// How far the events of a connection are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityState {
    /// The connection.
    pub connection: ConnectionKey,
    /// Of which time all events were read; none: of no time.
    pub span: Option<ActivitySpan>,
    /// When reading was tried last.
    pub tried_at: Timestamp,
    /// What that did not read, and why; without values.
    pub reason: Option<String>,
}

/// The newest use of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityUse {
    /// Who, and what, in the form of whoever keeps it: equal ones are the same use.
    pub subject: Vec<u8>,
    /// Whether it is the use of one thing, or that anything was used.
    pub of_resource: bool,
    /// When.
    pub last_at: Timestamp,
}

impl Store {
    /// How far the events of a connection are known; none if they were never read.
    pub async fn activity_find(
        &self,
        connection: &ConnectionKey,
    ) -> Result<Option<ActivityState>, StoreError> {
        const FIND: &str = "SELECT connection, read_from, read_until, resources_from, tried_at, reason FROM activity WHERE connection = $1";
        let row = query(FIND).bind(connection.as_str()).fetch_optional(&self.inner.reader).await?;
        row.as_ref().map(state).transpose()
    }

    /// Hands over every use that is kept, in no order that means anything; memory holds a few.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if one was changed or moved.
    pub async fn activity_use_each(
        &self,
        key: &InventoryKey,
        take: &mut (dyn FnMut(ActivityUse) + Send),
    ) -> Result<(), StoreError> {
        const LIST: &str = "SELECT id, of_resource, last_at, sealed FROM activity_use WHERE connection = $1 AND id > $2 ORDER BY id LIMIT $3";
        let mut after = String::new();
        loop {
            let rows = query(LIST)
                .bind(key.connection().as_str())
                .bind(after.as_str())
                .bind(i64::from(AT_ONCE))
                .fetch_all(&self.inner.reader)
                .await?;
            for row in &rows {
                let id: String = row.try_get(0)?;
                let of_resource = row.try_get::<i64>(1)? != 0;
                let sealed: Vec<u8> = row.try_get(3)?;
                let subject = key.open_use((&id, of_resource), &sealed)?;
                take(ActivityUse { subject, of_resource, last_at: time(row.try_get(2)?)? });
                after = id;
            }
            if rows.len() < AT_ONCE as usize {
                return Ok(());
            }
        }
    }
}

fn state(row: &Row) -> Result<ActivityState, StoreError> {
    let connection: String = row.try_get(0)?;
    let damaged = |_| StoreError::Damaged { what: "the connection of events" };
    let (from, until) = (time_or_none(row.try_get(1)?)?, time_or_none(row.try_get(2)?)?);
    let resources_from = time_or_none(row.try_get(3)?)?;
    Ok(ActivityState {
        connection: connection.parse().map_err(damaged)?,
        span: from.zip(until).map(|(from, until)| ActivitySpan {
            from,
            until,
            resources_from: resources_from.unwrap_or(until),
        }),
        tried_at: time(row.try_get(4)?)?,
        reason: row.try_get(5)?,
    })
}
