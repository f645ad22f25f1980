//! Following a job that goes on after the answer to a write (architecture §5, `track`).
//!
//! One look is one read. Whoever follows a job decides when to look again and when to give up.

use std::collections::VecDeque;

use jiff::Timestamp;
use model::{CallStats, Completeness, Outcome, Path, Row, text_form};
use serde_json::Value;
use spec::connector_file::{Destinations, ParamSource, Request, Track};

use crate::build::Build;
use crate::connector::Connector;
use crate::inputs::Inputs;
use crate::person::Person;
use crate::reading::ReadError;
use crate::response::{look_up, read_json};
use crate::send::{Answer, CallError, Rejected};
use crate::values::{Origin, SpecialValues, ValueMap};
use crate::writes::WriteRequest;

/// What a look at a job shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobLook {
    /// The state in the application's word; `None` if it does not know the job any more.
    pub state: Option<String>,
    /// [`Outcome::Accepted`] while it goes on, else the worst of the job and its parts;
    /// [`Outcome::Unknown`] if the application forgot it.
    pub outcome: Outcome,
    /// Its parts, in the order reported.
    pub destinations: Vec<DestinationState>,
}

impl JobLook {
    /// Whether there is nothing more to wait for.
    pub fn is_finished(&self) -> bool {
        self.outcome != Outcome::Accepted
    }
}

/// One part of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationState {
    /// Its name.
    pub name: String,
    /// Its state in the application's word.
    pub status: String,
    /// What that means; a word that the file does not name means that it goes on.
    pub outcome: Outcome,
    /// The application's own words about it.
    pub message: Option<String>,
}

/// Whether an equal job exists.
#[derive(Debug)]
pub enum SameJob {
    /// The newest listed one that is the same: the write had its effect.
    Found {
        /// Id of the job.
        job_id: String,
    },
    /// A complete list holds none: the write had no effect.
    None,
    /// Nothing is known; the write must not be sent again.
    Unclear(String),
}

/// How long before the write a job may have been made by the application's clock.
const CLOCK_DIFFERENCE_S: i64 = 600;

impl Connector {
    /// Asks once for the state of job `job_id`, which `write` started; `None` if it has no `track`.
    ///
    /// # Errors
    /// [`CallError`] if nothing could be learned; the job may still go on.
    pub async fn look_at_job(
        &self,
        write: &Request,
        job_id: &str,
        person: &Person,
    ) -> Result<Option<JobLook>, CallError> {
        let Some(track) = write.track.as_deref() else { return Ok(None) };
        let mut values = self.values_of(write, &track.request, person);
        values.insert("job_id", job_id.into(), Origin::Reference);
        let request = track.request.as_ref();
        let params = &request.param_values;
        let connection = self.connection();
        let prepared = Build { connection, endpoint: "track", request, params, values: &values }.prepare()?;
        let mut stats = CallStats::default();
        let accept = |reply| {
            let json = read_json(request, &reply).map_err(Rejected::from)?;
            look(track, &json.unwrap_or_default()).ok_or_else(|| Rejected {
                reason: model::IncompleteReason::Malformed,
                problem: format!("the answer does not name a state: there is no `{}`", track.status_path),
                retry: egress::Retry::Yes,
            })
        };
        Ok(Some(match self.call(&prepared, &mut stats, accept).await? {
            Answer::Accepted(look) => look,
            Answer::Gone | Answer::Ignored(_) => {
                JobLook { state: None, outcome: Outcome::Unknown, destinations: Vec::new() }
            }
        }))
    }

