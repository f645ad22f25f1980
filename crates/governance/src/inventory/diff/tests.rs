use super::*;
use crate::inventory::world::World;

fn world() -> World {
    let mut world = World::new();
    world.user("ana", "Ana", "ana@example.com").user("ben", "Ben", "ben@example.com").group("g", "Growth");
    world.thing("source:s", "Website", &["admin"]);
    world.grant(("group:g", "member"), "user:ana").grant(("source:s", "admin"), "group:g");
    world
}

fn told(found: &Difference) -> Vec<String> {
    let row = |row: &DifferenceRow| {
        let fields: Vec<String> = row
            .fields
            .iter()
            .map(|field| {
                let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
                format!("{} {} > {}", field.field, text(&field.before), text(&field.after))
            })
            .collect();
        format!("{:?} {}: {}", row.change, row.id, fields.join("; "))
    };
    found.rows.iter().map(row).collect()
}

#[test]
fn equal_inventories_differ_in_nothing() {
    let found = Difference::between(&world().inventory(), &world().inventory(), 10);

    assert_eq!((found.rows, found.more, found.inherited), (vec![], false, true));
    assert_eq!(found.grants, ChangeCounts::default());
}

#[test]
fn rows_that_came_went_or_say_something_else_are_told_with_what_follows_from_them() {
    let mut after = world();
    after.user("ana", "Ana Lima", "ana@example.com").user("cleo", "Cleo", "");
    after.thing("source:s", "Website", &["admin", "read"]);
    after.grant(("group:g", "member"), "user:ben").grant(("source:s", "admin"), "user:ana");

    let found = Difference::between(&world().inventory(), &after.inventory(), 10);

    assert_eq!(
        told(&found),
        [
            "Changed user:ana: display_name Ana > Ana Lima",
            "Added user:cleo: ",
            "Added source:s:read: ",
            "Added group:g:member:user:ben: held - > direct",
            "Changed source:s:admin:user:ana: held inherited > direct",
            "Added source:s:admin:user:ben: held - > inherited",
        ]
    );
    assert_eq!(found.resources, ChangeCounts { added: 1, removed: 0, changed: 1 });
    assert_eq!(found.grants, ChangeCounts { added: 2, removed: 0, changed: 1 });
    assert_eq!(found.rows[3].display_name, "Ben: member of Growth");
    let back = Difference::between(&after_again().inventory(), &world().inventory(), 1);
    assert_eq!((back.rows.len(), back.more), (1, true));
    assert_eq!(back.grants.removed, 1);
}

fn after_again() -> World {
    let mut world = world();
    world.user("zoe", "Zoe", "").grant(("source:s", "admin"), "user:ben");
    world
}

#[test]
fn when_an_account_was_used_last_is_no_change() {
    let used = |seconds| {
        let mut world = World::new();
        let last_login = Some(prost_types::Timestamp { seconds, nanos: 0 });
        world.account("ana", "Ana", |user| user.last_login = last_login);
        world.inventory()
    };

    assert_eq!(Difference::between(&used(1), &used(2), 10).rows, []);
}

#[test]
fn what_one_of_the_two_does_not_show_is_not_told_to_be_gone() {
    let mut after = World::new();
    after.user("ana", "Ana", "ana@example.com").user("ben", "Ben", "ben@example.com");
    after.thing("source:s", "Website", &["admin"]).state("group", KindStanding::Unavailable, None);

    let found = Difference::between(&world().inventory(), &after.inventory(), 10);

    assert_eq!((told(&found), found.not_compared.as_slice()), (vec![], ["group".to_owned()].as_slice()));
    assert!(!found.inherited);
    let mut stale = world();
    stale.state("group", KindStanding::Incomplete, Some("2026-11-03T00:00:00Z"));
    let found = Difference::between(&world().inventory(), &stale.inventory(), 10);
    assert!(found.inherited && found.not_compared.is_empty() && found.rows.is_empty());
}
