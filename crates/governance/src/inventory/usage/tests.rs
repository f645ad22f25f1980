use jiff::Timestamp;
use protos::c1::connector::v2::resource_type::Trait;
use protos::c1::connector::v2::user_trait::{Email, Status, status};
use protos::c1::connector::v2::{GrantExpandable, UserTrait};
use rstest::rstest;
use store::{ActivitySpan, ActivityState, ActivityUse};

use super::*;
use crate::activity::{KeptActor, KeptUse};
use crate::change::ResourceName;
use crate::inventory::world::World;
use crate::inventory::{Inventory, KindStanding};
use crate::number::ResourceNumber;

/// When the inventory is true.
const NOW: i64 = 100;

fn day(day: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + day * 86_400).unwrap()
}

/// The last ten days.
fn window() -> UseWindow {
    UseWindow { since: day(NOW - 10), until: day(NOW) }
}

fn query(then: Option<&Inventory>) -> UnusedQuery<'_> {
    UnusedQuery { window: window(), by: UseSource::All, then }
}

/// An account with a last login and a day on which it was made.
fn account(login: Option<i64>, made: Option<i64>) -> impl FnOnce(&mut UserTrait) {
    let time = |at: i64| prost_types::Timestamp { seconds: day(at).as_second(), nanos: 0 };
    move |user| {
        user.last_login = login.map(time);
        user.created_at = made.map(time);
    }
}

fn state(span: Option<(i64, i64, i64)>, reason: Option<&str>) -> ActivityState {
    let span = span.map(|(from, resources_from, until)| ActivitySpan {
        from: day(from),
        until: day(until),
        resources_from: day(resources_from),
    });
    ActivityState {
        connection: "segment".parse().unwrap(),
        span,
        tried_at: day(NOW),
        reason: reason.map(str::to_owned),
    }
}

/// Somebody did something on a day, to something.
type Done<'a> = (&'a str, Option<&'a str>, i64);