    /// Looks for a job equal to the one that `sent` was to start at `sent_at`, before it is sent
    /// again; [`SameJob::Unclear`] if the file does not say how.
    ///
    /// # Errors
    /// [`ReadError`] if the list cannot be asked for or read.
    pub async fn find_same_job(
        &self,
        write: &Request,
        sent: &WriteRequest,
        (sent_at, person): (Timestamp, &Person),
    ) -> Result<SameJob, ReadError> {
        let Some(same) = write.track.as_ref().and_then(|track| track.same.as_ref()) else {
            return Ok(SameJob::Unclear(
                "the connector file does not say how to find an equal job".to_owned(),
            ));
        };
        let since = Timestamp::from_second(sent_at.as_second() - CLOCK_DIFFERENCE_S).unwrap_or(sent_at);
        let body = sent.body.as_deref().and_then(|body| serde_json::from_str(body).ok());
        let mut variables = Row::new();
        variables.insert("sent".to_owned(), body.unwrap_or(Value::Null));
        variables.insert("since".to_owned(), since.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into());
        let reading = self.read_request((&same.request, "track"), person, Inputs::default())?;
        let mut unclear = None;
        for unit in 0..reading.units() {
            let mut pages = reading.open(unit);
            while let Some(page) = pages.next_page().await? {
                for row in page.rows {
                    let item = Value::Object(row);
                    let id = look_up(&same.id_path, &item).value().and_then(text_form);
                    variables.insert("item".to_owned(), item);
                    match (same.when.evaluate(&variables), id) {
                        (Ok(true), Some(job_id)) => return Ok(SameJob::Found { job_id }),
                        (Ok(true), None) => {
                            unclear = Some(format!("an equal job has no `{}`", same.id_path));
                        }
                        (Ok(false), _) => {}
                        (Err(error), _) => unclear = Some(error.to_string()),
                    }
                }
            }
            match pages.completeness() {
                Completeness::Complete => {}
                Completeness::Incomplete { detail, .. } => unclear = Some(detail),
            }
        }
        Ok(match unclear {
            Some(why) => SameJob::Unclear(why),
            None => SameJob::None,
        })
    }

    /// What requests about a job are filled from: their own params and those of the write, as far as
    /// they do not come from rows, which are forgotten by then.
    pub(crate) fn values_of(&self, write: &Request, request: &Request, person: &Person) -> ValueMap {
        let mut values = ValueMap::new();
        for param in write.param_values.iter().chain(&request.param_values) {
            let value = match &param.source {
                ParamSource::Identity(kind) => person.identities.values(kind).first(),
                ParamSource::ConnectorParam(name) => self.connection().secrets.find(name),
                ParamSource::References(_) => None,
            };
            if let Some(value) = value {
                values.insert_param(param, value.clone());
            }
        }
        let special = SpecialValues {
            privacy_request_id: person.privacy_request_id.as_str(),
            privacy_request: &person.privacy_request,
            custom_fields: &person.custom_fields,
            field_list: None,
            reply_to_token: None,
        };
        values.insert_special(special, self.clock().now(), self.ids());
        values
    }
}

/// What an answer says; `None` if it names no state.
fn look(track: &Track, json: &Value) -> Option<JobLook> {
    let state = look_up(&track.status_path, json).value().and_then(text_form)?;
    let own = track.outcome(&state).unwrap_or(Outcome::Accepted);
    let destinations: Vec<DestinationState> =
        track.destinations.iter().flat_map(|destinations| parts(track, destinations, json)).collect();
    let is_open = |outcome: Outcome| outcome == Outcome::Accepted;
    let is_bad = matches!(own, Outcome::Failed | Outcome::Unsupported);
    let goes_on = is_open(own) || (!is_bad && destinations.iter().any(|part| is_open(part.outcome)));
    let outcome = if goes_on {
        Outcome::Accepted
    } else {
        // A part that still goes on does not make a failed job a running one.
        let ended = destinations.iter().map(|part| part.outcome).filter(|outcome| !is_open(*outcome));
        Outcome::worst(ended.chain([own])).unwrap_or(own)
    };
    Some(JobLook { state: Some(state), outcome, destinations })
}

fn parts(track: &Track, destinations: &Destinations, json: &Value) -> Vec<DestinationState> {
    let text = |path: Option<&Path>, entry: &Value| {
        let text = path.and_then(|path| look_up(path, entry).value()).and_then(text_form);
        text.filter(|text| !text.is_empty())
    };
    entries(&destinations.path, json)
        .into_iter()
        .map(|entry| {
            let status = text(Some(&destinations.status_path), entry).unwrap_or_default();
            DestinationState {
                name: text(destinations.name_path.as_ref(), entry).unwrap_or_default(),
                outcome: track.outcome(&status).unwrap_or(Outcome::Accepted),
                message: text(destinations.message_path.as_ref(), entry),
                status,
            }
        })
        .collect()
}

/// The entries of the list at `path`, lists on the way entered.
fn entries<'a>(path: &Path, json: &'a Value) -> Vec<&'a Value> {
    let mut found: VecDeque<&Value> = VecDeque::from([json]);
    for segment in path.segments() {
        found = found
            .into_iter()
            .flat_map(|value| match value {
                Value::Array(items) => items.iter().collect(),
                other => vec![other],
            })
            .filter_map(|value| value.get(segment))
            .collect();
    }
    found
        .into_iter()
        .flat_map(|value| match value {
            Value::Array(items) => items.iter().collect(),
            other => vec![other],
        })
        .filter(|value| value.is_object())
        .collect()
}

#[cfg(test)]
mod tests;
