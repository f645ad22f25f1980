//! Jobs of applications that are asked about until they are done (saas-config 23.8 to 23.15).
//!
//! One look is one call. Whoever follows a job decides when to look again and when to give up. An answer
//! that names no state says nothing about the job: it goes on.

mod file;

use egress::{HttpReply, Retry};
use http::header::CONTENT_TYPE;
use model::{CallStats, IncompleteReason, is_falsy, text_form};
use serde_json::Value;
use spec::connector_file::{Polling, PollingState, Request};

use crate::build::Build;
use crate::connector::Connector;
use crate::person::Person;
use crate::response::{Found, look_up};
use crate::send::{Answer, CallError, Rejected};
use crate::values::{Origin, ValueMap};

pub(crate) use file::ResultFile;

/// What a look at a job shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PollingLook {
    /// It goes on.
    Open {
        /// Why the answer said nothing, if it did; no values.
        trouble: Option<String>,
    },
    /// It is done.
    Complete,
    /// It ended, and there was nothing.
    Empty,
    /// It ended without a result, in the state of this text; the file names it.
    Failed(String),
    /// The application does not know it any more.
    Gone,
}

impl Connector {
    /// Asks once for the state of job `job`, which `write` started; `None` if its file follows no job there
    /// by polling.
    ///
    /// # Errors
    /// [`CallError`] if nothing could be learned; the job may still go on.
    pub async fn look_at_polled_job(
        &self,
        write: &Request,
        job: &str,
        person: &Person,
    ) -> Result<Option<PollingLook>, CallError> {
        let Some(polling) = write.polling() else { return Ok(None) };
        let mut values = self.values_of(write, &polling.status_request, person);
        name_job(&mut values, job);
        let mut stats = CallStats::default();
        self.look(polling, ("track", &values), &mut stats).await.map(Some)
    }

    /// Asks once for the state of the job that `values` name, for collection `endpoint`.
    pub(crate) async fn look(
        &self,
        polling: &Polling,
        (endpoint, values): (&str, &ValueMap),
        stats: &mut CallStats,
    ) -> Result<PollingLook, CallError> {
        let request = &polling.status_request;
        let connection = self.connection();
        let params = &request.param_values;
        let prepared = Build { connection, endpoint, request, params, values }.prepare()?;
        let accept = |reply| Ok::<_, Rejected>(look(polling, &reply));
        Ok(match self.call(&prepared, stats, accept).await? {
            Answer::Accepted(look) => look,
            Answer::Gone => PollingLook::Gone,
            Answer::Ignored(code) => {
                let trouble = format!("the state was answered with {code}, which `ignore_errors` lets pass");
                PollingLook::Open { trouble: Some(trouble) }
            }
        })
    }
}

/// Gives the requests about a job its id.
pub(crate) fn name_job(values: &mut ValueMap, job: &str) {
    values.insert("correlation_id", job.into(), Origin::Reference);
}

/// The application's id of the job that a request started.
pub(crate) fn started_job(polling: &Polling, reply: &HttpReply) -> Result<String, Rejected> {
    // Asked for again, it would start another job.
    let unusable =
        |problem: String| Rejected { reason: IncompleteReason::Malformed, problem, retry: Retry::No };
    let Some(path) = &polling.correlation_id_path else {
        return Err(unusable("nothing says where its job's id is; add `correlation_id_path`".to_owned()));
    };
    let json: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let id = look_up(path, &json).value().filter(|id| !is_falsy(id));
    let id = id.filter(|id| !id.is_object() && !id.is_array()).and_then(text_form);
    id.ok_or_else(|| unusable(format!("the answer does not name the job: there is no `{path}`")))
}

