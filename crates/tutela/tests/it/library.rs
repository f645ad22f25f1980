//! The connectors of the library against the simulated applications, and their recordings.
//!
//! `cargo nextest run -p tutela --run-ignored only write_the_recordings` records them again, those of who has access
//! (`access`) included.

mod access;
mod live;
mod truth;

use std::path::{Path, PathBuf};

use rstest::rstest;
use serde_json::{Value, json};

use crate::program::Program;
use crate::shop;
use live::{Application, Live, Person};

/// Every connector that reads over the network. `segment` asks nobody: see its own test.
const READING: [&str; 5] = ["hubspot", "mailchimp", "segment_unify", "sentry", "stripe"];

/// One recording: whom it asks about, with pages of how many entries.
struct Recorded {
    connector: &'static str,
    file: &'static str,
    identity: &'static str,
    page_entries: usize,
}

const fn recorded(
    connector: &'static str,
    file: &'static str,
    identity: &'static str,
    page_entries: usize,
) -> Recorded {
    Recorded { connector, file, identity, page_entries }
}

const RECORDINGS: [Recorded; 15] = [
    recorded("hubspot", "several_pages", "email=ana@example.com", 1),
    recorded("hubspot", "nobody", "email=nobody@example.com", 3),
    recorded("mailchimp", "several_pages", "email=ana@example.com", 3),
    recorded("mailchimp", "nobody", "email=nobody@example.com", 3),
    recorded("segment_unify", "several_pages", "email=cleo@example.com", 2),
    recorded("segment_unify", "by_user_id_only", "external_id=user_8f3k2b9d", 5),
    recorded("segment_unify", "awkward_address", "email=o'neil+news@example.com", 5),
    recorded("segment_unify", "by_telephone", "phone_number=+14440000004", 5),
    recorded("segment_unify", "nobody", "email=nobody@example.com", 5),
    recorded("sentry", "several_pages", "email=ana@example.com", 1),
    recorded("sentry", "nobody", "email=nobody@example.com", 3),
    recorded("stripe", "several_pages", "email=ana@example.com", 1),
    recorded("stripe", "by_telephone", "phone_number=+14440000000", 1),
    recorded("stripe", "awkward_address", "email=o'neil+news@example.com", 3),
    recorded("stripe", "nobody", "email=nobody@example.com", 3),
];

fn folder(connector: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../connectors").join(connector)
}

