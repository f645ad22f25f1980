use std::sync::Arc;
use std::time::Duration;

use connections::Calls;
use egress::{Cassette, DoorSettings, Mode};
use model::{Clock, ConnectionKey, RandomIds};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::project::{Instance, door};

/// Stands for every secret that must not be in a file. A replay builds the same calls with it,
/// because secrets do not count when a recorded call is looked for. No word that may stand in a call
/// for another reason: there it would count as the secret.
pub(super) const REPLACED: &str = "secret-left-out";

/// What a replay is expected to give.
pub(crate) trait Expectation: Default + Serialize + DeserializeOwned {
    /// The format of recordings that expect it.
    const FORMAT: &'static str;
}

/// A recording: traffic without secrets and persons, what is needed to ask the same again, and what must come of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordingFile<E> {
    format: String,
    /// Key that the connection had.
    pub(crate) connection: ConnectionKey,
    /// Settings of the connection; secret ones are replaced.
    secrets: Map<String, Value>,
    /// What a replay must give.
    pub(crate) expected: E,
    /// Calls and answers.
    pub(crate) cassette: Cassette,
}

impl<E: Expectation> RecordingFile<E> {
    /// A recording of `cassette`, with no expectation yet.
    pub(crate) fn new(instance: &Instance, cassette: Cassette) -> Self {
        Self::of_parts(instance.connection.key.clone(), secrets_without_values(instance), cassette)
    }

    pub(super) fn of_parts(
        connection: ConnectionKey,
        secrets: Map<String, Value>,
        cassette: Cassette,
    ) -> Self {
        Self { format: E::FORMAT.to_owned(), connection, secrets, expected: E::default(), cassette }
    }

    /// Whether `text` is such a recording, as its format says.
    pub(crate) fn is_one(text: &str) -> bool {
        let format = |value: Value| value.get("format").and_then(Value::as_str).map(str::to_owned);
        serde_json::from_str::<Value>(text).ok().and_then(format).as_deref() == Some(E::FORMAT)
    }

    /// Reads one, called `name`.
    ///
    /// # Errors
    /// Bad input that says where the text is none.
    pub(crate) fn of_text(name: &str, text: &str) -> Result<Self, Failure> {
        serde_json::from_str(text)
            .map_err(|error| Failure::BadInput(format!("{name} is not a recording: {error}")))
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

    /// What answers from the recording; opens no socket.
    pub(crate) fn calls(&self, clock: &Arc<dyn Clock>) -> Result<Calls, Failure> {
        let door = door::open(DoorSettings::default(), Mode::Replay(self.cassette.clone()), clock)?;
        let settings = connector::Settings { retry_wait: Duration::ZERO, ..connector::Settings::default() };
        Ok(Calls::new(door, settings, (Arc::clone(clock), Arc::new(RandomIds))))
    }
}

/// The settings of a connection as a recording has them: secret ones are replaced.
fn secrets_without_values(instance: &Instance) -> Map<String, Value> {
    let connection = &instance.connection;
    let secrets = connection.secrets.names().map(|name| {
        let known = connection.file.find_param(name).filter(|_| !connection.file.is_secret(name));
        let value = known.and_then(|_| connection.secrets.find(name)).cloned();
        (name.to_owned(), value.unwrap_or_else(|| REPLACED.into()))
    });
    secrets.collect()
}