/// What is known by events: `user:ana` is an account, `ana@example.com` an address.
fn usage(inventory: &Inventory, state: ActivityState, done: &[Done<'_>]) -> Usage {
    let mut usage = Usage::none();
    usage.know(state);
    for (actor, resource, at) in done {
        let name = |text: &str| text.parse::<ResourceName>().unwrap();
        let actor = match actor.split_once('@') {
            Some(_) => KeptActor::Address((*actor).to_owned()),
            None => KeptActor::Account(name(actor)),
        };
        let mut note = |resource: Option<ResourceName>| {
            let of_resource = resource.is_some();
            let subject = serde_json::to_vec(&KeptUse { actor: actor.clone(), resource }).unwrap();
            usage.note(inventory, &ActivityUse { subject, of_resource, last_at: day(*at) }).unwrap();
        };
        note(None);
        if let Some(resource) = resource {
            note(Some(name(resource)));
        }
    }
    usage
}

/// All of a year was read.
fn whole() -> ActivityState {
    state(Some((0, 0, NOW)), None)
}

/// How one account stands, in words.
fn standing(inventory: &Inventory, usage: &Usage, query: &UnusedQuery<'_>) -> String {
    let found = UnusedAccounts::find(inventory, usage, query);
    let account = inventory.find_resource("user", "7").unwrap();
    match found.get(account) {
        Some(one) => format!("unused by {:?}", one.by),
        None if found.unknown.contains(&account) => "unknown".to_owned(),
        None => "used or new".to_owned(),
    }
}

// rule: governance AUT-2, AUT-7
#[rstest]
#[case::nothing_tells(None, None, &[], "unknown")]
#[case::an_old_login(Some(80), None, &[], "unused by LastLogin")]
#[case::a_new_login(Some(95), None, &[], "used or new")]
#[case::nothing_was_done(None, Some(whole()), &[("user:8", None, 95)], "unused by Activity")]
#[case::neither(Some(80), Some(whole()), &[], "unused by LastLoginAndActivity")]
#[case::an_old_login_and_a_new_event(Some(80), Some(whole()), &[("user:7", None, 95)], "used or new")]
#[case::an_event_by_address(None, Some(whole()), &[("seven@example.com", None, 95)], "used or new")]
#[case::an_old_event(None, Some(whole()), &[("user:7", None, 80)], "unused by Activity")]
#[case::events_name_no_accounts(None, Some(whole()), &[("robot:1", None, 95)], "unknown")]
#[case::read_too_late(Some(80), Some(state(Some((91, 91, NOW)), None)), &[("user:8", None, 95)], "unknown")]
#[case::not_read_to_the_end(Some(80), Some(state(Some((0, 0, 99)), Some("500"))), &[("user:8", None, 95)], "unknown")]
#[case::never_read_whole(None, Some(state(None, Some("403"))), &[("user:8", None, 95)], "unknown")]
#[case::used_in_what_was_read(None, Some(state(None, Some("403"))), &[("user:7", None, 95)], "used or new")]
#[case::things_are_not_known(None, Some(state(Some((0, 99, NOW)), None)), &[("user:8", None, 95)], "unused by Activity")]
fn aut2_an_account_is_unused_only_if_all_that_tells_of_it_was_read(
    #[case] login: Option<i64>,
    #[case] known: Option<ActivityState>,
    #[case] done: &[Done<'_>],
    #[case] expected: &str,
) {
    let mut world = World::new();
    world.account("7", "Seven", |user| {
        account(login, None)(user);
        user.emails = vec![Email { address: "Seven@example.com".to_owned(), is_primary: true }];
    });
    let inventory = world.user("8", "Eight", "").inventory();
    let usage = known.map_or_else(Usage::none, |known| usage(&inventory, known, done));

    assert_eq!(standing(&inventory, &usage, &query(None)), expected);
}

// rule: governance AUT-7
#[test]
fn aut7_an_account_without_an_address_is_not_named_where_events_name_addresses() {
    let mut world = World::new();
    world.user("7", "Robot", "").user("8", "Eight", "eight@example.com");
    let inventory = world.user("9", "Nine", "nine@example.com").inventory();
    let seen = usage(&inventory, whole(), &[("nine@example.com", None, 95)]);

    let found = UnusedAccounts::find(&inventory, &seen, &query(None));

    let id = |number: ResourceNumber| inventory.resource_ref(number).id;
    assert_eq!(found.unused.iter().map(|one| id(one.account)).collect::<Vec<_>>(), ["8"]);
    assert_eq!(found.unknown.iter().map(|one| id(*one)).collect::<Vec<_>>(), ["7"]);
}

// rule: governance AUT-7
#[rstest]
#[case::by_logins(None, KindStanding::Complete, "unused by LastLogin")]
#[case::by_logins_of_an_earlier_sync(None, KindStanding::Incomplete, "unknown")]
#[case::by_both(Some(whole()), KindStanding::Complete, "unused by LastLoginAndActivity")]
#[case::by_events_alone(Some(whole()), KindStanding::Incomplete, "unused by Activity")]
fn aut7_accounts_that_were_not_read_now_may_have_signed_in_since(
    #[case] known: Option<ActivityState>,
    #[case] status: KindStanding,
    #[case] expected: &str,
) {
    let mut world = World::new();
    world.state("user", status, Some("2026-11-01T00:00:00Z"));
    let inventory = world.account("7", "Seven", account(Some(80), None)).user("8", "Eight", "").inventory();
    let usage = known.map_or_else(Usage::none, |known| usage(&inventory, known, &[("user:8", None, 95)]));

    assert_eq!(standing(&inventory, &usage, &query(None)), expected);
}

#[test]
fn what_is_newer_than_the_time_is_long_is_not_unused() {
    let mut world = World::new();
    let inventory = world.account("7", "Seven", account(None, Some(95))).user("8", "Eight", "").inventory();
    let made = usage(&inventory, whole(), &[("user:8", None, 95)]);
    let was_there = World::new().user("7", "Seven", "").inventory();
    let was_not = World::new().user("8", "Eight", "").inventory();
    let mut world = World::new();
    let undated = world.user("7", "Seven", "").user("8", "Eight", "").inventory();
    let seen = usage(&undated, whole(), &[("user:8", None, 95)]);

    assert_eq!(standing(&inventory, &made, &query(None)), "used or new");
    assert_eq!(standing(&undated, &seen, &query(Some(&was_there))), "unused by Activity");
    assert_eq!(standing(&undated, &seen, &query(Some(&was_not))), "used or new");
}

#[test]
fn logins_alone_are_asked_where_events_cannot_be_read() {
    let mut world = World::new();
    let inventory = world.account("7", "Seven", account(Some(80), None)).inventory();
    let usage = usage(&inventory, state(None, Some("403")), &[]);
    let by_login = UnusedQuery { by: UseSource::LastLogin, ..query(None) };

    assert_eq!(standing(&inventory, &usage, &query(None)), "unknown");
    assert_eq!(standing(&inventory, &usage, &by_login), "unused by LastLogin");
}

#[test]
fn what_is_missing_is_said() {
    let missing = |known: ActivityState| {
        let evidence = ActivityEvidence::of(Some(&known), &window());
        (evidence.standing, evidence.standing.is_incomplete(), evidence.reason.unwrap_or_default())
    };

    let late = missing(state(Some((95, 95, NOW)), None));
    let early = missing(state(Some((0, 0, 99)), Some("the list answered 500")));
    let things = missing(state(Some((0, 95, NOW)), None));
    let never = missing(state(None, Some("the list answered 403")));
    let all = missing(whole());
    let none = ActivityEvidence::of(None, &window());

    assert!(late.2.contains("known from") && late.1, "{late:?}");
    assert!(early.2.contains("known up to") && early.2.contains("500") && early.1, "{early:?}");
    assert_eq!((things.0, things.1), (ActivityStanding::AccountsOnly, true));
    assert!(never.2.contains("403"), "{never:?}");
    assert_eq!(all, (ActivityStanding::Complete, false, String::new()));
    assert_eq!((none.standing, none.standing.is_incomplete()), (ActivityStanding::None, false));
}

/// Ana and Ben are in the workspace, Ana edits the website and is in the group that administers the shop.
fn company() -> World {
    let mut world = World::new();
    world.user("ana", "Ana", "").user("ben", "Ben", "").group("g", "Growth");
    world.thing("source:web", "Website", &["admin"]).thing("source:shop", "Shop", &["admin"]);
    world.thing("space:s", "Space", &["admin"]);
    world.grant(("source:web", "admin"), "user:ana").grant(("group:g", "member"), "user:ana");
    world.grant(("source:shop", "admin"), "group:g");
    world.grant(("source:web", "admin"), "user:ben").grant(("space:s", "admin"), "user:ana");
    world
}

/// Unused grants in words, and how many are used, new and unknown.
fn grants(inventory: &Inventory, usage: &Usage, then: Option<&Inventory>) -> (Vec<String>, [u64; 3]) {
    let found = UnusedGrants::find(inventory, usage, &query(then));
    let word = |one: &UnusedGrant| format!("{} by {:?}", one.view(inventory).grant.id, one.reason);
    (found.unused.iter().map(word).collect(), [found.used, found.new, found.unknown])
}

// rule: governance AUT-2
#[test]
fn a_grant_is_unused_if_its_account_is_or_if_nothing_was_done_to_what_it_gives() {
    let inventory = company().inventory();
    let on_web = usage(&inventory, whole(), &[("user:ana", Some("source:web"), 95)]);
    let on_shop = usage(&inventory, whole(), &[("user:ana", Some("source:shop"), 95)]);
    let long_ago =
        usage(&inventory, whole(), &[("user:ana", Some("source:web"), 80), ("user:ana", None, 95)]);

    let ben = "source:web:admin:user:ben by Account".to_owned();
    // The group gives the shop; of spaces no event tells.
    let group = "group:g:member:user:ana by Resource".to_owned();
    let web = "source:web:admin:user:ana by Resource".to_owned();
    assert_eq!(grants(&inventory, &on_web, None), (vec![group.clone(), ben.clone()], [1, 0, 1]));
    assert_eq!(grants(&inventory, &on_shop, None), (vec![web.clone(), ben.clone()], [1, 0, 1]));
    assert_eq!(grants(&inventory, &long_ago, None), (vec![group, web, ben], [0, 0, 1]));
    let found = UnusedGrants::find(&inventory, &long_ago, &query(None));
    let last: Vec<_> = found.unused.iter().map(|one| (one.last_used, one.held_then)).collect();
    assert_eq!(last, [(None, None), (Some(day(80)), None), (None, None)]);
}

#[test]
fn what_was_not_read_makes_no_grant_unused() {
    let inventory = company().inventory();
    let done: [Done<'_>; 1] = [("user:ana", Some("source:web"), 95)];
    let gap = usage(&inventory, state(Some((91, 91, NOW)), None), &done);
    let things = usage(&inventory, state(Some((0, 91, NOW)), None), &done);

    assert_eq!(grants(&inventory, &gap, None), (vec![], [0, 0, 4]));
    assert_eq!(grants(&inventory, &Usage::none(), None), (vec![], [0, 0, 4]));
    let ben = "source:web:admin:user:ben by Account".to_owned();
    assert_eq!(grants(&inventory, &things, None), (vec![ben], [0, 0, 3]));
}

// What was given since a kind was read to its end last is not known, and may be what is used.
#[test]
fn what_could_not_be_read_to_its_end_may_be_given_too() {
    let mut world = company();
    let inventory = world.state("source", KindStanding::Incomplete, None).inventory();
    let seen = usage(&inventory, whole(), &[("user:ana", Some("source:shop"), 95)]);

    let ben = "source:web:admin:user:ben by Account".to_owned();
    assert_eq!(grants(&inventory, &seen, None), (vec![ben], [1, 0, 2]));
}

#[test]
fn access_that_was_given_in_the_time_is_not_unused() {
    let inventory = company().inventory();
    let seen = usage(&inventory, whole(), &[("user:ana", Some("source:shop"), 95)]);
    let mut before = World::new();
    before.user("ana", "Ana", "").user("ben", "Ben", "").thing("source:web", "Website", &["admin"]);
    let before = before.grant(("source:web", "admin"), "user:ben").inventory();

    let (unused, counts) = grants(&inventory, &seen, Some(&before));

    assert_eq!((unused, counts), (vec!["source:web:admin:user:ben by Account".to_owned()], [1, 1, 1]));
}

#[test]
fn what_was_not_read_when_the_time_began_may_have_been_there() {
    let inventory = company().inventory();
    let seen = usage(&inventory, whole(), &[("user:ana", Some("source:shop"), 95)]);
    let mut before = World::new();
    before.state("user", KindStanding::Unavailable, None).state("source", KindStanding::Incomplete, None);
    let before = before.inventory();
    // Its file knew nothing of either kind.
    let without = World::without_kinds().inventory();

    let accounts = |then| UnusedAccounts::find(&inventory, &seen, &query(then));
    let held = UnusedGrants::find(&inventory, &seen, &query(Some(&before))).unused;

    for then in [&before, &without] {
        assert_eq!(accounts(Some(then)), accounts(None));
        assert_eq!(grants(&inventory, &seen, Some(then)), grants(&inventory, &seen, None));
    }
    assert!(!held.is_empty() && held.iter().all(|one| one.held_then.is_none()), "{held:?}");
}

#[test]
fn what_a_role_gives_access_to_is_not_known_unless_it_is_told() {
    let group = |is_told: bool| {
        let mut world = World::new();
        world.kind("role", &[Trait::Role]).user("ana", "Ana", "").user("ben", "Ben", "");
        world.group("g", "Growth").thing("role:owner", "Owner", &["member"]);
        world.thing("source:web", "Website", &["admin"]);
        world.grant(("group:g", "member"), "user:ana").grant(("role:owner", "member"), "group:g");
        world.grant(("source:web", "admin"), "group:g");
        if is_told {
            let entitlement_ids = vec!["role:owner:member".to_owned()];
            let members = GrantExpandable { entitlement_ids, ..GrantExpandable::default() };
            world.expandable(("source:web", "admin"), "role:owner", &members);
        }
        let inventory = world.inventory();
        let done: [Done<'_>; 2] = [("user:ana", None, 95), ("user:ben", Some("source:web"), 95)];
        let usage = usage(&inventory, whole(), &done);
        grants(&inventory, &usage, None)
    };

    assert_eq!(group(false), (vec![], [0, 0, 1]));
    assert_eq!(group(true), (vec!["group:g:member:user:ana by Resource".to_owned()], [0, 0, 0]));
}

#[test]
fn what_was_done_to_things_of_a_kind_that_is_not_listed_may_be_a_use_of_anything() {
    let mut world = World::new();
    world.user("ana", "Ana", "").user("ben", "Ben", "").thing("source:web", "Website", &["admin"]);
    let inventory = world.grant(("source:web", "admin"), "user:ana").inventory();
    let on_web: Done<'_> = ("user:ben", Some("source:web"), 95);
    let now = usage(&inventory, whole(), &[on_web, ("user:ana", Some("destination:d"), 95)]);
    let long_ago = usage(
        &inventory,
        whole(),
        &[on_web, ("user:ana", Some("destination:d"), 80), ("user:ana", None, 95)],
    );

    assert_eq!(grants(&inventory, &now, None), (vec![], [0, 0, 1]));
    let web = "source:web:admin:user:ana by Resource".to_owned();
    assert_eq!(grants(&inventory, &long_ago, None), (vec![web], [0, 0, 0]));
}

#[test]
fn an_account_that_cannot_be_used_holds_nothing_that_somebody_should_use() {
    let mut world = World::new();
    world.account("off", "Off", |user| {
        user.status = Some(Status { status: status::Status::Disabled as i32, ..Status::default() });
    });
    world.user("ana", "Ana", "").thing("source:web", "Website", &["admin"]);
    let inventory = world.grant(("source:web", "admin"), "user:off").inventory();
    let usage = usage(&inventory, whole(), &[("user:ana", Some("source:web"), 95)]);

    assert_eq!(grants(&inventory, &usage, None), (vec![], [0, 0, 0]));
    let accounts = UnusedAccounts::find(&inventory, &usage, &query(None));
    assert_eq!((accounts.unused.len(), accounts.unknown.len(), accounts.used, accounts.new), (0, 0, 1, 0));
}

#[test]
fn what_is_done_below_something_is_a_use_of_it_and_what_is_done_elsewhere_may_be() {
    let mut world = World::new();
    world.user("ana", "Ana", "").user("ben", "Ben", "").thing("workspace:w", "Work", &["admin"]);
    world.below("source:web", "Website", "workspace:w");
    world.grant(("workspace:w", "admin"), "user:ana").grant(("workspace:w", "admin"), "user:ben");
    let inventory = world.inventory();
    let done: [Done<'_>; 2] = [("user:ana", Some("source:web"), 95), ("user:ben", None, 95)];
    let below = usage(&inventory, whole(), &done);
    let elsewhere = usage(&inventory, whole(), &[done[0], ("user:ben", Some("source:gone"), 95)]);

    let ben = "workspace:w:admin:user:ben by Resource".to_owned();
    assert_eq!(grants(&inventory, &below, None), (vec![ben], [1, 0, 0]));
    assert_eq!(grants(&inventory, &elsewhere, None), (vec![], [2, 0, 0]));
}
