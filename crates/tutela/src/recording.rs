mod keep;

use std::collections::BTreeMap;

use connections::Calls;
use egress::{Cassette, DoorSettings, Mode};
use engine::{Cancellation, Limits, RunOutcome, Status};
use model::{Clock, CollectionAddress, ConnectionKey, Identities, RandomIds, Row};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use spec::connector_file::ConnectorFile;
use std::sync::Arc;

use crate::data_request::{DataRequests, Means};
use crate::failure::Failure;
use crate::project::{Instance, Wired, door};

pub(crate) use self::keep::kept_paths;

const FORMAT: &str = "tutela.recording/1";

/// Stands for every secret that must not be in a file. A replay builds the same calls with it,
/// because secrets do not count when a recorded call is looked for. No word that may stand in a call
/// for another reason: there it would count as the secret.
const REPLACED: &str = "secret-left-out";

/// What a recording file holds: the traffic of one data request without secrets and persons, what is
/// needed to ask the same again, and what came of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recording {
    format: String,
    /// Key that the connection had.
    pub(crate) connection: ConnectionKey,
    /// Settings of the connection; secret ones are replaced.
    secrets: Map<String, Value>,
    /// Collection → what a replay must give.
    expected: BTreeMap<CollectionAddress, Expected>,
    /// Calls and answers.
    cassette: Cassette,
}

/// What is expected of one collection.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    status: Status,
    rows: Vec<Row>,
}

/// What a replay gave.
#[derive(Debug)]
pub(crate) struct Replayed {
    pub(crate) outcome: RunOutcome,
    /// Keeps the folder with the rows.
    _requests: DataRequests,
}

/// A difference between what a replay gave and what was expected; names places, shows no values.
#[derive(Debug, Serialize)]
pub(crate) struct Difference {
    pub(crate) collection: String,
    pub(crate) what: String,
}

impl Recording {
    /// A recording of `cassette`, with no expectation yet.
    pub(crate) fn new(instance: &Instance, cassette: Cassette) -> Self {
        let connection = &instance.connection;
        let secrets = connection.secrets.names().map(|name| {
            let known = connection.file.find_param(name).filter(|_| !connection.file.is_secret(name));
            let value = known.and_then(|_| connection.secrets.find(name)).cloned();
            (name.to_owned(), value.unwrap_or_else(|| REPLACED.into()))
        });
        Self {
            format: FORMAT.to_owned(),
            connection: connection.key.clone(),
            secrets: secrets.collect(),
            expected: BTreeMap::new(),
            cassette,
        }
    }

    /// Reads a recording, or a bare cassette, of which is only expected that it is complete.
    pub(crate) fn parse(name: &str, text: &str, file: &ConnectorFile) -> Result<Self, Failure> {
        let bad = |what: String| Failure::BadInput(format!("{name} is not a recording: {what}"));
        let format = serde_json::from_str::<Value>(text)
            .ok()
            .and_then(|value| value.get("format").and_then(Value::as_str).map(str::to_owned));
        if format.as_deref() == Some(FORMAT) {
            return serde_json::from_str(text).map_err(|error| bad(error.to_string()));
        }
        let cassette = Cassette::parse(text).map_err(|error| bad(error.to_string()))?;
        let first = cassette.interactions.first().map(|interaction| interaction.request.connection.as_str());
        let connection = first.unwrap_or(file.connector_type.as_str()).parse();
        let secrets = file.connector_params.iter().map(|param| {
            let default = param.default_value.clone().filter(|value| !model::is_falsy(value));
            (param.name.clone(), default.unwrap_or_else(|| REPLACED.into()))
        });
        Ok(Self {
            format: FORMAT.to_owned(),
            connection: connection.map_err(|error: model::KeyError| bad(error.to_string()))?,
            secrets: secrets.collect(),
            expected: BTreeMap::new(),
            cassette,
        })
    }

    /// The file's text.
    pub(crate) fn to_text(&self) -> String {
        let text = serde_json::to_string_pretty(self);
        text.expect("keys are texts and values are JSON already") + "\n"
    }

