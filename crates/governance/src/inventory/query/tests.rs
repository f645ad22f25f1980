use rstest::rstest;

use super::*;
use crate::inventory::world::{World, disabled};
use crate::inventory::{Inventory, KindStanding};
use crate::item::AccountStatus;
use crate::reach::Held;

mod laws;
mod naive;

fn world() -> World {
    let mut world = World::new();
    world.user("1", "Ana", "ana@example.com").user("2", "ben", "Ben@example.com").user(
        "3",
        "",
        "cleo@example.com",
    );
    world.account("4", "Dora", disabled("dora@example.com")).account("5", "Eve, \"E\"", |user| {
        user.last_login = Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 });
    });
    world.group("g", "Growth").group("h", "Hub").thing("source:s", "Website", &["admin", "read"]);
    world.grant(("group:g", "member"), "user:1").grant(("group:h", "member"), "user:1");
    world.grant(("group:g", "member"), "user:2").grant(("source:s", "admin"), "group:g");
    world.grant(("source:s", "admin"), "group:h").grant(("source:s", "admin"), "user:4");
    world.grant(("source:s", "read"), "user:1");
    world
}

fn names(inventory: &Inventory, page: &ListPage<crate::number::ResourceNumber>) -> Vec<String> {
    page.items.iter().map(|number| inventory.resource_id(*number)).collect()
}

fn grants(inventory: &Inventory, page: &ListPage<GrantItem>) -> Vec<String> {
    page.items.iter().map(|item| format!("{} {:?}", inventory.grant(item).id, item.held)).collect()
}

#[rstest]
#[case::all_by_name(AccountQuery::default(), &["1", "2", "3", "4", "5"])]
#[case::enabled(AccountQuery { status: Some(AccountStatus::Enabled), ..AccountQuery::default() }, &["1", "2", "3", "5"])]
#[case::search_in_addresses(AccountQuery { search: Some("EXAMPLE"), ..AccountQuery::default() }, &["1", "2", "3", "4"])]
#[case::search_in_names(AccountQuery { search: Some("e, \"e"), ..AccountQuery::default() }, &["5"])]
#[case::used_before(AccountQuery { used: Some(Use::Before("2026-01-01T00:00:00Z".parse().unwrap())), ..AccountQuery::default() }, &["5"])]
#[case::use_unknown(AccountQuery { used: Some(Use::Unknown), kind: Some("user"), ..AccountQuery::default() }, &["1", "2", "3", "4"])]
#[case::by_address(AccountQuery { sort: AccountSort::Email, ..AccountQuery::default() }, &["1", "2", "3", "4", "5"])]
#[case::used_last_first(AccountQuery { sort: AccountSort::LastLogin, ..AccountQuery::default() }, &["5", "1", "2", "3", "4"])]
#[case::people(AccountQuery { account_type: Some(crate::item::AccountType::Service), ..AccountQuery::default() }, &[])]
fn accounts_are_filtered_and_sorted(#[case] query: AccountQuery<'_>, #[case] expected: &[&str]) {
    let inventory = world().inventory();

    let mut found = names(&inventory, &inventory.list_accounts(&query, &PageRequest::all()).unwrap());
    if query.sort == AccountSort::Name {
        // One without a name stands where its id does.
        found.sort();
    }

    assert_eq!(found, expected.iter().map(|id| format!("user:{id}")).collect::<Vec<_>>());
}

#[test]
fn resources_are_listed_by_name_and_by_kind() {
    let inventory = world().inventory();
    let of = |query: ResourceQuery<'_>| {
        names(&inventory, &inventory.list_resources(&query, &PageRequest::all()).unwrap())
    };

    assert_eq!(of(ResourceQuery { kind: Some("group"), ..ResourceQuery::default() }), ["group:g", "group:h"]);
    assert_eq!(of(ResourceQuery { search: Some("web"), ..ResourceQuery::default() }), ["source:s"]);
    assert_eq!(of(ResourceQuery { sort: Sort::Id, ..ResourceQuery::default() }).first().unwrap(), "user:1");
    let unknown = inventory.list_resources(
        &ResourceQuery { kind: Some("robot"), ..ResourceQuery::default() },
        &PageRequest::all(),
    );
    assert_eq!(
        unknown.unwrap_err().to_string(),
        "there is no kind `robot` here; there are user, group, source"
    );
}

#[test]
fn a_kind_of_which_nothing_is_shown_is_empty_and_not_unknown() {
    let inventory = world().state("robot", KindStanding::Unavailable, None).inventory();
    let query = ResourceQuery { kind: Some("robot"), ..ResourceQuery::default() };

    assert_eq!(inventory.list_resources(&query, &PageRequest::all()).unwrap().items, []);
    assert_eq!(inventory.not_current().count(), 1);
}

