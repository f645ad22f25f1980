use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use serde_json::{Map, Value, json};

use super::{PublicError, PublicRequest, Quota, Reply, paging};
use crate::segment::regulation::{
    NewRegulation, Regulation, RegulationKind, RegulationStatus, Scope, SubjectType,
};
use crate::segment::world::World;

/// Most ids of one call, and users a month (segment-api A75, A76).
const MAX_SUBJECTS: usize = 5000;
const MONTHLY_QUOTA: u64 = 110_000;

pub(super) fn route(
    world: &mut World,
    request: &PublicRequest<'_>,
    segments: &[&str],
) -> Result<Reply, PublicError> {
    match (request.method, segments) {
        ("POST", ["regulations"]) => create(world, request, Scope::Workspace),
        ("POST", ["regulations", "sources", id]) => {
            create(world, request, Scope::Source(known_source(world, id)?))
        }
        ("POST", ["regulations", "cloudsources", id]) => {
            let source = known_source(world, id)?;
            request.text("collection")?;
            create(world, request, Scope::CloudSource(source))
        }
        ("GET", ["regulations"]) => list(world, request),
        ("GET", ["regulations", "sources", id]) => of_source(world, id),
        ("GET", ["regulations", id]) => {
            let found = world.recent_regulations().find(|regulation| regulation.id == *id);
            let found = found.ok_or_else(PublicError::not_found)?;
            Ok(Reply::ok(json!({"regulation": details(world, found)})))
        }
        ("GET", ["suppressions"]) => {
            let suppressed: Vec<Value> = world
                .suppressions
                .iter()
                .filter(|found| found.scope == Scope::Workspace)
                .map(|found| json!({"subjectType": found.subject_type, "subjectIds": [found.id]}))
                .collect();
            paging::page(request, "suppressed", &suppressed)
        }
        // Cancelling left the service (A82): `DELETE /regulations/{id}` is no route.
        _ => Err(PublicError::not_found()),
    }
}

fn known_source(world: &World, id: &str) -> Result<String, PublicError> {
    let found = world.sources.iter().find(|source| source.id == id);
    found.map(|source| source.id.clone()).ok_or_else(PublicError::not_found)
}

fn create(world: &mut World, request: &PublicRequest<'_>, scope: Scope) -> Result<Reply, PublicError> {
    let body = request.body()?;
    let field = |name: &str| body.get(name).cloned().unwrap_or_default();
    let kind: RegulationKind = serde_json::from_value(field("regulationType"))
        .map_err(|_| PublicError::invalid("regulationType", "regulationType is not one of the known."))?;
    let subject_type: SubjectType = serde_json::from_value(field("subjectType"))
        .map_err(|_| PublicError::invalid("subjectType", "subjectType is not one of the known."))?;
    check_scope(&scope, kind, subject_type)?;
    let subjects = request.texts("subjectIds")?;
    if subjects.is_empty() || subjects.len() > MAX_SUBJECTS {
        return Err(PublicError::invalid("subjectIds", "subjectIds must hold 1 to 5000 values."));
    }
    let used = used_this_month(world, kind) + subjects.len() as u64;
    let Some(left) = MONTHLY_QUOTA.checked_sub(used) else {
        return Err(PublicError::over_quota(MONTHLY_QUOTA.saturating_sub(used_this_month(world, kind))));
    };
    let id = world.create_regulation(NewRegulation { scope, kind, subject_type, subjects });
    Ok(Reply {
        quota: Some(Quota { left, reset: next_month(world.now) }),
        ..Reply::ok(json!({"regulateId": id}))
    })
}

/// Which subjects go with which scope (A74).
fn check_scope(scope: &Scope, kind: RegulationKind, subject_type: SubjectType) -> Result<(), PublicError> {
    let archive = kind == RegulationKind::DeleteArchiveOnly;
    if archive && *scope == Scope::Workspace {
        return Err(PublicError::invalid("regulationType", "DELETE_ARCHIVE_ONLY is for sources only."));
    }
    let fits = match (scope, subject_type) {
        (Scope::Workspace, SubjectType::User | SubjectType::Object)
        | (Scope::Source(_), SubjectType::User)
        | (Scope::CloudSource(_), SubjectType::Object) => true,
        (Scope::Source(_), SubjectType::Anonymous) => archive,
        (Scope::Workspace, SubjectType::Anonymous)
        | (Scope::Source(_), SubjectType::Object)
        | (Scope::CloudSource(_), SubjectType::User | SubjectType::Anonymous) => false,
    };
    if fits { Ok(()) } else { Err(PublicError::invalid("subjectType", "subjectType is not allowed here.")) }
}

