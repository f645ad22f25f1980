//! A connector that does what a test says.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use futures::future::BoxFuture;
use protos::c1::connector::v2::{
    ConnectorMetadata, CreateAccountResponse, CreateResourceResponse, DeleteResourceResponse, Grant,
    GrantManagerServiceGrantResponse, GrantManagerServiceRevokeResponse,
};
use tokio::sync::watch;

use crate::service::{
    AccountOrder, Change, DeleteOrder, GrantOrder, Provisioner, ResourceOrder, RevokeOrder, ServedConnector,
    SyncOrder, TaskContext, TaskFailure,
};

pub(super) struct Fake {
    state: Mutex<State>,
    /// Closed: work waits until it is opened or cancelled.
    gate: watch::Sender<Gate>,
    provisions: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    Open,
    Closed,
    /// Closed, and deaf to cancellation.
    Stuck,
}

#[derive(Default)]
struct State {
    content: Vec<u8>,
    failure: Option<TaskFailure>,
    panics: bool,
    done: Vec<String>,
    at_work: BTreeMap<String, usize>,
    broken: Vec<String>,
    syncing: usize,
}

impl Fake {
    pub(super) fn new(provisions: bool) -> Self {
        let state = Mutex::new(State { content: b"a small file".to_vec(), ..State::default() });
        Self { state, gate: watch::Sender::new(Gate::Open), provisions }
    }

    pub(super) fn content(&self, content: Vec<u8>) {
        self.state.lock().unwrap().content = content;
    }

    pub(super) fn fail(&self, failure: Option<TaskFailure>) {
        self.state.lock().unwrap().failure = failure;
    }

    pub(super) fn panic(&self) {
        self.state.lock().unwrap().panics = true;
    }

    pub(super) fn set(&self, gate: Gate) {
        self.gate.send_replace(gate);
    }

    /// What was begun, in order.
    pub(super) fn done(&self) -> Vec<String> {
        self.state.lock().unwrap().done.clone()
    }

    /// What nobody may do.
    pub(super) fn broken(&self) -> Vec<String> {
        self.state.lock().unwrap().broken.clone()
    }

    async fn work(&self, what: &str, context: &TaskContext) -> Result<(), TaskFailure> {
        {
            let mut state = self.state.lock().unwrap();
            state.done.push(what.to_owned());
            let at_work = state.at_work.entry(context.task_id.clone()).or_default();
            *at_work += 1;
            if *at_work > 1 {
                state.broken.push(format!("{} is carried out twice at a time", context.task_id));
            }
        }
        let mut gate = self.gate.subscribe();
        let opened = async { drop(gate.wait_for(|gate| *gate == Gate::Open).await) };
        let is_deaf = *self.gate.borrow() == Gate::Stuck;
        let cancelled = async {
            if is_deaf {
                std::future::pending::<()>().await;
            }
            context.cancellation.cancelled().await;
        };
        let ended = tokio::select! {
            () = opened => Ok(()),
            () = cancelled => Err(TaskFailure::new(tonic::Code::Aborted, "broken off")),
        };
        let mut state = self.state.lock().unwrap();
        *state.at_work.entry(context.task_id.clone()).or_default() -= 1;
        ended?;
        let panics = state.panics;
        let failure = state.failure.clone();
        drop(state);
        assert!(!panics, "a planted panic");
        failure.map_or(Ok(()), Err)
    }
}

impl ServedConnector for Fake {
    fn metadata(&self) -> BoxFuture<'_, Result<ConnectorMetadata, TaskFailure>> {
        let metadata = ConnectorMetadata { display_name: "Fake".to_owned(), ..Default::default() };
        Box::pin(async { Ok(metadata) })
    }

    fn sync<'a>(
        &'a self,
        _order: &'a SyncOrder,
        target: &'a Path,
        context: &'a TaskContext,
    ) -> BoxFuture<'a, Result<(), TaskFailure>> {
        Box::pin(async move {
            {
                let mut state = self.state.lock().unwrap();
                state.syncing += 1;
                if state.syncing > 1 {
                    state.broken.push("two syncs at a time".to_owned());
                }
            }
            let worked = self.work("sync", context).await;
            let bytes = {
                let mut state = self.state.lock().unwrap();
                state.syncing -= 1;
                state.content.clone()
            };
            std::fs::write(target, bytes).unwrap();
            worked
        })
    }

    fn provisioner(&self) -> Option<&dyn Provisioner> {
        self.provisions.then_some(self as &dyn Provisioner)
    }
}

impl Provisioner for Fake {
    fn grant<'a>(
        &'a self,
        order: &'a GrantOrder,
        context: &'a TaskContext,
    ) -> Change<'a, GrantManagerServiceGrantResponse> {
        Box::pin(async move {
            self.work(&format!("grant {}", order.entitlement.id), context).await?;
            let grant = Grant { id: format!("{}:user:u1", order.entitlement.id), ..Grant::default() };
            Ok(GrantManagerServiceGrantResponse { annotations: Vec::new(), grants: vec![grant] })
        })
    }

    fn revoke<'a>(
        &'a self,
        order: &'a RevokeOrder,
        context: &'a TaskContext,
    ) -> Change<'a, GrantManagerServiceRevokeResponse> {
        Box::pin(async move {
            self.work(&format!("revoke {}", order.grant.id), context).await?;
            Ok(GrantManagerServiceRevokeResponse::default())
        })
    }

    fn create_account<'a>(
        &'a self,
        _order: &'a AccountOrder,
        context: &'a TaskContext,
    ) -> Change<'a, CreateAccountResponse> {
        Box::pin(async move {
            self.work("create account", context).await?;
            Ok(CreateAccountResponse::default())
        })
    }

    fn create_resource<'a>(
        &'a self,
        _order: &'a ResourceOrder,
        context: &'a TaskContext,
    ) -> Change<'a, CreateResourceResponse> {
        Box::pin(async move {
            self.work("create resource", context).await?;
            Ok(CreateResourceResponse::default())
        })
    }

    fn delete_resource<'a>(
        &'a self,
        order: &'a DeleteOrder,
        context: &'a TaskContext,
    ) -> Change<'a, DeleteResourceResponse> {
        Box::pin(async move {
            self.work(&format!("delete {}", order.resource.resource), context).await?;
            Ok(DeleteResourceResponse::default())
        })
    }
}