#[rstest]
#[case::of_an_entitlement(
    |inventory: &Inventory| GrantQuery { entitlement: inventory.find_entitlement("source:s:admin"), ..GrantQuery::default() },
    &["source:s:admin:user:1 Inherited", "source:s:admin:user:2 Inherited", "source:s:admin:user:4 Directly", "source:s:admin:group:g Directly", "source:s:admin:group:h Directly"]
)]
#[case::direct_on_a_resource(
    |inventory: &Inventory| GrantQuery { resource: inventory.find_resource("source", "s"), held: Some(Held::Directly), ..GrantQuery::default() },
    &["source:s:admin:user:4 Directly", "source:s:admin:group:g Directly", "source:s:admin:group:h Directly", "source:s:read:user:1 Directly"]
)]
#[case::inherited_by_users(
    |_: &Inventory| GrantQuery { principal_kind: Some("user"), held: Some(Held::Inherited), ..GrantQuery::default() },
    &["source:s:admin:user:1 Inherited", "source:s:admin:user:2 Inherited"]
)]
#[case::of_a_principal_on_a_kind(
    |inventory: &Inventory| GrantQuery { principal: inventory.find_resource("user", "1"), kind: Some("source"), ..GrantQuery::default() },
    &["source:s:admin:user:1 Inherited", "source:s:read:user:1 Directly"]
)]
#[case::of_accounts_that_cannot_be_used(
    |_: &Inventory| GrantQuery { status: Some(AccountStatus::Disabled), ..GrantQuery::default() },
    &["source:s:admin:user:4 Directly"]
)]
#[case::searched(
    |_: &Inventory| GrantQuery { search: Some("hub"), ..GrantQuery::default() },
    &["group:h:member:user:1 Directly", "source:s:admin:group:h Directly"]
)]
fn grants_are_filtered(#[case] query: fn(&Inventory) -> GrantQuery<'static>, #[case] expected: &[&str]) {
    let inventory = world().inventory();

    let found = inventory.list_grants(&query(&inventory), &PageRequest::all()).unwrap();

    assert_eq!(grants(&inventory, &found), expected);
    assert_eq!(found.total, Some(expected.len() as u64));
}

#[rstest]
fn pages_together_are_the_whole_list(
    #[values(1, 2, 3, 100)] limit: usize,
    #[values(Totals::Counted, Totals::Left)] totals: Totals,
) {
    let inventory = world().inventory();
    let (mut found, mut after) = (vec![], None);
    loop {
        let request = PageRequest { after, limit, totals };
        let page = inventory.list_grants(&GrantQuery::default(), &request).unwrap();
        found.extend(page.items);
        // As text, as it comes from whoever asks.
        let Some(next) = page.next else { break };
        after = Some(next.to_string().parse().unwrap());
    }
    let (mut accounts, mut after) = (vec![], None);
    loop {
        let request = PageRequest { after, limit, totals };
        let page = inventory.list_accounts(&AccountQuery::default(), &request).unwrap();
        accounts.extend(page.items);
        let Some(next) = page.next else { break };
        after = Some(next);
    }

    assert_eq!(found, inventory.list_grants(&GrantQuery::default(), &PageRequest::all()).unwrap().items);
    assert_eq!(
        accounts,
        inventory.list_accounts(&AccountQuery::default(), &PageRequest::all()).unwrap().items
    );
}

#[test]
fn a_cursor_stands_behind_its_row_in_a_later_inventory_too() {
    let first = world().inventory();
    let page = first.list_entitlements(&EntitlementQuery::default(), &PageRequest::first(2)).unwrap();
    let mut later = world();
    later.group("a", "Aardvarks");
    let later = later.inventory();
    let rest = PageRequest { after: page.next.clone(), ..PageRequest::all() };

    let found = later.list_entitlements(&EntitlementQuery::default(), &rest).unwrap();

    let ids: Vec<_> = found.items.iter().map(|number| later.entitlement_ref(*number).id).collect();
    assert_eq!(ids, ["source:s:admin", "source:s:read"]);
    let gone = World::new().inventory().list_entitlements(&EntitlementQuery::default(), &rest);
    assert_eq!(gone.unwrap_err(), QueryError::Gone);
    let other = first.list_grants(&GrantQuery::default(), &rest);
    assert_eq!(other.unwrap_err(), QueryError::Cursor);
}