/// Subjects of regulations of the same quota in the current month (A76).
fn used_this_month(world: &World, kind: RegulationKind) -> u64 {
    let month = |time: Timestamp| TimeZone::UTC.to_datetime(time).date().first_of_month();
    let counted = world.regulations.iter().filter(|found| {
        found.kind.reaches_destinations() == kind.reaches_destinations()
            && month(found.created_at) == month(world.now)
    });
    counted.map(|regulation| regulation.subjects.len() as u64).sum()
}

/// The first moment of the month after `now`.
fn next_month(now: Timestamp) -> Timestamp {
    let last = TimeZone::UTC.to_datetime(now).date().last_of_month();
    let first = last.tomorrow().map(|day| day.to_datetime(civil::Time::midnight()));
    first.and_then(|first| TimeZone::UTC.to_timestamp(first)).unwrap_or(Timestamp::MAX)
}

/// Without kind and subjects: the caller has to keep those (A77).
fn details(world: &World, regulation: &Regulation) -> Value {
    let mut progress = regulation.progress(world.now).into_iter();
    let streams = regulation.streams.iter().map(|stream| {
        let destinations = stream.destinations.iter().zip(progress.by_ref()).map(|(destination, (status, end))| {
            json!({
                "name": destination.name,
                "id": destination.id,
                "status": status,
                "errString": error_text(status),
                "finishedAt": end.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), |end| end.to_string()),
            })
        });
        json!({"id": stream.id, "destinationStatus": destinations.collect::<Vec<_>>()})
    });
    let streams: Vec<Value> = streams.collect();
    let mut details = json!({
        "id": regulation.id,
        "workspaceId": world.workspace_id,
        "overallStatus": regulation.status(world.now),
        "createdAt": regulation.stamp.to_string(),
        "streamStatus": streams,
    });
    if let (Some(end), Some(object)) = (regulation.finished_at(world.now), details.as_object_mut()) {
        object.insert("finishedAt".into(), json!(end.to_string()));
    }
    details
}

/// Why a destination did not finish; empty if it did or is still at work.
pub(in crate::segment) fn error_text(status: RegulationStatus) -> &'static str {
    match status {
        RegulationStatus::Failed => "the destination refused the deletion",
        RegulationStatus::NotSupported => "the destination does not support deletion",
        RegulationStatus::Invalid => "the destination does not know this kind of id",
        RegulationStatus::PartialSuccess => "some of the data remains",
        RegulationStatus::Initialized | RegulationStatus::Running | RegulationStatus::Finished => "",
    }
}

fn summary(world: &World, regulation: &Regulation) -> Value {
    let mut summary = Map::new();
    summary.insert("id".into(), json!(regulation.id));
    summary.insert("subjectType".into(), json!(regulation.subject_type));
    summary.insert("subjects".into(), json!(regulation.subjects));
    summary.insert("status".into(), json!(regulation.status(world.now)));
    summary.insert("createdAt".into(), json!(regulation.stamp.to_string()));
    summary.insert("regulationType".into(), json!(regulation.kind));
    if let Some(end) = regulation.finished_at(world.now) {
        summary.insert("finishedAt".into(), json!(end.to_string()));
    }
    Value::Object(summary)
}

fn list(world: &World, request: &PublicRequest<'_>) -> Result<Reply, PublicError> {
    let kinds = request.query.list("regulationTypes");
    let status = request.query.find("status");
    let is = |value: Value, wanted: &str| value.as_str() == Some(wanted);
    let chosen: Vec<Value> = world
        .recent_regulations()
        .rev()
        .filter(|found| kinds.is_empty() || kinds.iter().any(|kind| is(json!(found.kind), kind)))
        .filter(|found| status.is_none_or(|status| is(json!(found.status(world.now)), status)))
        .map(|found| summary(world, found))
        .collect();
    paging::page(request, "regulations", &chosen)
}

/// Takes paging parameters, but its answer has no paging (A23).
fn of_source(world: &World, id: &str) -> Result<Reply, PublicError> {
    let source = known_source(world, id)?;
    let chosen: Vec<Value> = world
        .recent_regulations()
        .rev()
        .filter(|found| match &found.scope {
            Scope::Workspace => false,
            Scope::Source(id) | Scope::CloudSource(id) => *id == source,
        })
        .map(|found| summary(world, found))
        .collect();
    Ok(Reply::ok(json!({"regulations": chosen})))
}
