//! Keys that Tutela adds to the format.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::Value;

use super::{OneOrMany, Request};

/// What a request does to the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EffectWord {
    /// It changes nothing and may be sent at any time.
    Read,
    /// It changes something.
    Write,
}

/// How often a write is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PerWord {
    /// Once for each row.
    Row,
    /// Once for each person.
    Person,
}

/// Many values in one write.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Batch {
    /// The param value that takes the list.
    #[schemars(required)]
    pub(crate) param: Option<String>,
    /// Most values in one call.
    #[schemars(required, range(min = 1))]
    pub(crate) max: Option<i64>,
}

/// Answers that mean "try again".
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retry {
    /// Status codes, besides those that are always tried again.
    pub(crate) statuses: Option<Vec<i64>>,
    /// CEL condition over `status`, `headers` and `body`.
    pub(crate) when: Option<String>,
}

/// The read that proves a write: the name of an endpoint, or a request.
#[derive(Debug, Clone)]
pub(crate) enum Verify {
    /// The endpoint of this name is read again.
    Endpoint(String),
    /// This request is sent.
    Request(Box<Request>),
}

impl<'de> Deserialize<'de> for Verify {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(name) => Ok(Self::Endpoint(name)),
            request => serde_json::from_value(request).map(Self::Request).map_err(D::Error::custom),
        }
    }
}

impl JsonSchema for Verify {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Verify".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let request = generator.subschema_for::<Request>();
        schemars::json_schema!({"anyOf": [{"type": "string"}, request]})
    }
}

/// How to follow a job that goes on after the answer.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Track {
    /// Where the job's id is in the answer to the write.
    pub(crate) id_path: Option<String>,
    /// Asks for the state of the job; `<job_id>` stands for its id.
    #[schemars(required)]
    pub(crate) request: Option<Box<Request>>,
    /// Where the state is in the answer.
    #[schemars(required)]
    pub(crate) status_path: Option<String>,
    /// What each state means.
    #[schemars(required)]
    pub(crate) states: Option<std::collections::BTreeMap<String, StateWord>>,
    /// The job's parts, if it reports them one by one.
    pub(crate) destinations: Option<Destinations>,
    /// Finds an equal job that was made a short time ago, before one whose fate is unknown is
    /// made again.
    pub(crate) same: Option<Same>,
    /// Time between two looks, as in `30m`; one hour if absent.
    pub(crate) interval: Option<String>,
    /// The job is given up this long after it was started, as in `45d`; 30 days if absent.
    pub(crate) deadline: Option<String>,
}

/// Parts of a job that are reported one by one.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Destinations {
    /// Where the list is in the answer. Lists on the way are entered: `streams.parts` are the parts
    /// of every stream.
    #[schemars(required)]
    pub(crate) path: Option<String>,
    /// Where the name is in each entry.
    pub(crate) name_path: Option<String>,
    /// Where the state is in each entry.
    #[schemars(required)]
    pub(crate) status_path: Option<String>,
    /// Where the application's own words about the state are in each entry.
    pub(crate) message_path: Option<String>,
}

/// How to find an equal job.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Same {
    /// Lists recent jobs.
    #[schemars(required)]
    pub(crate) request: Option<Box<Request>>,
    /// CEL condition: whether a listed job is the same. `item` is the listed job, `sent` the body of
    /// the write (if it is JSON), `since` a time some minutes before the write, as in
    /// `2025-03-01T08:20:30Z`.
    #[schemars(required)]
    pub(crate) when: Option<String>,
    /// Where the job's id is in a listed job.
    #[schemars(required)]
    pub(crate) id_path: Option<String>,
}

/// What the state of a job means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StateWord {
    /// Not finished.
    Accepted,
    /// Finished: the data are gone.
    Erased,
    /// Finished: the data were overwritten.
    Masked,
    /// Finished: no new data are taken in.
    Suppressed,
    /// Finished: there was nothing.
    AlreadyAbsent,
    /// Finished without effect.
    Failed,
    /// The application cannot do it.
    Unsupported,
}

/// How to correct a field of a row.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rectify {
    /// Writes the corrected values: one request or a list.
    #[schemars(required)]
    pub(crate) request: Option<OneOrMany<Request>>,
    /// Fields that it can correct; without the list, all.
    pub(crate) fields: Option<Vec<String>>,
}
