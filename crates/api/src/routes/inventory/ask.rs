//! What all answers have in common: which state they are from, and what of it is not current.

use std::sync::Arc;

use governance::inventory::{
    At, Cursor, FindError, Inventory, KindState, ListPage, OpenError, PageRequest, QueryError, State, Totals,
    find_state,
};
use jiff::Timestamp;
use model::ConnectionKey;
use serde::Serialize;
use serde_json::{Value, json};
use store::{InventoryStanding, InventoryStateId};

use crate::ApiError;
use crate::routes::connection_sync::find;
use crate::state::ApiState;

/// Rows of a page if nothing is said.
const ROWS: usize = 100;
/// Most rows of a page.
const MOST_ROWS: usize = 1_000;

/// Of which moment is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct AsOf<'a> {
    /// What was in force at this time; now, if neither is said.
    pub(super) at: Option<&'a str>,
    /// The state that an answer named, whatever is in force by now.
    pub(super) state: Option<&'a str>,
}

/// A connection's inventory at a time.
pub(super) struct Asked {
    pub(super) connection: ConnectionKey,
    pub(super) inventory: Arc<Inventory>,
    state: State,
}

impl Asked {
    /// The inventory of a connection now, at a time, or in a state.
    pub(super) async fn of(
        state: &ApiState,
        key: &str,
        as_of: impl Into<AsOf<'_>>,
    ) -> Result<Self, ApiError> {
        let connection = find(state, key).await?.key;
        let at = as_of.into().read()?;
        let found = find_state(state.store(), &connection, &at).await?;
        // One that was held back and is not any more has no rows, and would pass for an empty one.
        let has_rows = |found: &State| match found.head.standing {
            InventoryStanding::Taken | InventoryStanding::Held => true,
            InventoryStanding::Dismissed | InventoryStanding::Replaced => false,
        };
        let found = found.filter(has_rows);
        let found = found.ok_or_else(|| {
            ApiError::NotFound(format!("Nothing is known of who had access to '{key}' at that time."))
        })?;
        let inventory =
            state.inventories().get(state.store(), &found).await.map_err(|error| match error {
                OpenError::Load(_) | OpenError::Rows(_) => ApiError::Private(Box::new(error)),
            })?;
        Ok(Self { connection, inventory, state: found })
    }

    /// When what is told was found last.
    pub(super) fn as_of(&self) -> Timestamp {
        self.state.head.seen_at
    }

    /// Answers a question on a thread that may take its time.
    pub(super) async fn answer<F>(self, question: F) -> Result<Value, ApiError>
    where
        F: FnOnce(&Inventory) -> Result<Value, ApiError> + Send + 'static,
    {
        let frame = self.frame();
        let inventory = Arc::clone(&self.inventory);
        let work = tokio::task::spawn_blocking(move || question(&inventory));
        let answer = work.await.map_err(|error| ApiError::Private(Box::new(error)))??;
        let (Value::Object(mut members), Value::Object(answer)) = (frame, answer) else {
            return Ok(Value::Null);
        };
        members.extend(answer);
        Ok(Value::Object(members))
    }

    /// Which state it is, and what of it is missing or older than the rest.
    pub(super) fn frame(&self) -> Value {
        let head = &self.state.head;
        // Not those of the inventory: a later sync that found the same moves them.
        let kinds: Vec<KindState> = head.kinds.iter().map(KindState::from).collect();
        let not_current: Vec<&KindState> = kinds.iter().filter(|kind| !kind.is_current()).collect();
        json!({
            "state": head.id.as_str(),
            "as_of": head.seen_at.to_string(),
            "incomplete": kinds.iter().any(KindState::is_incomplete),
            "not_current": not_current,
            "kind_states": kinds,
            "left_out": self.inventory.left_out(),
        })
    }
}

