use std::path::Path;

use c1z::{NewRun, RunEnd, SyncType, Writer};
use protos::c1::connector::v2::{
    Entitlement, Grant, Resource, ResourceId, ResourceType, resource_type::Trait,
};
use serde_json::{Value, json};

use crate::program::{Program, Ran, shared};

const SYNC_ID: &str = "3MRtGGH2nQlWkwulXiopoxBpLgw";

fn id(kind: &str, id: &str) -> ResourceId {
    ResourceId { resource_type: kind.to_owned(), resource: id.to_owned(), ..ResourceId::default() }
}

/// A user in a group, and a grant on a group that is not there.
fn write(path: &Path) {
    let started_at = "2026-11-22T05:25:10Z".parse().unwrap();
    let run = NewRun {
        sync_id: SYNC_ID.to_owned(),
        started_at,
        sync_type: SyncType::Full,
        parent_sync_id: String::new(),
    };
    let mut writer = Writer::create(path, None, run).unwrap();
    for (kind, traits) in [("user", vec![Trait::User as i32]), ("group", vec![])] {
        let id = kind.to_owned();
        writer
            .resource_type(&ResourceType { display_name: id.clone(), id, traits, ..ResourceType::default() })
            .unwrap();
    }
    let resource = |kind: &str, name: &str, display_name: &str| Resource {
        id: Some(id(kind, name)),
        display_name: display_name.to_owned(),
        ..Resource::default()
    };
    writer.resource(&resource("user", "ana", "=Ana\u{1b}[2K")).unwrap();
    writer.resource(&resource("group", "ops", "Operations")).unwrap();
    for group in ["ops", "gone"] {
        let entitlement = Entitlement {
            id: format!("group:{group}:member"),
            resource: Some(resource("group", group, "")),
            slug: "member".to_owned(),
            ..Entitlement::default()
        };
        if group == "ops" {
            writer.entitlement(&entitlement).unwrap();
        }
        let grant = Grant {
            id: format!("{}:user:ana", entitlement.id),
            principal: Some(resource("user", "ana", "")),
            entitlement: Some(entitlement),
            ..Grant::default()
        };
        writer.grant(&grant).unwrap();
    }
    writer.finish(RunEnd { ended_at: started_at, actions: 1 }).unwrap();
}

fn program() -> Program {
    let program = Program::new();
    write(&program.folder().join("sync.c1z"));
    program
}

fn data(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn lists_are_tables_for_people_and_lines_of_json_for_programs() {
    let program = program();

    let drawn = program.run(&["c1z", "grants"]).expect(0);
    assert!(
        drawn.stdout.contains("Operations") && drawn.stdout.contains("MISSING RESOURCE (group:gone)"),
        "{drawn:?}"
    );
    assert!(!drawn.stdout.contains('\u{1b}'), "what moves the cursor is written out");
    assert!(drawn.stderr.contains("tutela c1z check"), "{drawn:?}");
    let listed = program.run(&["c1z", "-f", "sync.c1z", "resources", "-t", "group", "-o", "json"]).expect(0);
    assert_eq!(data(&listed)["resources"][0]["resource"]["displayName"], "Operations");
    let none = program.run(&["c1z", "resources", "-t", "role", "--format", "json"]).expect(0);
    assert_eq!(data(&none), json!({}));
    let stats = program.run(&["c1z", "stats", "-o", "json"]).expect(0);
    assert_eq!(
        data(&stats),
        json!({ "entitlements": 1, "grants": 2, "group": 1, "resource_types": 2, "user": 1 })
    );
    let access = program.run(&["c1z", "access", "-r", "ana"]).expect(0);
    assert!(access.stdout.contains("Operations (group)\n    member"), "{access:?}");
    let syncs = program.run(&["c1z", "syncs", "-o", "json"]).expect(0);
    assert_eq!(data(&syncs)["syncs"][0]["id"], SYNC_ID);
}

#[test]
fn a_dangling_grant_is_named_with_its_cause_and_exit_code_3() {
    let ran = program().run(&["c1z", "check", "-o", "json"]).expect(3);

    let found = data(&ran);
    assert_eq!(found["clean"], false);
    assert_eq!(found["grants"].as_array().unwrap().len(), 1);
    assert_eq!(found["grants"][0]["id"], "group:gone:member:user:ana");
    assert_eq!(found["grants"][0]["cause"], "entitlement missing, resource missing");
}

#[test]
fn an_export_is_a_table_in_which_no_name_is_a_formula() {
    let program = program();

    program.run(&["c1z", "export", "csv", "--out", "out.csv"]).expect(0);

    let text = program.read("out.csv");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[0].starts_with("Type,Last Name,First Name,User ID,"), "{text}");
    assert!(lines[1].starts_with("user,'=Ana"), "{text}");
}

