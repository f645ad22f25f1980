use std::path::Path;

use engine::Cancellation;
use futures::future::BoxFuture;
use protos::c1::connector::v2::{
    ConnectorMetadata, CreateAccountResponse, CreateResourceResponse, DeleteResourceResponse,
    GrantManagerServiceGrantResponse, GrantManagerServiceRevokeResponse,
};

use super::order::{AccountOrder, DeleteOrder, GrantOrder, ResourceOrder, RevokeOrder, SyncOrder};
use super::{TaskFailure, TaskLog};

/// What carries tasks out: an application as its connector file describes it.
pub trait ServedConnector: Send + Sync {
    /// What it is and can do, as told by hello.
    fn metadata(&self) -> BoxFuture<'_, Result<ConnectorMetadata, TaskFailure>>;

    /// Reads everything that `order` asks for into a new file at `target`, and gives nothing else back.
    ///
    /// Never called twice at a time. When the context is cancelled it is to end soon; after a while it is
    /// dropped.
    fn sync<'a>(
        &'a self,
        order: &'a SyncOrder,
        target: &'a Path,
        context: &'a TaskContext,
    ) -> BoxFuture<'a, Result<(), TaskFailure>>;

    /// What makes changes; `None` if it can make none.
    fn provisioner(&self) -> Option<&dyn Provisioner>;
}

/// What makes changes. Each may be asked for again after it was made: that is a success, and no second write.
pub trait Provisioner: Send + Sync {
    /// Gives somebody an entitlement.
    fn grant<'a>(
        &'a self,
        order: &'a GrantOrder,
        context: &'a TaskContext,
    ) -> Change<'a, GrantManagerServiceGrantResponse>;

    /// Takes a grant back.
    fn revoke<'a>(
        &'a self,
        order: &'a RevokeOrder,
        context: &'a TaskContext,
    ) -> Change<'a, GrantManagerServiceRevokeResponse>;

    /// Makes an account.
    fn create_account<'a>(
        &'a self,
        order: &'a AccountOrder,
        context: &'a TaskContext,
    ) -> Change<'a, CreateAccountResponse>;

    /// Makes another resource.
    fn create_resource<'a>(
        &'a self,
        order: &'a ResourceOrder,
        context: &'a TaskContext,
    ) -> Change<'a, CreateResourceResponse>;

    /// Removes a resource.
    fn delete_resource<'a>(
        &'a self,
        order: &'a DeleteOrder,
        context: &'a TaskContext,
    ) -> Change<'a, DeleteResourceResponse>;
}

/// A change under way.
pub type Change<'a, T> = BoxFuture<'a, Result<T, TaskFailure>>;

/// What surrounds a task.
#[derive(Debug, Clone)]
pub struct TaskContext {
    /// The task's id.
    pub task_id: String,
    /// Asks it to end: the control plane gave it up, or the process stops.
    pub cancellation: Cancellation,
    /// Where it may say what it does.
    pub log: TaskLog,
}
