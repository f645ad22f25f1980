use std::collections::BTreeSet;

use proptest::prelude::*;
use protos::c1::connector::v2::GrantExpandable;
use rstest::rstest;

use super::naive::{self, Defect, Row, Rows};
use super::*;
use crate::reach::Target;

/// Ids with what separates ids elsewhere.
const USERS: [&str; 4] = ["user:1", "user:a:b", "user:\"x\",y", "user:p&q"];
const GROUPS: [&str; 4] = ["group:g", "group:g:member", "group:h h", "group:ü"];
const SOURCES: [&str; 2] = ["source:s", "source:s:admin"];

fn row() -> impl Strategy<Value = Row> {
    let on = prop_oneof![
        3 => (0..4usize).prop_map(|at| (GROUPS[at], "member")),
        2 => ((0..2usize), prop_oneof![Just("edit"), Just("read")]).prop_map(|(at, slug)| (SOURCES[at], slug)),
    ];
    let principal = prop_oneof![(0..4usize).prop_map(|at| USERS[at]), (0..4usize).prop_map(|at| GROUPS[at])];
    let types = prop_oneof![4 => Just(vec![]), 1 => Just(vec!["user"]), 1 => Just(vec!["group"])];
    (on, principal, prop_oneof![4 => Just(false), 1 => Just(true)], types)
        .prop_map(|((on, slug), principal, shallow, types)| grant(on, slug, (principal, shallow, &types)))
}

fn grant(on: &str, slug: &'static str, (principal, shallow, types): (&str, bool, &[&'static str])) -> Row {
    Row { on: on.to_owned(), slug, principal: principal.to_owned(), shallow, types: types.to_vec() }
}

fn of(grants: impl IntoIterator<Item = Row>) -> Rows {
    // Of two rows of one grant the later counts, which is tested elsewhere.
    let mut seen = BTreeSet::new();
    let grants = grants.into_iter().filter(|row| seen.insert((row.entitlement(), row.principal.clone())));
    Rows {
        principals: USERS.iter().chain(&GROUPS).map(|&name| name.to_owned()).collect(),
        grants: grants.collect(),
    }
}

fn inventory(rows: &Rows) -> Inventory {
    let mut world = World::new();
    for user in USERS {
        world.user(user.strip_prefix("user:").unwrap(), "", "");
    }
    for group in GROUPS {
        world.thing(group, group, &["member"]);
    }
    for source in SOURCES {
        world.thing(source, source, &["edit", "read"]);
    }
    for row in &rows.grants {
        if row.principal.starts_with("group:") {
            let expandable = GrantExpandable {
                entitlement_ids: vec![format!("{}:member", row.principal)],
                shallow: row.shallow,
                resource_type_ids: row.types.iter().map(|&kind| kind.to_owned()).collect(),
            };
            world.expandable((&row.on, row.slug), &row.principal, &expandable);
        } else {
            world.grant((&row.on, row.slug), &row.principal);
        }
    }
    world.inventory()
}

/// The inventory's answers in the naive form: by `what`, by `who`, and by the list of grants.
fn answers(inventory: &Inventory) -> [naive::Held; 3] {
    let told = |item: &AccessItem| {
        let view = inventory.access_view(item);
        let through = view.through.iter().map(|through| through.id.to_owned()).collect();
        let principal = format!("{}:{}", view.principal.kind, view.principal.id);
        ((principal, view.entitlement.id.to_owned()), (item.grant.held == Held::Directly, through))
    };
    let principals = USERS.iter().chain(&GROUPS).map(|name| inventory.resolve_principal(name).unwrap());
    let what =
        principals.flat_map(|principal| inventory.what(&WhatQuery { principal, limit: usize::MAX }).items);
    let what: naive::Held = what.map(|item| told(&item)).collect();
    let who = inventory.entitlement_numbers().flat_map(|number| {
        let target = Target::Entitlement(number);
        inventory.who(&WhoQuery { target, principal_kind: None, limit: usize::MAX }).unwrap().items
    });
    let who: naive::Held = who.map(|item| told(&item)).collect();
    let list = inventory.list_grants(&GrantQuery::default(), &PageRequest::all()).unwrap().items;
    let list = list.into_iter().map(|item| {
        let view = inventory.grant(&item);
        let principal = format!("{}:{}", view.principal.kind, view.principal.id);
        let key = (principal, view.entitlement.id.to_owned());
        let through = what.get(&key).map(|known| known.1.clone()).unwrap_or_default();
        (key, (item.held == Held::Directly, through))
    });
    let list = list.collect();
    [what, who, list]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn who_what_and_lists_equal_the_slow_way(rows in proptest::collection::vec(row(), 0..14)) {
        let rows = of(rows);
        let expected = naive::held(&rows, Defect::None);

        let [what, who, list] = answers(&inventory(&rows));

        prop_assert_eq!(&what, &expected);
        prop_assert_eq!(&who, &expected);
        prop_assert_eq!(&list, &expected);
    }

    #[test]
    fn why_gives_ways_exactly_where_there_is_access(rows in proptest::collection::vec(row(), 0..14)) {
        let rows = of(rows);
        let (inventory, held) = (inventory(&rows), naive::held(&rows, Defect::None));
        for name in &rows.principals {
            let principal = inventory.resolve_principal(name).unwrap();
            for number in inventory.entitlement_numbers() {
                let query = WhyQuery { principal, target: Target::Entitlement(number), limit: 1000 };

                let found = inventory.why(&query);

                let id = inventory.entitlement_ref(number).id;
                let (direct, through) = held.get(&(name.clone(), id.to_owned())).cloned().unwrap_or_default();
                let expected: BTreeSet<String> =
                    through.into_iter().chain(direct.then(|| id.to_owned())).collect();
                let start = |way: &WayView<'_>| {
                    let first = &way.steps[0];
                    first.entered.unwrap_or(first.entitlement).id.to_owned()
                };
                prop_assert!(!found.more);
                prop_assert_eq!(found.items.iter().map(start).collect::<BTreeSet<_>>(), expected);
                let ends: Vec<&str> = found.items.iter().map(|way| way.steps.last().unwrap().entitlement.id).collect();
                prop_assert!(ends.iter().all(|end| *end == id));
            }
        }
    }
}

#[rstest]
fn a_planted_defect_is_seen(
    #[values(Defect::OneStep, Defect::LostTypes, Defect::LostShallow)] defect: Defect,
) {
    let rows = of([
        grant("group:g", "member", ("user:1", false, &[])),
        grant("group:h h", "member", ("group:g", false, &[])),
        grant("source:s", "edit", ("group:h h", false, &[])),
        grant("source:s", "read", ("group:g", false, &["group"])),
        grant("source:s:admin", "read", ("group:h h", true, &[])),
    ]);

    let [what, ..] = answers(&inventory(&rows));

    assert_eq!(what, naive::held(&rows, Defect::None));
    assert_ne!(what, naive::held(&rows, defect));
}
