//! Reads that scripts ask for: through the door, counted and tried again like all reads.

use egress::{HttpReply, Retry};
use model::{CallStats, IncompleteReason, Row};
use serde_json::{Value, json};
use spec::script::ScriptFetch;

use super::{HookCall, HookError};
use crate::build::{Build, BuildError, Parts, Prepared};
use crate::send::{Answer, CallError, Rejected};
use crate::values::ValueMap;
use crate::writes::WriteRequest;

impl HookCall<'_> {
    /// The answer to `request`: `{"status": …, "headers": {…}, "body": …}`.
    pub(super) async fn fetch(
        &mut self,
        request: Value,
        place: (usize, usize),
        stats: &mut CallStats,
    ) -> Result<Value, HookError> {
        let fetch = spec::script::fetch(request).map_err(|refused| self.hook.stopped(refused, place))?;
        let hook = self.hook;
        let failed = |source: CallError| HookError::Fetch {
            place: format!("{}:{}:{}", hook.script().source().name(), place.0, place.1),
            function: hook.function().to_owned(),
            source: Box::new(source),
        };
        let prepared = self.prepare(&fetch).map_err(|error| failed(error.into()))?;
        let accept = |reply: HttpReply| answer(&fetch, &reply);
        match self.connector.call(&prepared, stats, accept).await.map_err(failed)? {
            Answer::Accepted(answer) => Ok(answer),
            Answer::Gone => {
                let accepted = if fetch.accept.contains(&404) { 404 } else { 410 };
                Ok(json!({ "status": accepted, "headers": {}, "body": null }))
            }
            Answer::Ignored(accepted) => {
                self.ignored = self.ignored.or(Some(accepted));
                Ok(json!({ "status": accepted, "headers": {}, "body": null }))
            }
        }
    }

    fn prepare(&self, fetch: &ScriptFetch) -> Result<Prepared, BuildError> {
        let values = ValueMap::new();
        let connection = self.connector.connection();
        let (request, endpoint) = (self.request, self.endpoint);
        let build = Build { connection, endpoint, request, params: &[], values: &values };
        let named = build.of_parts(Parts {
            method: &fetch.method,
            path: &fetch.path,
            query: &fetch.query,
            headers: &fetch.headers,
            body: &Value::Null,
        })?;
        // Secrets stand in it by name, as in a write that is kept.
        let named = WriteRequest::of(&named, &request.place);
        let unknown = || BuildError::UnknownSecret { place: request.place.clone() };
        let parts = named.restore(connection).ok_or_else(unknown)?;
        let script = self.hook.script().source().text();
        let mut personal = self.personal.clone();
        personal.extend(self.learned.used_in(&parts.url, script).cloned());
        build.restore_read(parts, fetch.accept.clone(), personal)
    }
}

/// An answer with a good status as the script sees it.
fn answer(fetch: &ScriptFetch, reply: &HttpReply) -> Result<Value, Rejected> {
    let text = |bytes: &[u8]| Value::from(String::from_utf8_lossy(bytes).into_owned());
    let body = match reply.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&reply.body) {
        [] => Value::Null,
        bytes if fetch.text => text(bytes),
        bytes => serde_json::from_slice(bytes).map_err(|_| Rejected {
            reason: IncompleteReason::Malformed,
            problem: "an answer is no JSON; if text is expected, say `\"text\": True` in `fetch`".to_owned(),
            retry: Retry::Yes,
        })?,
    };
    let headers: Row = reply
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes())))
        .collect();
    Ok(json!({ "status": reply.status, "headers": headers, "body": body }))
}
