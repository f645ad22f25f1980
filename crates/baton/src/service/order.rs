//! What a task asks for, checked (baton §13.5).

use std::fmt;

use prost_types::Any;
use protos::c1::connector::v2::{
    AccountInfo, CredentialOptions, EncryptionConfig, Entitlement, Grant, Resource, ResourceId,
};
use protos::c1::connectorapi::baton::v1::task::{
    CreateAccountTask, CreateResourceTask, DeleteResourceTask, GrantTask, RevokeTask, SyncFullTask, TaskType,
};

use crate::command_line::StorageEngine;

/// Which part of everything a sync reads (baton P-24).
#[derive(Clone, PartialEq)]
pub struct SyncOrder {
    /// Grants that follow from grants are left to the control plane.
    pub skip_expand_grants: bool,
    /// Resources only.
    pub skip_entitlements_and_grants: bool,
    /// No grants.
    pub skip_grants: bool,
    /// Only these resources; empty for all.
    pub resources: Vec<Resource>,
    /// Only these types, whatever the process is set to; empty for what it is set to.
    pub resource_types: Vec<String>,
    /// The format of the file; a setting of the process wins.
    pub storage: Option<StorageEngine>,
}

/// A grant to make. How long it is to last, the control plane sees to (baton P-16).
#[derive(Clone, PartialEq)]
pub struct GrantOrder {
    /// Of what.
    pub entitlement: Entitlement,
    /// To whom.
    pub principal: Resource,
    /// What the control plane says besides.
    pub annotations: Vec<Any>,
}

/// A grant to take back.
#[derive(Clone, PartialEq)]
pub struct RevokeOrder {
    /// Which.
    pub grant: Grant,
    /// What the control plane says besides.
    pub annotations: Vec<Any>,
}

/// An account to make.
#[derive(Clone, PartialEq)]
pub struct AccountOrder {
    /// Whose.
    pub account: AccountInfo,
    /// With which credentials.
    pub credential_options: Option<CredentialOptions>,
    /// To whom secrets are encrypted.
    pub encryption_configs: Vec<EncryptionConfig>,
    /// Of which type; `None` = the connector's own.
    pub resource_type: Option<String>,
}

/// A resource to make.
#[derive(Clone, PartialEq)]
pub struct ResourceOrder {
    /// Which.
    pub resource: Resource,
}

/// A resource to remove.
#[derive(Clone, PartialEq)]
pub struct DeleteOrder {
    /// Which.
    pub resource: ResourceId,
    /// Below what.
    pub parent: Option<ResourceId>,
}

/// Orders are about people: their `Debug` forms show that they are there. Of a sync, how many resources are named.
impl fmt::Debug for SyncOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncOrder")
            .field("skip_expand_grants", &self.skip_expand_grants)
            .field("skip_entitlements_and_grants", &self.skip_entitlements_and_grants)
            .field("skip_grants", &self.skip_grants)
            .field("resources", &self.resources.len())
            .field("resource_types", &self.resource_types)
            .field("storage", &self.storage)
            .finish()
    }
}

impl fmt::Debug for GrantOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrantOrder").finish_non_exhaustive()
    }
}

impl fmt::Debug for RevokeOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevokeOrder").finish_non_exhaustive()
    }
}

impl fmt::Debug for AccountOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountOrder").finish_non_exhaustive()
    }
}

impl fmt::Debug for ResourceOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceOrder").finish_non_exhaustive()
    }
}

impl fmt::Debug for DeleteOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeleteOrder").finish_non_exhaustive()
    }
}

/// What a task asks for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Work {
    /// Nothing.
    Nothing,
    /// Hello with its id.
    Hello,
    /// A sync.
    Sync(SyncOrder),
    /// A change.
    Change(Box<Order>),
    /// What connector files do not have.
    Unsupported,
    /// A part is not there without which nobody knows what is asked for (baton P-18).
    Malformed { kind: &'static str, part: &'static str },
}

/// A change.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Order {
    Grant(GrantOrder),
    Revoke(RevokeOrder),
    CreateAccount(AccountOrder),
    CreateResource(ResourceOrder),
    DeleteResource(DeleteOrder),
    /// Connector files describe no way to it.
    RotateCredentials,
    /// The same.
    IssueCredential,
}

impl Order {
    /// What is done, in the words of other runtimes.
    pub(super) fn verb(&self) -> &'static str {
        match self {
            Self::Grant(_) => "grant",
            Self::Revoke(_) => "revoke",
            Self::CreateAccount(_) => "create account",
            Self::CreateResource(_) => "create resource",
            Self::DeleteResource(_) => "delete resource",
            Self::RotateCredentials => "rotate credentials",
            Self::IssueCredential => "issue credential",
        }
    }
}