impl<'a> AsOf<'a> {
    /// What a query says.
    #[expect(clippy::ref_option, reason = "the fields of a query are handed over as they are")]
    pub(super) fn of(at: &'a Option<String>, state: &'a Option<String>) -> Self {
        Self { at: at.as_deref(), state: state.as_deref() }
    }

    fn read(self) -> Result<At, ApiError> {
        let [at, state] = [self.at, self.state].map(|text| text.filter(|text| !text.is_empty()));
        match (at, state) {
            (None, None) => Ok(At::Now),
            (Some(at), None) => moment("at", at).map(At::Time),
            (None, Some(state)) => InventoryStateId::parse(state)
                .map(At::State)
                .ok_or_else(|| wrong("state", "write what `state` of an answer says")),
            (Some(_), Some(_)) => Err(wrong("state", "write either `at` or `state`")),
        }
    }
}

impl<'a> From<Option<&'a str>> for AsOf<'a> {
    fn from(at: Option<&'a str>) -> Self {
        Self { at, state: None }
    }
}

/// How many rows were told before, as the page before said; rows of questions have no order that outlasts a state.
pub(super) fn told_before(cursor: Option<&str>) -> Result<usize, ApiError> {
    match cursor.filter(|cursor| !cursor.is_empty()) {
        None => Ok(0),
        Some(cursor) => {
            cursor.parse().map_err(|_| wrong("cursor", "write what `next` of the page before says"))
        }
    }
}

/// What the next page has for its cursor, if there is one.
pub(super) fn next((before, shown): (usize, usize), more: bool) -> Option<String> {
    (more && shown > 0).then(|| before.saturating_add(shown).to_string())
}

/// A page of a list as an answer.
pub(super) fn page<T>(page: &ListPage<T>, items: impl IntoIterator<Item = impl Serialize>) -> Value {
    let items: Vec<_> = items.into_iter().collect();
    json!({
        "items": items,
        "total": page.total,
        "next": page.next.as_ref().map(Cursor::to_string),
    })
}

/// Which page is asked for.
pub(super) fn request(cursor: Option<&str>, limit: Option<usize>) -> Result<PageRequest, ApiError> {
    let after = cursor.filter(|cursor| !cursor.is_empty()).map(str::parse::<Cursor>).transpose()?;
    // Counting takes as long as the whole list: it is done once, for the first page.
    let totals = if after.is_some() { Totals::Left } else { Totals::Counted };
    Ok(PageRequest { after, limit: rows(limit)?, totals })
}

/// How many rows are asked for.
pub(super) fn rows(limit: Option<usize>) -> Result<usize, ApiError> {
    match limit.unwrap_or(ROWS) {
        limit if (1..=MOST_ROWS).contains(&limit) => Ok(limit),
        _ => Err(wrong("limit", &format!("write a number from 1 to {MOST_ROWS}"))),
    }
}

/// A time of a query.
pub(super) fn moment(name: &str, text: &str) -> Result<Timestamp, ApiError> {
    text.parse().map_err(|_| wrong(name, "write a time as in `2026-03-01T12:00:00Z`"))
}

/// A part of a query that is wrong.
pub(super) fn wrong(name: &str, message: &str) -> ApiError {
    ApiError::invalid("value_error", vec![json!("query"), json!(name)], message)
}

/// A question that cannot be answered.
impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        Self::Unprocessable(error.to_string())
    }
}

/// A text that does not name one thing; with what it may mean.
impl From<FindError> for ApiError {
    fn from(error: FindError) -> Self {
        let text = error.to_string();
        match error {
            FindError::Nothing { .. } => Self::NotFound(text),
            FindError::Resource { .. } | FindError::Entitlement { .. } => Self::Unprocessable(text),
            FindError::Several { candidates } => {
                let shown = candidates.into_iter().take(20).map(|one| format!("{} ({})", one.id, one.name));
                let shown: Vec<String> = shown.collect();
                Self::Unprocessable(format!("{text}: {}", shown.join("; ")))
            }
        }
    }
}
