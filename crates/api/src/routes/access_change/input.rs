use std::collections::BTreeMap;

use governance::change::{AccessChange, ResourceName};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::ApiError;
use crate::moment::Moment;
use crate::text::Text;

/// A change of access. Which members it needs depends on `action`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeInput {
    /// What is done.
    action: ActionInput,
    /// Id of the entitlement, of `grant` and `revoke`.
    #[schema(value_type = Option<String>)]
    entitlement: Option<Text>,
    /// Who gets or loses it, as `user:7`, of `grant` and `revoke`.
    #[schema(value_type = Option<String>)]
    principal: Option<Text>,
    /// Id of the grant, of `revoke` in place of both.
    #[schema(value_type = Option<String>)]
    grant: Option<Text>,
    /// What is removed, as `user:7`, of `delete`.
    #[schema(value_type = Option<String>)]
    resource: Option<Text>,
    /// Kind of what is made, of `create`.
    #[serde(rename = "type")]
    #[schema(value_type = Option<String>)]
    kind: Option<Text>,
    /// What is said about what is made, by the names of the connector file.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    params: BTreeMap<String, Text>,
    /// After how many seconds the access is taken again, of `grant`.
    for_s: Option<u32>,
    /// When it is taken again, in place of that.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Moment>,
    /// Carry it out. Without it, the reply is the plan.
    #[serde(default)]
    pub(super) yes: bool,
    /// What `agreement` of a plan said: if the change would be another one by now, nothing is sent.
    #[schema(value_type = Option<String>)]
    agreed: Option<Text>,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ActionInput {
    /// An entitlement is given.
    Grant,
    /// An entitlement is taken.
    Revoke,
    /// A resource, such as an account, is removed.
    Delete,
    /// A resource, such as an invitation, is made.
    Create,
}

impl ChangeInput {
    /// Which plan was agreed to.
    pub(super) fn agreed(&self) -> Option<String> {
        self.agreed.as_ref().map(|agreed| agreed.0.clone())
    }

    /// When the access is taken again.
    pub(super) fn until(&self, now: Timestamp) -> Result<Option<Timestamp>, ApiError> {
        let until = match (self.for_s, self.until) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => return Err(wrong("until", "write either `for_s` or `until`")),
            (Some(seconds), None) => now.checked_add(SignedDuration::from_secs(i64::from(seconds))).ok(),
            (None, Some(until)) => Some(until.0),
        };
        if self.action != ActionInput::Grant {
            return Err(wrong("until", "only what is granted has an end"));
        }
        match until.filter(|until| *until > now) {
            Some(until) => Ok(Some(until)),
            None => Err(wrong("until", "write a time that is yet to come")),
        }
    }

    pub(super) fn into_change(self) -> Result<AccessChange, ApiError> {
        let needs = |name: &str| wrong(name, "Field required");
        match self.action {
            ActionInput::Grant => Ok(AccessChange::Grant {
                entitlement: self.entitlement.ok_or_else(|| needs("entitlement"))?.0,
                principal: named("principal", self.principal)?,
            }),
            ActionInput::Revoke => match self.grant {
                Some(grant) => Ok(AccessChange::RevokeGrant { grant: grant.0 }),
                None => Ok(AccessChange::Revoke {
                    entitlement: self.entitlement.ok_or_else(|| needs("entitlement"))?.0,
                    principal: named("principal", self.principal)?,
                }),
            },
            ActionInput::Delete => Ok(AccessChange::Delete { resource: named("resource", self.resource)? }),
            ActionInput::Create => Ok(AccessChange::Create {
                kind: self.kind.ok_or_else(|| needs("type"))?.0,
                params: self.params.into_iter().map(|(name, value)| (name, value.0)).collect(),
            }),
        }
    }
}

fn named(name: &str, text: Option<Text>) -> Result<ResourceName, ApiError> {
    let text = text.ok_or_else(|| wrong(name, "Field required"))?;
    text.0.parse().map_err(|error: governance::change::ResourceNameError| wrong(name, &error.to_string()))
}

fn wrong(name: &str, message: &str) -> ApiError {
    ApiError::invalid("value_error", vec![json!("body"), json!(name)], message)
}
