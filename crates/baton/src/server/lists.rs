use std::sync::Arc;

use prost::{Message, Name};
use protos::c1::connector::v2 as wire;
use protos::limits;
use tonic::{Request, Response, Status};
use wire::connector_service_server::ConnectorService;
use wire::entitlements_service_server::EntitlementsService;
use wire::grants_service_server::GrantsService;
use wire::resource_getter_service_server::ResourceGetterService;
use wire::resource_types_service_server::ResourceTypesService;
use wire::resources_service_server::ResourcesService;

use super::Validate;
use super::page_token::PageTokens;
use super::row_file::{ListId, RowPage};
use super::snapshots::{Moment, Snapshots};
use crate::service::{ServedConnector, TaskFailure};

/// Rows of a page, if none are asked for, and the most that are given (limit of the messages).
const USUAL: usize = 100;
const MOST: usize = 250;
/// A page ends after this many bytes: other runtimes take four million.
const MOST_BYTES: usize = 1024 * 1024;

/// Everything that is read.
#[derive(Clone)]
pub(super) struct Lists {
    pub(super) connector: Arc<dyn ServedConnector>,
    pub(super) validate: Validate,
    pub(super) tokens: Arc<PageTokens>,
    pub(super) snapshots: Arc<Snapshots>,
}

/// What a page is asked for by.
struct Ask<'a> {
    list: ListId,
    sync_id: &'a str,
    moment: Moment,
    size: u32,
    token: &'a str,
}

impl<'a> Ask<'a> {
    /// Rows of a sync that has begun.
    fn of_sync(list: ListId, sync_id: &'a str, (size, token): (u32, &'a str)) -> Self {
        Self { list, sync_id, moment: Moment::OfSync, size, token }
    }
}

impl Lists {
    /// A page, and the token of the next.
    async fn page<T: Message + Default + 'static>(&self, ask: Ask<'_>) -> Result<(Vec<T>, String), Status> {
        let snapshot =
            self.snapshots.get(ask.sync_id, ask.moment).await.map_err(|failure| status(&failure))?;
        let from = self.tokens.place(&ask.list, snapshot.stamp, ask.token)?;
        let size = if ask.size == 0 { USUAL } else { (ask.size as usize).min(MOST) };
        let (list, of) = (ask.list, Arc::clone(&snapshot));
        let read = move || of.rows.page::<T>(&list, from, (size, MOST_BYTES));
        let read = tokio::task::spawn_blocking(read).await;
        let broken = || Status::internal("what was read of the application cannot be read again");
        let RowPage { rows, next } = read.map_err(|_| broken())?.map_err(|_| broken())?;
        let next = next.map(|place| self.tokens.make(&ask.list, snapshot.stamp, place));
        Ok((rows, next.unwrap_or_default()))
    }
}

/// The request, if it keeps to its limits (baton MSG-10).
pub(super) fn checked<M: Message + Name>(request: Request<M>) -> Result<M, Status> {
    let message = request.into_inner();
    limits::check(&message).map_err(|error| Status::invalid_argument(error.to_string()))?;
    Ok(message)
}

/// A failure as a driver understands it.
pub(super) fn status(failure: &TaskFailure) -> Status {
    let details = protos::google::rpc::Status {
        code: failure.code() as i32,
        message: failure.message().to_owned(),
        details: failure.details().to_vec(),
    };
    Status::with_details(failure.code(), failure.message(), details.encode_to_vec().into())
}

/// The resource that a list is of.
fn of_resource(resource: Option<wire::Resource>) -> Result<wire::ResourceId, Status> {
    let missing = || Status::invalid_argument("the request names no resource");
    resource.and_then(|resource| resource.id).ok_or_else(missing)
}

#[tonic::async_trait]
impl ConnectorService for Lists {
    async fn get_metadata(
        &self,
        _request: Request<wire::ConnectorServiceGetMetadataRequest>,
    ) -> Result<Response<wire::ConnectorServiceGetMetadataResponse>, Status> {
        let metadata = self.connector.metadata().await.map_err(|failure| status(&failure))?;
        Ok(Response::new(wire::ConnectorServiceGetMetadataResponse { metadata: Some(metadata) }))
    }

    async fn validate(
        &self,
        _request: Request<wire::ConnectorServiceValidateRequest>,
    ) -> Result<Response<wire::ConnectorServiceValidateResponse>, Status> {
        (self.validate)().await.map_err(|failure| status(&failure))?;
        let sdk_version = concat!("tutela/", env!("CARGO_PKG_VERSION")).to_owned();
        let annotations = Vec::new();
        Ok(Response::new(wire::ConnectorServiceValidateResponse { annotations, sdk_version }))
    }

