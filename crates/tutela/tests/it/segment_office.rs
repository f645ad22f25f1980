//! An installation with the simulated Segment connected, the requests made of it, and what became of
//! them on both sides.
#![expect(clippy::indexing_slicing, reason = "helpers of tests stop at what is not there")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use base64::Engine as _;
use sandbox::segment::{SegmentOptions, SegmentSandbox};
use serde_json::{Value, json};

use crate::fleet::Caller;
use crate::program::Program;
use crate::segment;

/// Between two looks.
const BEAT: Duration = Duration::from_secs(1);
/// How far the simulator's time goes on with each look: a regulation is over after one.
const STEP: Duration = Duration::from_hours(5);
/// How many requests are looked at more closely with each look.
const CLOSELY: usize = 50;
/// The policy that hands out and then erases.
const BOTH: &str = "hand_out_and_erase";

/// What is asked for, and of whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    Access,
    Erasure,
    Both,
    /// Access for somebody whom nobody knows.
    AccessOfNobody,
    /// Erasure of somebody whom nobody knows.
    ErasureOfNobody,
}

impl Wish {
    /// The mix of everything that there is.
    pub(crate) const MIX: [Self; 6] =
        [Self::Access, Self::Erasure, Self::AccessOfNobody, Self::Both, Self::ErasureOfNobody, Self::Erasure];

    fn policy(self) -> &'static str {
        match self {
            Self::Access | Self::AccessOfNobody => "default_access_policy",
            Self::Erasure | Self::ErasureOfNobody => "default_erasure_policy",
            Self::Both => BOTH,
        }
    }

    fn is_of_nobody(self) -> bool {
        matches!(self, Self::AccessOfNobody | Self::ErasureOfNobody)
    }

    /// Whether something is handed out for it.
    fn hands_out(self) -> bool {
        matches!(self, Self::Access | Self::AccessOfNobody | Self::Both)
    }

    /// Whether Segment is asked to erase somebody for it.
    pub(crate) fn erases(self) -> bool {
        matches!(self, Self::Erasure | Self::Both)
    }
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) wish: Wish,
    pub(crate) email: String,
    pub(crate) id: String,
}

/// The simulated Segment.
pub(crate) async fn vendor() -> SegmentSandbox {
    segment::start(SegmentOptions { profiles: 2000, ..SegmentOptions::default() }).await
}

/// A program that finds the simulator in the place of Segment.
pub(crate) fn program(vendor: &SegmentSandbox) -> Program {
    let url = vendor.url();
    let routes = json!({"api.segmentapis.com": url, "profiles.segment.com": url}).to_string();
    crate::fleet::program()
        .with_environment("TUTELA_EGRESS_ROUTES", &routes)
        // What a killed process sent may take effect for as long as anybody would wait for its answer.
        .with_environment("TUTELA_EGRESS_READ_TIMEOUT_MS", "3000")
        .with_environment("TUTELA_READING_RETRY_WAIT_MS", "100")
}

/// Connects the simulator, and makes the policy that there is not by itself.
pub(crate) async fn set_up(caller: &Caller, vendor: &SegmentSandbox) {
    let description = vendor.description();
    let connection = json!({
        "name": "Segment", "instance_key": "segment",
        "secrets": {
            "domain": "api.segmentapis.com", "personas_domain": "profiles.segment.com",
            "namespace_id": description.space, "access_token": description.tokens.access_token,
            "access_secret": description.tokens.access_secret,
        },
    });
    caller.send("POST /api/v1/connection/instantiate/segment_unify", &connection).await;
    let targets = json!([{"data_category": "user"}]);
    let policy = json!([{"name": "Hand out and erase", "key": BOTH, "rules": [
        {"name": "Hand out", "key": "both_hand_out", "action_type": "access", "targets": targets},
        {"name": "Erase", "key": "both_erase", "action_type": "erasure", "targets": targets,
         "masking_strategy": {"strategy": "null_rewrite", "configuration": {}}},
    ]}]);
    caller.send("PATCH /api/v1/dsr/policy", &policy).await;
}

/// Makes the requests, four at a time.
pub(crate) async fn ask(caller: &Caller, wishes: impl Iterator<Item = Wish>) -> Vec<Asked> {
    use futures::StreamExt as _;

    let calls = wishes.enumerate().map(|(number, wish)| async move {
        let who = if wish.is_of_nobody() { "stranger" } else { "person" };
        let email = format!("{who}-{number}@example.com");
        let id = caller.ask(wish.policy(), &email).await;
        Asked { wish, email, id }
    });
    futures::stream::iter(calls).buffer_unordered(4).collect().await
}

