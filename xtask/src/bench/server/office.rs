//! A server with the simulated Segment connected, and requests that are made of it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::http::Caller;
use super::process::Process;
use crate::bench::program::Simulator;

/// The most that one call takes.
const MOST_IN_ONE_CALL: usize = 50;
/// Between two looks at how far requests are.
const LOOK: Duration = Duration::from_millis(100);
/// How long all of them may take.
pub(super) const LIMIT: Duration = Duration::from_mins(10);
const KEY: &str = "segment";
/// What is read for erasures only, and what a person has elsewhere.
const UNREAD: [&str; 2] = ["user_ids", "links"];

/// How much of a connection is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// All of it.
    Whole,
    /// Who it is, traits, identifiers and twenty pages of events: what the published connector reads.
    TwentyThreeCalls,
}

/// Somebody who looks after a server.
#[derive(Debug)]
pub(super) struct Office {
    pub(super) caller: Caller,
}

impl Office {
    pub(super) fn open(server: &Process) -> Result<Self> {
        Ok(Self { caller: Caller::signed_in(server.url()?)? })
    }

    /// Connects Segment Unify from the library. Its pages are of ten events, and calls are not limited.
    pub(super) fn connect(&mut self, simulator: &Simulator, reach: Reach) -> Result<()> {
        let secrets = json!({
            "access_token": simulator.get("/tokens/access_token")?,
            "namespace_id": simulator.get("/space")?,
            "access_secret": simulator.get("/tokens/access_secret")?,
        });
        let body = json!({"name": "Segment", "secrets": secrets, "instance_key": KEY});
        self.caller.call("POST /api/v1/connection/instantiate/segment_unify", &body)?;
        let path = format!("/api/v1/connection/{KEY}/saas_config");
        let mut file = self.caller.get(&path)?;
        let endpoints = list(&mut file, "/endpoints")?;
        let events = endpoints.iter_mut().find(|one| name(one) == "track_events");
        let limit = events.and_then(|events| {
            ["/requests/read/query_params/0/value", "/requests/read/0/query_params/0/value"]
                .into_iter()
                .find(|path| events.pointer(path).is_some())
                .and_then(|path| events.pointer_mut(path))
        });
        *limit.context("the events have no limit")? = json!(10);
        if reach == Reach::TwentyThreeCalls {
            endpoints.retain(|one| !UNREAD.contains(&name(one)));
        }
        let members = file.as_object_mut().context("a connector file is an object")?;
        members.insert("rate_limit_config".to_owned(), json!({"enabled": false}));
        if reach == Reach::TwentyThreeCalls {
            members.remove("data_protection_request");
        }
        let dataset_path = format!("/api/v1/connection/{KEY}/dataset");
        let mut datasets = self.caller.get(&dataset_path)?;
        let mut dataset = datasets.pointer_mut("/items/0").context("no dataset")?.take();
        if reach == Reach::TwentyThreeCalls {
            list(&mut dataset, "/collections")?.retain(|one| !UNREAD.contains(&name(one)));
        }
        self.caller.call(&format!("PATCH {path}"), &file)?;
        self.caller.call(&format!("PUT {dataset_path}"), &json!([dataset]))?;
        Ok(())
    }

    /// Makes requests of these people under a policy.
    pub(super) fn ask(&mut self, policy: &str, people: &[Value]) -> Result<Vec<String>> {
        let mut ids = Vec::new();
        for some in people.chunks(MOST_IN_ONE_CALL) {
            let requests: Vec<Value> =
                some.iter().map(|identity| json!({"policy_key": policy, "identity": identity})).collect();
            let made = self.caller.call("POST /api/v1/privacy-request/authenticated", &json!(requests))?;
            let made = made.get("succeeded").and_then(Value::as_array).context("an answer without list")?;
            ids.extend(made.iter().filter_map(|one| one.get("id")?.as_str().map(str::to_owned)));
        }
        anyhow::ensure!(ids.len() == people.len(), "{} of {} requests were made", ids.len(), people.len());
        Ok(ids)
    }

    /// Waits until so many requests are complete.
    pub(super) fn wait_for(&mut self, count: u64) -> Result<()> {
        let begun = Instant::now();
        loop {
            let complete = self.count("complete")?;
            if complete >= count {
                return Ok(());
            }
            let wrong = self.count("error")? + self.count("requires_input")?;
            if wrong > 0 || begun.elapsed() > LIMIT {
                bail!("{complete} of {count} requests are complete, and {wrong} went wrong");
            }
            pause(LOOK);
        }
    }

    fn count(&mut self, status: &str) -> Result<u64> {
        let answer = self.caller.get(&format!("/api/v1/privacy-request?status={status}&size=1"))?;
        answer.get("total").and_then(Value::as_u64).context("a list without total")
    }

    /// Makes one request and waits for its end; gives how long that took.
    pub(super) fn one(&mut self, policy: &str, identity: &Value) -> Result<Duration> {
        let begun = Instant::now();
        let ids = self.ask(policy, std::slice::from_ref(identity))?;
        let id = ids.first().context("no request was made")?;
        loop {
            let answer = self.caller.get(&format!("/api/v1/privacy-request?request_id={id}"))?;
            match answer.pointer("/items/0/status").and_then(Value::as_str) {
                Some("complete") => return Ok(begun.elapsed()),
                Some("error" | "requires_input") | None => bail!("the request went wrong: {answer}"),
                Some(_) if begun.elapsed() > LIMIT => bail!("the request does not end: {answer}"),
                Some(_) => pause(Duration::from_millis(2)),
            }
        }
    }
}

fn list<'a>(of: &'a mut Value, path: &str) -> Result<&'a mut Vec<Value>> {
    of.pointer_mut(path).and_then(Value::as_array_mut).with_context(|| format!("there is no `{path}`"))
}

fn name(of: &Value) -> &str {
    of.get("name").and_then(Value::as_str).unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "a measurement looks at other processes now and then")]
pub(super) fn pause(time: Duration) {
    std::thread::sleep(time);
}
