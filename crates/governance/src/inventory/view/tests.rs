use protos::c1::connector::v2::{Entitlement, Grant, GrantExpandable, Resource, ResourceId};
use rstest::rstest;

use super::*;
use crate::inventory::world::{World, with_login};
use crate::reach::{AccessQuery, Held, PathQuery, Target};
use crate::sink::SyncSink as _;

/// What a text means: one id, or all that it may mean.
fn found(inventory: &Inventory, text: &str) -> String {
    match inventory.resolve_principal(text) {
        Ok(number) => inventory.resource_id(number),
        Err(FindError::Nothing { .. }) => "nothing".to_owned(),
        Err(FindError::Resource { id } | FindError::Entitlement { id }) => format!("other {id}"),
        Err(FindError::Several { candidates }) => {
            candidates.into_iter().map(|one| one.id).collect::<Vec<_>>().join(" or ")
        }
    }
}

fn held(inventory: &Inventory, principal: &str) -> Vec<(String, Held)> {
    let principal = inventory.resolve_principal(principal).unwrap();
    let found = inventory.graph().access(&AccessQuery { principal, limit: usize::MAX });
    let real = found.items.iter().filter(|access| inventory.is_real(access.entitlement));
    real.map(|access| (inventory.entitlement_ref(access.entitlement).id.to_owned(), access.held)).collect()
}

fn ways(inventory: &Inventory, principal: &str, target: &str) -> Vec<String> {
    let principal = inventory.resolve_principal(principal).unwrap();
    let target = inventory.resolve_target(target).unwrap();
    let found = inventory.graph().paths(&PathQuery { principal, target, limit: 100 });
    found.items.iter().map(|path| inventory.sentence(path)).collect()
}

#[rstest]
#[case::kind_and_id("user:7", "user:7")]
#[case::address_in_any_case("ANA@Example.com", "user:7")]
#[case::login("ben", "user:b:1,\"x\"")]
#[case::odd_id("user:b:1,\"x\"", "user:b:1,\"x\"")]
#[case::bare_id("7", "user:7")]
#[case::name("ana lima", "user:7")]
#[case::name_of_a_group("Growth & Co: \"A\"", "group:g")]
#[case::two_of_a_name("Cleo", "user:8 or user:9")]
#[case::nobody("nobody", "nothing")]
fn a_principal_is_found_by_whatever_names_it(#[case] text: &str, #[case] expected: &str) {
    let mut world = World::new();
    world.user("7", "Ana Lima", "ana@example.com");
    world.account("b:1,\"x\"", "", with_login("Ben"));
    world.user("8", "Cleo", "").user("9", "cleo", "cleo@example.com");
    world.group("g", "Growth & Co: \"A\"");

    let found = found(&world.inventory(), text);

    assert_eq!(found, expected);
}

#[test]
fn a_target_is_an_entitlement_before_it_is_a_resource() {
    let mut world = World::new();
    world.thing("source:s", "Website", &["admin", "read"]).thing("source:t", "App", &["read"]);
    let inventory = world.inventory();
    let resolved = |text: &str| match inventory.resolve_target(text).unwrap() {
        Target::Entitlement(entitlement) => inventory.entitlement_ref(entitlement).id.to_owned(),
        Target::Resource(resource) => inventory.resource_id(resource),
    };

    assert_eq!(
        ["source:s:admin", "source:s", "s", "website", "Website Read"].map(resolved),
        ["source:s:admin", "source:s", "source:s", "source:s", "source:s:read"]
    );
}

