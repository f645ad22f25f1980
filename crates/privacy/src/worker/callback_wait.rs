//! Saying which applications are to call back.

use engine::WaitsFor;
use model::CollectionAddress;
use store::{
    Callback, CallbackAction, CallbackState, LedgerEntry, LedgerState, NewRequestLog, RequestLogKind,
    RequestStep, StoreError,
};

use super::halt::{CALLBACK, Halt, WRITE_UNKNOWN};
use super::journey::Journey;
use super::plan_step::Approved;

impl Journey<'_> {
    /// A write whose answer was not seen is told of by the application, if it is to call back about it:
    /// then that is waited for before a person is asked.
    pub(super) async fn unless_called_back(&self, halt: Halt, approved: &Approved) -> Result<Halt, Halt> {
        const STEP: RequestStep = RequestStep::Erasure;
        let Halt::Waits(waits) = &halt else { return Ok(halt) };
        if waits.attention != Some(WRITE_UNKNOWN) {
            return Ok(halt);
        }
        let (store, plan) = (self.store(), &approved.plan);
        let ledger = store.ledger_list(plan.digest()).await;
        let ledger = ledger.map_err(|error| Halt::of_store(&error, STEP))?;
        let callbacks = store.callback_list(&plan.contents().run).await;
        let callbacks = callbacks.map_err(|error| Halt::of_store(&error, STEP))?;
        let is_unknown = |callback: &Callback| {
            let of_it = |entry: &LedgerEntry| u64::from(entry.operation) == callback.number;
            ledger.iter().any(|entry| entry.state == LedgerState::Unknown && of_it(entry))
        };
        let now = self.clock().now();
        let open = callbacks.iter().filter(|one| one.owner == plan.digest().as_str() && is_unknown(one));
        let until = open.filter(|one| one.state == CallbackState::Asked).map(|one| one.expires_at);
        Ok(match until.filter(|until| *until > now).min() {
            Some(until) => Halt::of_application((until, WaitsFor::Call), STEP),
            None => halt,
        })
    }

    /// Enters in the request's log what it waits for, once for each collection, unless it waited before.
    pub(super) async fn tell_of_callbacks(&self) -> Result<(), StoreError> {
        if self.request.attention.as_deref() == Some(CALLBACK) {
            return Ok(());
        }
        let mut told = Vec::new();
        for run in [&self.request.access_run, &self.request.change_run].into_iter().flatten() {
            for callback in self.store().callback_list(run).await? {
                if callback.state == CallbackState::Asked && !told.contains(&callback.name) {
                    self.hold.tell(entry(&callback));
                    told.push(callback.name);
                }
            }
        }
        Ok(())
    }
}

fn entry(callback: &Callback) -> NewRequestLog {
    let address = match callback.action {
        CallbackAction::Access => callback.name.parse::<CollectionAddress>().ok(),
        CallbackAction::Erasure => None,
    };
    let dataset = address.as_ref().map(|address| address.dataset().to_owned());
    NewRequestLog {
        connection_key: dataset.clone(),
        dataset_name: dataset,
        collection_name: address.map(|address| address.collection().to_owned()),
        action_type: Some(callback.action.as_str().to_owned()),
        message: Some(format!("asked; the application is to call back until {}", callback.expires_at)),
        ..NewRequestLog::new(RequestLogKind::Execution, "awaiting_processing")
    }
}
