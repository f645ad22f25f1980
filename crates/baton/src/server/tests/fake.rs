use std::path::Path;
use std::sync::Mutex;

use c1z::{NewRun, RunEnd, SyncType, Writer};
use futures::future::BoxFuture;
use model::{Clock as _, SystemClock};
use protos::c1::connector::v2::grant_sources::GrantSource;
use protos::c1::connector::v2::{
    ChildResourceType, ConnectorMetadata, CreateAccountResponse, CreateResourceResponse,
    DeleteResourceResponse, Entitlement, Grant, GrantAlreadyExists, GrantExpandable, GrantImmutable,
    GrantManagerServiceGrantResponse, GrantManagerServiceRevokeResponse, GrantSources, Resource, ResourceId,
    ResourceType,
};
use protos::{Ksuid, annotations};
use tonic::Code;

use crate::service::{
    AccountOrder, Change, DeleteOrder, GrantOrder, Provisioner, ResourceOrder, RevokeOrder, ServedConnector,
    SyncOrder, TaskContext, TaskFailure,
};

/// Users of the application, above two pages of lists.
pub(super) const USERS: usize = 600;

/// An application of one office with users, a group of them, and a role that the group holds.
#[derive(Default)]
pub(super) struct Fake {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    readings: u32,
    failing: u32,
    granted: Vec<String>,
    orders: Vec<String>,
    is_invalid: bool,
    is_slow: bool,
}

impl Fake {
    /// The next readings fail.
    pub(super) fn fail(&self, times: u32) {
        self.state.lock().unwrap().failing = times;
    }

    /// The next readings go on until they are told to end.
    pub(super) fn dawdle(&self) {
        self.state.lock().unwrap().is_slow = true;
    }

    pub(super) fn readings(&self) -> u32 {
        self.state.lock().unwrap().readings
    }

    /// What was asked to be changed, in order.
    pub(super) fn orders(&self) -> Vec<String> {
        self.state.lock().unwrap().orders.clone()
    }

    pub(super) fn refuse_credentials(&self) {
        self.state.lock().unwrap().is_invalid = true;
    }

    pub(super) fn validate(&self) -> Result<(), TaskFailure> {
        if self.state.lock().unwrap().is_invalid {
            return Err(TaskFailure::new(Code::Unauthenticated, "the token is not taken"));
        }
        Ok(())
    }

    fn note(&self, order: String) {
        self.state.lock().unwrap().orders.push(order);
    }
}

pub(super) fn id(kind: &str, id: &str) -> ResourceId {
    ResourceId { resource_type: kind.to_owned(), resource: id.to_owned(), ..ResourceId::default() }
}

pub(super) fn resource(kind: &str, name: &str) -> Resource {
    Resource { id: Some(id(kind, name)), display_name: name.to_owned(), ..Resource::default() }
}

pub(super) fn entitlement(kind: &str, name: &str) -> Entitlement {
    Entitlement {
        id: format!("{kind}:{name}:member"),
        resource: Some(resource(kind, name)),
        slug: "member".to_owned(),
        ..Entitlement::default()
    }
}

pub(super) fn grant(of: (&str, &str), to: (&str, &str)) -> Grant {
    Grant {
        id: format!("{}:{}:member:{}:{}", of.0, of.1, to.0, to.1),
        entitlement: Some(entitlement(of.0, of.1)),
        principal: Some(resource(to.0, to.1)),
        ..Grant::default()
    }
}

impl Fake {
    fn write(target: &Path) -> Result<(), c1z::WriteError> {
        let now = SystemClock.now();
        let sync_id = Ksuid::new(now.as_second(), rand_bytes()).unwrap().to_string();
        let run =
            NewRun { sync_id, started_at: now, sync_type: SyncType::Full, parent_sync_id: String::new() };
        let mut writer = Writer::create(target, None, run)?;
        for kind in ["group", "office", "role", "user"] {
            writer.resource_type(&ResourceType { id: kind.to_owned(), ..ResourceType::default() })?;
        }
        let mut office = resource("office", "o1");
        let child = ChildResourceType { resource_type_id: "user".to_owned() };
        annotations::append(&mut office.annotations, &child);
        writer.resource(&office)?;
        writer.resource(&resource("group", "g1"))?;
        writer.resource(&resource("role", "r1"))?;
        for number in 0..USERS {
            let mut user = resource("user", &format!("u{number}"));
            user.parent_resource_id = Some(id("office", "o1"));
            writer.resource(&user)?;
        }
        // One that no list of the office has.
        writer.resource(&resource("user", "guest"))?;
        writer.entitlement(&entitlement("group", "g1"))?;
        writer.entitlement(&entitlement("role", "r1"))?;
        let mut of_group = grant(("role", "r1"), ("group", "g1"));
        let expandable = GrantExpandable {
            entitlement_ids: vec!["group:g1:member".to_owned()],
            ..GrantExpandable::default()
        };
        annotations::append(&mut of_group.annotations, &expandable);
        writer.grant(&of_group)?;
        for number in 0..USERS {
            let user = format!("u{number}");
            writer.grant(&grant(("group", "g1"), ("user", &user)))?;
            let mut follows = grant(("role", "r1"), ("user", &user));
            annotations::append(&mut follows.annotations, &GrantImmutable::default());
            let sources = [("group:g1:member".to_owned(), GrantSource { is_direct: true })];
            follows.sources = Some(GrantSources { sources: sources.into() });
            writer.grant(&follows)?;
        }
        writer.finish(RunEnd { ended_at: now, actions: 1 })?;
        Ok(())
    }
}

