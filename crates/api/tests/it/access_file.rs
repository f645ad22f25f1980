//! Files of syncs, as connectors make them, and what becomes of them.

use c1z::{Limits, NewRun, RunEnd, SyncType, Writer};
use governance::inventory::{KeepRequest, Kept, ShrinkGuard, keep_file};
use model::Clock as _;
use protos::c1::connector::v2::resource_type::Trait;
use protos::c1::connector::v2::user_trait::{AccountType, Email, Status, status};
use protos::c1::connector::v2::{
    Entitlement, Grant, GrantExpandable, Resource, ResourceId, ResourceType, UserTrait,
};
use protos::{Ksuid, annotations};
use store::Actor;

use crate::app::App;

/// So many people that half of them are not gone without a question.
pub(crate) const MANY: [&str; 12] =
    ["ana", "ben", "cai", "dia", "eli", "fay", "gus", "hal", "ida", "jon", "kim", "lea"];
/// Those of them who are there when much is gone.
pub(crate) const FEW: [&str; 5] = ["ana", "ben", "cai", "dia", "eli"];

/// An application with the group `eng`, which is an `admin`; whoever is called `ben` is one as well.
pub(crate) struct Application<'a> {
    /// Everyone. `ana.off` cannot sign in, `ana.bot` is a program; both have the address of `ana`.
    pub(crate) people: &'a [&'a str],
    /// Those of them who are in the group.
    pub(crate) members: &'a [&'a str],
}

/// A sync of a connection found this, and nobody looks whether much is gone.
pub(crate) async fn synced(app: &App, connection: &str, found: &Application<'_>) {
    let kept = kept(app, (connection, ShrinkGuard::Off), found).await;
    assert!(kept.held.is_none());
}

/// The same, with the guard as it is said.
pub(crate) async fn kept(
    app: &App,
    (connection, guard): (&str, ShrinkGuard),
    found: &Application<'_>,
) -> Kept {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    let now = app.clock().now();
    let run = NewRun {
        sync_id: Ksuid::new(now.as_second(), [7; 16]).unwrap().to_string(),
        started_at: now,
        sync_type: SyncType::Full,
        parent_sync_id: String::new(),
    };
    let mut file = Writer::create(&path, Some(folder.path()), run).unwrap();
    rows(&mut file, found);
    file.finish(RunEnd { ended_at: now, actions: 1 }).unwrap();
    let connection = connection.parse().unwrap();
    let request = KeepRequest { store: app.store(), connection: &connection, guard, actor: Actor::system() };
    keep_file(&request, (&path, &Limits::default()), &[]).await.unwrap()
}

fn rows(file: &mut Writer, found: &Application<'_>) {
    for (kind, of) in [("user", Trait::User), ("group", Trait::Group), ("role", Trait::Role)] {
        let row = ResourceType { id: kind.to_owned(), traits: vec![of.into()], ..ResourceType::default() };
        file.resource_type(&row).unwrap();
    }
    for person in found.people {
        file.resource(&resource("user", person)).unwrap();
    }
    for (kind, id) in [("group", "eng"), ("role", "admin")] {
        file.resource(&resource(kind, id)).unwrap();
    }
    for (kind, id) in [("group", "eng"), ("role", "admin")] {
        file.entitlement(&entitlement(kind, id)).unwrap();
    }
    for member in found.members {
        file.grant(&grant(("group", "eng"), ("user", member))).unwrap();
    }
    let mut through = grant(("role", "admin"), ("group", "eng"));
    let members = GrantExpandable {
        entitlement_ids: vec!["group:eng:member".to_owned()],
        ..GrantExpandable::default()
    };
    annotations::append(&mut through.annotations, &members);
    file.grant(&through).unwrap();
    if found.people.contains(&"ben") {
        file.grant(&grant(("role", "admin"), ("user", "ben"))).unwrap();
    }
}

fn resource(kind: &str, id: &str) -> Resource {
    let name =
        ResourceId { resource_type: kind.to_owned(), resource: id.to_owned(), ..ResourceId::default() };
    let mut row = Resource { id: Some(name), display_name: id.to_owned(), ..Resource::default() };
    if kind == "user" {
        let (name, mark) = id.split_once('.').unwrap_or((id, ""));
        let email = Email { address: format!("{name}@example.com"), is_primary: true };
        let mut user = UserTrait { emails: vec![email], ..UserTrait::default() };
        match mark {
            "off" => {
                user.status = Some(Status { status: status::Status::Disabled as i32, ..Status::default() });
            }
            "bot" => user.account_type = AccountType::Service as i32,
            _ => {}
        }
        annotations::append(&mut row.annotations, &user);
    }
    row
}

fn entitlement(kind: &str, id: &str) -> Entitlement {
    Entitlement {
        resource: Some(resource(kind, id)),
        id: format!("{kind}:{id}:member"),
        slug: "member".to_owned(),
        ..Entitlement::default()
    }
}

fn grant((on_kind, on): (&str, &str), (kind, id): (&str, &str)) -> Grant {
    let entitlement = entitlement(on_kind, on);
    Grant {
        id: format!("{}:{kind}:{id}", entitlement.id),
        entitlement: Some(entitlement),
        principal: Some(resource(kind, id)),
        ..Grant::default()
    }
}
