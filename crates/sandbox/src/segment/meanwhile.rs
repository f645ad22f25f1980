use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use serde::{Deserialize, Serialize};

use crate::rules::path_matches;
use crate::server::Call;

/// What somebody else does right after a chosen call was answered, as between two pages of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meanwhile {
    /// Path of the call, as sent; a segment `*` takes any one segment.
    pub after: String,
    /// How many calls of this path go by before.
    #[serde(default)]
    pub skip: u64,
    /// Method of the other's call.
    pub method: String,
    /// Its path and query: of the Public API, or below `/__sandbox/`.
    pub target: String,
    /// Its body.
    #[serde(default)]
    pub body: serde_json::Value,
}

/// What others still have to do, and how many calls each has seen.
#[derive(Debug, Default)]
pub(super) struct Others(Mutex<Vec<(Meanwhile, u64)>>);

impl Others {
    /// Takes the place of all before.
    pub(super) fn set(&self, all: Vec<Meanwhile>) {
        *self.lock() = all.into_iter().map(|one| (one, 0)).collect();
    }

    /// What is to be done after this call; each is done once.
    pub(super) fn after(&self, call: &Call) -> Vec<Meanwhile> {
        let mut due = Vec::new();
        self.lock().retain_mut(|(one, seen)| {
            if !path_matches(&one.after, &call.path) {
                return true;
            }
            *seen += 1;
            let waits = *seen <= one.skip;
            if !waits {
                due.push(one.clone());
            }
            waits
        });
        due
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Meanwhile, u64)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Meanwhile {
    /// The call with this token. `None` if method or token cannot be sent.
    pub(super) fn call(&self, token: &str) -> Option<Call> {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_str(&format!("Bearer {token}")).ok()?);
        Some(Call {
            method: Method::from_bytes(self.method.as_bytes()).ok()?,
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body: Bytes::from(self.body.to_string()),
        })
    }
}