    async fn cleanup(
        &self,
        request: Request<wire::ConnectorServiceCleanupRequest>,
    ) -> Result<Response<wire::ConnectorServiceCleanupResponse>, Status> {
        self.snapshots.forget(&checked(request)?.active_sync_id);
        Ok(Response::new(wire::ConnectorServiceCleanupResponse::default()))
    }
}

#[tonic::async_trait]
impl ResourceTypesService for Lists {
    async fn list_resource_types(
        &self,
        request: Request<wire::ResourceTypesServiceListResourceTypesRequest>,
    ) -> Result<Response<wire::ResourceTypesServiceListResourceTypesResponse>, Status> {
        let ask = checked(request)?;
        let is_begin = ask.active_sync_id.is_empty() && ask.page_token.is_empty();
        let (list, next_page_token) = self
            .page(Ask {
                list: ListId::types(),
                sync_id: &ask.active_sync_id,
                moment: if is_begin { Moment::Anew } else { Moment::OfSync },
                size: ask.page_size,
                token: &ask.page_token,
            })
            .await?;
        let annotations = Vec::new();
        Ok(Response::new(wire::ResourceTypesServiceListResourceTypesResponse {
            list,
            next_page_token,
            annotations,
        }))
    }
}

#[tonic::async_trait]
impl ResourcesService for Lists {
    async fn list_resources(
        &self,
        request: Request<wire::ResourcesServiceListResourcesRequest>,
    ) -> Result<Response<wire::ResourcesServiceListResourcesResponse>, Status> {
        let ask = checked(request)?;
        let list = match &ask.parent_resource_id {
            None => ListId::resources(&ask.resource_type_id),
            Some(parent) => {
                ListId::children(&ask.resource_type_id, (&parent.resource_type, &parent.resource))
            }
        };
        let (list, next_page_token) =
            self.page(Ask::of_sync(list, &ask.active_sync_id, (ask.page_size, &ask.page_token))).await?;
        let annotations = Vec::new();
        Ok(Response::new(wire::ResourcesServiceListResourcesResponse { list, next_page_token, annotations }))
    }
}

#[tonic::async_trait]
impl ResourceGetterService for Lists {
    async fn get_resource(
        &self,
        request: Request<wire::ResourceGetterServiceGetResourceRequest>,
    ) -> Result<Response<wire::ResourceGetterServiceGetResourceResponse>, Status> {
        let ask = checked(request)?;
        let id = ask.resource_id.ok_or_else(|| Status::invalid_argument("the request names no resource"))?;
        let list = ListId::resource(&id.resource_type, &id.resource);
        let (found, _) = self.page(Ask::of_sync(list, &ask.active_sync_id, (1, ""))).await?;
        let resource =
            found.into_iter().next().ok_or_else(|| Status::not_found("there is no such resource"))?;
        let annotations = Vec::new();
        Ok(Response::new(wire::ResourceGetterServiceGetResourceResponse {
            resource: Some(resource),
            annotations,
        }))
    }
}

#[tonic::async_trait]
impl EntitlementsService for Lists {
    async fn list_entitlements(
        &self,
        request: Request<wire::EntitlementsServiceListEntitlementsRequest>,
    ) -> Result<Response<wire::EntitlementsServiceListEntitlementsResponse>, Status> {
        let ask = checked(request)?;
        let on = of_resource(ask.resource)?;
        let list = ListId::entitlements(&on.resource_type, &on.resource);
        let (list, next_page_token) =
            self.page(Ask::of_sync(list, &ask.active_sync_id, (ask.page_size, &ask.page_token))).await?;
        let annotations = Vec::new();
        Ok(Response::new(wire::EntitlementsServiceListEntitlementsResponse {
            list,
            next_page_token,
            annotations,
        }))
    }

    /// Every entitlement stands on its resource: there are no templates for whole types (baton S-10).
    async fn list_static_entitlements(
        &self,
        request: Request<wire::EntitlementsServiceListStaticEntitlementsRequest>,
    ) -> Result<Response<wire::EntitlementsServiceListStaticEntitlementsResponse>, Status> {
        checked(request)?;
        Ok(Response::new(wire::EntitlementsServiceListStaticEntitlementsResponse::default()))
    }
}

#[tonic::async_trait]
impl GrantsService for Lists {
    async fn list_grants(
        &self,
        request: Request<wire::GrantsServiceListGrantsRequest>,
    ) -> Result<Response<wire::GrantsServiceListGrantsResponse>, Status> {
        let ask = checked(request)?;
        let on = of_resource(ask.resource)?;
        let list = ListId::grants(&on.resource_type, &on.resource);
        let (list, next_page_token) =
            self.page(Ask::of_sync(list, &ask.active_sync_id, (ask.page_size, &ask.page_token))).await?;
        let annotations = Vec::new();
        Ok(Response::new(wire::GrantsServiceListGrantsResponse { list, next_page_token, annotations }))
    }
}
