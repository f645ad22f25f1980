//! Rows and truth in one form, so that a difference can be read.

use std::collections::BTreeMap;

use prost_types::value::Kind;
use protos::annotations;
use protos::c1::connector::v2::{GrantImmutable, ResourceId, UserTrait, entitlement::PurposeValue};
use sandbox::governance::{Availability, GovernanceTruth, Origin, TruthKey};

use crate::rows::Rows;

/// Everything by id, as text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Inventory {
    pub(crate) resources: BTreeMap<String, String>,
    pub(crate) entitlements: BTreeMap<String, String>,
    pub(crate) grants: BTreeMap<String, String>,
}

impl Inventory {
    pub(crate) fn of_truth(truth: &GovernanceTruth) -> Self {
        let key = |key: &TruthKey| format!("{}:{}", key.kind, key.id);
        let resources = truth.resources.iter().map(|resource| {
            let parent = resource.parent.as_ref().map(key).unwrap_or_default();
            let account = resource.account.as_ref().map(|account| {
                format!(
                    "{} {} {}",
                    account.email.as_deref().unwrap_or_default(),
                    account.login,
                    account.status
                )
            });
            let text = format!("{} | {parent} | {}", resource.display_name, account.unwrap_or_default());
            (key(&resource.key), text)
        });
        let entitlements = truth.entitlements.iter().map(|entitlement| {
            let text = format!(
                "{} | {} | {} | {} | {} | {}",
                entitlement.slug,
                key(&entitlement.resource),
                entitlement.display_name,
                entitlement.description,
                entitlement.purpose,
                entitlement.grantable_to.join(","),
            );
            (entitlement.id.to_string(), text)
        });
        let grants = truth.grants.iter().map(|grant| {
            let mut sources: Vec<String> = grant
                .sources
                .iter()
                .map(|source| format!("{}={}", source.entitlement, source.direct))
                .collect();
            sources.sort();
            let expandable: Vec<&str> = grant.expandable.iter().map(|id| &**id).collect();
            let origin = if grant.origin == Origin::Direct { "direct" } else { "expanded" };
            let text = format!(
                "{} | {} | {origin} | {} | {}",
                grant.entitlement,
                key(&grant.principal),
                sources.join(","),
                expandable.join(",")
            );
            (grant.id.clone(), text)
        });
        Self {
            resources: resources.collect(),
            entitlements: entitlements.collect(),
            grants: grants.collect(),
        }
    }

    pub(crate) fn of_rows(rows: &Rows) -> Self {
        let key = |id: &ResourceId| format!("{}:{}", id.resource_type, id.resource);
        let resources = rows.resources.iter().map(|row| {
            let parent = row.parent_resource_id.as_ref().map(key).unwrap_or_default();
            let user: Option<UserTrait> = annotations::find(&row.annotations).unwrap();
            let account = user.map(|user| {
                let status = if user.status.as_ref().is_some_and(|status| status.status == 1) {
                    "enabled"
                } else {
                    "?"
                };
                let profile = user.profile.unwrap_or_default();
                let login = match profile.fields.get("login").and_then(|value| value.kind.clone()) {
                    Some(Kind::StringValue(text)) => text,
                    _ => String::new(),
                };
                assert!(login.is_empty() || login == user.login);
                let email = user.emails.first().map(|email| email.address.as_str()).unwrap_or_default();
                format!("{email} {} {status}", user.login)
            });
            let text = format!("{} | {parent} | {}", row.display_name, account.unwrap_or_default());
            (key(row.id.as_ref().unwrap()), text)
        });
        let entitlements = rows.entitlements.iter().map(|row| {
            let purpose = match row.purpose() {
                PurposeValue::Assignment => "assignment",
                PurposeValue::Permission => "permission",
                PurposeValue::Ownership => "ownership",
                PurposeValue::Unspecified => "unspecified",
            };
            let grantable: Vec<&str> = row.grantable_to.iter().map(|kind| kind.id.as_str()).collect();
            let on = row.resource.as_ref().and_then(|resource| resource.id.as_ref()).unwrap();
            let text = format!(
                "{} | {} | {} | {} | {purpose} | {}",
                row.slug,
                key(on),
                row.display_name,
                row.description,
                grantable.join(",")
            );
            (row.id.clone(), text)
        });
        let grants = rows.grants.iter().map(|(row, expandable)| {
            let sources = row.sources.clone().unwrap_or_default().sources;
            let mut sources: Vec<String> =
                sources.iter().map(|(id, source)| format!("{id}={}", source.is_direct)).collect();
            sources.sort();
            let origin =
                if annotations::contains::<GrantImmutable>(&row.annotations) { "expanded" } else { "direct" };
            let principal = row.principal.as_ref().and_then(|principal| principal.id.as_ref()).unwrap();
            let expandable = expandable.as_ref().map(|of| of.entitlement_ids.join(",")).unwrap_or_default();
            let text = format!(
                "{} | {} | {origin} | {} | {expandable}",
                row.entitlement.as_ref().unwrap().id,
                key(principal),
                sources.join(",")
            );
            (row.id.clone(), text)
        });
        Self {
            resources: resources.collect(),
            entitlements: entitlements.collect(),
            grants: grants.collect(),
        }
    }

    /// The same without a kind: its resources, and everything on them or held by them.
    pub(crate) fn without(mut self, kind: &str) -> Self {
        let of = format!("{kind}:");
        self.resources.retain(|id, _| !id.starts_with(&of));
        self.entitlements.retain(|id, _| !id.starts_with(&of));
        self.grants.retain(|id, text| !id.starts_with(&of) && !text.contains(&format!(" | {of}")));
        self
    }

    /// Fails and shows some of the differences, if there are any.
    pub(crate) fn assert_equal(&self, expected: &Self) {
        let differences = self.differences(expected);
        let shown = differences.iter().take(12).cloned().collect::<Vec<_>>().join("\n");
        assert!(differences.is_empty(), "{} differences:\n{shown}", differences.len());
    }

    /// What one has and the other has not, or has otherwise; nothing if they are equal.
    pub(crate) fn differences(&self, expected: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for (what, got, wanted) in [
            ("resource", &self.resources, &expected.resources),
            ("entitlement", &self.entitlements, &expected.entitlements),
            ("grant", &self.grants, &expected.grants),
        ] {
            for (id, text) in wanted {
                match got.get(id) {
                    None => found.push(format!("missing {what} {id}: {text}")),
                    Some(other) if other != text => {
                        found.push(format!("{what} {id}\n  is     {other}\n  should {text}"));
                    }
                    Some(_) => {}
                }
            }
            found.extend(
                got.iter()
                    .filter(|(id, _)| !wanted.contains_key(*id))
                    .map(|(id, text)| format!("extra {what} {id}: {text}")),
            );
        }
        found
    }
}

/// Kinds that the truth says can be read.
pub(crate) fn available(truth: &GovernanceTruth) -> Vec<&'static str> {
    truth
        .kinds
        .iter()
        .filter(|kind| kind.availability == Availability::Available)
        .map(|kind| kind.id)
        .collect()
}
