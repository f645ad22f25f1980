//! Corrections, limits of one plan, and the replay of erasures, by a running server.

use model::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::on_server::{number, on};
use crate::program::Program;
use crate::workers::{Office, Vendor, address, program};

const ANA: [&str; 2] = ["--identity", "email=person-0@example.com"];

/// A policy of the server that allows to correct names, and erases as well.
async fn correcting(office: &Office) {
    let target = json!([{"data_category": "user.name"}]);
    let erase = json!({"name": "Erase", "key": "erase_names", "action_type": "erasure", "targets": target,
        "masking_strategy": {"strategy": "null_rewrite", "configuration": {}}});
    let correct =
        json!({"name": "Correct", "key": "correct_names", "action_type": "rectification", "targets": target});
    let policy = json!([{"name": "Names", "key": "names", "rules": [erase, correct]}]);
    office.send("PATCH /api/v1/dsr/policy", &policy).await;
}

fn apply(program: &Program, office: &Office, (plan, id): (&str, &str)) -> crate::program::Ran {
    let plan_file = program.json(plan);
    let digest = plan_file.get("digest").and_then(Value::as_str).unwrap();
    let apply = ["--format", "json", "privacy", "apply", plan, "--approve", digest, "--request", id];
    on(program, office, &apply)
}