fn recording(one: &Recorded) -> PathBuf {
    folder(one.connector).join("cassettes").join(format!("{}.json", one.file))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes the recordings of the library"]
async fn write_the_recordings() {
    for one in &RECORDINGS {
        let live = Live::start(one.connector, one.page_entries).await;
        let out = recording(one);
        let out = out.to_str().unwrap();

        live.program
            .run(&["connector", "record", live::KEY, "--identity", one.identity, "--out", out])
            .expect(0);
    }
}

#[test]
fn every_connector_passes_its_recordings() {
    for connector in READING {
        let ran = Program::new().run(&["connector", "test", connector, "--format", "json"]).expect(0).json();

        let tested: Vec<&str> = ran["recordings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["recording"].as_str().unwrap())
            .collect();
        let mut listed: Vec<String> = RECORDINGS
            .iter()
            .filter(|one| one.connector == connector)
            .map(|one| format!("{}.json", one.file))
            .collect();
        listed.sort();
        assert_eq!(ran["passed"], true, "{connector}");
        assert_eq!(tested, listed, "{connector}");
    }
}

#[test]
fn recordings_of_several_pages_hold_several_pages() {
    let with_pages = RECORDINGS.iter().filter(|one| one.file == "several_pages");
    for one in with_pages {
        let text = std::fs::read_to_string(recording(one)).unwrap();
        let recording: Value = serde_json::from_str(&text).unwrap();
        let expected = recording["expected"].as_object().unwrap();

        for (address, collection) in expected {
            assert_eq!(collection["status"], "complete", "{address}");
            assert!(!collection["rows"].as_array().unwrap().is_empty(), "{} {address}", one.connector);
        }
        let calls = recording["cassette"]["interactions"].as_array().unwrap().len();
        assert!(calls > 2 * expected.len(), "{}: {calls} calls", one.connector);
    }
}

#[test]
fn recordings_of_nobody_are_complete_and_hold_no_row_of_a_person() {
    // Sentry's organisations and projects are read on the way to the person and belong to nobody.
    let on_the_way = ["acme:organizations", "acme:projects"];
    for one in RECORDINGS.iter().filter(|one| one.file == "nobody") {
        let text = std::fs::read_to_string(recording(one)).unwrap();
        let recording: Value = serde_json::from_str(&text).unwrap();

        for (address, collection) in recording["expected"].as_object().unwrap() {
            assert_eq!(collection["status"], "complete", "{address}");
            let rows = collection["rows"].as_array().unwrap().len();
            assert!(rows == 0 || on_the_way.contains(&address.as_str()), "{address}: {rows} rows");
        }
    }
}

#[rstest]
#[case::path("stripe", "/v1/charges", "/v2/charges")]
#[case::param("stripe", "name: limit\n                value: 100", "name: limit\n                value: 10")]
#[case::pages(
    "stripe",
    "field: id\n                has_next: has_more",
    "field: id\n                has_next: more"
)]
#[case::rows("stripe", "data_path: data", "data_path: date")]
#[case::path("hubspot", "/settings/v3/users", "/settings/v4/users")]
#[case::body(
    "hubspot",
    "hs_additional_emails\", \"operator\": \"CONTAINS_TOKEN",
    "email\", \"operator\": \"EQ"
)]
#[case::pages("hubspot", "path: paging.next.link", "path: paging.link")]
#[case::filter("hubspot", "field: email\n", "field: id\n")]
#[case::path("sentry", "/user-feedback/", "/feedback/")]
#[case::param("sentry", "assigned:<email>", "bookmarks:<email>")]
#[case::pages("sentry", "rel: next", "rel: previous")]
#[case::group("sentry", "projects.organization.slug", "projects.organization.id")]
#[case::path("mailchimp", "/activity-feed", "/activity")]
#[case::pages("mailchimp", "increment_by: 100", "increment_by: 50")]
#[case::rows("mailchimp", "exact_matches.members", "full_search.members")]
#[case::filter("mailchimp", "field: from_email", "field: from_label")]
#[case::path("segment_unify", "/external_ids", "/external-ids")]
#[case::param("segment_unify", "value: user_id\n", "value: email\n")]
#[case::pages("segment_unify", "field: cursor.next", "field: cursor.limit")]
#[case::last_page("segment_unify", "has_next: cursor.has_more", "has_next: cursor.more")]
fn a_changed_connector_fails_its_recordings(#[case] connector: &str, #[case] from: &str, #[case] to: &str) {
    let program = copy_of(connector);
    let text = program.read("it/connector.yml");
    let changed = text.replace(from, to);
    assert_ne!(text, changed, "the defect was not planted");
    program.run(&["connector", "test", "./it"]).expect(0);

    program.file("it/connector.yml", &changed);
    let ran = program.run(&["connector", "test", "./it"]).expect(1);

    assert!(ran.stdout.contains("failed"), "{}", ran.stdout);
}

/// The connector's folder, below a program's own.
fn copy_of(connector: &str) -> Program {
    let program = Program::new();
    let folder = folder(connector);
    for file in ["connector.yml", "dataset.yml"] {
        program.file(&format!("it/{file}"), &std::fs::read_to_string(folder.join(file)).unwrap());
    }
    for one in RECORDINGS.iter().filter(|one| one.connector == connector) {
        let text = std::fs::read_to_string(recording(one)).unwrap();
        program.file(&format!("it/cassettes/{}.json", one.file), &text);
    }
    program
}