#[test]
fn what_is_no_file_of_this_kind_is_bad_input() {
    let program = program();
    program.file("foreign.c1z", "something else");
    program.file("empty.c1z", "");
    std::fs::write(program.folder().join("three.c1z"), b"C1Z3\0\0\0\0\x0b\x0a\x07pebble3\x10\x18").unwrap();

    for (file, told) in [
        ("nowhere.c1z", "nowhere.c1z"),
        ("foreign.c1z", "c1z: invalid file"),
        ("empty.c1z", "no sync run"),
        ("three.c1z", "engine `pebble3`"),
    ] {
        let ran = program.run(&["c1z", "grants", "-f", file]).expect(2);
        assert!(ran.stderr.contains(told), "{file}: {ran:?}");
    }
    let ran = program.run(&["c1z", "grants", "--sync-id", "unknown"]).expect(2);
    assert!(ran.stderr.contains("tutela c1z syncs"), "{ran:?}");
    let small = program.run(&["c1z", "diff"]).expect(2);
    assert!(small.stderr.contains("two finished full sync runs"), "{small:?}");
}

/// baton F-4
#[test]
fn the_variables_of_connectors_set_the_limits() {
    let program = program();
    let refused = Program::new().with_environment("BATON_DECODER_MAX_DECODED_SIZE_MB", "zero");
    write(&refused.folder().join("sync.c1z"));

    program.run(&["c1z", "stats"]).expect(0);
    let ran = refused.run(&["c1z", "stats"]).expect(2);

    assert!(ran.stderr.contains("BATON_DECODER_MAX_DECODED_SIZE_MB"), "{ran:?}");
}

/// The reference file, through the program: equal as data to what the released explorer prints.
#[test]
fn the_reference_file_is_printed_as_by_the_released_explorer() {
    let Some(folder) = shared("golden/c1z") else { return };
    let file = folder.join("segment-reference.c1z");
    for command in ["resource-types", "resources", "entitlements", "grants", "principals", "syncs"] {
        let ran = Program::new().run(&["c1z", command, "-f", file.to_str().unwrap(), "-o", "json"]).expect(0);

        let expected = std::fs::read(folder.join(format!("segment-reference.{command}.json"))).unwrap();
        assert_eq!(data(&ran), serde_json::from_slice::<Value>(&expected).unwrap(), "{command}");
    }
}

#[test]
fn who_holds_an_entitlement_is_compared_with_another_file() {
    let program = program();
    write(&program.folder().join("other.c1z"));

    let same = program.run(&[
        "c1z",
        "principals",
        "-e",
        "group:ops:member",
        "compare",
        "--compare-file",
        "other.c1z",
        "-o",
        "json",
    ]);
    let none = [
        "c1z",
        "principals",
        "compare",
        "--compare-file",
        "other.c1z",
        "--compare-entitlement",
        "none",
        "-o",
        "json",
    ];
    let other = program.run(&none).expect(0);

    let same = data(&same.expect(0));
    assert_eq!((same["missing"].clone(), same["base"].as_array().unwrap().len()), (Value::Null, 1));
    assert_eq!(data(&other)["missing"][0]["resource"]["id"]["resource"], "ana");
}
