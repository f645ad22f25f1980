//! Changes of access that a server makes: it plans, somebody here agrees, and it carries out that plan.

use governance::change::{AccessChange, AccessPlanContents, ChangeResult};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ChangeArguments, Told, agreed, shown};
use crate::arguments::Format;
use crate::client::{ServerAddress, connection_path, said};
use crate::command::governance::answer::rows;
use crate::command::governance::timed::{Timed, words};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::on_server::OnServer;
use crate::output::{self, Output};
use crate::runtime;

/// What a server says of a change.
#[derive(Debug, Deserialize)]
struct Reply {
    result: String,
    plan: Value,
    agreement: Option<String>,
    report: Value,
    end: Option<String>,
    until: Option<String>,
}

/// Plans the change, shows the plan, and has it carried out if somebody agrees.
pub(super) fn run(
    (arguments, address): (&ChangeArguments, &ServerAddress),
    (change, timed): (&AccessChange, Option<&Timed<'_>>),
    output: Output,
) -> Result<Exit, Failure> {
    let mut body = asked(change);
    if let (Some(timed), Some(members)) = (timed, body.as_object_mut()) {
        // Whole seconds, and never less than was said.
        let seconds = timed.time.as_secs() + u64::from(timed.time.subsec_nanos() > 0);
        members.insert("for_s".to_owned(), json!(seconds));
    }
    runtime::run(async {
        let server = OnServer::open(address, output).await?;
        let planned = send(&server, arguments, &body).await?;
        let is_so = planned.plan.is_null();
        if is_so && timed.is_none() {
            return told(arguments, (planned, timed), output);
        }
        if !is_so && output.format() == Format::Table {
            let contents: AccessPlanContents = rows::read(&planned.plan)?;
            let digest = planned.plan.get("digest").and_then(Value::as_str).unwrap_or_default();
            let time = timed.map(|timed| format!("\nfor    {}", words(timed.time))).unwrap_or_default();
            output::text(&format!("{}{time}", shown(&contents, digest)));
        }
        if let Some(members) = body.as_object_mut() {
            members.insert("yes".to_owned(), json!(true));
            if !is_so && !arguments.yes {
                agreed(output)?;
                members.insert("agreed".to_owned(), json!(planned.agreement));
            }
        }
        let made = send(&server, arguments, &body).await.map_err(|failure| match failure {
            Failure::Failed(text) => Failure::Failed(format!(
                "{text}; what was begun comes to its end on the server: the same command again tells what became of it"
            )),
            other => other,
        });
        told(arguments, (made?, timed), output)
    })
}

/// The change as a server is asked for it.
fn asked(change: &AccessChange) -> Value {
    match change {
        AccessChange::Grant { entitlement, principal } => {
            json!({ "action": "grant", "entitlement": entitlement, "principal": principal.to_string() })
        }
        AccessChange::Revoke { entitlement, principal } => {
            json!({ "action": "revoke", "entitlement": entitlement, "principal": principal.to_string() })
        }
        AccessChange::RevokeGrant { grant } => json!({ "action": "revoke", "grant": grant }),
        AccessChange::Delete { resource } => json!({ "action": "delete", "resource": resource.to_string() }),
        AccessChange::Create { kind, params } => {
            let params: serde_json::Map<String, Value> =
                params.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            json!({ "action": "create", "type": kind, "params": params })
        }
    }
}

async fn send(server: &OnServer, arguments: &ChangeArguments, body: &Value) -> Result<Reply, Failure> {
    let path = connection_path(&arguments.connection, "access-change");
    let answer = server.client().call((Method::POST, &path), Some(body)).await?;
    match answer.status {
        StatusCode::NOT_FOUND if !answer.body.is_null() => Err(Failure::BadInput(said(&answer.body))),
        StatusCode::UNPROCESSABLE_ENTITY => Err(Failure::BadInput(said(&answer.body))),
        StatusCode::CONFLICT => Err(Failure::Refused(said(&answer.body))),
        StatusCode::FAILED_DEPENDENCY => Err(Failure::Failed(said(&answer.body))),
        _ => {
            let body = answer.done(&path)?;
            Reply::deserialize(body).map_err(|_| rows::other_form())
        }
    }
}

fn told(
    arguments: &ChangeArguments,
    (reply, timed): (Reply, Option<&Timed<'_>>),
    output: Output,
) -> Result<Exit, Failure> {
    let Reply { result, plan, report, end, until, .. } = reply;
    let result: ChangeResult = rows::read(&Value::from(result))?;
    let told = Told { connection: &arguments.connection, result, plan, report };
    let (Some(end), Some(until)) = (&end, &until) else {
        if timed.is_some() && told.result == ChangeResult::Already {
            output::complain("the access is there already and has no end; it stays so");
        }
        return Ok(told.print(output));
    };
    told.print_until((end.as_str(), until.as_str()), "the server", output);
    Ok(told.exit())
}
