//! `tutela governance … --server`: the same answers as of a project, and changes that a server makes.
#![expect(clippy::indexing_slicing, reason = "helpers of tests stop at what is not there")]

use model::{Clock as _, SystemClock};
use sandbox::governance::TruthGrant;
use sandbox::segment::{SegmentOptions, SegmentSandbox, WorkspaceOptions};
use sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use crate::fleet::Caller;
use crate::program::{Program, Ran};
use crate::running::{Running, root_token};
use crate::segment;
use crate::workers::SECRET;

/// More than a page of accounts.
const USERS: usize = 1_050;

/// A project and a server with the same Segment, each with a state of its own.
struct House {
    program: Program,
    sandbox: SegmentSandbox,
    running: Running,
    caller: Caller,
    /// Who runs commands; a token for each would be more than the server gives in a minute.
    token: String,
}

impl House {
    async fn open(users: usize) -> Self {
        let options = SegmentOptions {
            users,
            workspace: WorkspaceOptions { groups: Some(6), ..WorkspaceOptions::default() },
            ..SegmentOptions::default()
        };
        let sandbox = segment::start(options).await;
        let program =
            crate::segment_office::program(&sandbox).with_environment("TUTELA_READING_RETRY_WAIT_MS", "1");
        segment::access_project(&program, &sandbox, "write");
        let running = Running::start(&program, &[]);
        let caller = Caller::of_server(&running).await;
        let secrets = json!({
            "domain": "api.segmentapis.com", "access_token": sandbox.description().tokens.access_token,
        });
        let connection = json!({"name": "Segment", "instance_key": "segment", "secrets": secrets});
        caller.send("POST /api/v1/connection/instantiate/segment_unify", &connection).await;
        let token = root_token(&running, SECRET).await;
        Self { program, sandbox, running, caller, token }
    }

    /// Runs a command on the project.
    fn here(&self, words: &[&str]) -> Ran {
        self.program.run(&[&["governance"], words].concat())
    }

    /// Runs the same on the server.
    fn there(&self, words: &[&str]) -> Ran {
        let words = [&["governance"], words, &["--server", &self.running.url]].concat();
        Ran::of(self.program.command(&words).env("TUTELA_TOKEN", &self.token).output().unwrap())
    }

    fn sync(&self) -> (Ran, Ran) {
        let words = ["sync", "--connection", "segment", "--format", "json"];
        (self.here(&words), self.there(&words))
    }

    /// What both answer, without times.
    fn both(&self, words: &[&str]) -> Value {
        let words = [words, &["--format", "json"]].concat();
        let (here, there) = (self.here(&words), self.there(&words));
        assert_eq!(here.code, there.code, "{words:?}: {here:?} {there:?}");
        let [one, other] = [&here, &there].map(|ran| without_times(ran.json()));
        assert_eq!(one, other, "{words:?}");
        other
    }

    fn writes(&self) -> u64 {
        self.sandbox.state()["writes"].as_u64().unwrap()
    }
}

