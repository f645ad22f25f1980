//! `tutela governance who`, `what`, `why`, lists and findings, of the project's inventory and of files.

use sandbox::segment::{SegmentOptions, SegmentSandbox, WorkspaceOptions};
use serde_json::Value;

use crate::program::{Program, Ran};
use crate::segment;

fn options() -> SegmentOptions {
    SegmentOptions {
        users: 60,
        workspace: WorkspaceOptions { groups: Some(6), ..WorkspaceOptions::default() },
        ..SegmentOptions::default()
    }
}

/// A project whose inventory was read, with the same in `sync.c1z`.
async fn synced() -> (Program, SegmentSandbox) {
    let (program, sandbox) = (Program::new(), segment::start(options()).await);
    segment::access_project(&program, &sandbox, "read");
    let ran = program.run(&["governance", "sync", "--connection", "segment", "-f", "sync.c1z"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    (program, sandbox)
}

fn json(ran: &Ran) -> Value {
    assert_eq!(ran.code, 0, "{ran:?}");
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

fn rows<'a>(answer: &'a Value, name: &str) -> &'a [Value] {
    answer[name].as_array().unwrap_or_else(|| panic!("no {name} in {answer}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_inventory_and_the_file_of_one_sync_give_the_same_answers_which_are_those_of_the_workspace() {
    let (program, sandbox) = synced().await;
    let truth = sandbox.governance_truth();
    let both = |words: &[&str]| {
        let ask = |source: &[&str]| {
            let words: Vec<&str> = ["governance"].iter().chain(words).chain(source).copied().collect();
            json(&program.run(&[words.as_slice(), &["--format", "json"]].concat()))
        };
        (ask(&["--connection", "segment"]), ask(&["-f", "sync.c1z"]))
    };

    let (kept, of_file) = both(&["grants"]);
    assert_eq!(rows(&kept, "grants"), rows(&of_file, "grants"));
    assert_eq!(kept["total"], truth.grants.len());
    assert_eq!((&kept["connection"], &kept["complete"]), (&"segment".into(), &true.into()));
    assert_eq!((&of_file["file"], rows(&kept, "kinds").len()), (&"sync.c1z".into(), truth.kinds.len()));

    let (kept, of_file) = both(&["accounts"]);
    assert_eq!(rows(&kept, "accounts"), rows(&of_file, "accounts"));
    assert_eq!(kept["total"], 60);

    let inherited = truth.grants.iter().find(|grant| !grant.sources.is_empty()).unwrap();
    let principal = format!("{}:{}", inherited.principal.kind, inherited.principal.id);
    let (who, _) = both(&["who", "--entitlement", &inherited.entitlement]);
    assert!(
        rows(&who, "access").iter().any(|row| row["id"] == inherited.id && !rows(row, "through").is_empty())
    );
    let (why, of_file) = both(&["why", "--principal", &principal, "--entitlement", &inherited.entitlement]);
    assert_eq!(rows(&why, "ways"), rows(&of_file, "ways"));
    assert!(why["ways"][0]["sentence"].as_str().unwrap().contains(" → member of "), "{why}");
    let way = ["governance", "why", "--principal", &principal, "--entitlement", &inherited.entitlement];
    let cut = program.run(&[&way[..], &["--limit", "0"]].concat());
    assert!(cut.stdout.contains("there is more") && !cut.stdout.contains("there is no way"), "{cut:?}");
    let (what, _) = both(&["what", "--principal", &principal]);
    let held = rows(&what["principals"][0], "access").len();
    assert_eq!(held, truth.grants.iter().filter(|grant| grant.principal == inherited.principal).count());
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_follow_the_list_of_people_and_lists_are_tables_for_spreadsheets() {
    let (program, sandbox) = synced().await;
    let truth = sandbox.governance_truth();
    let addresses: Vec<String> =
        truth.resources.iter().filter_map(|row| row.account.as_ref()?.email.clone()).collect();
    let (left, rest) = addresses.split_first().unwrap();
    let (missing, rest) = rest.split_first().unwrap();
    let lines: Vec<String> =
        rest.iter().map(|address| format!("{},active", address.to_uppercase())).collect();
    program.file("people.csv", &format!("E-Mail,Status\n{left},terminated\n{}\n", lines.join("\n")));
    let people = ["--people", "people.csv", "--connection", "segment", "--format", "json"];

    let orphans = json(&program.run(&[&["governance", "orphans"], people.as_slice()].concat()));
    let leavers = json(&program.run(&[&["governance", "leavers"], people.as_slice()].concat()));

    let found: Vec<&Value> =
        rows(&orphans, "orphans").iter().map(|row| &row["account"]["emails"][0]).collect();
    assert_eq!(found.len(), 2);
    assert!(found.contains(&&left.as_str().into()) && found.contains(&&missing.as_str().into()), "{orphans}");
    assert_eq!(orphans["owned"], rest.len());
    assert_eq!(rows(&leavers, "leavers").len(), 1);
    assert_eq!(leavers["leavers"][0]["person"], left.as_str());
    assert!(!rows(&leavers["leavers"][0]["accounts"][0], "access").is_empty());

    let external =
        program.run(&["governance", "external", "--trusted", "nowhere.example", "--format", "csv"]);
    assert_eq!(external.code, 0, "{external:?}");
    assert_eq!(external.stdout.lines().count(), 61);
    assert!(external.stdout.starts_with("Account,Name,E-mail,Domain\n"), "{external:?}");
    assert!(external.stderr.contains("segment as of "), "{external:?}");
    let table = program.run(&["governance", "resources", "--type", "group"]);
    assert!(table.stdout.contains("6 in all") && table.stdout.contains("segment as of "), "{table:?}");

    let unchanged =
        json(&program.run(&["governance", "diff", "--since-file", "sync.c1z", "--format", "json"]));
    assert_eq!((rows(&unchanged, "rows").len(), &unchanged["inherited"]), (0, &true.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_answered_says_what_to_do() {
    let (program, _sandbox) = synced().await;
    let refused = |words: &[&str], told: &str| {
        let ran = program.run(&[&["governance"], words].concat());
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.stderr.contains(told), "{told}: {ran:?}");
    };

    refused(&["who", "--resource", "no such thing"], "nothing here is called so");
    refused(&["resources", "--connection", "shop"], "has no connection `shop`; it has: segment");
    refused(&["resources", "--type", "robot"], "there is no kind `robot` here; there are ");
    refused(&["resources", "--as-of", "2020-01-01"], "nothing was in force at");
    refused(&["resources", "-f", "none.c1z"], "none.c1z cannot be read");
    refused(&["grants", "--after", "zz"], "the cursor is not one of this list");
    program.file("people.csv", "email\nana@example.com\n");
    refused(&["leavers", "--people", "people.csv"], "does not tell who is gone");
    refused(&["sync", "--connection", "segment", "--format", "csv"], "no answer as CSV");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_over_something_incomplete_ends_with_3_and_names_the_kind_and_its_time() {
    let (program, _sandbox) = synced().await;
    let before = json(&program.run(&["governance", "resources", "--type", "group", "--format", "json"]));
    // A file whose list of groups has its key elsewhere: what was read before stays.
    let file = include_str!("../../../../connectors/segment/connector.yml");
    assert!(file.contains("data_path: data.userGroups\n"));
    let file = file.replace("data_path: data.userGroups\n", "data_path: data.elsewhere\n");
    program.file("broken.yml", &file.replace("<instance_fides_key>", "segment"));
    let project = program.read("tutela.yml").replace("connector: segment", "connector: ./broken.yml");
    program.file("tutela.yml", &project);
    let sync = program.run(&["governance", "sync", "--connection", "segment"]);
    assert_eq!(sync.code, 3, "{sync:?}");

    let ran = program.run(&["governance", "resources", "--type", "group", "--format", "json"]);
    let table =
        program.run(&["governance", "who", "--resource", before["resources"][0]["id"].as_str().unwrap()]);

    assert_eq!((ran.code, table.code), (3, 3), "{ran:?} {table:?}");
    let after: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&after["complete"], &after["resources"]), (&false.into(), &before["resources"]));
    let group = rows(&after, "kinds").iter().find(|kind| kind["kind"] == "group").unwrap();
    assert_eq!(group["status"], "incomplete");
    assert!(group["as_of"].as_str().unwrap() < after["as_of"].as_str().unwrap(), "{after}");
    assert!(
        table.stdout.contains("group as of ") && table.stdout.contains(", last sync incomplete"),
        "{table:?}"
    );
}