#[tokio::test(flavor = "multi_thread")]
async fn name_is_corrected_by_a_server_once_its_plan_is_approved() {
    let (program, vendor) = (program(), Vendor::start(2).await);
    let office = Office::open(&program, &vendor, &["-vv"]).await;
    correcting(&office).await;
    let plan = ["privacy", "plan", "--policy", "names", ANA[0], ANA[1], "--out", "plan.json", "--rectify"];

    let planned = on(&program, &office, &[&plan[..], &["people.name=canary-Anna"]].concat()).expect(0);
    let before = vendor.with(|held| held.writes.len());
    let id = number(&planned);
    let applied = apply(&program, &office, ("plan.json", &id)).expect(0);
    let verified = on(&program, &office, &["privacy", "verify", &id, "--out", "proof"]).expect(0);
    let status = on(&program, &office, &["privacy", "status", &id]).expect(0);
    let server = office.running.end().expect(0);

    assert_eq!(before, 0, "a plan is a plan");
    let file = program.json("plan.json");
    assert_eq!(
        (&file["action"], &file["corrections"][0]["value"]),
        (&json!("rectification"), &json!("canary-Anna"))
    );
    assert_eq!(applied.json()["operations"].as_array().unwrap().len(), 1, "{}", applied.stdout);
    vendor.with(|held| {
        assert_eq!(held.people[&0]["name"], "canary-Anna");
        assert_eq!(held.people[&0]["email"], address(0), "nothing is erased");
        assert_eq!(held.people[&1]["name"], "Person 1", "nobody else");
        assert_eq!(held.writes.len(), 1, "{:?}", held.writes);
    });
    let certificate = format!("proof/{id}.certificate.json");
    program.run(&["certificate", "verify", &certificate, "--data", "data"]).expect(0);
    for said in
        [&server.stderr, &verified.stdout, &status.stdout, &applied.stdout, &program.read(&certificate)]
    {
        assert!(!said.contains("canary-Anna") && !said.contains("person-0"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn field_that_nobody_has_and_policy_without_a_rule_are_bad_input() {
    let (program, vendor) = (program(), Vendor::start(1).await);
    let office = Office::open(&program, &vendor, &[]).await;
    correcting(&office).await;
    let plan = |policy: &str, field: &str| {
        on(&program, &office, &["privacy", "plan", "--policy", policy, ANA[0], ANA[1], "--rectify", field])
    };

    let unknown = plan("names", "people.nmae=canary-Anna").expect(2);
    let not_allowed = plan("names", "people.email=canary-Anna").expect(2);
    let no_rule = plan("default_erasure_policy", "people.name=canary-Anna").expect(2);

    unknown.complains(&["people.nmae"]);
    not_allowed.complains(&["people.email"]);
    no_rule.complains(&["`action_type: rectification`"]);
    for ran in [&unknown, &not_allowed, &no_rule] {
        assert!(!ran.stderr.contains("canary"), "{}", ran.stderr);
    }
    vendor.with(|held| assert!(held.writes.is_empty(), "{:?}", held.writes));
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_raised_for_one_plan_that_waits_for_approval() {
    let (program, vendor) = (program(), Vendor::start(1).await);
    // More than a server takes without a word.
    vendor.held.lock().unwrap().notes.extend((1_000..1_600).map(|number| (number, 0)));
    let office = Office::open(&program, &vendor, &[]).await;
    let plan =
        ["privacy", "plan", "--policy", "default_erasure_policy", ANA[0], ANA[1], "--out", "plan.json"];

    let refused = on(&program, &office, &plan);
    let raised = on(&program, &office, &[&plan[..], &["--max-writes", "700"]].concat()).expect(0);
    let waiting = on(&program, &office, &["privacy", "status", &number(&raised)]).expect(0);

    refused.expect(4).complains(&["limits.max_writes", "--max-writes"]);
    assert_eq!(program.json("plan.json")["raised"], json!({"max_writes": 700}));
    assert!(waiting.stdout.contains("requires input"), "{}", waiting.stdout);
    vendor.with(|held| assert!(held.writes.is_empty(), "{:?}", held.writes));
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_the_server_file_hold_for_plans_and_a_request_may_have_its_own() {
    let (program, vendor) = (program(), Vendor::start(1).await);
    // Two notes and the person.
    program.file("server.yml", "limits: { max_writes: 2, min_rows: 7 }\n");
    let office = Office::open(&program, &vendor, &["--config", "server.yml"]).await;
    let plan =
        ["privacy", "plan", "--policy", "default_erasure_policy", ANA[0], ANA[1], "--out", "plan.json"];

    let refused = on(&program, &office, &plan);
    let raised = on(&program, &office, &[&plan[..], &["--max-writes", "3"]].concat()).expect(0);
    let applied = apply(&program, &office, ("plan.json", &number(&raised))).expect(0);

    refused.expect(4).complains(&["3 writes and `limits.max_writes` is 2", "--max-writes"]);
    let (file, default) = (program.json("plan.json"), json!(0.01));
    let limits = &file["limits"];
    assert_eq!((&limits["max_writes"], &limits["min_rows"]), (&json!(3), &json!(7)), "{limits}");
    assert_eq!(limits["max_share_of_table"], default, "{limits}");
    assert_eq!(file["raised"], json!({"max_writes": 3}));
    assert_eq!(applied.json()["operations"].as_array().unwrap().len(), 3, "{}", applied.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn erasures_and_corrections_since_a_backup_are_planned_again_by_the_server() {
    let (program, vendor) = (program(), Vendor::start(3).await);
    let office = Office::open(&program, &vendor, &[]).await;
    correcting(&office).await;
    let before = SystemClock.now().to_string();
    for (person, more) in [(0, None), (1, Some(["--rectify", "people.name=canary-Anna"]))] {
        let (policy, identity) = (
            if more.is_some() { "names" } else { "default_erasure_policy" },
            format!("email={}", address(person)),
        );
        let mut plan =
            vec!["privacy", "plan", "--policy", policy, "--identity", &identity, "--out", "plan.json"];
        plan.extend(more.iter().flatten());
        let id = number(&on(&program, &office, &plan).expect(0));
        apply(&program, &office, ("plan.json", &id)).expect(0);
    }
    // What a restore of the application's database brings back.
    let restored = || {
        let mut held = vendor.held.lock().unwrap();
        for number in [0_u32, 1] {
            held.people.insert(
                number,
                json!({"id": number, "name": format!("Person {number}"), "email": address(number)}),
            );
        }
        held.writes.clear();
    };
    restored();

    let replay = ["--format", "json", "privacy", "replay", "--since", &before, "--out", "plans"];
    let replayed = on(&program, &office, &replay).expect(0);
    let writes = vendor.with(|held| held.writes.len());
    let lines: Vec<Value> = replayed.json()["replayed"].as_array().unwrap().clone();
    for line in &lines {
        let plan = line["plan"].as_str().unwrap();
        apply(&program, &office, (plan, line["request"].as_str().unwrap())).expect(0);
    }
    let later =
        on(&program, &office, &["privacy", "replay", "--since", "2100-01-01", "--out", "none"]).expect(0);

    assert_eq!((replayed.json()["cut_lines"].as_u64(), lines.len()), (Some(0), 2), "{replayed:?}");
    assert_eq!(writes, 0, "nothing is sent before each plan is approved");
    vendor.with(|held| {
        assert_ne!(held.people[&0]["email"], address(0), "erased again");
        assert_eq!(held.people[&1]["name"], "canary-Anna", "corrected again");
        assert_eq!(held.people[&1]["email"], address(1));
        assert_eq!(held.people[&2]["email"], address(2), "nobody else");
    });
    assert!(later.stdout.contains("nobody was erased since then"), "{}", later.stdout);
    for said in [&replayed.stdout, &replayed.stderr] {
        assert!(!said.contains("canary") && !said.contains("@example.com"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn entry_that_cannot_be_planned_again_is_told_with_the_others() {
    let (program, vendor) = (program(), Vendor::start(1).await);
    let office = Office::open(&program, &vendor, &[]).await;
    correcting(&office).await;
    let plan = [
        "privacy",
        "plan",
        "--policy",
        "names",
        ANA[0],
        ANA[1],
        "--rectify",
        "people.name=Anna",
        "--out",
        "plan.json",
    ];
    let id = number(&on(&program, &office, &plan).expect(0));
    apply(&program, &office, ("plan.json", &id)).expect(0);
    let made = office.send("POST /api/v1/oauth/client", &json!(["privacy-request:create"])).await;
    // The rule that allowed it is gone since.
    office
        .send(
            "PATCH /api/v1/dsr/policy/names/rule",
            &json!([{
                "name": "Correct", "key": "correct_names", "action_type": "access"
            }]),
        )
        .await;
    let since = ["privacy", "replay", "--since", "2026-01-01", "--out", "plans"];

    let told = on(&program, &office, &since).expect(3);
    let lacks = Program::new()
        .with_environment("TUTELA_CLIENT_ID", made["client_id"].as_str().unwrap())
        .with_environment("TUTELA_CLIENT_SECRET", made["client_secret"].as_str().unwrap());
    let lacks = on(&lacks, &office, &since);

    told.complains(&["could not be planned again", "no rectification rules"]);
    lacks.expect(4).complains(&["privacy-request:review"]);
}