/// Project and server read the same at other times, and number their states apart.
fn without_times(mut answer: Value) -> Value {
    match &mut answer {
        Value::Object(members) => {
            // A server reads events of use by itself, and a project when somebody says so.
            members.retain(|name, _| !["as_of", "state", "sync_id", "activity"].contains(&name.as_str()));
            members.values_mut().for_each(|value| *value = without_times(value.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = without_times(item.take())),
        _ => {}
    }
    answer
}

/// Lines of a table without the one that says of when it is.
fn lines(ran: &Ran) -> Vec<&str> {
    ran.stdout.lines().filter(|line| !line.contains(" as of ")).collect()
}

fn inherited(sandbox: &SegmentSandbox) -> TruthGrant {
    let truth = sandbox.governance_truth();
    truth.grants.iter().find(|grant| !grant.sources.is_empty()).unwrap().clone()
}

// rule: governance 6, 7
#[tokio::test(flavor = "multi_thread")]
async fn a_server_answers_as_the_project_does() {
    let house = House::open(USERS).await;
    let (here, there) = house.sync();
    assert_eq!((here.code, there.code), (0, 0), "{here:?} {there:?}");
    let (mut here, mut there) = (here.json(), there.json());
    assert_eq!(there["outcome"], "complete");
    for sync in [&mut here, &mut there] {
        // How many parts are new depends on what was known before.
        sync["inventory"].as_object_mut().unwrap().remove("changed_parts");
    }
    assert_eq!(without_times(here), without_times(there));

    let since = SystemClock.now().to_string();
    let truth = house.sandbox.governance_truth();
    let grant = inherited(&house.sandbox);
    let principal = format!("{}:{}", grant.principal.kind, grant.principal.id);
    let addresses: Vec<String> =
        truth.resources.iter().filter_map(|row| row.account.as_ref()?.email.clone()).collect();
    let (left, rest) = addresses.split_first().unwrap();
    let active: Vec<String> = rest.iter().skip(1).map(|address| format!("{address},active")).collect();
    let people = format!("email,status\n{left},terminated\n{}\n", active.join("\n"));
    house.program.file("people.csv", &people);
    let group = truth.resources.iter().find(|row| row.key.kind == "group").unwrap();
    let group = format!("group:{}", group.key.id);
    let connection = ["--connection", "segment"];

    let accounts = house.both(&["accounts"]);
    assert_eq!((&accounts["total"], &accounts["next"]), (&json!(USERS), &Value::Null));
    assert_eq!(accounts["accounts"].as_array().unwrap().len(), USERS, "page by page");
    house.both(&["accounts", "--unused-for", "30d"]);
    let page = house.both(&["accounts", "--limit", "3"]);
    let next = page["next"].as_str().unwrap().to_owned();
    let who = house.both(&["who", "--entitlement", &grant.entitlement]);
    assert!(!who["access"].as_array().unwrap().is_empty());
    let what = house.both(&["what", "--principal", left]);
    assert_eq!(what["principals"].as_array().unwrap().len(), 1);
    for words in [
        &["resources"][..],
        &["resources", "--type", "group", "--search", "a"],
        &["resources", "--limit", "0"],
        &["accounts", "--after", &next, "--limit", "2"],
        &["accounts", "--status", "enabled", "--account-type", "human", "--limit", "5"],
        &["entitlements", "--resource", &group],
        &["grants", "--limit", "1200"],
        &["grants", "--held", "inherited", "--principal", &principal, "--status", "enabled"],
        &["who", "--resource", &group, "--principal-type", "user"],
        &["who", "--entitlement", &grant.entitlement, "--limit", "1"],
        &["what", "--principal", &principal, "--limit", "1"],
        &["why", "--principal", &principal, "--entitlement", &grant.entitlement],
        &["why", "--principal", &principal, "--entitlement", &grant.entitlement, "--limit", "0"],
        &["orphans", "--people", "people.csv", connection[0], connection[1]],
        &["leavers", "--people", "people.csv", "--match", "broad"],
        &["external", "--trusted", "nowhere.example"],
        &["diff", "--since", &since],
        &["resources", "--as-of", &since, connection[0], connection[1]],
    ] {
        house.both(words);
        let csv = [words, &["--format", "csv"]].concat();
        let (here, there) = (house.here(words), house.there(words));
        assert_eq!(lines(&here), lines(&there), "{words:?}: {there:?}");
        let (here, there) = (house.here(&csv), house.there(&csv));
        assert_eq!(here.stdout, there.stdout, "{words:?}: {}", there.stderr);
    }
}

// rule: governance 6
#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_cannot_answer_it_says_as_the_project_does() {
    let house = House::open(20).await;
    house.sync();
    let refused = |words: &[&str], told: &str| {
        let (here, there) = (house.here(words), house.there(words));
        assert_eq!((here.code, there.code), (2, 2), "{words:?}: {here:?} {there:?}");
        assert!(there.stderr.contains(told), "{told}: {there:?}");
        assert!(there.stdout.is_empty(), "{there:?}");
    };

    refused(&["who", "--resource", "no such thing"], "nothing here is called so");
    refused(&["what", "--principal", "nobody@example.com"], "nothing here is called so");
    refused(&["resources", "--connection", "shop"], "shop");
    refused(&["resources", "--type", "robot"], "there is no kind `robot` here; there are ");
    refused(&["resources", "--as-of", "2020-01-01"], "nothing was in force at");
    refused(&["grants", "--after", "5b2261225d"], "the cursor is not one of this list");
    let file = house.there(&["diff", "--since-file", "old.c1z"]);
    file.expect(2).complains(&["does not look into files", "--since"]);
    let write = house.there(&["sync", "--connection", "segment", "-f", "sync.c1z"]);
    write.expect(2).complains(&["a server does not do this"]);
    house.there(&["revoke", "--due"]).expect(2).complains(&["a server does not do this"]);
    for words in [&["unused", "--for", "30d"], &["accounts", "--unused-for", "30d"]] {
        let then = house.there(&[&words[..], &["--as-of", "2026-03-01"]].concat());
        then.expect(2).complains(&["a server does not do this", "leave out `--as-of`"]);
    }
    // A file is here, whoever else is named.
    house.here(&["sync", "--connection", "segment", "-f", "sync.c1z"]).expect(0);
    let of_file = house.there(&["resources", "-f", "sync.c1z", "--format", "json"]).expect(0).json();
    assert_eq!(of_file["file"], "sync.c1z");
}

// rule: fides-api 2.4
#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_ask_or_change_is_told_the_scope() {
    let house = House::open(20).await;
    house.sync();
    let grant = inherited(&house.sandbox);
    let made = house.caller.send("POST /api/v1/oauth/client", &json!(["policy:read"])).await;
    let (id, secret) = (made["client_id"].as_str().unwrap(), made["client_secret"].as_str().unwrap());
    let other = Program::new()
        .with_environment("TUTELA_CLIENT_ID", id)
        .with_environment("TUTELA_CLIENT_SECRET", secret)
        .with_environment("TUTELA_SERVER", &house.running.url);
    let principal = format!("{}:{}", grant.principal.kind, grant.principal.id);
    let of = ["--connection", "segment"];
    let who = ["--entitlement", &grant.entitlement, "--principal", &principal, "--yes"];

    for (words, scope) in [
        (vec!["resources"], "access:read"),
        (vec!["who", "--entitlement", &grant.entitlement, of[0], of[1]], "access:read"),
        (vec!["activity", "--since", "2026-01-01", of[0], of[1]], "access:read"),
        ([&["grant"], &of[..], &who].concat(), "access:change"),
        ([&["revoke"], &of[..], &who].concat(), "access:change"),
        (vec!["sync", of[0], of[1]], "connection:create_or_update"),
    ] {
        let ran = other.run(&[&["governance"], words.as_slice()].concat());
        let ran = ran.expect(4);
        ran.complains(&[scope, "give the scope"]);
        assert!(ran.stdout.is_empty(), "{ran:?}");
    }

    assert_eq!(house.writes(), 0);
    assert_eq!(std::fs::read_dir(other.folder()).unwrap().count(), 0);
}

