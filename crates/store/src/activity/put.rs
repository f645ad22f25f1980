use model::ConnectionKey;

use super::{ActivitySpan, ActivityState, ActivityUse, state};
use crate::access_inventory::InventoryKey;
use crate::sql::{query, query_made};
use crate::store::{Tx, count, signed, time};
use crate::values::{parts, values};
use crate::{Store, StoreError};

/// How many uses one transaction takes, so that others write in between.
const USES: usize = 2_048;

/// What was read of the events of a connection.
#[derive(Debug)]
pub struct NewActivity<'a> {
    /// The key of the connection's inventory.
    pub key: &'a InventoryKey,
    /// The uses that were found, each once; also if not all of the time was read.
    pub uses: &'a [ActivityUse],
    /// Of which time all events were read.
    pub span: Option<ActivitySpan>,
    /// What was not read, and why; without values.
    pub reason: Option<&'a str>,
    /// How many uses of things stay, and how many that anything was used. Those that were used longest ago go.
    pub most_uses: u64,
}

impl Store {
    /// Keeps what was read. Uses come first and the span last: cut off in between, it says less than is known.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if the connection was removed meanwhile.
    pub async fn activity_put(&self, new: &NewActivity<'_>) -> Result<ActivityState, StoreError> {
        let connection = new.key.connection();
        self.activity_begin(connection, new.reason).await?;
        for some in new.uses.chunks(USES) {
            let mut tx = self.begin().await?;
            for some in parts(some) {
                uses_put(&mut tx, new.key, some).await?;
            }
            tx.commit().await?;
        }
        if let Some(span) = new.span {
            let now = time(self.now())?;
            // One that ends later than now was kept by a clock that was ahead: nobody knows what it stands for.
            let join = |known: Option<ActivitySpan>| {
                Some(known.filter(|known| known.until <= now).map_or(span, |known| known.joined(span)))
            };
            self.activity_span_put(connection, join).await?;
        }
        for of_resource in [true, false] {
            self.activity_bound(connection, (of_resource, new.most_uses)).await?;
        }
        let found = self.activity_find(connection).await?;
        found.ok_or_else(|| gone(connection))
    }

    /// Notes that reading was tried. The inventory's row is held meanwhile, so that a removal of the connection is
    /// either before it or after it.
    async fn activity_begin(
        &self,
        connection: &ConnectionKey,
        reason: Option<&str>,
    ) -> Result<(), StoreError> {
        const LOCK: &str = "UPDATE inventory SET state_id = state_id WHERE connection = $1";
        const GONE: &str = "SELECT 1 FROM inventory i JOIN inventory_state s ON s.id = i.state_id WHERE i.connection = $1 AND s.origin = 'removal' AND NOT EXISTS (SELECT 1 FROM connection c WHERE c.key = i.connection)";
        const PUT: &str = "INSERT INTO activity (connection, tried_at, reason) VALUES ($1, $2, $3) ON CONFLICT (connection) DO UPDATE SET tried_at = excluded.tried_at, reason = excluded.reason";
        let mut tx = self.begin().await?;
        let locked = query(LOCK).bind(connection.as_str()).execute(tx.connection()).await?;
        let removed = query(GONE).bind(connection.as_str()).fetch_optional(tx.connection()).await?;
        if locked.rows_affected() == 0 || removed.is_some() {
            return Err(gone(connection));
        }
        query(PUT).bind(connection.as_str()).bind(self.now()).bind(reason).execute(tx.connection()).await?;
        tx.commit().await
    }

    /// Changes the span of a connection, if it is still there.
    pub(super) async fn activity_span_put(
        &self,
        connection: &ConnectionKey,
        change: impl FnOnce(Option<ActivitySpan>) -> Option<ActivitySpan> + Send,
    ) -> Result<(), StoreError> {
        const LOCK: &str = "UPDATE activity SET tried_at = tried_at WHERE connection = $1 RETURNING connection, read_from, read_until, resources_from, tried_at, reason";
        const PUT: &str =
            "UPDATE activity SET read_from = $2, read_until = $3, resources_from = $4 WHERE connection = $1";
        let mut tx = self.begin().await?;
        let row = query(LOCK).bind(connection.as_str()).fetch_optional(tx.connection()).await?;
        let Some(row) = row else { return Err(gone(connection)) };
        let span = change(state(&row)?.span);
        query(PUT)
            .bind(connection.as_str())
            .bind(span.map(|span| span.from.as_microsecond()))
            .bind(span.map(|span| span.until.as_microsecond()))
            .bind(span.map(|span| span.resources_from.as_microsecond()))
            .execute(tx.connection())
            .await?;
        tx.commit().await
    }

    /// Lets the uses go that were longest ago, if there are too many. First the span says that they are not known.
    async fn activity_bound(
        &self,
        connection: &ConnectionKey,
        (of_resource, most): (bool, u64),
    ) -> Result<(), StoreError> {
        const COUNT: &str = "SELECT COUNT(*) FROM activity_use WHERE connection = $1 AND of_resource = $2";
        const LAST: &str = "SELECT last_at FROM activity_use WHERE connection = $1 AND of_resource = $2 ORDER BY last_at DESC LIMIT 1 OFFSET $3";
        let of = i64::from(of_resource);
        let reader = &self.inner.reader;
        let row = query(COUNT).bind(connection.as_str()).bind(of).fetch_one(reader).await?;
        if count(row.try_get(0)?)? <= most {
            return Ok(());
        }
        let last = query(LAST).bind(connection.as_str()).bind(of).bind(signed(most));
        let Some(row) = last.fetch_optional(reader).await? else { return Ok(()) };
        // Up to here, and what was at the same moment.
        let last: i64 = row.try_get(0)?;
        let known_from = time(last.saturating_add(1))?;
        self.activity_span_put(connection, |span| {
            let span = span?;
            if of_resource {
                let resources_from = span.resources_from.max(known_from);
                return Some(ActivitySpan { resources_from, ..span });
            }
            span.behind(known_from)
        })
        .await?;
        self.activity_use_delete(connection, of_resource, last).await.map(|_| ())
    }
}

async fn uses_put(tx: &mut Tx, key: &InventoryKey, some: &[ActivityUse]) -> Result<(), StoreError> {
    let values = values::<5>(some.len());
    let put = format!(
        "INSERT INTO activity_use (connection, id, of_resource, last_at, sealed) VALUES {values} ON CONFLICT (connection, id) DO UPDATE SET last_at = excluded.last_at WHERE excluded.last_at > activity_use.last_at"
    );
    let mut query = query_made(put);
    for one in some {
        let (id, sealed) = key.seal_use(one.of_resource, &one.subject);
        query = query
            .bind(key.connection().as_str())
            .bind(id)
            .bind(i64::from(one.of_resource))
            .bind(one.last_at.as_microsecond())
            .bind(sealed);
    }
    query.execute(tx.connection()).await?;
    Ok(())
}

fn gone(connection: &ConnectionKey) -> StoreError {
    StoreError::NotFound { what: "connection", id: connection.to_string() }
}
