//! A small directory of invented people, written to a file.

use std::path::Path;

use c1z::{NewRun, RunEnd, SyncType, Writer};
use protos::annotations;
use protos::c1::connector::v2::{
    Entitlement, Grant, GrantExpandable, GrantSources, Resource, ResourceId, ResourceType, UserTrait,
    grant_sources::GrantSource, resource_type::Trait, user_trait,
};

pub(crate) const SYNC_ID: &str = "3MRtGGH2nQlWkwulXiopoxBpLgw";
pub(crate) const LATER_SYNC_ID: &str = "3MRtGGH2nQlWkwulXiopoxBpLgx";
pub(crate) const STARTED: &str = "2026-11-22T05:25:10.190572275Z";
pub(crate) const ENDED: &str = "2026-11-22T05:26:00Z";

pub(crate) fn new_run(sync_id: &str) -> NewRun {
    NewRun {
        sync_id: sync_id.to_owned(),
        started_at: STARTED.parse().unwrap(),
        sync_type: SyncType::Full,
        parent_sync_id: String::new(),
    }
}

pub(crate) fn end() -> RunEnd {
    RunEnd { ended_at: ENDED.parse().unwrap(), actions: 7 }
}

pub(crate) fn id(kind: &str, id: &str) -> ResourceId {
    ResourceId { resource_type: kind.to_owned(), resource: id.to_owned(), ..ResourceId::default() }
}

pub(crate) fn user(name: &str) -> Resource {
    let address = user_trait::Email { address: format!("{name}@example.com"), is_primary: true };
    let mut user = Resource {
        id: Some(id("user", name)),
        parent_resource_id: Some(id("workspace", "w1")),
        display_name: format!("{name} Example"),
        ..Resource::default()
    };
    annotations::replace(
        &mut user.annotations,
        &UserTrait { emails: vec![address], login: name.to_owned(), ..UserTrait::default() },
    );
    user
}

pub(crate) fn group(name: &str) -> Resource {
    Resource { id: Some(id("group", name)), display_name: name.to_owned(), ..Resource::default() }
}

pub(crate) fn member(group_name: &str) -> Entitlement {
    Entitlement {
        id: format!("group:{group_name}:member"),
        resource: Some(group(group_name)),
        display_name: format!("{group_name} member"),
        slug: "member".to_owned(),
        purpose: 1,
        ..Entitlement::default()
    }
}

/// A grant with ids and nothing else.
pub(crate) fn grant(group_name: &str, kind: &str, principal: &str) -> Grant {
    let resource = Resource { id: Some(id("group", group_name)), ..Resource::default() };
    let entitlement = format!("group:{group_name}:member");
    Grant {
        id: format!("{entitlement}:{kind}:{principal}"),
        entitlement: Some(Entitlement {
            id: entitlement,
            resource: Some(resource),
            ..Entitlement::default()
        }),
        principal: Some(Resource { id: Some(id(kind, principal)), ..Resource::default() }),
        ..Grant::default()
    }
}

/// What stands in a file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Directory {
    pub(crate) types: Vec<ResourceType>,
    pub(crate) resources: Vec<Resource>,
    pub(crate) entitlements: Vec<Entitlement>,
    pub(crate) grants: Vec<Grant>,
}

impl Directory {
    /// A workspace with two groups, one of them a member of the other.
    pub(crate) fn small() -> Self {
        let kind = |id: &str, traits: Vec<i32>| ResourceType {
            id: id.to_owned(),
            display_name: id.to_uppercase(),
            traits,
            ..ResourceType::default()
        };
        let workspace = Resource {
            id: Some(id("workspace", "w1")),
            display_name: "Acme".to_owned(),
            ..Resource::default()
        };
        let mut nested = grant("all", "group", "ops");
        annotations::replace(
            &mut nested.annotations,
            &GrantExpandable {
                entitlement_ids: vec!["group:ops:member".to_owned()],
                ..GrantExpandable::default()
            },
        );
        let mut through = grant("all", "user", "ana");
        let sources = [("group:ops:member", false), ("group:all:member", true)]
            .map(|(id, is_direct)| (id.to_owned(), GrantSource { is_direct }));
        through.sources = Some(GrantSources { sources: sources.into() });
        Self {
            types: vec![
                kind("workspace", vec![]),
                kind("user", vec![Trait::User as i32]),
                kind("group", vec![Trait::Group as i32]),
            ],
            resources: vec![workspace, user("ana"), user("bo"), group("ops"), group("all")],
            entitlements: vec![member("ops"), member("all")],
            grants: vec![grant("ops", "user", "ana"), nested, through, grant("all", "user", "bo")],
        }
    }

    pub(crate) fn put(&self, writer: &mut Writer) {
        self.types.iter().for_each(|row| writer.resource_type(row).unwrap());
        self.resources.iter().for_each(|row| writer.resource(row).unwrap());
        self.entitlements.iter().for_each(|row| writer.entitlement(row).unwrap());
        self.grants.iter().for_each(|row| writer.grant(row).unwrap());
    }

    pub(crate) fn write(&self, path: &Path) -> c1z::Written {
        let mut writer = Writer::create(path, None, new_run(SYNC_ID)).unwrap();
        self.put(&mut writer);
        writer.finish(end()).unwrap()
    }
}
