//! The same as a server reads it.

use governance::activity::{ActivityEvent, ActivityReport, LastUse};
use http::StatusCode;
use serde::Deserialize;
use url::form_urlencoded::Serializer;

use super::{Activity, Told};
use crate::client::{Opened, ServerAddress, Stream, connection_path, said};
use crate::command::governance::answer::rows;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::on_server::OnServer;
use crate::output::Output;
use crate::runtime;

/// The longest line: an event is as long as its names.
const LONGEST_LINE: usize = 1024 * 1024;

/// A line of what a server tells.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// An event.
    Event(ActivityEvent),
    /// How the reading ended.
    Activity(ActivityReport),
}

/// Has it read, and writes what comes.
pub(super) fn run(activity: &Activity, address: &ServerAddress, output: Output) -> Result<Exit, Failure> {
    runtime::run_until_interrupted(async {
        let server = OnServer::open(address, output).await?;
        let mut query = Serializer::new(String::new());
        query.append_pair("since", &activity.beginning().to_string());
        if let Some(until) = activity.until {
            query.append_pair("until", &until.to_string());
        }
        let path = connection_path(&activity.connection, "access/activity");
        let opened = server.client().open_stream(&format!("{path}?{}", query.finish())).await?;
        let stream = match opened {
            Opened::Stream(stream) => *stream,
            Opened::Other(answer) => {
                let is_wrong = match answer.status {
                    StatusCode::NOT_FOUND => !answer.body.is_null(),
                    status => status == StatusCode::UNPROCESSABLE_ENTITY,
                };
                if is_wrong {
                    return Err(Failure::BadInput(said(&answer.body)));
                }
                answer.done(&path)?;
                return Err(rows::other_form());
            }
        };
        let told = Told { last_use: activity.last_use, last: LastUse::default(), output };
        tell(stream, told).await
    })
}

async fn tell(mut stream: Stream, mut told: Told) -> Result<Exit, Failure> {
    let mut line = Vec::new();
    while let Some(chunk) = stream.chunk().await? {
        for byte in chunk {
            if byte != b'\n' {
                line.push(byte);
                if line.len() > LONGEST_LINE {
                    return Err(rows::other_form());
                }
                continue;
            }
            match serde_json::from_slice(&line).map_err(|_| rows::other_form())? {
                Line::Event(event) => told.event(&event),
                Line::Activity(report) => return Ok(told.end(&report)),
            }
            line.clear();
        }
    }
    Err(Failure::Failed(
        "the server broke off before it had told everything; the same command begins anew".to_owned(),
    ))
}