#[tokio::test(flavor = "multi_thread")]
async fn recordings_tell_nothing_of_the_people_and_keys_they_were_made_with() {
    for connector in READING {
        let live = Live::start(connector, 1000).await;
        let mut delivered = live.read("out", &[Person::ANA.identity()]).to_string();
        delivered.push_str(&live.program.read("tutela.yml"));
        let telling = live.telling();

        assert!(telling.iter().filter(|word| delivered.contains(*word)).count() >= 4, "the words are wrong");
        for one in RECORDINGS.iter().filter(|one| one.connector == connector) {
            let text = std::fs::read_to_string(recording(one)).unwrap();
            let found: Vec<&String> = telling.iter().filter(|word| text.contains(*word)).collect();
            assert!(found.is_empty(), "{connector} {}: {found:?}", one.file);
        }
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn everything_the_application_holds_about_a_person_is_read_and_nothing_else(
    #[values("hubspot", "mailchimp", "segment_unify", "sentry", "stripe")] connector: &str,
    #[values(1, 3, 1000)] page_entries: usize,
) {
    let live = Live::start(connector, page_entries).await;
    let all_at_once = Live::start(connector, 1000).await;

    for person in Person::ALL {
        let found = live.read(person.name, &[person.identity()]);

        let expected = truth::of(&all_at_once, person).await;
        assert_eq!(truth::comparable(connector, &found), expected, "{connector} {}", person.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_profile_found_by_three_identities_is_read_once_below() {
    let live = Live::start("segment_unify", 3).await;
    let by_email = live.read("one", &["email=cleo@example.com".to_owned()]);

    let by_all = live.read(
        "all",
        &[
            "email=cleo@example.com".to_owned(),
            "phone_number=+14440000002".to_owned(),
            "external_id=user_c1e0a77f".to_owned(),
        ],
    );

    assert_eq!(by_all["acme:segment_user"].as_array().unwrap().len(), 4);
    for collection in ["traits", "track_events", "external_ids", "user_ids", "links"] {
        let address = format!("acme:{collection}");
        assert_eq!(by_all[&address], by_email[&address], "{collection}");
    }
}

// rule: segment-api C2
#[tokio::test(flavor = "multi_thread")]
async fn segment_is_tested_by_the_api_that_the_domain_names() {
    let live = Live::start("segment_unify", 3).await;
    let Application::Segment(sandbox) = &live.application else { unreachable!() };
    let token = sandbox.description().tokens.config_token.clone();
    let project = live.program.read("tutela.yml");
    let test = ["connection", "test", live::KEY, "--format", "json"];
    let public = live.program.run(&test).expect(0).json();

    let config_api = project
        .replace(&sandbox.description().tokens.access_token, &token)
        .replace(
            "access_token:",
            "domain: platform.segmentapis.com\n      workspace: WORKSPACE\n      access_token:",
        )
        .replace("WORKSPACE", &sandbox.description().workspace)
        .replace("api.segmentapis.com: ", "platform.segmentapis.com: ");
    live.program.file("tutela.yml", &config_api);
    let config = live.program.run(&test).expect(0).json();

    assert_eq!((&public["passed"], &config["passed"]), (&json!(true), &json!(true)), "{config:#}");
    live.program.file("tutela.yml", &config_api.replace(&token, "wrong"));
    live.program.run(&test).expect(1);
    live.program.file("tutela.yml", &config_api.replace("      workspace:", "      # workspace:"));
    let without = live.program.run(&test).expect(2);
    assert!(without.stdout.contains("`workspace`"), "{}", without.stdout);
}

// rule: saas-config 19.9
#[tokio::test(flavor = "multi_thread")]
async fn segment_without_unify_shows_the_user_ids_of_the_own_database_and_asks_nobody() {
    let (own, segment) = (shop::open().await, testkit::FakeSaas::start().await);
    let program = Program::new();
    shop::project_with(&program, &own, "token: t", "");
    let text = program.read("tutela.yml");
    let connection = "  - key: acme\n    connector: segment\n    access: read\n    secrets:\n      \
                      access_token: never-sent\n      \
                      segment_user_id: { dataset: shop, field: orders.id, direction: from }\negress:\n";
    let route = format!("routes: {{ api.segmentapis.com: \"{}\", ", segment.base_url());
    program.file("tutela.yml", &text.replace("egress:\n", connection).replace("routes: {", &route));

    program.run(shop::ACCESS).expect(0);

    let ids = json!([{"user_id": "o1"}, {"user_id": "o2"}, {"user_id": "o3"}]);
    assert_eq!(program.json("out/access.json")["acme:segment_user"], ids);
    assert!(segment.calls().is_empty());
}

#[test]
fn a_connector_that_asks_nobody_needs_no_recordings() {
    // Without who has access, nothing of Segment is asked for.
    let program = Program::new();
    let file = std::fs::read_to_string(folder("segment").join("connector.yml")).unwrap();
    let (before, _) = file.split_once("  # Who has access. This section").unwrap();
    program.file("it/connector.yml", before);
    let ran = program.run(&["connector", "test", "./it"]).expect(0);
    let data = program.run(&["connector", "test", "./it", "--format", "json"]).expect(0).json();
    program.file("it/connector.yml", &file);
    program.run(&["connector", "test", "./it"]).expect(1).complains(&["no recordings", "--access"]);

    assert!(ran.stdout.contains("makes no call"), "{}", ran.stdout);
    assert_eq!(data, json!({"passed": true, "recordings": []}));
}

#[test]
fn what_a_file_says_about_access_is_summed_up() {
    let data = Program::new().run(&["connector", "show", "segment", "--format", "json"]).expect(0).json();
    let page = Program::new().run(&["connector", "show", "segment"]).expect(0).stdout;
    let without = Program::new().run(&["connector", "show", "stripe", "--format", "json"]).expect(0).json();

    let kinds: Vec<&str> =
        data["access"]["kinds"].as_array().unwrap().iter().map(|kind| kind["id"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        ["workspace", "user", "group", "role", "function", "source", "warehouse", "space", "invite"]
    );
    assert_eq!(
        data["access"]["kinds"][2]["changes"][1],
        json!({"what": "revoke member", "request": "DELETE /group/<resource.id>/users"})
    );
    for part in ["Access", "Changes of access", "Workspace Owner access", "last_owner", "GET /audit-events"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(without["access"].is_null());
}

#[test]
fn every_connector_is_checked_without_errors_and_its_warnings_are_known() {
    let known = |connector: &str, code: &str| {
        matches!(
            (connector, code),
            // The guide pages say why.
            ("hubspot" | "mailchimp" | "okta" | "sentry" | "stripe" | "sumsub", "spec::lint_not_erasable")
                | ("sentry", "spec::lint_foreign_reference")
                | ("okta" | "stripe", "spec::lint_quoted_value")
        )
    };
    let all = [
        "github",
        "hubspot",
        "mailchimp",
        "okta",
        "pagerduty",
        "segment",
        "segment_unify",
        "sentry",
        "stripe",
        "sumsub",
    ];
    for connector in all {
        let (file, dataset) =
            (folder(connector).join("connector.yml"), folder(connector).join("dataset.yml"));
        let (file, dataset) = (file.to_str().unwrap(), dataset.to_str().unwrap());
        let arguments = ["connector", "check", file, "--dataset", dataset, "--format", "json"];

        let found = Program::new().run(&arguments).expect(0).json();

        let guide = std::fs::read_to_string(folder(connector).join("guide.md")).unwrap();
        for diagnostic in found["diagnostics"].as_array().unwrap() {
            let code = diagnostic["code"].as_str().unwrap();
            assert_eq!(diagnostic["severity"], "warning", "{connector}: {diagnostic}");
            assert!(known(connector, code), "{connector}: {diagnostic}");
            if code == "spec::lint_not_erasable" {
                let collection = diagnostic["message"].as_str().unwrap().split('`').nth(1).unwrap();
                let kept = guide.split("## What is not erased").nth(1).unwrap();
                assert!(kept.contains(&format!("`{collection}`")), "{connector}: {collection} has no reason");
            }
        }
    }
}

#[test]
fn the_guide_lists_every_connector_with_its_collections() {
    let page = folder("../docs/guide/connectors.md");
    let page = std::fs::read_to_string(page).unwrap();
    let listed = Program::new().run(&["connector", "list", "--format", "json"]).expect(0).json();

    for connector in listed.as_array().or_else(|| listed["connectors"].as_array()).unwrap() {
        let name = connector["name"].as_str().unwrap();
        let row = page.lines().find(|line| line.starts_with(&format!("| `{name}`")));
        let row = row.unwrap_or_else(|| panic!("{name} is not in the table"));
        let file = std::fs::read_to_string(folder(name).join("connector.yml")).unwrap();
        let endpoints = file.split("\n  endpoints:").nth(1).unwrap().lines();
        for endpoint in endpoints.filter_map(|line| line.strip_prefix("    - name: ")) {
            assert!(row.contains(&format!("`{endpoint}`")), "{name}: {endpoint} is not in the table");
        }
        assert!(page.contains(&format!("../../connectors/{name}/guide.md")), "{name} has no guide page");
    }
}
