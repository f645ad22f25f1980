use protos::c1::connector::v2::{AccountInfo, Entitlement, Grant, Resource, ResourceId};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::ApiError;
use crate::text::Text;

/// A change of who has access, for the connector to make. Which members it needs depends on `kind`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConnectorTaskInput {
    /// What is to change.
    kind: ConnectorChangeKind,
    /// Id of the entitlement, of `grant` and `revoke`.
    #[schema(value_type = Option<String>)]
    entitlement: Option<Text>,
    /// The resource that the entitlement is on, or the one that is removed by `delete_resource`.
    resource: Option<ResourceRef>,
    /// Who is to have it, or to lose it, of `grant` and `revoke`.
    principal: Option<ResourceRef>,
    /// Id of the grant to take back, of `revoke`; if absent, entitlement, type and id of the principal, joined by `:`.
    #[schema(value_type = Option<String>)]
    grant: Option<Text>,
    /// Whose account is made, of `create_account`.
    account: Option<AccountInput>,
    /// Of which type it is, of `create_account`; if absent, of the connector's own.
    #[schema(value_type = Option<String>)]
    resource_type: Option<Text>,
    /// What the resource is below, of `delete_resource`, if it is below something.
    parent: Option<ResourceRef>,
}

/// What is to change.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ConnectorChangeKind {
    /// Somebody is to have access.
    Grant,
    /// Somebody is to lose it.
    Revoke,
    /// Somebody is to have an account, or to be invited.
    CreateAccount,
    /// An account, or another resource, is to be removed.
    DeleteResource,
}

/// Whose account it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AccountInput {
    /// Their address.
    #[schema(value_type = Option<String>)]
    email: Option<Text>,
    /// The name that they sign in with.
    #[schema(value_type = Option<String>)]
    login: Option<Text>,
    /// What the connector wants to know besides, by its own names.
    #[serde(default)]
    profile: Map<String, Value>,
}

/// A resource by its type and id.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ResourceRef {
    /// Id of its type.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    kind: Text,
    /// Its id.
    #[schema(value_type = String)]
    id: Text,
}

/// A change, whole.
pub(super) enum ConnectorChange {
    Grant(Entitlement, Resource),
    Revoke(Grant),
    CreateAccount(AccountInfo, Option<String>),
    DeleteResource(ResourceId, Option<ResourceId>),
}

impl ConnectorTaskInput {
    pub(super) fn checked(self) -> Result<ConnectorChange, ApiError> {
        match self.kind {
            ConnectorChangeKind::Grant => {
                let (entitlement, principal) = self.held()?;
                Ok(ConnectorChange::Grant(entitlement, principal))
            }
            ConnectorChangeKind::Revoke => {
                let grant = self.grant.as_ref().map(|grant| filled("grant", grant)).transpose()?;
                let (entitlement, principal) = self.held()?;
                Ok(ConnectorChange::Revoke(grant_of(entitlement, principal, grant)))
            }
            ConnectorChangeKind::CreateAccount => {
                let kind =
                    self.resource_type.as_ref().map(|kind| filled("resource_type", kind)).transpose()?;
                Ok(ConnectorChange::CreateAccount(needed("account", self.account)?.checked()?, kind))
            }
            ConnectorChangeKind::DeleteResource => {
                let parent = self.parent.map(|parent| parent.checked("parent")).transpose()?;
                Ok(ConnectorChange::DeleteResource(
                    needed("resource", self.resource)?.checked("resource")?,
                    parent,
                ))
            }
        }
    }

    /// The entitlement, and who holds it.
    fn held(self) -> Result<(Entitlement, Resource), ApiError> {
        let id = filled("entitlement", &needed("entitlement", self.entitlement)?)?;
        let on = resource(needed("resource", self.resource)?.checked("resource")?);
        let principal = resource(needed("principal", self.principal)?.checked("principal")?);
        Ok((Entitlement { id, resource: Some(on), ..Entitlement::default() }, principal))
    }
}

impl AccountInput {
    fn checked(self) -> Result<AccountInfo, ApiError> {
        let Self { email, login, profile } = self;
        if email.is_none() && login.is_none() && profile.is_empty() {
            return Err(wrong(
                "account",
                "say whose it is: `email`, `login`, or what the connector asks for in `profile`",
            ));
        }
        let emails: Vec<Value> =
            email.into_iter().map(|email| json!({"address": email.0, "isPrimary": true})).collect();
        let form = json!({
            "emails": emails,
            "login": login.map(|login| login.0).unwrap_or_default(),
            "profile": profile,
        });
        let too_deep = |_| wrong("account", "the profile is nested too deeply");
        let account: AccountInfo = protos::json::from_value(&form).map_err(too_deep)?;
        protos::limits::check(&account).map_err(|error| wrong("account", &error.to_string()))?;
        Ok(account)
    }
}

impl ResourceRef {
    fn checked(&self, name: &str) -> Result<ResourceId, ApiError> {
        Ok(ResourceId {
            resource_type: filled(name, &self.kind)?,
            resource: filled(name, &self.id)?,
            ..ResourceId::default()
        })
    }
}

fn resource(id: ResourceId) -> Resource {
    Resource { id: Some(id), ..Resource::default() }
}

fn needed<T>(name: &str, given: Option<T>) -> Result<T, ApiError> {
    let missing = || ApiError::invalid("missing", vec![json!("body"), json!(name)], "Field required");
    given.ok_or_else(missing)
}

fn filled(name: &str, text: &Text) -> Result<String, ApiError> {
    if text.0.is_empty() {
        return Err(wrong(name, "expected a text that is not empty"));
    }
    Ok(text.0.clone())
}

fn wrong(name: &str, message: &str) -> ApiError {
    ApiError::invalid("value_error", vec![json!("body"), json!(name)], message)
}

/// The id as connectors make it; they do not take it apart (baton ID-4).
fn grant_of(entitlement: Entitlement, principal: Resource, id: Option<String>) -> Grant {
    let holder = principal.id.clone().unwrap_or_default();
    let made = || format!("{}:{}:{}", entitlement.id, holder.resource_type, holder.resource);
    let id = id.unwrap_or_else(made);
    Grant { id, entitlement: Some(entitlement), principal: Some(principal), ..Grant::default() }
}