#[test]
fn rows_give_the_same_inventory_in_whatever_order() {
    let mut forwards = World::new();
    forwards.user("7", "Ana", "ana@example.com").group("g", "Growth").thing(
        "source:s",
        "Website",
        &["admin"],
    );
    forwards.grant(("group:g", "member"), "user:7").grant(("source:s", "admin"), "group:g");
    let mut backwards = World::new();
    backwards.grant(("source:s", "admin"), "group:g").grant(("group:g", "member"), "user:7");
    backwards.thing("source:s", "Website", &["admin"]).group("g", "Growth").user(
        "7",
        "Ana",
        "ana@example.com",
    );

    let [one, other] = [forwards.inventory(), backwards.inventory()];

    assert_eq!(held(&one, "ana"), held(&other, "ana"));
    assert_eq!(
        held(&one, "ana"),
        [("group:g:member".to_owned(), Held::Directly), ("source:s:admin".to_owned(), Held::Inherited)]
    );
    assert_eq!(ways(&other, "ana", "website"), ["Ana → member of Growth → admin on Website"]);
    assert!(one.bytes() > 500 && one.bytes() < 100_000, "{}", one.bytes());
}

// DB-4
#[test]
fn a_row_that_comes_again_takes_the_place_of_the_earlier_one() {
    let mut world = World::new();
    world.user("7", "Ana", "ana@example.com").group("g", "Growth").thing("source:s", "Website", &["admin"]);
    world.grant(("group:g", "member"), "user:7").grant(("source:s", "admin"), "group:g");
    world.expandable(("source:s", "admin"), "group:g", &GrantExpandable::default());
    world.user("7", "Ana Lima", "lima@example.com");
    let inventory = world.inventory();

    assert_eq!(held(&inventory, "lima@example.com"), [("group:g:member".to_owned(), Held::Directly)]);
    assert_eq!(inventory.accounts_by_email("ana@example.com"), []);
    assert_eq!(inventory.reported_grants(), 2);
}

// INVENTORY: told grants are kept unless they follow from what is here
#[test]
fn a_told_grant_is_kept_only_where_no_way_shows_it() {
    let mut world = World::new();
    world.user("7", "Ana", "").group("g", "Growth").group("h", "Hidden");
    world.thing("source:s", "Website", &["admin"]).thing("source:t", "App", &["admin"]).thing(
        "source:u",
        "Shop",
        &["admin"],
    );
    world.grant(("group:g", "member"), "user:7").grant(("source:s", "admin"), "group:g");
    world.told(("source:s", "admin"), "user:7", &["group:g:member"]);
    world.told(("group:h", "member"), "user:7", &["elsewhere"]);
    world.grant(("source:t", "admin"), "group:h");
    let shallow = GrantExpandable {
        entitlement_ids: vec!["group:h:member".to_owned()],
        shallow: true,
        ..GrantExpandable::default()
    };
    world.expandable(("source:u", "admin"), "group:h", &shallow);
    let inventory = world.inventory();

    let mut found = held(&inventory, "user:7");
    found.sort_by(|one, two| one.0.cmp(&two.0));
    // What follows from a told one is inherited too; what only direct holders get is not.
    assert_eq!(
        found,
        [
            ("group:g:member".to_owned(), Held::Directly),
            ("group:h:member".to_owned(), Held::Inherited),
            ("source:s:admin".to_owned(), Held::Inherited),
            ("source:t:admin".to_owned(), Held::Inherited),
        ]
    );
    let [ana, hidden] = ["user:7", "group:h:member"];
    assert_eq!(ways(&inventory, ana, hidden), ["Ana → (told, without a way: elsewhere) → member of Hidden"]);
    assert_eq!(ways(&inventory, ana, "source:s"), ["Ana → member of Growth → admin on Website"]);
    let told = |entitlement: &str| {
        let entitlement = inventory.find_entitlement(entitlement).unwrap();
        inventory.find_told(entitlement, inventory.resolve_principal(ana).unwrap()).is_some()
    };
    assert!(told(hidden) && !told("source:s:admin"));
}

#[rstest]
#[case::of_one_moment(KindStanding::Complete, 1, 0)]
#[case::of_different_moments(KindStanding::Incomplete, 0, 1)]
fn a_grant_of_what_no_list_has_is_shown_unless_the_lists_are_of_different_moments(
    #[case] status: KindStanding,
    #[case] shown: u64,
    #[case] left_out: u64,
) {
    let mut world = World::new();
    world.user("7", "Ana", "").state("source", status, None).grant(("source:gone", "admin"), "user:7");

    let inventory = world.inventory();

    assert_eq!((inventory.reported_grants(), inventory.left_out()), (shown, left_out));
    assert_eq!(inventory.is_incomplete(), status == KindStanding::Incomplete);
}