impl Work {
    /// A word for the log.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Hello => "hello",
            Self::Sync(_) => "sync",
            Self::Change(order) => order.verb(),
            Self::Unsupported => "unsupported",
            Self::Malformed { kind, .. } => kind,
        }
    }

    /// What `asked` asks for. A kind that this version does not know reads as none at all.
    pub(super) fn read(asked: Option<TaskType>) -> Self {
        let Some(asked) = asked else { return Self::Unsupported };
        match asked {
            TaskType::None(_) => Self::Nothing,
            TaskType::Hello(_) => Self::Hello,
            TaskType::SyncFull(task) => Self::Sync(sync(task)),
            TaskType::Grant(task) => grant(task),
            TaskType::Revoke(task) => revoke(task),
            TaskType::CreateAccount(task) => account(task),
            TaskType::CreateResource(task) => resource(task),
            TaskType::DeleteResource(task) => delete(task),
            TaskType::RotateCredentials(_) => change(Order::RotateCredentials),
            TaskType::IssueCredential(_) => change(Order::IssueCredential),
            TaskType::EventFeed(_)
            | TaskType::CreateTicketTask(_)
            | TaskType::ListTicketSchemas(_)
            | TaskType::GetTicket(_)
            | TaskType::BulkCreateTickets(_)
            | TaskType::BulkGetTickets(_)
            | TaskType::ActionListSchemas(_)
            | TaskType::ActionGetSchema(_)
            | TaskType::ActionInvoke(_)
            | TaskType::ActionStatus(_)
            | TaskType::CreateSyncDiff(_)
            | TaskType::CompactSyncs(_)
            | TaskType::ListEventFeeds(_)
            | TaskType::ListEvents(_) => Self::Unsupported,
        }
    }
}

fn change(order: Order) -> Work {
    Work::Change(Box::new(order))
}

fn sync(task: SyncFullTask) -> SyncOrder {
    SyncOrder {
        skip_expand_grants: task.skip_expand_grants,
        skip_entitlements_and_grants: task.skip_entitlements_and_grants,
        skip_grants: task.skip_grants,
        resources: task.targeted_sync_resources,
        resource_types: task.sync_resource_type_ids,
        storage: match task.storage_engine.as_str() {
            "sqlite" => Some(StorageEngine::Sqlite),
            "pebble" => Some(StorageEngine::Pebble),
            _ => None,
        },
    }
}

fn grant(task: GrantTask) -> Work {
    let missing = |part| Work::Malformed { kind: "grant", part };
    let Some(entitlement) = task.entitlement.filter(|entitlement| !entitlement.id.is_empty()) else {
        return missing("entitlement");
    };
    let Some(principal) = task.principal.filter(|principal| is_named(principal.id.as_ref())) else {
        return missing("principal");
    };
    change(Order::Grant(GrantOrder { entitlement, principal, annotations: task.annotations }))
}

fn revoke(task: RevokeTask) -> Work {
    let has_parts = |grant: &Grant| grant.entitlement.is_some() && grant.principal.is_some();
    match task.grant.filter(has_parts) {
        None => Work::Malformed { kind: "revoke", part: "grant" },
        Some(grant) => change(Order::Revoke(RevokeOrder { grant, annotations: task.annotations })),
    }
}

fn account(task: CreateAccountTask) -> Work {
    let Some(account) = task.account_info else {
        return Work::Malformed { kind: "create account", part: "account_info" };
    };
    change(Order::CreateAccount(AccountOrder {
        account,
        credential_options: task.credential_options,
        encryption_configs: task.encryption_configs,
        resource_type: Some(task.resource_type_id).filter(|id| !id.is_empty()),
    }))
}

fn resource(task: CreateResourceTask) -> Work {
    match task.resource {
        None => Work::Malformed { kind: "create resource", part: "resource" },
        Some(resource) => change(Order::CreateResource(ResourceOrder { resource })),
    }
}

fn delete(task: DeleteResourceTask) -> Work {
    match task.resource_id.filter(|id| is_named(Some(id))) {
        None => Work::Malformed { kind: "delete resource", part: "resource_id" },
        Some(resource) => {
            change(Order::DeleteResource(DeleteOrder { resource, parent: task.parent_resource_id }))
        }
    }
}

fn is_named(id: Option<&ResourceId>) -> bool {
    id.is_some_and(|id| !id.resource_type.is_empty() && !id.resource.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    // rule: architecture law 8
    #[test]
    fn debug_form_of_a_sync_names_no_resource() {
        let id = ResourceId { resource_type: "user".into(), resource: "u1".into(), ..Default::default() };
        let display_name = "Ana Planted".to_owned();
        let person = Resource { id: Some(id), display_name, ..Default::default() };
        let task = SyncFullTask { targeted_sync_resources: vec![person], ..Default::default() };

        let shown = format!("{:?}", Work::read(Some(TaskType::SyncFull(task))));

        assert!(shown.contains("resources: 1") && !shown.contains("Planted"), "{shown}");
    }
}
