use jiff::civil::date;
use protos::c1::connector::v2::user_trait::AccountType;
use rstest::rstest;

use super::*;
use crate::inventory::world::{World, disabled, of_type, with_login};
use crate::inventory::{Inventory, MatchReason, MatchSettings, Owners, People};
use crate::number::ResourceNumber;

fn people(lines: &str) -> People {
    People::of_csv(&format!("email,status\n{lines}\n"), date(2026, 11, 27)).unwrap()
}

fn ids(inventory: &Inventory, numbers: impl IntoIterator<Item = ResourceNumber>) -> Vec<String> {
    numbers.into_iter().map(|number| inventory.resource_id(number)).collect()
}

/// Ana is here, Ben left and works still, Cleo left and cannot sign in, Dora is at another domain, Eve fits nobody.
fn world() -> (Inventory, People) {
    let mut world = World::new();
    world.user("ana", "Ana", "ana@example.com").user("ben", "Ben", "BEN@example.com");
    world.account("cleo", "Cleo", disabled("cleo@example.com")).user("dora", "Dora", "dora@example.org");
    world.user("eve", "Eve", "eve@partner.example");
    world.account("robot", "Robot", of_type(AccountType::Service)).account("blank", "", |_| {});
    world.group("g", "Growth").thing("source:s", "Website", &["admin"]);
    world.grant(("group:g", "member"), "user:ben").grant(("source:s", "admin"), "group:g");
    let people = people(
        "ana@example.com,active\nben@example.com,left\ncleo@example.com,left\ndora@example.com,left\nfay@example.com,left",
    );
    (world.inventory(), people)
}

// ACC-7
#[test]
fn acc7_orphans_have_no_owner_or_one_who_is_gone_and_machines_are_told_apart() {
    let (inventory, people) = world();
    let owners = Owners::find(&inventory, &people, &MatchSettings::default());

    let found = Orphans::find(&inventory, &owners, &people);

    assert_eq!(
        ids(&inventory, found.orphans.iter().map(|orphan| orphan.account)),
        ["user:ben", "user:blank", "user:cleo", "user:dora", "user:eve"]
    );
    assert_eq!(ids(&inventory, found.machines.iter().map(|orphan| orphan.account)), ["user:robot"]);
    assert_eq!((found.owned, found.deleted), (1, 0));
    let dora = &found.orphans[3].reason;
    assert!(
        matches!(dora, OrphanReason::NoOwner(near) if people.get(near[0]).unwrap().key() == "dora@example.com"),
        "{dora:?}"
    );
    assert!(matches!(&found.orphans[0].reason, OrphanReason::OwnerGone(_, MatchReason::Email)));
}

#[test]
fn leavers_are_those_whose_accounts_still_work_with_all_that_they_hold() {
    let (inventory, people) = world();
    let owners = Owners::find(&inventory, &people, &MatchSettings::default());

    let found = Leavers::find(&inventory, &owners, &people);

    let [ben] = found.leavers.as_slice() else { panic!("{found:?}") };
    assert_eq!(people.get(ben.person).unwrap().key(), "ben@example.com");
    assert_eq!(ids(&inventory, ben.accounts.iter().map(|one| one.account)), ["user:ben"]);
    let holds = ben.accounts[0].holds.iter();
    let holds: Vec<_> = holds.map(|item| inventory.entitlement_ref(item.grant.entitlement).id).collect();
    assert_eq!(holds, ["group:g:member", "source:s:admin"]);
    // Cleo cannot sign in, Fay has no account; Dora's account nearly fits.
    assert_eq!(found.without_access, 3);
    assert_eq!(ids(&inventory, found.near.iter().map(|(account, _)| *account)), ["user:dora"]);
}

#[test]
fn an_account_that_fits_several_is_told_beside_the_leavers_if_one_of_them_left() {
    let inventory = World::new().user("team", "Team", "team@example.com").inventory();
    let people = people("ana@example.com;team@example.com,active\nben@example.com;team@example.com,left");
    let owners = Owners::find(&inventory, &people, &MatchSettings::default());

    let found = Leavers::find(&inventory, &owners, &people);

    assert!(found.leavers.is_empty(), "{found:?}");
    let [(account, gone)] = found.near.as_slice() else { panic!("{found:?}") };
    assert_eq!(inventory.resource_id(*account), "user:team");
    let gone: Vec<&str> = gone.iter().map(|person| people.get(*person).unwrap().key()).collect();
    assert_eq!(gone, ["ben@example.com"]);
}

// ACC-8
#[test]
fn acc8_external_are_those_at_no_trusted_domain_or_below_one() {
    let mut world = World::new();
    world.user("1", "", "a@Example.com").user("2", "", "a@eu.example.com").user("3", "", "a@notexample.com");
    world.user("4", "", "a@example.com.evil.example").account("5", "", with_login("a@example.com"));
    world.account("6", "", with_login("someone")).account("7", "", of_type(AccountType::Service));
    let inventory = world.inventory();

    let found = External::find(&inventory, &TrustedDomains::new(["EXAMPLE.com."]).unwrap());

    let domains: Vec<_> = found.external.iter().map(|one| one.domain.as_str()).collect();
    assert_eq!(domains, ["notexample.com", "example.com.evil.example"]);
    assert_eq!(ids(&inventory, found.without_address.clone()), ["user:6", "user:7"]);
    assert_eq!(found.trusted, 3);
}

#[rstest]
#[case("")]
#[case("*.example.com")]
#[case("@example.com")]
#[case("example..com")]
fn a_text_that_is_no_domain_trusts_nobody(#[case] text: &str) {
    assert!(TrustedDomains::new([text]).is_err());
}
