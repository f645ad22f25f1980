//! Small worlds for tests, written by hand.

use jiff::Timestamp;
use protos::annotations;
use protos::c1::connector::v2::entitlement::PurposeValue;
use protos::c1::connector::v2::grant_sources::GrantSource;
use protos::c1::connector::v2::resource_type::Trait;
use protos::c1::connector::v2::user_trait::{AccountType, Email, Status, StructuredName, status};
use protos::c1::connector::v2::{
    Entitlement, Grant, GrantExpandable, GrantImmutable, GrantSources, Resource, ResourceId, ResourceType,
    UserTrait,
};

use super::{Inventory, InventoryBuilder, KindStanding, KindState};
use crate::sink::SyncSink as _;

/// When worlds are true.
pub(in crate::inventory) const AS_OF: &str = "2026-11-27T00:00:00Z";

/// Rows that are gathered.
#[derive(Debug)]
pub(in crate::inventory) struct World {
    builder: InventoryBuilder,
}

impl World {
    /// Users, groups and sources, and nothing of them yet.
    pub(in crate::inventory) fn new() -> Self {
        let mut world = Self::without_kinds();
        world.kind("user", &[Trait::User]).kind("group", &[Trait::Group]).kind("source", &[]);
        world
    }

    /// Of a file that knows no kind.
    pub(in crate::inventory) fn without_kinds() -> Self {
        Self { builder: InventoryBuilder::new() }
    }

    /// A kind with its traits.
    pub(in crate::inventory) fn kind(&mut self, id: &str, traits: &[Trait]) -> &mut Self {
        let row = ResourceType {
            id: id.to_owned(),
            display_name: id.to_owned(),
            traits: traits.iter().map(|of| *of as i32).collect(),
            ..ResourceType::default()
        };
        self.builder.resource_type(&row).unwrap();
        self
    }

    pub(in crate::inventory) fn user(&mut self, id: &str, name: &str, email: &str) -> &mut Self {
        self.account(id, name, |user| {
            let is_primary = true;
            user.emails =
                if email.is_empty() { vec![] } else { vec![Email { address: email.to_owned(), is_primary }] };
        })
    }

    pub(in crate::inventory) fn account(
        &mut self,
        id: &str,
        name: &str,
        says: impl FnOnce(&mut UserTrait),
    ) -> &mut Self {
        let mut user = UserTrait::default();
        says(&mut user);
        let mut row = resource(&format!("user:{id}"), name);
        annotations::append(&mut row.annotations, &user);
        self.builder.resource(&row).unwrap();
        self
    }

    /// A group with its membership.
    pub(in crate::inventory) fn group(&mut self, id: &str, name: &str) -> &mut Self {
        self.thing(&format!("group:{id}"), name, &["member"])
    }

    /// Anything, named `kind:id`, with entitlements.
    pub(in crate::inventory) fn thing(&mut self, key: &str, name: &str, slugs: &[&str]) -> &mut Self {
        self.builder.resource(&resource(key, name)).unwrap();
        for slug in slugs {
            let purpose = if *slug == "member" { PurposeValue::Assignment } else { PurposeValue::Permission };
            let row = Entitlement {
                id: format!("{key}:{slug}"),
                slug: (*slug).to_owned(),
                display_name: format!("{name} {slug}"),
                purpose: purpose as i32,
                resource: Some(resource(key, name)),
                ..Entitlement::default()
            };
            self.builder.entitlement(&row).unwrap();
        }
        self
    }

    /// Anything below something else.
    pub(in crate::inventory) fn below(&mut self, key: &str, name: &str, parent: &str) -> &mut Self {
        let row = Resource { parent_resource_id: Some(id(parent)), ..resource(key, name) };
        self.builder.resource(&row).unwrap();
        self
    }

