use std::collections::VecDeque;

use http::Method;
use serde::Serialize;
use serde_json::{Value, json};

use crate::Fault;
use crate::server::{Answer, Call, Delivery};

/// The last calls, for inspection.
#[derive(Debug, Default)]
pub(crate) struct CallLog {
    entries: VecDeque<LogEntry>,
    total: u64,
    writes: u64,
}

/// One call as it was answered.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct LogEntry {
    /// Counts from 1.
    pub(crate) number: u64,
    pub(crate) service: &'static str,
    /// Value of the `Host` header.
    pub(crate) host: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    /// Body of a call that does not read, as text.
    pub(crate) body: Option<String>,
    /// `null` if no answer was sent.
    pub(crate) status: Option<u16>,
    pub(crate) effect: LogEffect,
    pub(crate) fault: Option<Fault>,
}

/// What a call changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogEffect {
    /// Looked only.
    Read,
    /// Changed something.
    Write,
    /// Would have written, but was refused or stopped by a fault first.
    None,
}

impl LogEntry {
    /// The entry of a call to `service` that had this effect; nothing was answered yet.
    pub(crate) fn new(service: &'static str, call: &Call, effect: LogEffect) -> Self {
        let body = String::from_utf8_lossy(&call.body);
        let keep = effect != LogEffect::Read && !body.is_empty();
        Self {
            number: 0,
            service,
            host: call.host().to_owned(),
            method: call.method.to_string(),
            path: call.path.clone(),
            query: call.query.clone(),
            body: keep.then(|| body.into_owned()),
            status: None,
            effect,
            fault: None,
        }
    }

    /// With what was answered under this fault, if anything.
    pub(crate) fn answered(self, answer: &Answer, fault: Option<Fault>) -> Self {
        let silent =
            answer.delivery == Delivery::Reset || matches!(fault, Some(Fault::HoldBefore | Fault::HoldAfter));
        Self { status: (!silent).then(|| answer.status.as_u16()), fault, ..self }
    }
}

impl LogEffect {
    /// What a call did that got this answer from the application itself; `None` if it never got there.
    pub(crate) fn of(call: &Call, answer: Option<&Answer>) -> Self {
        match call.method {
            Method::GET | Method::HEAD | Method::OPTIONS => Self::Read,
            _ if answer.is_some_and(|answer| answer.status.is_success()) => Self::Write,
            _ => Self::None,
        }
    }
}

/// Answers a call of ours: reads its JSON body and acts on it; a bad body is told what is wrong.
pub(crate) fn inspection_body<T: serde::de::DeserializeOwned>(
    call: &Call,
    action: impl FnOnce(T) -> Result<Value, String>,
) -> Answer {
    let done = serde_json::from_slice(&call.body).map_err(|error| error.to_string()).and_then(action);
    match done {
        Ok(body) => Answer::json(200, &body),
        Err(message) => Answer::json(400, &json!({"error": message})),
    }
}

/// Number of calls kept.
const KEPT: usize = 100_000;

impl CallLog {
    pub(crate) fn push(&mut self, mut entry: LogEntry) {
        self.total += 1;
        self.writes += u64::from(entry.effect == LogEffect::Write);
        entry.number = self.total;
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &LogEntry> {
        self.entries.iter()
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    pub(crate) fn writes(&self) -> u64 {
        self.writes
    }
}