fn rand_bytes() -> [u8; 16] {
    use model::IdSource as _;
    model::RandomIds.next_uuid().into_bytes()
}

impl ServedConnector for Fake {
    fn metadata(&self) -> BoxFuture<'_, Result<ConnectorMetadata, TaskFailure>> {
        let metadata =
            ConnectorMetadata { display_name: "Office".to_owned(), ..ConnectorMetadata::default() };
        Box::pin(std::future::ready(Ok(metadata)))
    }

    fn sync<'a>(
        &'a self,
        order: &'a SyncOrder,
        target: &'a Path,
        context: &'a TaskContext,
    ) -> BoxFuture<'a, Result<(), TaskFailure>> {
        Box::pin(async move {
            assert!(order.skip_expand_grants && order.resource_types.is_empty());
            let is_slow = {
                let mut state = self.state.lock().unwrap();
                state.readings += 1;
                if state.failing > 0 {
                    state.failing -= 1;
                    return Err(TaskFailure::new(Code::Unavailable, "users could not be read to their end"));
                }
                state.is_slow
            };
            if is_slow {
                context.cancellation.cancelled().await;
                tokio::task::yield_now().await;
                self.note("reading put away".to_owned());
                return Err(TaskFailure::new(Code::Cancelled, "as was asked for"));
            }
            Self::write(target).map_err(|error| TaskFailure::new(Code::Internal, error.to_string()))
        })
    }

    fn provisioner(&self) -> Option<&dyn Provisioner> {
        Some(self)
    }
}

impl Provisioner for Fake {
    fn grant<'a>(
        &'a self,
        order: &'a GrantOrder,
        _context: &'a TaskContext,
    ) -> Change<'a, GrantManagerServiceGrantResponse> {
        Box::pin(async move {
            let id = order.principal.id.as_ref().map(|id| id.resource.clone()).unwrap_or_default();
            let made = format!("{} to {id}", order.entitlement.id);
            self.note(format!("grant {made}"));
            let mut answer = GrantManagerServiceGrantResponse::default();
            let mut state = self.state.lock().unwrap();
            if state.granted.contains(&made) {
                annotations::append(&mut answer.annotations, &GrantAlreadyExists::default());
            }
            state.granted.push(made);
            Ok(answer)
        })
    }

    fn revoke<'a>(
        &'a self,
        order: &'a RevokeOrder,
        _context: &'a TaskContext,
    ) -> Change<'a, GrantManagerServiceRevokeResponse> {
        Box::pin(async move {
            self.note(format!("revoke {}", order.grant.id));
            Err(TaskFailure::declined("tutela", "one owner stays"))
        })
    }

    fn create_account<'a>(
        &'a self,
        order: &'a AccountOrder,
        _context: &'a TaskContext,
    ) -> Change<'a, CreateAccountResponse> {
        Box::pin(async move {
            self.note(format!("account {}", order.account.login));
            Ok(CreateAccountResponse::default())
        })
    }

    fn create_resource<'a>(
        &'a self,
        _order: &'a ResourceOrder,
        _context: &'a TaskContext,
    ) -> Change<'a, CreateResourceResponse> {
        Box::pin(async move {
            self.note("resource".to_owned());
            Ok(CreateResourceResponse::default())
        })
    }

    fn delete_resource<'a>(
        &'a self,
        order: &'a DeleteOrder,
        _context: &'a TaskContext,
    ) -> Change<'a, DeleteResourceResponse> {
        Box::pin(async move {
            self.note(format!("delete {}", order.resource.resource));
            Ok(DeleteResourceResponse::default())
        })
    }
}
