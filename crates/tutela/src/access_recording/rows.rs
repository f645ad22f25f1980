//! The rows of a sync in a form that a person can read and a program can compare.

use std::collections::HashMap;

use governance::{SinkError, SyncSink};
use protos::annotations;
use protos::c1::connector::v2::{
    Entitlement, Grant, GrantExpandable, GrantImmutable, Resource, ResourceId, ResourceType, UserTrait,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::recording::Difference;

/// Rows by what they are, in the order in which they came.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RowTexts {
    resources: Vec<Value>,
    entitlements: Vec<Value>,
    grants: Vec<Value>,
    /// Id of a grant → its place.
    #[serde(skip)]
    places: HashMap<String, usize>,
}

impl RowTexts {
    /// The first difference of each list. Says where, not what.
    pub(super) fn differences(&self, other: &Self) -> Vec<Difference> {
        let lists = [
            ("resources", &self.resources, &other.resources),
            ("entitlements", &self.entitlements, &other.entitlements),
            ("grants", &self.grants, &other.grants),
        ];
        let different = lists.into_iter().filter_map(|(name, expected, given)| {
            let what = if expected.len() == given.len() {
                let first = expected.iter().zip(given).position(|(one, other)| one != other)?;
                format!("row {} is another", first + 1)
            } else {
                format!("{} rows instead of {}", given.len(), expected.len())
            };
            Some(Difference { collection: name.to_owned(), what })
        });
        different.collect()
    }
}

fn name(id: Option<&ResourceId>) -> String {
    id.map(|id| format!("{}:{}", id.resource_type, id.resource)).unwrap_or_default()
}

fn damaged(error: impl std::error::Error + Send + Sync + 'static) -> SinkError {
    SinkError::new(error)
}

impl SyncSink for RowTexts {
    fn resource_type(&mut self, _row: &ResourceType) -> Result<(), SinkError> {
        Ok(())
    }

    fn resource(&mut self, resource: &Resource) -> Result<(), SinkError> {
        let account: Option<UserTrait> = annotations::find(&resource.annotations).map_err(damaged)?;
        let account = account.map(|user| {
            let emails: Vec<&str> = user.emails.iter().map(|email| email.address.as_str()).collect();
            let status = user.status.as_ref().map(|status| status.status);
            row(vec![
                ("login", json!(user.login)),
                ("emails", json!(emails)),
                ("status", json!(status)),
                ("type", json!(user.account_type)),
            ])
        });
        self.resources.push(row(vec![
            ("id", json!(name(resource.id.as_ref()))),
            ("name", json!(resource.display_name)),
            ("description", json!(resource.description)),
            ("parent", json!(name(resource.parent_resource_id.as_ref()))),
            ("account", json!(account)),
        ]));
        Ok(())
    }

    fn entitlement(&mut self, entitlement: &Entitlement) -> Result<(), SinkError> {
        let grantable_to: Vec<&str> = entitlement.grantable_to.iter().map(|kind| kind.id.as_str()).collect();
        self.entitlements.push(row(vec![
            ("id", json!(entitlement.id)),
            ("name", json!(entitlement.display_name)),
            ("description", json!(entitlement.description)),
            ("purpose", json!(entitlement.purpose)),
            ("grantable_to", json!(grantable_to)),
        ]));
        Ok(())
    }

    /// Grants come again with their sources once it is known what follows from what.
    fn grant(&mut self, grant: &Grant, expandable: Option<&GrantExpandable>) -> Result<(), SinkError> {
        let sources = grant.sources.as_ref().map(|sources| {
            let mut ids: Vec<String> =
                sources.sources.iter().map(|(id, source)| format!("{id} {}", source.is_direct)).collect();
            ids.sort();
            ids
        });
        let told = row(vec![
            ("id", json!(grant.id)),
            ("inherited", json!(annotations::contains::<GrantImmutable>(&grant.annotations))),
            ("sources", json!(sources.unwrap_or_default())),
            ("passes_on", json!(expandable.map(|of| of.entitlement_ids.clone()).unwrap_or_default())),
        ]);
        if let Some(earlier) = self.places.get(&grant.id).and_then(|place| self.grants.get_mut(*place)) {
            *earlier = told;
        } else {
            self.places.insert(grant.id.clone(), self.grants.len());
            self.grants.push(told);
        }
        Ok(())
    }
}

/// The members of a row that have a value.
fn row(members: Vec<(&str, Value)>) -> Value {
    let is_empty = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Bool(true) | Value::Number(_) | Value::Object(_) => false,
    };
    let members = members.into_iter().filter(|(_, value)| !is_empty(value));
    Value::Object(members.map(|(name, value)| (name.to_owned(), value)).collect())
}