// rule: governance 13
#[tokio::test(flavor = "multi_thread")]
async fn a_server_gives_and_takes_with_one_write_each_and_shows_the_plan_first() {
    let house = House::open(20).await;
    house.sync();
    let truth = house.sandbox.governance_truth();
    let role = truth.resources.iter().find(|found| found.display_name == "Tracking Plan Admin").unwrap();
    let user = truth.resources.iter().filter(|found| found.key.kind == "user").nth(3).unwrap();
    let (entitlement, principal) = (format!("role:{}:member", role.key.id), format!("user:{}", user.key.id));
    let id = format!("{entitlement}:{principal}");
    let is_held = || house.sandbox.governance_truth().grants.iter().any(|grant| grant.id == id);
    let change = |what: &str, more: &[&str]| {
        let who = ["--connection", "segment", "--entitlement", &entitlement, "--principal", &principal];
        house.there(&[&[what], &who[..], more].concat())
    };

    // Nobody is there who could be asked.
    let asked = change("grant", &[]);
    assert_eq!((asked.code, house.writes()), (2, 0), "{asked:?}");
    assert!(asked.stdout.contains("give   ") && asked.stdout.contains("plan   sha256:"), "{asked:?}");
    let given = change("grant", &["--yes", "--format", "json"]).expect(0).json();
    assert_eq!((is_held(), house.writes()), (true, 1));
    let again = change("grant", &["--yes", "--format", "json"]).expect(0).json();
    let taken = change("revoke", &["--yes"]).expect(0);
    assert_eq!((is_held(), house.writes()), (false, 2));
    let timed = change("grant", &["--yes", "--for", "2h", "--format", "json"]).expect(0).json();
    let ends = house.caller.read("GET /api/v1/connection/segment/access-end").await;
    let by_id = house.there(&["revoke", "--connection", "segment", "--grant", &id, "--yes"]).expect(0);

    assert_eq!((&given["result"], &given["connection"]), (&json!("confirmed"), &json!("segment")));
    assert_eq!(given["plan"]["change"]["action"], "grant");
    assert_eq!((&given["report"]["attempts"], &again["result"]), (&json!(1), &json!("already")));
    assert!(taken.stdout.contains("take   ") && taken.stdout.contains("confirmed by reading"), "{taken:?}");
    assert_eq!((&timed["result"], &timed["end"]), (&json!("confirmed"), &ends["items"][0]["id"]));
    assert!(timed["until"].as_str().is_some(), "{timed}");
    assert!(by_id.stdout.contains("confirmed by reading"), "{by_id:?}");
    assert_eq!((is_held(), house.writes()), (false, 4));
}

