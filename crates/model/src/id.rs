use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;
use uuid::Uuid;

/// The user's name for one connection (`segment`, `shop`); also the key of its dataset.
///
/// Letters, digits, `_`, `.`, `-` (saas-config 3.2, without the brackets of the template
/// placeholder: a connection's key is always filled in).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct ConnectionKey(String);

impl ConnectionKey {
    /// The key's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ConnectionKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        if text.is_empty() || !text.chars().all(allowed) {
            return Err(KeyError { text: text.to_owned() });
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for ConnectionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ConnectionKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A text that should have been a connection key.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{text}` is not a key; use letters, digits, `_`, `.` and `-`")]
pub struct KeyError {
    pub(crate) text: String,
}

/// The kind of application a connector file describes (`segment_unify`), always lower case
/// (saas-config 3.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct ConnectorType(String);

impl ConnectorType {
    /// Lower-cases `text`; any text is a type.
    pub fn new(text: &str) -> Self {
        Self(text.to_lowercase())
    }

    /// The type's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConnectorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where new ids come from, so that tests and replays can repeat them.
pub trait IdSource: Send + Sync + fmt::Debug {
    /// A fresh UUID v7 for an object of ours (architecture §13.1).
    fn next_uuid(&self) -> Uuid;

    /// A fresh random UUID v4, as the placeholder `<uuid>` wants it (saas-config 11.10).
    fn random_uuid(&self) -> Uuid;
}

/// Ids from the system's clock and random source.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl IdSource for RandomIds {
    fn next_uuid(&self) -> Uuid {
        Uuid::now_v7()
    }

    fn random_uuid(&self) -> Uuid {
        Uuid::new_v4()
    }
}

/// Id of a privacy request, `pri_` + UUID v7.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct PrivacyRequestId(String);

/// Id of one run of the engine, `run_` + UUID v7.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct RunId(String);

impl PrivacyRequestId {
    /// A fresh id.
    pub fn new(ids: &dyn IdSource) -> Self {
        Self(format!("pri_{}", ids.next_uuid()))
    }

    /// The id under which applications know `run`: the same however often it is asked for.
    pub fn of_run(run: &RunId) -> Self {
        Self(format!("pri_{}", run.as_str().trim_start_matches("run_")))
    }

    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl RunId {
    /// A fresh id.
    pub fn new(ids: &dyn IdSource) -> Self {
        Self(format!("run_{}", ids.next_uuid()))
    }

    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RunId {
    type Err = RunIdError;

    fn from_str(text: &str) -> Result<Self, RunIdError> {
        let uuid = text.strip_prefix("run_").filter(|rest| rest.len() == 36);
        match uuid.map(Uuid::try_parse) {
            Some(Ok(_)) => Ok(Self(text.to_owned())),
            Some(Err(_)) | None => Err(RunIdError { text: text.to_owned() }),
        }
    }
}

/// A text that should have been the id of a run.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{text}` is not a run; it looks like `run_0197…`, as `tutela privacy plan` prints it")]
pub struct RunIdError {
    text: String,
}

impl FromStr for PrivacyRequestId {
    type Err = PrivacyRequestIdError;

    fn from_str(text: &str) -> Result<Self, PrivacyRequestIdError> {
        let uuid = text.strip_prefix("pri_").filter(|rest| rest.len() == 36);
        match uuid.map(Uuid::try_parse) {
            Some(Ok(_)) => Ok(Self(text.to_owned())),
            Some(Err(_)) | None => Err(PrivacyRequestIdError),
        }
    }
}

/// A text that should have been the id of a privacy request.
#[derive(Debug, Clone, Copy, Error, PartialEq, Eq)]
#[error("not the id of a privacy request; it looks like `pri_0197…`")]
pub struct PrivacyRequestIdError;

impl fmt::Display for PrivacyRequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_refuse_brackets_spaces_and_nothing() {
        assert!("segment-eu.2".parse::<ConnectionKey>().is_ok());
        for bad in ["", "a b", "<instance_fides_key>", "a/b"] {
            assert!(bad.parse::<ConnectionKey>().is_err(), "{bad:?} should be refused");
        }
    }

    #[test]
    fn run_ids_come_back_from_their_text_and_other_texts_do_not() {
        let run = RunId::new(&RandomIds);

        assert_eq!(run.as_str().parse(), Ok(run));
        for bad in ["", "run_", "run_1", "tsk_0197a6a0-0000-7000-8000-000000000000"] {
            assert!(bad.parse::<RunId>().is_err(), "{bad:?} should be refused");
        }
    }

    #[test]
    fn ids_of_privacy_requests_come_back_from_their_text_and_other_texts_do_not() {
        let request = PrivacyRequestId::new(&RandomIds);

        assert_eq!(request.as_str().parse(), Ok(request));
        for bad in ["", "pri_", "pri_1", "run_0197a6a0-0000-7000-8000-000000000000", "pri_' OR 1=1"] {
            assert!(bad.parse::<PrivacyRequestId>().is_err(), "{bad:?} should be refused");
        }
    }

    #[test]
    fn connector_types_are_lower_case() {
        assert_eq!(ConnectorType::new("Segment").as_str(), "segment");
    }
}