    /// `principal` holds `slug` of `on`. Groups pass it on to their members.
    pub(in crate::inventory) fn grant(&mut self, (on, slug): (&str, &str), principal: &str) -> &mut Self {
        let expandable = principal.starts_with("group:").then(|| GrantExpandable {
            entitlement_ids: vec![format!("{principal}:member")],
            ..GrantExpandable::default()
        });
        self.builder.grant(&grant((on, slug), principal), expandable.as_ref()).unwrap();
        self
    }

    /// A grant that passes on what is said.
    pub(in crate::inventory) fn expandable(
        &mut self,
        (on, slug): (&str, &str),
        principal: &str,
        expandable: &GrantExpandable,
    ) -> &mut Self {
        self.builder.grant(&grant((on, slug), principal), Some(expandable)).unwrap();
        self
    }

    /// A grant that a foreign file says to follow from others.
    pub(in crate::inventory) fn told(
        &mut self,
        (on, slug): (&str, &str),
        principal: &str,
        sources: &[&str],
    ) -> &mut Self {
        let mut row = grant((on, slug), principal);
        let source = |id: &&str| ((*id).to_owned(), GrantSource { is_direct: true });
        row.sources = Some(GrantSources { sources: sources.iter().map(source).collect() });
        annotations::append(&mut row.annotations, &GrantImmutable::default());
        self.builder.grant(&row, None).unwrap();
        self
    }

    pub(in crate::inventory) fn state(
        &mut self,
        kind: &str,
        status: KindStanding,
        as_of: Option<&str>,
    ) -> &mut Self {
        let as_of = as_of.map(|time| time.parse().unwrap());
        let reason = Some("the list answered 500".to_owned());
        self.builder.kind_state(KindState { kind: kind.to_owned(), status, as_of, reason });
        self
    }

    pub(in crate::inventory) fn builder(&mut self) -> &mut InventoryBuilder {
        &mut self.builder
    }

    pub(in crate::inventory) fn inventory(&mut self) -> Inventory {
        let as_of: Timestamp = AS_OF.parse().unwrap();
        std::mem::take(&mut self.builder).finish(as_of).unwrap()
    }
}

/// An account that a person signs in to with `login`.
pub(in crate::inventory) fn with_login(login: &str) -> impl FnOnce(&mut UserTrait) {
    let login = login.to_owned();
    move |user| user.login = login
}

/// An account of a type.
pub(in crate::inventory) fn of_type(account_type: AccountType) -> impl FnOnce(&mut UserTrait) {
    move |user| user.account_type = account_type as i32
}

/// An account that cannot be used, with this address.
pub(in crate::inventory) fn disabled(email: &str) -> impl FnOnce(&mut UserTrait) {
    let address = email.to_owned();
    move |user| {
        user.emails = vec![Email { address, is_primary: true }];
        user.status = Some(Status { status: status::Status::Disabled as i32, ..Status::default() });
    }
}

/// An account of somebody with a first and a last name.
pub(in crate::inventory) fn called(given: &str, family: &str) -> impl FnOnce(&mut UserTrait) {
    let name = StructuredName {
        given_name: given.to_owned(),
        family_name: family.to_owned(),
        ..StructuredName::default()
    };
    move |user| user.structured_name = Some(name)
}

fn id(key: &str) -> ResourceId {
    let (kind, id) = key.split_once(':').unwrap();
    ResourceId { resource_type: kind.to_owned(), resource: id.to_owned(), ..ResourceId::default() }
}

fn resource(key: &str, name: &str) -> Resource {
    Resource { id: Some(id(key)), display_name: name.to_owned(), ..Resource::default() }
}

fn grant((on, slug): (&str, &str), principal: &str) -> Grant {
    let entitlement = Entitlement {
        id: format!("{on}:{slug}"),
        resource: Some(Resource { id: Some(id(on)), ..Resource::default() }),
        ..Entitlement::default()
    };
    Grant {
        id: format!("{on}:{slug}:{principal}"),
        entitlement: Some(entitlement),
        principal: Some(Resource { id: Some(id(principal)), ..Resource::default() }),
        ..Grant::default()
    }
}