// rule: governance 13
#[tokio::test(flavor = "multi_thread")]
async fn only_the_plan_that_was_agreed_to_is_carried_out() {
    let house = House::open(20).await;
    house.sync();
    let truth = house.sandbox.governance_truth();
    let group = truth.resources.iter().find(|found| found.key.kind == "group").unwrap();
    let of_group = format!("group:{}:member", group.key.id);
    let is_member = |user: &str| truth.grants.iter().any(|one| one.id == format!("{of_group}:user:{user}"));
    let users = truth.resources.iter().filter(|found| found.key.kind == "user");
    let free: Vec<String> =
        users.map(|user| user.key.id.to_string()).filter(|user| !is_member(user)).take(2).collect();
    let line = "POST /api/v1/connection/segment/access-change";
    let body =
        |user: &str| json!({"action": "grant", "entitlement": of_group, "principal": format!("user:{user}")});
    let planned = house.caller.send(line, &body(&free[0])).await;
    let again = house.caller.send(line, &body(&free[0])).await;
    let mut other = body(&free[1]);
    other["yes"] = json!(true);
    other["agreed"] = planned["agreement"].clone();

    let refused = house.caller.call(line, Some(&other)).await;
    let mut agreed = body(&free[0]);
    agreed["yes"] = json!(true);
    agreed["agreed"] = planned["agreement"].clone();
    let before = house.writes();
    let made = house.caller.send(line, &agreed).await;

    assert_eq!(planned["agreement"], again["agreement"], "whichever run would carry it out");
    assert_ne!(planned["plan"]["digest"], again["plan"]["digest"]);
    assert_eq!((refused.status, before), (409, 0), "{}", refused.text);
    assert_eq!((&made["result"], house.writes()), (&json!("confirmed"), 1));
}

