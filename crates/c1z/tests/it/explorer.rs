use c1z::{Explorer, Filter, MissingKind, ReadError, Writer};
use protos::c1::connector::v2::{Resource, ResourceType};

use crate::directory::{Directory, LATER_SYNC_ID, SYNC_ID, end, grant, group, new_run};
use crate::plain::open;

fn explored<T>(directory: &Directory, ask: impl FnOnce(&Explorer<'_>) -> T) -> T {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    directory.write(&path);
    let reader = open(&path).unwrap();
    ask(&Explorer::new(&reader, &reader.runs()[0]))
}

#[test]
fn a_whole_directory_is_clean_and_each_thing_missing_is_told() {
    assert!(explored(&Directory::small(), |explorer| explorer.check().unwrap().is_clean()));

    // The planted defects: one of each kind is taken away.
    let mut broken = Directory::small();
    broken.grants.push(grant("gone", "user", "ana"));
    broken.grants.push(grant("ops", "user", "nobody"));
    broken.grants.push(grant("ops", "robot", "r1"));
    broken.entitlements.push(crate::directory::member("gone"));
    broken.resources.push(Resource {
        parent_resource_id: Some(crate::directory::id("workspace", "w9")),
        ..group("child")
    });
    let findings = explored(&broken, |explorer| explorer.check().unwrap());

    let told: Vec<_> =
        findings.grants.iter().map(|grant| (grant.id.as_str(), grant.cause.as_str())).collect();
    assert_eq!(
        told,
        [
            ("group:gone:member:user:ana", "resource missing"),
            ("group:ops:member:user:nobody", "principal missing"),
            ("group:ops:member:robot:r1", "principal missing, principal type missing"),
        ]
    );
    assert_eq!(findings.entitlements[0].missing[0].kind, MissingKind::Resource);
    assert_eq!(findings.resources[0].cause, "parent missing");
}

/// Lists and `check` agree: `team` `eu:t1` is not `team:eu` `t1`.
#[test]
fn a_colon_in_a_type_does_not_make_one_resource_of_another() {
    let mut directory = Directory::small();
    for kind in ["team", "team:eu"] {
        directory.types.push(ResourceType { id: kind.to_owned(), ..ResourceType::default() });
    }
    let team = crate::directory::id("team:eu", "t1");
    directory.resources.push(Resource { id: Some(team), ..Resource::default() });
    directory.grants.push(grant("ops", "team", "eu:t1"));

    let (findings, missing) = explored(&directory, |explorer| {
        let all = Filter::default();
        explorer.grants(&all).for_each(|row| drop(row.unwrap()));
        (explorer.check().unwrap(), explorer.missing())
    });

    let causes: Vec<_> = findings.grants.iter().map(|grant| grant.cause.as_str()).collect();
    assert_eq!((causes, missing), (vec!["principal missing"], 1));
}

#[test]
fn resources_are_counted_by_type_with_types_that_have_none_and_types_that_are_missing() {
    let mut directory = Directory::small();
    directory.types.retain(|kind| kind.id != "group");
    directory.resources.retain(|resource| resource.display_name != "Acme");

    let counts = explored(&directory, |explorer| explorer.counts().unwrap());

    let counts: Vec<_> = counts.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
    assert_eq!(
        counts,
        [
            ("entitlements", 2),
            ("grants", 4),
            ("group", 2),
            ("resource_types", 2),
            ("user", 2),
            ("workspace", 0)
        ]
    );
}

#[test]
fn filters_leave_what_is_asked_for() {
    explored(&Directory::small(), |explorer| {
        let of = |filter: Filter| {
            explorer.grants(&filter).map(|row| row.unwrap().grant.unwrap().id).collect::<Vec<_>>()
        };
        let text = |text: &str| Some(text.to_owned());

        assert_eq!(of(Filter { resource: text("ops"), ..Filter::default() }), ["group:ops:member:user:ana"]);
        assert_eq!(of(Filter { entitlement: text("group:all:member"), ..Filter::default() }).len(), 3);
        assert_eq!(of(Filter { resource_type: text("role"), ..Filter::default() }), Vec::<String>::new());
        let users = Filter { resource_type: text("user"), ..Filter::default() };
        assert_eq!(explorer.resources(&users).count(), 2);
        let access = explorer.access("user", "ana").unwrap();
        let held: Vec<_> =
            access.access.iter().map(|one| one.resource.as_ref().unwrap().display_name.as_str()).collect();
        assert_eq!(held, ["ops", "all"]);
        let all = Filter::default();
        let principals: Vec<_> =
            explorer.principals(&all).map(|one| one.unwrap().resource.unwrap().display_name).collect();
        assert_eq!(principals, ["ana Example", "ops", "bo Example"]);
    });
}

/// baton X-1
#[test]
fn an_export_has_a_line_for_each_grant_of_a_user() {
    explored(&Directory::small(), |explorer| {
        let all = Filter::default();
        let lines: Vec<_> = explorer.export(&all).collect::<Result<_, _>>().unwrap();

        assert_eq!(lines.len(), 3, "the grant of a group is none of a user");
        assert_eq!(
            lines[0],
            [
                "USER",
                "ana Example",
                "",
                "ana",
                "enabled",
                "ana@example.com",
                "ops member",
                "group:ops:member",
                "GROUP",
                "ops",
                "",
                "member"
            ]
        );
    });
}

/// baton X-3
#[test]
fn two_runs_differ_by_content() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    Directory::small().write(&path);
    let reader = open(&path).unwrap();
    assert!(matches!(c1z::difference(&reader), Err(ReadError::TooFewRuns { found: 1 })));
    let rewrite = |change: &dyn Fn(&mut Directory)| {
        let mut new = Directory::small();
        change(&mut new);
        let target = folder.path().join("two.c1z");
        let mut writer = Writer::create(&target, None, new_run(LATER_SYNC_ID)).unwrap();
        writer.keep(&reader, &reader.runs()[0]).unwrap();
        new.put(&mut writer);
        writer.finish(end()).unwrap();
        protos::json::to_value(&c1z::difference(&open(&target).unwrap()).unwrap()).unwrap()
    };

    let same = rewrite(&|_| {});
    let changed = rewrite(&|new| {
        new.resources[3].display_name = "operations".to_owned();
        new.grants.remove(0);
        new.grants.push(grant("ops", "user", "bo"));
    });

    assert_eq!(same, serde_json::json!({ "resources": {}, "entitlements": {}, "grants": {} }));
    assert_eq!(changed["resources"]["modified"][0]["displayName"], "operations");
    assert_eq!(changed["grants"]["created"][0]["id"], "group:ops:member:user:bo");
    assert_eq!(changed["grants"]["deleted"][0]["id"], "group:ops:member:user:ana");
    assert_eq!(changed["entitlements"], serde_json::json!({}));
    assert_eq!(reader.runs()[0].id, SYNC_ID);
}

#[test]
fn principals_of_two_files_are_compared() {
    let mut less = Directory::small();
    less.grants.truncate(1);
    let compared = explored(&less, |other| {
        explored(&Directory::small(), |base| {
            let all = Filter::default();
            c1z::compare((base, &all), (other, &all)).unwrap()
        })
    });

    let names = |list: &[protos::baton::v1::ResourceOutput]| {
        list.iter().map(|one| one.resource.as_ref().unwrap().display_name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&compared.missing), ["ops", "bo Example"]);
    assert_eq!(names(&compared.extra), Vec::<String>::new());
    assert_eq!((compared.base.len(), compared.compared.len()), (3, 1));
}
