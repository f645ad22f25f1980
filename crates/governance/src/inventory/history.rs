//! What was in force when, and what a person says to what is held back.

use jiff::Timestamp;
use model::ConnectionKey;
use store::{
    Actor, InventoryForgotten, InventoryPart, InventoryState, InventoryStateId, Listed, Store, StoreError,
    Window,
};

/// Which state is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// What is in force.
    Now,
    /// What was in force at a time.
    Time(Timestamp),
    /// The one of this id, whatever became of it.
    State(InventoryStateId),
    /// The one that is held back.
    Held,
}

/// A state, and which rows it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The state.
    pub head: InventoryState,
    /// Its parts; none of one that was held back and is not any more.
    pub parts: Vec<InventoryPart>,
}

/// The state that is asked for, if there is one.
///
/// Times of reading, of the whole and of kinds and parts, are never later than the time that is asked about: what
/// was found again later was so then.
///
/// # Errors
/// [`StoreError`] if the state database does not answer.
pub async fn find_state(
    store: &Store,
    connection: &ConnectionKey,
    at: &At,
) -> Result<Option<State>, StoreError> {
    let head = match at {
        At::Now => store.inventory_state_now(connection).await?,
        At::Time(at) => store.inventory_state_at(connection, *at).await?,
        At::State(id) => store.inventory_state_find(connection, id).await?,
        At::Held => store.inventory_state_held(connection).await?,
    };
    let Some(head) = head else { return Ok(None) };
    let parts = store.inventory_part_list(&head.id).await?;
    let mut state = State { head, parts };
    if let At::Time(at) = at {
        state.head.read_at = state.head.read_at.min(*at);
        state.head.seen_at = state.head.seen_at.min(*at);
        for kind in &mut state.head.kinds {
            kind.as_of = kind.as_of.map(|as_of| as_of.min(*at));
        }
        for part in &mut state.parts {
            part.as_of = part.as_of.min(*at);
        }
    }
    Ok(Some(state))
}

/// States of a connection, the one kept last first; those too that were held back.
///
/// # Errors
/// [`StoreError`] if the state database does not answer.
pub async fn list_states(
    store: &Store,
    connection: &ConnectionKey,
    window: Window,
) -> Result<Listed<InventoryState>, StoreError> {
    store.inventory_state_list(connection, window).await
}

/// A person says that what is gone is gone: what is held back comes into force, and the next sync is measured
/// by it. Its id, if something is held back (governance CON-24).
///
/// # Errors
/// [`StoreError`] if that cannot be kept.
pub async fn confirm(
    store: &Store,
    connection: &ConnectionKey,
    actor: Actor,
) -> Result<Option<InventoryStateId>, StoreError> {
    store.inventory_confirm(connection, actor).await
}

/// A person says that it is not so: what is held back goes, and what is in force stays. Its id, if something
/// was held back.
///
/// # Errors
/// [`StoreError`] if that cannot be kept.
pub async fn dismiss(
    store: &Store,
    connection: &ConnectionKey,
    actor: Actor,
) -> Result<Option<InventoryStateId>, StoreError> {
    store.inventory_dismiss(connection, actor).await
}

/// Destroys what was not in force any more at `before`, and what was used last before, in one bounded pass.
///
/// # Errors
/// [`StoreError`] if the state database does not answer; the next pass goes on.
pub async fn forget(store: &Store, before: Timestamp) -> Result<InventoryForgotten, StoreError> {
    store.activity_forget(before).await?;
    store.inventory_forget(before, Actor::system()).await
}