// rule: governance 6
#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_could_not_read_is_told_by_kind_and_ends_with_3() {
    let house = House::open(20).await;
    let (here, there) = house.sync();
    assert_eq!((here.code, there.code), (0, 0), "{here:?} {there:?}");
    let before = house.both(&["resources", "--type", "group"]);
    let broken = FaultRule { times: 10_000, ..FaultRule::first("GET", "/groups", Fault::MissingKey) };
    house.sandbox.set_rules(vec![broken]);

    let (here, there) = house.sync();
    let after = house.both(&["resources", "--type", "group"]);
    let table = house.there(&["resources", "--type", "group"]);

    assert_eq!((here.code, there.code), (3, 3), "{here:?} {there:?}");
    let kind = |sync: &Ran| {
        let kinds = sync.json()["kinds"].clone();
        kinds.as_array().unwrap().iter().find(|kind| kind["kind"] == "group").unwrap()["status"].clone()
    };
    assert_eq!((kind(&here), kind(&there)), (json!("incomplete"), json!("incomplete")));
    assert_eq!((&after["complete"], &after["resources"]), (&json!(false), &before["resources"]));
    assert_eq!(table.code, 3, "{table:?}");
    assert!(table.stdout.contains("group as of ") && table.stdout.contains(", last sync incomplete"));
}

// rule: governance AUT-2
#[tokio::test(flavor = "multi_thread")]
async fn a_time_of_which_a_server_has_not_read_all_ends_with_3_as_in_a_project() {
    let house = House::open(20).await;
    house.sync();
    house.here(&["activity", "--connection", "segment", "--keep"]).expect(0);
    let accounts = ["accounts", "--unused-for", "200d", "--format", "json"];
    let unused = ["unused", "--for", "200d", "--format", "json"];
    let page = house.here(&["accounts", "--limit", "1", "--format", "json"]).expect(0).json();
    let next = page["next"].as_str().unwrap();
    let later = [&accounts[..], &["--after", next]].concat();

    for (words, items) in [(&accounts, "accounts"), (&unused, "unused")] {
        for ran in [house.here(words), house.there(words)] {
            let told = ran.expect(3).json();
            assert_eq!((&told["activity"]["standing"], &told[items]), (&json!("incomplete"), &json!([])));
        }
    }
    house.there(&["accounts", "--unused-for", "200d", "--format", "csv"]).expect(3);
    house.there(&["accounts", "--unused-for", "30d"]).expect(0);
    for ran in [house.here(&later), house.there(&later)] {
        let told = ran.expect(3).json();
        assert_eq!((&told["activity"]["standing"], &told["accounts"]), (&json!("incomplete"), &json!([])));
        assert_eq!(told.get("use_unknown"), None, "counted once");
    }
    house.there(&["accounts", "--unused-for", "30d", "--after", next]).expect(0);
}

// rule: baton 16.3
#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_server_come_line_by_line_as_those_of_the_project() {
    let house = House::open(20).await;
    house.sync();
    segment::advance_to_now(&house.sandbox);
    let grant = inherited(&house.sandbox);
    let (group, user) = (&grant.sources[0].entitlement, format!("user:{}", grant.principal.id));
    house
        .there(&["revoke", "--connection", "segment", "--entitlement", group, "--principal", &user, "--yes"])
        .expect(0);
    let words = ["activity", "--connection", "segment", "--since", "2020-01-01", "--format", "json"];

    let (here, there) = (house.here(&words), house.there(&words));
    let last = house.there(&["activity", "--connection", "segment", "--since", "2020-01-01", "--last-use"]);
    let wrong = house.there(&[
        "activity",
        "--connection",
        "segment",
        "--since",
        "2026-01-02",
        "--until",
        "2026-01-01",
    ]);

    let events = |ran: &Ran| -> Vec<Value> {
        let all: Vec<Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(all.last().unwrap()["activity"]["reason"].as_str().unwrap().contains("90 days"));
        all.into_iter().filter(|line| line.get("event").is_some()).collect()
    };
    assert_eq!((here.code, there.code, last.code), (3, 3, 3), "{here:?} {there:?}");
    assert_eq!(events(&here), events(&there));
    assert!(!events(&there).is_empty(), "{there:?}");
    wrong.expect(2).complains(&["before its beginning"]);
}
