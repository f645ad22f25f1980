use serde::Deserialize;
use serde_json::Value;

use super::{ScriptHostError, path, refused};

/// A read that a script asks for.
///
/// `{"method": "GET", "path": "/people/7", "query": {…}, "headers": {…}, "accept": [404], "text": False}`.
/// A failing status ends the script unless it is among `accept`; an answer that is no JSON is asked for
/// again, unless `text` says that text is expected.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptFetch {
    /// `GET`, `HEAD` or `OPTIONS`.
    #[serde(default = "get")]
    pub method: String,
    /// Path below the base URL, percent-encoded.
    pub path: String,
    /// Query params, not encoded.
    #[serde(default)]
    pub query: serde_json::Map<String, Value>,
    /// Headers.
    #[serde(default)]
    pub headers: serde_json::Map<String, Value>,
    /// Failing statuses that are answers.
    #[serde(default)]
    pub accept: Vec<u16>,
    /// The answer is text, whatever it is.
    #[serde(default)]
    pub text: bool,
}

fn get() -> String {
    "GET".to_owned()
}

impl std::fmt::Debug for ScriptFetch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScriptFetch").field("method", &self.method).finish_non_exhaustive()
    }
}

/// The read that a script asks for by `request`.
///
/// # Errors
/// [`ScriptHostError::Refused`] for what is no read, and for a path that leads elsewhere.
pub fn fetch(request: Value) -> Result<ScriptFetch, ScriptHostError> {
    let refused = |reason: &str| ScriptHostError::Refused { reason: reason.to_owned() };
    if !request.is_object() {
        return Err(refused("it is no dict; write `fetch({\"path\": \"/…\"})`"));
    }
    if request.get("body").is_some() {
        return Err(refused(
            "a read has no `body`; what changes something is returned, and stands in a plan",
        ));
    }
    let fetch: ScriptFetch = serde_json::from_value(request)
        .map_err(|_| refused("its keys are `method`, `path`, `query`, `headers`, `accept` and `text`"))?;
    if !["GET", "HEAD", "OPTIONS"].contains(&fetch.method.as_str()) {
        return Err(refused(
            "its method may change something; use GET, HEAD or OPTIONS, and return the writes",
        ));
    }
    if !path::is_plain(&fetch.path) {
        return Err(refused(
            "its path does not lead below the base URL; begin with `/`, put values in with `quote`, and params \
             under `query`",
        ));
    }
    if let Some(name) = refused::find(&fetch.headers, &fetch.query, &Value::Null) {
        return Err(refused(&format!(
            "`{name}` is not a script's to set: the sender says it, or it names another method"
        )));
    }
    let is_answer = |status: &u16| (400..500).contains(status) && ![408, 425, 429].contains(status);
    if !fetch.accept.iter().all(is_answer) {
        return Err(refused("`accept` takes statuses from 400 to 499, without 408, 425 and 429"));
    }
    Ok(fetch)
}