/// What an answer to the status request says (saas-config 23.11).
fn look(polling: &Polling, reply: &HttpReply) -> PollingLook {
    let open = |trouble: String| PollingLook::Open { trouble: Some(trouble) };
    if !content_type(reply).contains("application/json") {
        return open(format!("the state was answered with {} and no JSON", reply.status));
    }
    let Ok(json) = serde_json::from_slice::<Value>(&reply.body) else {
        return open("the state was answered with JSON that is broken".to_owned());
    };
    let Some(path) = &polling.status_path else { return open("there is no `status_path`".to_owned()) };
    let state = match look_up(path, &json) {
        Found::Value(Value::Array(items)) if !items.is_empty() => items.first(),
        Found::Value(value) => Some(value),
        Found::Null | Found::Missing => None,
    };
    let Some(state) = state.filter(|state| !state.is_null()) else {
        return open(format!("the state was answered without `{path}`"));
    };
    match polling.meaning(state) {
        PollingState::Open => PollingLook::Open { trouble: None },
        PollingState::Complete => PollingLook::Complete,
        PollingState::Empty => PollingLook::Empty,
        PollingState::Failed => PollingLook::Failed(text_form(state).unwrap_or_default()),
    }
}

/// What a result request brought (saas-config 23.14).
pub(crate) enum PolledResult {
    /// JSON with the rows in it.
    Rows(Value),
    /// A file.
    File(ResultFile),
    /// 204: nothing.
    Nothing,
}

/// Kinds of content that are files.
const FILES: [&str; 9] = [
    "application/octet-stream",
    "application/zip",
    "application/pdf",
    "application/xml",
    "text/xml",
    "image/",
    "video/",
    "text/csv",
    "application/csv",
];
/// Endings of paths that are files.
const ENDINGS: [&str; 16] = [
    ".zip", ".pdf", ".tar", ".gz", ".xlsx", ".xls", ".xml", ".csv", ".jpg", ".jpeg", ".png", ".gif", ".bmp",
    ".tiff", ".webp", ".svg",
];

/// What an answer to a result request, sent to `path`, is.
pub(crate) fn result(polling: &Polling, path: &str, reply: &HttpReply) -> Result<PolledResult, Rejected> {
    let malformed = |problem: String, retry| Rejected { reason: IncompleteReason::Malformed, problem, retry };
    if reply.status == 204 {
        return Ok(PolledResult::Nothing);
    }
    if reply.body.is_empty() {
        return Err(malformed("the result is empty".to_owned(), Retry::Yes));
    }
    let kind = content_type(reply);
    let disposition = file::disposition(reply);
    let lower = path.to_ascii_lowercase();
    let is_file = FILES.iter().any(|file| kind.contains(file))
        || disposition.to_ascii_lowercase().contains("attachment")
        || ENDINGS.iter().any(|ending| lower.ends_with(ending));
    if is_file {
        return ResultFile::of(path, reply).map(PolledResult::File);
    }
    let body = reply.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&reply.body);
    let json: Value = match serde_json::from_slice(body) {
        Ok(json) => json,
        Err(error) if kind.contains("application/json") => {
            let problem = "the result is JSON that is broken".to_owned();
            let reason =
                if error.is_eof() { IncompleteReason::Truncated } else { IncompleteReason::Malformed };
            return Err(Rejected { reason, problem, retry: Retry::Yes });
        }
        Err(_) => return ResultFile::of(path, reply).map(PolledResult::File),
    };
    let rows = match &polling.result_path {
        None => json,
        Some(path) => match look_up(path, &json) {
            Found::Value(rows) => rows.clone(),
            Found::Null | Found::Missing => {
                return Err(malformed(format!("the result has no `{path}`"), Retry::Yes));
            }
        },
    };
    if rows.is_array() || rows.is_object() {
        return Ok(PolledResult::Rows(rows));
    }
    Err(malformed("the result is neither an object nor a list of objects".to_owned(), Retry::No))
}

fn content_type(reply: &HttpReply) -> String {
    let header = reply.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    header.unwrap_or_default().to_ascii_lowercase()
}

#[cfg(test)]
mod tests;
