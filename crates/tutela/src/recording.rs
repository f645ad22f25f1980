mod file;
mod keep;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use egress::Cassette;
use engine::{Cancellation, Limits, RunOutcome, Status};
use model::{Clock, CollectionAddress, ConnectionKey, Identities, Row};
use serde::{Deserialize, Serialize};
use spec::connector_file::ConnectorFile;

use self::file::REPLACED;
use crate::data_request::{DataRequests, Means};
use crate::failure::Failure;
use crate::project::{Instance, Wired};

pub(crate) use self::file::{Expectation, RecordingFile};
pub(crate) use self::keep::{kept_paths, place_of_rows};

/// What a recording of a data request holds: its traffic, and collection → what came of it.
pub(crate) type Recording = RecordingFile<Collections>;

/// Collection → what a replay must give.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Collections(BTreeMap<CollectionAddress, Expected>);

impl Expectation for Collections {
    const FORMAT: &'static str = "tutela.recording/1";
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
    /// Reads a recording, or a bare cassette, of which is only expected that it is complete.
    pub(crate) fn parse(name: &str, text: &str, file: &ConnectorFile) -> Result<Self, Failure> {
        let bad = |what: String| Failure::BadInput(format!("{name} is not a recording: {what}"));
        if Self::is_one(text) {
            return Self::of_text(name, text);
        }
        let cassette = Cassette::parse(text).map_err(|error| bad(error.to_string()))?;
        let first = cassette.interactions.first().map(|interaction| interaction.request.connection.as_str());
        let connection = first.unwrap_or(file.connector_type.as_str()).parse::<ConnectionKey>();
        let secrets = file.connector_params.iter().map(|param| {
            let default = param.default_value.clone().filter(|value| !model::is_falsy(value));
            (param.name.clone(), default.unwrap_or_else(|| REPLACED.into()))
        });
        let connection = connection.map_err(|error: model::KeyError| bad(error.to_string()))?;
        Ok(Self::of_parts(connection, secrets.collect(), cassette))
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
        let wired = Wired::of_instance(instance, &self.calls(&clock)?)?;
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
        self.expected = Collections(given(&replayed.outcome)?);
        Ok(())
    }

    /// Compares what a replay gave with what is expected.
    pub(crate) fn compare(&self, replayed: &Replayed) -> Result<Vec<Difference>, Failure> {
        let outcome = &replayed.outcome;
        let given = given(outcome)?;
        let expected = &self.expected.0;
        if expected.is_empty() {
            return Ok(incomplete(outcome));
        }
        let addresses: BTreeSet<&CollectionAddress> = expected.keys().chain(given.keys()).collect();
        let different = addresses.into_iter().filter_map(|address| {
            let what = difference(expected.get(address), given.get(address))?;
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