    /// The settings of the connection in the recording.
    pub(crate) fn secrets(&self) -> Vec<(String, Value)> {
        self.secrets.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// Runs the same request from the recording; opens no socket.
    pub(crate) async fn replay(
        &self,
        instance: &Instance,
        clock: Arc<dyn Clock>,
    ) -> Result<Replayed, Failure> {
        let mut identities = Identities::default();
        for (kind, values) in &self.cassette.identities {
            for value in values {
                identities
                    .insert(kind.as_str(), value.clone())
                    .map_err(|error| Failure::bad_input(&error))?;
            }
        }
        let door = door::open(DoorSettings::default(), Mode::Replay(self.cassette.clone()), &clock)?;
        let settings =
            connector::Settings { retry_wait: std::time::Duration::ZERO, ..connector::Settings::default() };
        let wired = Wired::of_instance(
            instance,
            &Calls::new(door, settings, (Arc::clone(&clock), Arc::new(RandomIds))),
        )?;
        let means = Means {
            // Equal calls get their answers in the recorded order, so one goes after the other.
            limits: Limits { per_connection: 1, total: 1 },
            policy: None,
            clock,
        };
        let requests = DataRequests::new(wired, means)?;
        let outcome = requests.read(identities, Cancellation::never(), &|_progress| {}).await?;
        Ok(Replayed { outcome, _requests: requests })
    }

    /// Takes `outcome` as what a replay must give.
    pub(crate) fn expect(&mut self, replayed: &Replayed) -> Result<(), Failure> {
        self.expected = given(&replayed.outcome)?;
        Ok(())
    }

    /// Compares what a replay gave with what is expected.
    pub(crate) fn compare(&self, replayed: &Replayed) -> Result<Vec<Difference>, Failure> {
        let outcome = &replayed.outcome;
        let given = given(outcome)?;
        if self.expected.is_empty() {
            return Ok(incomplete(outcome));
        }
        let addresses: std::collections::BTreeSet<&CollectionAddress> =
            self.expected.keys().chain(given.keys()).collect();
        let different = addresses.into_iter().filter_map(|address| {
            let what = difference(self.expected.get(address), given.get(address))?;
            let detail = outcome.collections.get(address).and_then(detail).unwrap_or_default();
            let what = if detail.is_empty() { what } else { format!("{what} ({detail})") };
            Some(Difference { collection: address.to_string(), what })
        });
        Ok(different.collect())
    }
}

fn given(outcome: &RunOutcome) -> Result<BTreeMap<CollectionAddress, Expected>, Failure> {
    let mut all = BTreeMap::new();
    for (address, collection) in &outcome.collections {
        let mut rows = Vec::new();
        for page in collection.sealed.pages() {
            rows.extend(page.map_err(|error| Failure::failed(&error))?);
        }
        all.insert(address.clone(), Expected { status: collection.status, rows });
    }
    Ok(all)
}

fn difference(expected: Option<&Expected>, given: Option<&Expected>) -> Option<String> {
    match (expected, given) {
        (None, None) => None,
        (Some(_), None) => Some("expected and not there".to_owned()),
        (None, Some(_)) => Some("there and not expected".to_owned()),
        (Some(expected), Some(given)) if expected.status != given.status => {
            Some(format!("{} instead of {}", given.status.as_str(), expected.status.as_str()))
        }
        (Some(expected), Some(given)) if expected.rows.len() != given.rows.len() => {
            Some(format!("{} rows instead of {}", given.rows.len(), expected.rows.len()))
        }
        (Some(expected), Some(given)) => {
            let first = expected.rows.iter().zip(&given.rows).position(|(one, other)| one != other)?;
            Some(format!("row {} is another", first + 1))
        }
    }
}

fn incomplete(outcome: &RunOutcome) -> Vec<Difference> {
    let missing = outcome.collections.iter().filter_map(|(address, collection)| {
        Some(Difference { collection: address.to_string(), what: detail(collection)? })
    });
    missing.collect()
}

fn detail(collection: &engine::CollectionOutcome) -> Option<String> {
    match &collection.completeness {
        model::Completeness::Complete => None,
        model::Completeness::Incomplete { detail, .. } => Some(detail.clone()),
    }
}