/// Lets the simulator's time go on, and has servers look at what it works on, until nothing goes on by
/// itself any more; the status of each request then.
pub(crate) async fn settled(
    caller: &Caller,
    vendor: &SegmentSandbox,
    limit: Duration,
) -> BTreeMap<String, String> {
    let begun = Instant::now();
    loop {
        tokio::time::sleep(BEAT).await;
        vendor.advance(STEP);
        let statuses = caller.statuses().await;
        let goes_on = ["pending", "approved", "in_processing"];
        let open: Vec<&String> = statuses
            .iter()
            .filter(|(_, status)| goes_on.contains(&status.as_str()))
            .map(|(id, _)| id)
            .collect();
        if open.is_empty() {
            return statuses;
        }
        assert!(begun.elapsed() < limit, "{} are open after {limit:?}", open.len());
        for id in open.into_iter().take(CLOSELY) {
            let request = caller.read(&format!("GET /api/v1/privacy-request/{id}")).await;
            if request["progress"]["attention"] == "job_open" {
                caller.call(&format!("POST /api/v1/privacy-request/{id}/requeue"), None).await;
            }
        }
    }
}

/// What is wrong on Segment's side: writes that its log shows more than once, and people who were not
/// erased although somebody asked for it, or were although nobody did.
pub(crate) fn wrongs_of(vendor: &SegmentSandbox, asked: &[Asked]) -> Vec<String> {
    let log = vendor.log();
    let calls = log["calls"].as_array().unwrap();
    let mut wrongs = Vec::new();
    if calls.first().is_some_and(|first| first["number"] != 1) {
        wrongs.push("the log of calls has lost its beginning".to_owned());
    }
    let mut writes: BTreeMap<String, usize> = BTreeMap::new();
    for call in calls.iter().filter(|call| call["effect"] == "write") {
        *writes.entry(format!("{} {} {}", call["method"], call["path"], call["body"])).or_default() += 1;
    }
    wrongs.extend(
        writes.iter().filter(|(_, times)| **times > 1).map(|(what, times)| format!("{times} × {what}")),
    );
    let state = vendor.state();
    let regulations = state["regulations"].as_array().unwrap();
    let subjects: Vec<String> = regulations.iter().map(|one| one["subjects"].to_string()).collect();
    let mut once = subjects.clone();
    once.sort_unstable();
    once.dedup();
    let wanted = asked.iter().filter(|one| one.wish.erases()).count();
    if subjects.len() != wanted || once.len() != wanted {
        wrongs.push(format!(
            "{wanted} people were to be erased; there are {} regulations for {} people",
            subjects.len(),
            once.len()
        ));
    }
    wrongs
}

/// What is wrong with one request, as those who made it see it; nothing if it ended as it should.
pub(crate) async fn wrong_with(caller: &Caller, program: &Program, one: &Asked) -> Vec<String> {
    let Asked { wish, email, id } = one;
    let mut wrongs = Vec::new();
    let request = caller.read(&format!("GET /api/v1/privacy-request/{id}")).await;
    if request["status"] != "complete" {
        wrongs.push(format!("it is {}: {}", request["status"], request["progress"]));
    }
    if request["identity"]["email"]["value"] != email.as_str() {
        wrongs.push(format!("it is about {}", request["identity"]));
    }
    let packages = packages_of(program, id);
    if packages.len() != usize::from(wish.hands_out()) {
        wrongs.push(format!("its packages are {packages:?}"));
    }
    if wish.hands_out() {
        let rule = if *wish == Wish::Both { "both_hand_out" } else { "default_access_policy_rule" };
        let rows = caller.call(&format!("GET /api/v1/privacy-request/transfer/{id}/{rule}"), None).await;
        let rows = if rows.status == 200 { rows.json() } else { json!({"status": rows.text}) };
        let found = rows["segment:segment_user"].as_array().is_some_and(|users| !users.is_empty());
        if found == wish.is_of_nobody() {
            wrongs.push(format!(
                "{} collections were handed out",
                rows.as_object().map_or(0, serde_json::Map::len)
            ));
        }
    }
    let certificate = caller.call(&format!("GET /api/v1/privacy-request/{id}/certificate"), None).await;
    if wish.erases() {
        let proven = conclusion(&certificate.json());
        if proven["outcome"] != "erased" {
            let log = caller.read(&format!("GET /api/v1/privacy-request/{id}/log?size=100")).await;
            wrongs.push(format!("{} {proven} is certified: {request}: {log}", certificate.status));
        }
    } else if certificate.status != 404 {
        wrongs.push(format!("it has a certificate: {}", certificate.status));
    }
    wrongs.into_iter().map(|wrong| format!("{wish:?} {id}: {wrong}")).collect()
}

fn packages_of(program: &Program, id: &str) -> Vec<String> {
    let Ok(files) = std::fs::read_dir(program.folder().join("data/fides_uploads")) else { return Vec::new() };
    let names = files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.contains(id)).collect()
}

/// What a certificate says in the end.
fn conclusion(envelope: &Value) -> Value {
    let payload = envelope["payload"].as_str().unwrap_or_default();
    let bytes = base64::engine::general_purpose::STANDARD.decode(payload).unwrap_or_default();
    let statement: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let found = |value: &Value| value.get("conclusion").cloned();
    found(&statement).or_else(|| found(&statement["predicate"])).unwrap_or(statement)
}
