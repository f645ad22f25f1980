use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::bench;
use super::meanwhile::Meanwhile;
use super::options::{CursorShape, Limits, PageBorders};
use super::plan::{PlanLimits, RefusedWith};
use super::regulation::RegulationStatus;
use super::simulation::Simulation;
use super::users::Position;
use crate::log::{LogEntry, inspection_body};
use crate::server::{Answer, Call};
use crate::{FaultRule, Faults};

/// Settings that can be changed while the simulation runs; what is left out stays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingsChange {
    latency_ms: Option<u64>,
    limits: Option<Limits>,
    cursors: Option<CursorShape>,
    hide_permissions_every: Option<usize>,
    hide_group_permissions_every: Option<usize>,
    page_borders: Option<PageBorders>,
    plan: Option<PlanLimits>,
    member_refused_with: Option<RefusedWith>,
    regulation_s: Option<u64>,
    /// How destinations end from now on, by name.
    destinations: Option<BTreeMap<String, RegulationStatus>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesChange {
    rules: Vec<FaultRule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MeanwhileChange {
    meanwhile: Vec<Meanwhile>,
}

/// Somebody who accepts an invite, or comes by single sign-on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Joining {
    email: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    at: Position,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TimeChange {
    advance_s: u64,
}

/// Answers one call below `/__sandbox/`.
pub(super) fn answer(simulation: &Simulation, call: &Call) -> Answer {
    match (call.method.as_str(), call.path.trim_end_matches('/')) {
        ("GET", "/__sandbox" | "/__sandbox/state") => Answer::json(200, &state(simulation)),
        ("GET", "/__sandbox/log") => Answer::json(200, &log(simulation)),
        ("GET", "/__sandbox/governance") => simulation.governance_truth().answer(call),
        ("GET", "/__sandbox/bench/rows") => bench::rows(call),
        ("POST", "/__sandbox/faults") => inspection_body(call, |faults: Faults| {
            let faults = faults.checked().map_err(|error| error.to_string())?;
            simulation.settings().faults = faults;
            simulation.restart_faults();
            Ok(json!({"faults": faults}))
        }),
        ("POST", "/__sandbox/rules") => inspection_body(call, |change: RulesChange| {
            let answer = json!({"rules": change.rules});
            simulation.rules().set(change.rules);
            Ok(answer)
        }),
        ("POST", "/__sandbox/time") => inspection_body(call, |change: TimeChange| {
            let mut world = simulation.world();
            world.advance(Duration::from_secs(change.advance_s));
            Ok(json!({"now": world.now.to_string()}))
        }),
        ("POST", "/__sandbox/settings") => inspection_body(call, |change: SettingsChange| {
            apply(simulation, change);
            Ok(settings(simulation))
        }),
        ("POST", "/__sandbox/join") => inspection_body(call, |person: Joining| {
            let joined = simulation.world().join(&person.email, &person.name, person.at);
            joined.map(|id| json!({"id": id})).ok_or_else(|| "there is a user of this address".to_owned())
        }),
        ("POST", "/__sandbox/meanwhile") => inspection_body(call, |change: MeanwhileChange| {
            let answer = json!({"meanwhile": change.meanwhile});
            simulation.meanwhile().set(change.meanwhile);
            Ok(answer)
        }),
        ("POST", "/__sandbox/reset") => {
            simulation.reset();
            Answer::json(200, &state(simulation))
        }
        _ => Answer::json(
            404,
            &json!({
                "error": "no such inspection call",
                "calls": [
                    "GET /__sandbox/state", "GET /__sandbox/log", "GET /__sandbox/governance",
                    "GET /__sandbox/bench/rows?page=1&size=100&total=1000",
                    "POST /__sandbox/faults", "POST /__sandbox/rules", "POST /__sandbox/time", "POST /__sandbox/settings",
                    "POST /__sandbox/join", "POST /__sandbox/meanwhile", "POST /__sandbox/reset",
                ],
            }),
        ),
    }
}

fn apply(simulation: &Simulation, change: SettingsChange) {
    let mut settings = simulation.settings();
    if let Some(latency_ms) = change.latency_ms {
        settings.latency = Duration::from_millis(latency_ms);
    }
    settings.limits = change.limits.unwrap_or(settings.limits);
    settings.cursors = change.cursors.unwrap_or(settings.cursors);
    settings.hide_permissions_every =
        change.hide_permissions_every.unwrap_or(settings.hide_permissions_every);
    settings.hide_group_permissions_every =
        change.hide_group_permissions_every.unwrap_or(settings.hide_group_permissions_every);
    settings.page_borders = change.page_borders.unwrap_or(settings.page_borders);
    settings.plan = change.plan.unwrap_or(settings.plan);
    settings.member_refused_with = change.member_refused_with.unwrap_or(settings.member_refused_with);
    drop(settings);
    let mut world = simulation.world();
    if let Some(regulation_s) = change.regulation_s {
        world.regulation_time = Duration::from_secs(regulation_s);
    }
    world.destination_outcomes.extend(change.destinations.unwrap_or_default());
}

fn settings(simulation: &Simulation) -> Value {
    let settings = *simulation.settings();
    let world = simulation.world();
    json!({
        "latency_ms": u64::try_from(settings.latency.as_millis()).unwrap_or(u64::MAX),
        "limits": settings.limits,
        "cursors": settings.cursors,
        "hide_permissions_every": settings.hide_permissions_every,
        "hide_group_permissions_every": settings.hide_group_permissions_every,
        "page_borders": settings.page_borders,
        "plan": settings.plan,
        "member_refused_with": settings.member_refused_with,
        "regulation_s": world.regulation_time.as_secs(),
        "destinations": world.destination_outcomes,
        "faults": settings.faults,
    })
}

/// The calls so far.
pub(super) fn log(simulation: &Simulation) -> Value {
    json!({"calls": simulation.log().entries().collect::<Vec<&LogEntry>>()})
}

/// What there is now.
pub(super) fn state(simulation: &Simulation) -> Value {
    let (calls, writes) = {
        let log = simulation.log();
        (log.total(), log.writes())
    };
    let settings = settings(simulation);
    let world = simulation.world();
    let regulations = world.regulations.iter().map(|regulation| {
        json!({
            "id": regulation.id,
            "regulationType": regulation.kind,
            "subjects": regulation.subjects,
            "status": regulation.status(world.now),
            "settled": regulation.settled,
        })
    });
    let mut gone: Vec<u64> = world.gone.iter().copied().collect();
    gone.sort_unstable();
    let deleted: Vec<String> =
        gone.iter().filter_map(|index| world.people.person(*index)).map(|person| person.email).collect();
    json!({
        "now": world.now.to_string(),
        "seed": world.seed,
        "calls": calls,
        "writes": writes,
        "people": world.people.count(),
        "deleted": deleted,
        "users": world.users.len(),
        "groups": world.groups.len(),
        "roles": world.roles.len(),
        "sources": world.sources.len(),
        "warehouses": world.warehouses.len(),
        "functions": world.functions.len(),
        "spaces": world.spaces.len(),
        "invites": world.invites.len(),
        "audit_events": world.audit_events.len(),
        "regulations": regulations.collect::<Vec<_>>(),
        "suppressed": world.suppressions.iter().map(|found| found.id.clone()).collect::<Vec<_>>(),
        "settings": settings,
    })
}
