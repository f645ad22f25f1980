//! Inventories in memory, so that questions about the same state do not load it anew.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use governance::inventory::{Inventory, OpenError, State};
use store::{InventoryStateId, Store};
use tokio::sync::Semaphore;

/// How much memory they may take together; one alone may take more.
const MOST_BYTES: usize = 512 << 20;

/// Those that were asked last, the newest at the end.
pub(crate) struct Inventories {
    kept: Mutex<Vec<(InventoryStateId, Arc<Inventory>)>>,
    most_bytes: usize,
    /// One is loaded at a time: loading takes memory beside what stays.
    loading: Semaphore,
}

impl Inventories {
    pub(crate) fn new() -> Self {
        Self::of_bytes(MOST_BYTES)
    }

    fn of_bytes(most_bytes: usize) -> Self {
        Self { kept: Mutex::default(), most_bytes, loading: Semaphore::new(1) }
    }

    /// Everything that a state has.
    pub(crate) async fn get(&self, store: &Store, state: &State) -> Result<Arc<Inventory>, OpenError> {
        if let Some(found) = self.find(&state.head.id) {
            return Ok(found);
        }
        let _one = self.loading.acquire().await;
        // Whoever was here before may have loaded it.
        if let Some(found) = self.find(&state.head.id) {
            return Ok(found);
        }
        let loaded = Arc::new(Inventory::open(store, state).await?);
        self.keep(state.head.id.clone(), &loaded);
        Ok(loaded)
    }

    fn find(&self, id: &InventoryStateId) -> Option<Arc<Inventory>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let place = kept.iter().position(|(known, _)| known == id)?;
        let found = kept.remove(place);
        let inventory = Arc::clone(&found.1);
        kept.push(found);
        Some(inventory)
    }

    fn keep(&self, id: InventoryStateId, loaded: &Arc<Inventory>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push((id, Arc::clone(loaded)));
        let bytes = |kept: &[(InventoryStateId, Arc<Inventory>)]| -> usize {
            kept.iter().map(|(_, inventory)| inventory.bytes()).sum()
        };
        while kept.len() > 1 && bytes(&kept) > self.most_bytes {
            kept.remove(0);
        }
    }
}

impl fmt::Debug for Inventories {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inventories")
    }
}

#[cfg(test)]
mod tests {
    use c1z::{Limits, NewRun, RunEnd, SyncType, Writer};
    use crypto::{KeyRing, MasterKey};
    use governance::inventory::{At, KeepRequest, ShrinkGuard, find_state, keep_file};
    use model::RandomIds;
    use protos::Ksuid;
    use protos::c1::connector::v2::{Resource, ResourceId, ResourceType};
    use store::{Access, Actor, StoreParts, StorePlace};
    use tempfile::TempDir;
    use testkit::TestClock;

    use super::*;

    async fn opened(folder: &TempDir) -> Store {
        let parts = StoreParts {
            place: StorePlace::File(folder.path().join("state.db")),
            keys: KeyRing::new(MasterKey::random()),
            clock: Arc::new(TestClock::new()),
            ids: Arc::new(RandomIds),
            access: Access::Write,
            max_bytes: None,
        };
        Store::open(parts).await.unwrap()
    }

    /// A state of a connection with a few people.
    async fn state(store: &Store, connection: &str, folder: &TempDir) -> State {
        let path = folder.path().join(format!("{connection}.c1z"));
        let started_at = store.clock().now();
        let sync_id = Ksuid::new(started_at.as_second(), [7; 16]).unwrap().to_string();
        let run = NewRun { sync_id, started_at, sync_type: SyncType::Full, parent_sync_id: String::new() };
        let mut file = Writer::create(&path, Some(folder.path()), run).unwrap();
        file.resource_type(&ResourceType { id: "user".to_owned(), ..ResourceType::default() }).unwrap();
        for number in 0..20 {
            let id = ResourceId {
                resource_type: "user".to_owned(),
                resource: format!("u{number}"),
                ..ResourceId::default()
            };
            file.resource(&Resource { id: Some(id), ..Resource::default() }).unwrap();
        }
        file.finish(RunEnd { ended_at: started_at, actions: 1 }).unwrap();
        let connection = connection.parse().unwrap();
        let (guard, actor) = (ShrinkGuard::Off, Actor::system());
        let request = KeepRequest { store, connection: &connection, guard, actor };
        keep_file(&request, (&path, &Limits::default()), &[]).await.unwrap();
        find_state(store, &connection, &At::Now).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn what_was_asked_last_is_not_loaded_anew_and_what_was_asked_longest_ago_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(&folder).await;
        let (first, second) = (state(&store, "a", &folder).await, state(&store, "b", &folder).await);
        let third = state(&store, "c", &folder).await;
        let bytes = Inventory::open(&store, &first).await.unwrap().bytes();
        // Two of them, and no third.
        let inventories = Inventories::of_bytes(bytes * 5 / 2);
        let get = async |state: &State| inventories.get(&store, state).await.unwrap();

        let (one, two) = (get(&first).await, get(&second).await);
        let again = get(&first).await;
        get(&third).await;

        assert!(Arc::ptr_eq(&one, &again));
        assert!(Arc::ptr_eq(&one, &get(&first).await), "it was asked after the second");
        assert!(!Arc::ptr_eq(&two, &get(&second).await), "it made room for the third");
    }

    #[tokio::test]
    async fn one_that_is_larger_than_the_bound_stays_alone() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(&folder).await;
        let (first, second) = (state(&store, "a", &folder).await, state(&store, "b", &folder).await);
        let inventories = Inventories::of_bytes(1);
        let get = async |state: &State| inventories.get(&store, state).await.unwrap();

        let one = get(&first).await;
        let again = get(&first).await;
        get(&second).await;

        assert!(Arc::ptr_eq(&one, &again));
        assert!(!Arc::ptr_eq(&one, &get(&first).await));
    }
}
