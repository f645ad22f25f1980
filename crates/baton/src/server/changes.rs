use std::sync::Arc;
use std::time::Duration;

use engine::Cancellation;
use futures::future::BoxFuture;
use model::IdSource;
use protos::annotations;
use protos::c1::connector::v2 as wire;
use tokio::time::timeout;
use tonic::{Code, Request, Response, Status};
use wire::account_manager_service_server::AccountManagerService;
use wire::grant_manager_service_server::GrantManagerService;
use wire::resource_deleter_service_server::ResourceDeleterService;
use wire::resource_manager_service_server::ResourceManagerService;

use super::lists::{checked, status};
use crate::command_line::Permission;
use crate::service::{
    AccountOrder, DeleteOrder, GrantOrder, Provisioner, ResourceOrder, RevokeOrder, ServedConnector,
    TaskContext, TaskFailure, TaskLog,
};

/// Everything that is changed.
#[derive(Clone)]
pub(super) struct Changes {
    pub(super) connector: Arc<dyn ServedConnector>,
    pub(super) provisioning: Permission,
    pub(super) ids: Arc<dyn IdSource>,
    pub(super) stop: Cancellation,
    /// How long one may take.
    pub(super) within: Duration,
}

impl Changes {
    /// Makes a change in a task of its own: a driver that gives up its call does not end what may have been sent.
    async fn make<O, T>(
        &self,
        order: O,
        make: impl for<'a> Fn(
            &'a dyn Provisioner,
            &'a O,
            &'a TaskContext,
        ) -> BoxFuture<'a, Result<T, TaskFailure>>
        + Send
        + 'static,
    ) -> Result<Response<T>, Status>
    where
        O: Send + Sync + 'static,
        T: Send + 'static,
    {
        if self.provisioning == Permission::Refused {
            return Err(Status::failed_precondition("provisioning is not enabled"));
        }
        let context = TaskContext {
            task_id: format!("call_{}", self.ids.next_uuid()),
            cancellation: self.stop.clone(),
            log: TaskLog::default(),
        };
        let (connector, within) = (Arc::clone(&self.connector), self.within);
        let ended = tokio::spawn(async move {
            let Some(provisioner) = connector.provisioner() else {
                return Err(TaskFailure::new(Code::Unimplemented, "this connector makes no changes"));
            };
            let late = |_| {
                let text = "it took too long; whether it was made, the next sync shows";
                Err(TaskFailure::new(Code::DeadlineExceeded, text))
            };
            timeout(within, make(provisioner, &order, &context)).await.unwrap_or_else(late)
        });
        let broken = |_| Status::unknown("the change broke off; whether it was made, the next sync shows");
        ended.await.map_err(broken)?.map(Response::new).map_err(|failure| status(&failure))
    }

    async fn delete(
        &self,
        resource: Option<wire::ResourceId>,
        parent: Option<wire::ResourceId>,
    ) -> Result<Response<wire::DeleteResourceResponse>, Status> {
        let resource = resource.ok_or_else(|| Status::invalid_argument("the request names no resource"))?;
        self.make(DeleteOrder { resource, parent }, |provisioner, order, context| {
            provisioner.delete_resource(order, context)
        })
        .await
    }
}

#[tonic::async_trait]
impl GrantManagerService for Changes {
    async fn grant(
        &self,
        request: Request<wire::GrantManagerServiceGrantRequest>,
    ) -> Result<Response<wire::GrantManagerServiceGrantResponse>, Status> {
        let ask = checked(request)?;
        let (Some(entitlement), Some(principal)) = (ask.entitlement, ask.principal) else {
            return Err(Status::invalid_argument("a grant needs an entitlement and a principal"));
        };
        let order = GrantOrder { entitlement, principal, annotations: ask.annotations };
        self.make(order, |provisioner, order, context| provisioner.grant(order, context)).await
    }

    async fn revoke(
        &self,
        request: Request<wire::GrantManagerServiceRevokeRequest>,
    ) -> Result<Response<wire::GrantManagerServiceRevokeResponse>, Status> {
        let ask = checked(request)?;
        let grant = ask.grant.ok_or_else(|| Status::invalid_argument("the request names no grant"))?;
        if annotations::contains::<wire::GrantImmutable>(&grant.annotations) {
            let text = "the grant follows from other grants; take back the one of the group it comes through";
            return Err(Status::failed_precondition(text));
        }
        let order = RevokeOrder { grant, annotations: ask.annotations };
        self.make(order, |provisioner, order, context| provisioner.revoke(order, context)).await
    }
}

#[tonic::async_trait]
impl AccountManagerService for Changes {
    async fn create_account(
        &self,
        request: Request<wire::CreateAccountRequest>,
    ) -> Result<Response<wire::CreateAccountResponse>, Status> {
        let ask = checked(request)?;
        let order = AccountOrder {
            account: ask
                .account_info
                .ok_or_else(|| Status::invalid_argument("the request names no account"))?,
            credential_options: ask.credential_options,
            encryption_configs: ask.encryption_configs,
            resource_type: Some(ask.resource_type_id).filter(|id| !id.is_empty()),
        };
        self.make(order, |provisioner, order, context| provisioner.create_account(order, context)).await
    }
}

#[tonic::async_trait]
impl ResourceManagerService for Changes {
    async fn create_resource(
        &self,
        request: Request<wire::CreateResourceRequest>,
    ) -> Result<Response<wire::CreateResourceResponse>, Status> {
        let resource = checked(request)?.resource;
        let resource = resource.ok_or_else(|| Status::invalid_argument("the request names no resource"))?;
        self.make(ResourceOrder { resource }, |provisioner, order, context| {
            provisioner.create_resource(order, context)
        })
        .await
    }

    async fn delete_resource(
        &self,
        request: Request<wire::DeleteResourceRequest>,
    ) -> Result<Response<wire::DeleteResourceResponse>, Status> {
        let ask = checked(request)?;
        self.delete(ask.resource_id, ask.parent_resource_id).await
    }
}

#[tonic::async_trait]
impl ResourceDeleterService for Changes {
    async fn delete_resource_v2(
        &self,
        request: Request<wire::DeleteResourceV2Request>,
    ) -> Result<Response<wire::DeleteResourceV2Response>, Status> {
        let ask = checked(request)?;
        let answer = self.delete(ask.resource_id, ask.parent_resource_id).await?;
        let annotations = answer.into_inner().annotations;
        Ok(Response::new(wire::DeleteResourceV2Response { annotations }))
    }
}
