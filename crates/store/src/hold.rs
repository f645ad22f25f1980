//! What must not be erased, by which law, and how long; and what is left of requests until then.

mod extension;
mod rest;

pub use extension::DeadlineExtension;
pub use rest::HoldRest;

use jiff::Timestamp;
use model::PrivacyRequestId;
use serde_json::json;

use crate::privacy_request::{Lookup, lookup_field};
use crate::sql::{Row, query};
use crate::store::{count, signed, time, time_or_none};
use crate::{Actor, AuditEvent, Listed, Store, StoreError, Window};

/// A hold as the store knows it; whom it is about stays hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its id.
    pub id: String,
    /// The collection (`shop:invoices`) or connection (`shop`) that is kept; none: everything.
    pub place: Option<String>,
    /// The law, or the matter, that asks for it.
    pub ground: String,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
    /// Whether it is about certain people.
    pub of_people: bool,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it was taken back.
    pub lifted_at: Option<Timestamp>,
}

/// A hold to be made.
#[derive(Debug)]
pub struct NewHold {
    /// What is kept; none: everything.
    pub place: Option<String>,
    /// The law, or the matter.
    pub ground: String,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
    /// Whom it is about; none: everybody.
    pub people: Vec<Lookup>,
    /// Who makes it.
    pub actor: Actor,
}

macro_rules! columns {
    () => {
        "h.id, h.place, h.ground, h.until_at, (SELECT COUNT(*) FROM hold_person p WHERE p.hold = h.id), h.created_by, h.created_at, h.lifted_at"
    };
}

impl Store {
    /// Makes a hold.
    pub async fn hold_create(&self, new: NewHold) -> Result<Hold, StoreError> {
        const CREATE: &str = "INSERT INTO hold (id, place, ground, until_at, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
        const PERSON: &str =
            "INSERT INTO hold_person (hold, field, hash) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        const READ: &str = concat!("SELECT ", columns!(), " FROM hold h WHERE h.id = $1");
        let id = format!("hld_{}", self.inner.ids.next_uuid());
        let mut tx = self.begin().await?;
        query(CREATE)
            .bind(id.as_str())
            .bind(new.place.as_deref())
            .bind(new.ground.as_str())
            .bind(new.until.map(Timestamp::as_microsecond))
            .bind(new.actor.as_str())
            .bind(self.now())
            .execute(tx.connection())
            .await?;
        for person in &new.people {
            query(PERSON)
                .bind(id.as_str())
                .bind(lookup_field(person.field))
                .bind(self.lookup_hash(person).to_vec())
                .execute(tx.connection())
                .await?;
        }
        let hold = hold(&query(READ).bind(id.as_str()).fetch_one(tx.connection()).await?)?;
        let details = json!({
            "place": new.place, "ground": new.ground, "until": new.until, "of_people": hold.of_people,
        });
        self.audit_enter_in(&mut tx, &AuditEvent::new(new.actor, "hold.created", &id).with(details)).await?;
        tx.commit().await?;
        Ok(hold)
    }

    /// Takes a hold back. Requests that waited for it are looked at again; says whether it was in force.
    pub async fn hold_lift(&self, id: &str, actor: Actor) -> Result<bool, StoreError> {
        const LIFT: &str =
            "UPDATE hold SET lifted_at = $2, lifted_by = $3 WHERE id = $1 AND lifted_at IS NULL";
        const LOOK: &str =
            "UPDATE hold_rest SET due_at = $1 WHERE follow_up IS NULL AND (due_at IS NULL OR due_at > $1)";
        let mut tx = self.begin().await?;
        let lifted =
            query(LIFT).bind(id).bind(self.now()).bind(actor.as_str()).execute(tx.connection()).await?;
        if lifted.rows_affected() == 0 {
            return Ok(false);
        }
        query(LOOK).bind(self.now()).execute(tx.connection()).await?;
        self.audit_enter_in(&mut tx, &AuditEvent::new(actor, "hold.lifted", id)).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Holds that were not taken back, the newest first.
    pub async fn hold_list(&self, window: Window) -> Result<Listed<Hold>, StoreError> {
        const LIST: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM hold h WHERE h.lifted_at IS NULL ORDER BY h.created_at DESC, h.id DESC LIMIT $2 OFFSET $1"
        );
        const COUNT: &str = "SELECT COUNT(*) FROM hold WHERE lifted_at IS NULL";
        let reader = &self.inner.reader;
        let rows =
            query(LIST).bind(signed(window.offset)).bind(i64::from(window.limit)).fetch_all(reader).await?;
        let total = count(query(COUNT).fetch_one(reader).await?.try_get(0)?)?;
        Ok(Listed { items: rows.iter().map(hold).collect::<Result<_, _>>()?, total })
    }

    /// The holds that are in force for the person of a request, and those for everybody.
    pub async fn hold_list_of(&self, request: &PrivacyRequestId) -> Result<Vec<Hold>, StoreError> {
        const LIST: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM hold h WHERE h.lifted_at IS NULL AND (h.until_at IS NULL OR h.until_at > $2) ",
            "AND (NOT EXISTS (SELECT 1 FROM hold_person p WHERE p.hold = h.id) ",
            "OR EXISTS (SELECT 1 FROM hold_person p JOIN privacy_request_lookup l ON l.field = p.field AND l.hash = p.hash ",
            "WHERE p.hold = h.id AND l.request = $1)) ORDER BY h.created_at, h.id"
        );
        let query = query(LIST).bind(request.as_str()).bind(self.now());
        query.fetch_all(&self.inner.reader).await?.iter().map(hold).collect()
    }
}

fn hold(row: &Row) -> Result<Hold, StoreError> {
    Ok(Hold {
        id: row.try_get(0)?,
        place: row.try_get(1)?,
        ground: row.try_get(2)?,
        until: time_or_none(row.try_get(3)?)?,
        of_people: row.try_get::<i64>(4)? > 0,
        created_by: row.try_get(5)?,
        created_at: time(row.try_get(6)?)?,
        lifted_at: time_or_none(row.try_get(7)?)?,
    })
}
