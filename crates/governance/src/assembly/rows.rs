//! Rows as the Baton ecosystem has them.

use std::collections::BTreeMap;

use prost_types::{Any, Struct, Timestamp, Value as ProtoValue, value::Kind as ProtoKind};
use protos::annotations;
use protos::c1::connector::v2::{
    self, AppTrait, ChildResourceType, Entitlement, ExternalLink, Grant, GroupTrait, Resource, ResourceId,
    RoleTrait, SecretTrait, SkipEntitlements, SkipEntitlementsAndGrants, SkipGrants,
    SkipSyncAnomalyDetection, UserTrait,
};
use serde_json::Value;
use spec::connector_file::governance::{Governance, Purpose, ResourceType, Trait};

use crate::item::{AccountStatus, AccountType, ResourceItem, TextItem, UserItem};

/// Longest texts that readers take, in bytes (baton MSG-10).
const NAME_BYTES: usize = 1024;
const DESCRIPTION_BYTES: usize = 2048;

/// Kind and id of a resource.
pub(super) fn resource_id(kind: &str, id: &str) -> ResourceId {
    ResourceId { resource_type: kind.to_owned(), resource: id.to_owned(), ..ResourceId::default() }
}

/// The row of a kind.
pub(super) fn resource_type(kind: &ResourceType) -> v2::ResourceType {
    let mut row = grantable(kind);
    if kind.skips.entitlements && kind.skips.grants {
        annotations::append(&mut row.annotations, &SkipEntitlementsAndGrants {});
    } else if kind.skips.entitlements {
        annotations::append(&mut row.annotations, &SkipEntitlements {});
    } else if kind.skips.grants {
        annotations::append(&mut row.annotations, &SkipGrants {});
    }
    if kind.skips.anomaly_detection {
        annotations::append(&mut row.annotations, &SkipSyncAnomalyDetection {});
    }
    row
}

/// A kind as an entitlement names it.
pub(super) fn grantable(kind: &ResourceType) -> v2::ResourceType {
    v2::ResourceType {
        id: kind.id.clone(),
        display_name: clipped(&kind.name, NAME_BYTES),
        traits: kind.traits.iter().map(|of| trait_number(*of) as i32).collect(),
        ..v2::ResourceType::default()
    }
}

fn trait_number(of: Trait) -> v2::resource_type::Trait {
    match of {
        Trait::User => v2::resource_type::Trait::User,
        Trait::Group => v2::resource_type::Trait::Group,
        Trait::Role => v2::resource_type::Trait::Role,
        Trait::App => v2::resource_type::Trait::App,
        Trait::Secret => v2::resource_type::Trait::Secret,
    }
}

/// The annotations that resources of a kind have because others are listed below them (baton SG-4).
pub(super) fn children(governance: &Governance, kind: &ResourceType) -> Vec<Any> {
    let below = governance.resource_types.iter().filter(|other| match &other.source {
        spec::connector_file::governance::ResourceSource::Listed(listed) => {
            listed.per.as_ref() == Some(&kind.id)
        }
        spec::connector_file::governance::ResourceSource::Static(_) => false,
    });
    below.map(|other| annotations::pack(&ChildResourceType { resource_type_id: other.id.clone() })).collect()
}

/// The row of a resource. `parent`: what it is listed below, unless its item says otherwise.
pub(super) fn resource(
    kind: &ResourceType,
    item: &ResourceItem,
    (parent, children): (Option<ResourceId>, &[Any]),
) -> Resource {
    let own_parent = item.parent.as_ref().map(|(kind, id)| resource_id(kind, id));
    let profile = profile(&item.profile);
    let mut row = Resource {
        id: Some(resource_id(&kind.id, &item.id)),
        parent_resource_id: own_parent.or(parent),
        display_name: clipped(item.display_name.as_deref().unwrap_or(&item.id), NAME_BYTES),
        description: clipped(item.description.as_deref().unwrap_or_default(), DESCRIPTION_BYTES),
        annotations: children.to_vec(),
        ..Resource::default()
    };
    for of in &kind.traits {
        row.annotations.push(annotation(*of, item.user.as_deref(), profile.clone()));
    }
    if let Some(url) = &item.external_link {
        annotations::append(&mut row.annotations, &ExternalLink { url: url.clone() });
    }
    row
}

/// The row of a resource that only a grant names: its list did not have it.
pub(super) fn stub(kind: &ResourceType, id: &str) -> Resource {
    let item = ResourceItem { id: id.to_owned(), ..ResourceItem::default() };
    Resource {
        creation_source: v2::resource::CreationSource::ConnectorListGrantsPrincipalJit as i32,
        ..resource(kind, &item, (None, &[]))
    }
}

fn annotation(of: Trait, user: Option<&UserItem>, profile: Option<Struct>) -> Any {
    match of {
        Trait::User => {
            let user = user.cloned().unwrap_or_default();
            annotations::pack(&account(&user, profile))
        }
        Trait::Group => annotations::pack(&GroupTrait { profile, ..GroupTrait::default() }),
        Trait::Role => annotations::pack(&RoleTrait { profile, ..RoleTrait::default() }),
        Trait::App => annotations::pack(&AppTrait { profile, ..AppTrait::default() }),
        Trait::Secret => annotations::pack(&SecretTrait { profile, ..SecretTrait::default() }),
    }
}