// decision 052: when a kept part is older than what it names, what is gone is not shown
#[rstest]
#[case::of_different_moments(KindStanding::Incomplete, &["user:7"], &["source:s:admin"])]
#[case::of_one_moment(KindStanding::Complete, &["user:7", "user:gone"], &["source:gone:admin", "source:s:admin"])]
fn what_only_grants_that_are_left_out_name_is_in_no_list(
    #[case] status: KindStanding,
    #[case] accounts: &[&str],
    #[case] entitlements: &[&str],
) {
    let mut world = World::new();
    world.state("source", status, None).grant(("source:gone", "admin"), "user:7");
    world.grant(("source:s", "admin"), "user:gone").grant(("source:s", "admin"), "user:7");
    world.user("7", "Ana", "").thing("source:s", "Website", &["admin"]);

    let inventory = world.inventory();

    let listed: Vec<String> = inventory.accounts().map(|number| inventory.resource_id(number)).collect();
    assert_eq!(listed, accounts);
    let ids = inventory.entitlement_numbers().map(|number| inventory.entitlement_ref(number).id);
    assert_eq!(ids.collect::<Vec<_>>(), entitlements);
    assert_eq!(inventory.resource_count(), accounts.len() + entitlements.len());
    assert_eq!(found(&inventory, "user:gone") == "nothing", accounts.len() == 1);
    assert_eq!(inventory.find_entitlement("source:gone:admin").is_none(), entitlements.len() == 1);
    assert!(held(&inventory, "user:7").contains(&("source:s:admin".to_owned(), Held::Directly)));
}

#[test]
fn an_odd_id_of_a_grant_is_told_whatever_order_grants_came_in() {
    let resource = |kind: &str, id: &str| Resource {
        id: Some(ResourceId {
            resource_type: kind.to_owned(),
            resource: id.to_owned(),
            ..ResourceId::default()
        }),
        ..Resource::default()
    };
    let users = ["5", "1", "4", "2", "3"];
    let mut world = World::new();
    for user in users {
        let entitlement = Entitlement {
            id: "source:s:admin".to_owned(),
            resource: Some(resource("source", "s")),
            ..Entitlement::default()
        };
        let row = Grant {
            id: format!("odd {user}"),
            entitlement: Some(entitlement),
            principal: Some(resource("user", user)),
            ..Grant::default()
        };
        world.builder().grant(&row, None).unwrap();
    }

    let inventory = world.inventory();

    let entitlement = inventory.find_entitlement("source:s:admin").unwrap();
    for user in users {
        let principal = inventory.find_resource("user", user).unwrap();
        assert_eq!(inventory.grant_id(entitlement, principal), format!("odd {user}"));
    }
}

#[test]
fn a_limit_to_a_kind_that_nothing_is_of_lets_nobody_through() {
    let mut world = World::new();
    world.user("7", "Ana", "").group("g", "Growth").thing("source:s", "Website", &["admin"]);
    world.grant(("group:g", "member"), "user:7");
    let robots = GrantExpandable {
        entitlement_ids: vec!["group:g:member".to_owned()],
        resource_type_ids: vec!["robot".to_owned()],
        ..GrantExpandable::default()
    };
    world.expandable(("source:s", "admin"), "group:g", &robots);

    assert_eq!(held(&world.inventory(), "user:7"), [("group:g:member".to_owned(), Held::Directly)]);
}

#[test]
fn a_row_without_an_id_is_refused() {
    let refused =
        World::new().builder().resource(&Resource { id: Some(ResourceId::default()), ..Resource::default() });

    assert!(refused.unwrap_err().to_string().contains("has no id"));
}

#[test]
fn debug_text_names_nobody() {
    let mut world = World::new();
    world.user("7", "Canary", "canary@example.com");

    assert!(!format!("{:?}", world.builder()).to_lowercase().contains("canary"));
    assert!(!format!("{:?}", world.inventory()).to_lowercase().contains("canary"));
}
