//! The Public API (segment-api A).

mod error;
mod groups;
mod paging;
mod permissions;
mod regulations;
mod request;
mod resources;
mod users;

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::limits::{LimitRule, Usage};
use super::simulation::Simulation;
use super::world::{WORKSPACE_NAME, WORKSPACE_SLUG, World};
use crate::server::{Answer, Call};

use error::PublicError;
pub(super) use regulations::error_text;
use request::PublicRequest;

/// A success: status, and what stands under `data`.
pub(super) struct Reply {
    status: u16,
    /// JSON, as it is sent.
    data: Vec<u8>,
    /// Set where the call counts on the quota of the month.
    quota: Option<Quota>,
}

/// What is left of the month's regulations, and until when (segment-api A76).
#[derive(Debug, Clone, Copy)]
pub(super) struct Quota {
    left: u64,
    reset: Timestamp,
}

impl Reply {
    fn ok(data: impl Serialize) -> Self {
        let data = serde_json::to_vec(&data).expect("plain data always has a JSON form");
        Self { status: 200, data, quota: None }
    }

    fn created(data: impl Serialize) -> Self {
        Self { status: 201, ..Self::ok(data) }
    }

    /// The answer to deletions.
    fn success() -> Self {
        Self::ok(json!({"status": "SUCCESS"}))
    }
}

/// Largest body of a request (A75).
const MAX_BODY_BYTES: usize = 4 << 20;

/// Answers one call of the Public API.
pub(super) fn answer(simulation: &Simulation, call: &Call) -> Answer {
    match respond(simulation, call) {
        Ok((reply, usage)) => {
            let body = [b"{\"data\":".as_slice(), &reply.data, b"}"].concat();
            let answer = Answer::status(reply.status).header("content-type", "application/json").body(body);
            let answer = with_usage(simulation, answer, usage);
            match reply.quota {
                Some(quota) => answer
                    .header("x-ratelimit-remaining", quota.left.to_string())
                    .header("x-ratelimit-reset", http_date(quota.reset)),
                None => answer,
            }
        }
        Err(Refusal::Error(error)) => error.answer(),
        Err(Refusal::Limited { wait_ms }) => rate_limited(wait_ms),
    }
}

enum Refusal {
    Error(PublicError),
    Limited { wait_ms: u64 },
}

impl From<PublicError> for Refusal {
    fn from(error: PublicError) -> Self {
        Self::Error(error)
    }
}

fn respond(simulation: &Simulation, call: &Call) -> Result<(Reply, Option<Usage>), Refusal> {
    let token = call.bearer_token().ok_or_else(PublicError::unauthenticated)?;
    let settings = *simulation.settings();
    let request = PublicRequest::new(call, settings);
    let mut world = simulation.world();
    let owner = token == world.tokens.public;
    if !owner && token != world.tokens.member {
        return Err(PublicError::unauthenticated().into());
    }
    let usage = simulation.count(limit_of(&request), token);
    if let Some(wait) = usage.and_then(|usage| usage.wait) {
        return Err(Refusal::Limited { wait_ms: u64::try_from(wait.as_millis()).unwrap_or_default().max(1) });
    }
    if call.body.len() > MAX_BODY_BYTES {
        return Err(PublicError::too_large().into());
    }
    if !owner && !request.segments.is_empty() {
        return Err(PublicError::not_permitted(settings.member_refused_with).into());
    }
    if let Some(refused) = feature_of(&request).and_then(|feature| settings.plan.refuses(feature)) {
        return Err(PublicError::not_in_plan(refused).into());
    }
    Ok((route(&mut world, &request)?, usage))
}

fn route(world: &mut World, request: &PublicRequest<'_>) -> Result<Reply, PublicError> {
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        [] if request.method == "GET" => Ok(Reply::ok(json!({"workspace": {
            "id": world.workspace_id, "slug": WORKSPACE_SLUG, "name": WORKSPACE_NAME,
        }}))),
        ["users" | "invites", ..] => users::route(world, request, &segments),
        ["groups" | "group", ..] => groups::route(world, request, &segments),
        ["regulations" | "suppressions", ..] => regulations::route(world, request, &segments),
        _ => resources::route(world, request, &segments),
    }
}

/// What a call is about, as far as a plan may lack it.
fn feature_of<'a>(request: &'a PublicRequest<'_>) -> Option<&'a str> {
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["users", _, "groups"] => Some("groups"),
        [first, ..] => Some(first),
        [] => None,
    }
}

/// The lower limits of single endpoints, and one for all others (A12, A16).
fn limit_of(request: &PublicRequest<'_>) -> LimitRule {
    let first = request.segments.first().map_or("", String::as_str);
    let is_labels = request.segments.iter().any(|segment| segment == "labels");
    match (request.method, first) {
        ("GET", _) => LimitRule::new("reads", 3000, 60),
        (_, "users" | "invites" | "groups" | "group") => LimitRule::new("iam writes", 60, 60),
        (_, "regulations") => LimitRule::new("regulations", 600, 60),
        _ if is_labels => LimitRule::new("label writes", 60, 60),
        _ => LimitRule::new("writes", 600, 60),
    }
}

/// The 429 of the token's limit (A14, A15).
pub(super) fn rate_limited(wait_ms: u64) -> Answer {
    rate_limited_in_body(wait_ms).header("retry-after", wait_ms.div_ceil(1000).to_string())
}

/// The same as older versions answered, without `Retry-After` (A15).
pub(super) fn rate_limited_in_body(wait_ms: u64) -> Answer {
    let body = json!({"errors": [{
        "type": "RequestError",
        "message": "Rate limit reached",
        "data": {"msBeforeNext": wait_ms, "remainingPoints": 0, "consumedPoints": 1},
    }]});
    Answer::json(429, &body)
}

/// A 429 that says nothing of how long to wait.
pub(super) fn rate_limited_bare() -> Answer {
    let error = json!({"type": "RequestError", "message": "Rate limit reached"});
    Answer::json(429, &json!({"errors": [error]}))
}

fn with_usage(simulation: &Simulation, answer: Answer, usage: Option<Usage>) -> Answer {
    let (consumed, remaining, reset) = match usage {
        Some(usage) => (usage.consumed, usage.remaining, usage.reset),
        None => (1, 2999, simulation.world().now + jiff::SignedDuration::from_mins(1)),
    };
    answer
        .header("x-ratelimit-consumed", consumed.to_string())
        .header("x-ratelimit-remaining", remaining.to_string())
        .header("x-ratelimit-reset", http_date(reset))
}

/// A date as headers carry it: `Tue, 31 Dec 2024 23:59:59 GMT`.
fn http_date(time: Timestamp) -> String {
    let since_epoch = Duration::from_secs(u64::try_from(time.as_second()).unwrap_or_default());
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + since_epoch)
}