fn account(user: &UserItem, profile: Option<Struct>) -> UserTrait {
    use v2::user_trait::{AccountType as Number, Email, MfaStatus, SsoStatus, Status, status};
    let status = match user.status.unwrap_or(AccountStatus::Enabled) {
        AccountStatus::Enabled => status::Status::Enabled,
        AccountStatus::Disabled => status::Status::Disabled,
        AccountStatus::Deleted => status::Status::Deleted,
    };
    let account_type = match user.account_type.unwrap_or(AccountType::Human) {
        AccountType::Human => Number::Human,
        AccountType::Service => Number::Service,
        AccountType::System => Number::System,
    };
    let email =
        |(place, address): (usize, &String)| Email { address: address.clone(), is_primary: place == 0 };
    UserTrait {
        emails: user.emails.iter().enumerate().map(email).collect(),
        status: Some(Status {
            status: status as i32,
            details: clipped(user.status_details.as_deref().unwrap_or_default(), NAME_BYTES),
        }),
        profile,
        account_type: account_type as i32,
        login: user.login.clone().unwrap_or_default(),
        created_at: user.created_at.map(timestamp),
        last_login: user.last_login.map(timestamp),
        mfa_status: user.mfa.map(|mfa_enabled| MfaStatus { mfa_enabled }),
        sso_status: user.sso.map(|sso_enabled| SsoStatus { sso_enabled }),
        employee_ids: user.employee_ids.clone(),
        ..UserTrait::default()
    }
}

fn timestamp(microseconds: i64) -> Timestamp {
    let (seconds, rest) = (microseconds.div_euclid(1_000_000), microseconds.rem_euclid(1_000_000));
    Timestamp { seconds, nanos: i32::try_from(rest * 1_000).unwrap_or(0) }
}

/// What an entitlement's row is made of, beside its resource.
pub(super) struct EntitlementParts<'a> {
    pub(super) id: String,
    pub(super) slug: &'a str,
    pub(super) text: &'a TextItem,
    pub(super) purpose: Purpose,
    pub(super) grantable_to: &'a [v2::ResourceType],
}

/// The row of an entitlement. Of its resource it names kind, id, parent and name.
pub(super) fn entitlement(resource: &Resource, parts: EntitlementParts<'_>) -> Entitlement {
    let purpose = match parts.purpose {
        Purpose::Assignment => v2::entitlement::PurposeValue::Assignment,
        Purpose::Permission => v2::entitlement::PurposeValue::Permission,
        Purpose::Ownership => v2::entitlement::PurposeValue::Ownership,
    };
    Entitlement {
        resource: Some(Resource {
            id: resource.id.clone(),
            parent_resource_id: resource.parent_resource_id.clone(),
            display_name: resource.display_name.clone(),
            ..Resource::default()
        }),
        display_name: clipped(parts.text.display_name.as_deref().unwrap_or(parts.slug), NAME_BYTES),
        description: clipped(parts.text.description.as_deref().unwrap_or_default(), DESCRIPTION_BYTES),
        grantable_to: parts.grantable_to.to_vec(),
        purpose: purpose as i32,
        slug: parts.slug.to_owned(),
        id: parts.id,
        ..Entitlement::default()
    }
}

/// The row of a grant; it names its ends by their ids.
pub(super) fn grant(id: String, (entitlement, on): (&str, ResourceId), principal: ResourceId) -> Grant {
    Grant {
        entitlement: Some(Entitlement {
            id: entitlement.to_owned(),
            resource: Some(Resource { id: Some(on), ..Resource::default() }),
            ..Entitlement::default()
        }),
        principal: Some(Resource { id: Some(principal), ..Resource::default() }),
        id,
        ..Grant::default()
    }
}

fn profile(members: &[(String, Value)]) -> Option<Struct> {
    if members.is_empty() {
        return None;
    }
    let fields: BTreeMap<String, ProtoValue> =
        members.iter().map(|(name, value)| (name.clone(), proto_value(value))).collect();
    Some(Struct { fields })
}

fn proto_value(value: &Value) -> ProtoValue {
    let kind = match value {
        Value::Null => ProtoKind::NullValue(0),
        Value::Bool(flag) => ProtoKind::BoolValue(*flag),
        Value::Number(number) => ProtoKind::NumberValue(number.as_f64().unwrap_or_default()),
        Value::String(text) => ProtoKind::StringValue(text.clone()),
        Value::Array(items) => {
            ProtoKind::ListValue(prost_types::ListValue { values: items.iter().map(proto_value).collect() })
        }
        Value::Object(members) => ProtoKind::StructValue(Struct {
            fields: members.iter().map(|(name, value)| (name.clone(), proto_value(value))).collect(),
        }),
    };
    ProtoValue { kind: Some(kind) }
}

/// A text cut to so many bytes, between characters.
fn clipped(text: &str, bytes: usize) -> String {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text).to_owned()
}