#[test]
fn gra2_who_tells_every_group_beside_direct_access() {
    let inventory = world().grant(("source:s", "admin"), "user:1").inventory();
    let target = inventory.resolve_target("source:s:admin").unwrap();

    let found = inventory.who(&WhoQuery { target, principal_kind: Some("user"), limit: 100 }).unwrap();

    let told: Vec<String> = found
        .items
        .iter()
        .map(|item| {
            let view = inventory.access_view(item);
            let through: Vec<&str> =
                view.through.iter().map(|through| through.resource.display_name).collect();
            format!("{} {:?} {}", view.principal.display_name, view.held, through.join(","))
        })
        .collect();
    assert_eq!(told, ["Ana Directly Growth,Hub", "Dora Directly ", "ben Inherited Growth"]);
    let json = serde_json::to_value(inventory.access_view(&found.items[2])).unwrap();
    assert_eq!(json["held"], "inherited");
    assert_eq!(json["through"][0]["id"], "group:g:member");
    assert_eq!(json["principal"], serde_json::json!({"type": "user", "id": "2", "display_name": "ben"}));
    let cut = inventory.who(&WhoQuery { target, principal_kind: None, limit: 1 }).unwrap();
    assert!(cut.more && cut.items.len() == 1);
}

#[test]
fn who_on_a_resource_tells_for_each_of_its_entitlements_what_brings_it() {
    let inventory = world().grant(("source:s", "read"), "group:h").inventory();
    let target = inventory.resolve_target("Website").unwrap();

    let found = inventory.who(&WhoQuery { target, principal_kind: Some("user"), limit: 100 }).unwrap();

    let told: Vec<String> = found
        .items
        .iter()
        .map(|item| {
            let view = inventory.access_view(item);
            let through: Vec<&str> =
                view.through.iter().map(|through| through.resource.display_name).collect();
            format!("{} {} {}", view.entitlement.slug, view.principal.display_name, through.join(","))
        })
        .collect();
    assert_eq!(told, ["admin Dora ", "admin Ana Growth,Hub", "admin ben Growth", "read Ana Hub"]);
}

#[test]
fn told_access_names_what_it_is_told_to_follow_from() {
    let mut world = world();
    world.told(("source:s", "read"), "user:2", &["group:x:member", "group:g:member"]);
    let inventory = world.inventory();
    let principal = inventory.resolve_principal("ben").unwrap();
    let target = inventory.resolve_target("source:s:read").unwrap();

    let what = inventory.what(&WhatQuery { principal, limit: 100 });
    let who = inventory.who(&WhoQuery { target, principal_kind: None, limit: 100 }).unwrap();
    let why = inventory.why(&WhyQuery { principal, target, limit: 10 });

    let read = what.items.iter().find(|item| !item.told.is_empty()).unwrap();
    assert_eq!(
        (read.told.as_slice(), read.grant.held),
        (["group:g:member".to_owned(), "group:x:member".to_owned()].as_slice(), Held::Inherited)
    );
    assert!(what.items.iter().all(|item| !inventory.grant(&item.grant).entitlement.id.is_empty()));
    assert_eq!(who.items.iter().filter(|item| !item.told.is_empty()).count(), 1);
    let [way] = why.items.as_slice() else { panic!("{why:?}") };
    assert_eq!(
        way.sentence,
        "ben → (told, without a way: member of Growth, group:x:member) → read on Website"
    );
    assert_eq!((way.steps.len(), way.told.len()), (1, 2));
    assert_eq!(inventory.what(&WhatQuery { principal, limit: 3 }).items.len(), 3);
    assert!(!inventory.what(&WhatQuery { principal, limit: 3 }).more);
}

#[test]
fn circles_are_one_step_of_a_way() {
    let mut world = World::new();
    world.user("1", "Ana", "").group("a", "A").group("b", "B").thing("source:s", "Website", &["admin"]);
    world.grant(("group:a", "member"), "user:1").grant(("group:b", "member"), "group:a");
    world.grant(("group:a", "member"), "group:b").grant(("source:s", "admin"), "group:b");
    let inventory = world.inventory();
    let (principal, target) =
        (inventory.resolve_principal("user:1").unwrap(), inventory.resolve_target("Website").unwrap());

    let found = inventory.why(&WhyQuery { principal, target, limit: 10 });

    let [way] = found.items.as_slice() else { panic!("{found:?}") };
    assert_eq!(
        way.sentence,
        "Ana → member of A → member of B (a circle of member of A, member of B) → admin on Website"
    );
    assert_eq!(
        (way.steps.len(), way.steps[0].circle.len(), way.steps[0].entered.unwrap().id),
        (2, 2, "group:a:member")
    );
}
