//! Reading one collection: which requests, with which values, page by page (saas-config 19).
//!
//! A reading is a list of units, each one request with one combination of values. Units do not
//! know each other and may be read at the same time; the rows of the collection are those of the
//! units in order, and inside a unit those of its pages in order. However the service splits its
//! pages, the rows are the same, with one exception that the format has: a `data_path` that names
//! an object makes one row of each page, so an object that is paged over its keys (the traits of
//! Segment's profiles) comes as one row a page and is not put together here.

mod choice;
mod definition;
mod error;
mod later;
mod listing;
mod page_reader;
mod page_rows;
mod page_text;
mod paging;
mod polled;
mod resume;
mod unit_hash;

use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use model::{IdSource, Row};
use serde_json::Value;
use spec::connector_file::{ParamSource, ParamValue, Request};

use crate::build::{Build, BuildError, Prepared};
use crate::combination::{Combination, Combinations, Sources};
use crate::connector::Connector;
use crate::inputs::Inputs;
use crate::pagination::{Pager, PagerSettings};
use crate::person::Person;
use crate::postprocessor::{self, PostprocessorContext};
use crate::response;
use crate::values::{Origin, SpecialValues, ValueMap};
use crate::writes::secret_mark;
use choice::Choice;
use definition::DefinedRequest;

pub(crate) use definition::Definitions;
pub use error::ReadError;
pub use later::Asked;
pub(crate) use listing::Steps;
pub use listing::{ItemPage, ItemReader, ItemText, ListAnswers, Listing};
pub use page_reader::PageReader;
pub use page_rows::PageRows;
pub use polled::{JobRows, JobStart, PolledUnit};
pub use resume::{PageMark, ResumePoint};

/// The units of one collection, in order, checked and not yet sent.
///
/// Holds the inputs, two numbers for each unit, and the call of a request that has one unit only; nothing
/// grows while it is read.
#[derive(Debug)]
pub struct Reading {
    plan: Arc<Plan>,
}

/// What the units of a reading share.
#[derive(Debug)]
struct Plan {
    connector: Connector,
    collection: String,
    person: Arc<Person>,
    inputs: Inputs,
    started: Timestamp,
    source: Source,
}

/// Where rows come from.
#[derive(Debug)]
enum Source {
    /// One empty row: the collection has no read request and is only deleted (saas-config 19.3).
    EmptyRow,
    /// Requests with their combinations.
    Requests(Vec<Sequence>),
}

/// When the answer to a request brings the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answers {
    /// At once.
    AtOnce,
    /// Later, by a call of the application (saas-config 23.5).
    Later,
    /// Later, as the result of a job that is asked about (saas-config 23.8).
    ByJob,
}

/// One request with all its combinations.
#[derive(Debug)]
struct Sequence {
    defined: DefinedRequest,
    answers: Answers,
    combinations: Combinations,
    lasting: Option<Lasting>,
}

/// What the only combination of a request is sent as, where the moment has no part in it: then it is
/// prepared once, to be checked, and never again.
#[derive(Debug)]
struct Lasting {
    prepared: Prepared,
    unit_hash: OnceLock<[u8; 32]>,
}

impl Connector {
    /// Prepares the reading of collection `endpoint` for `person`; nothing is sent.
    ///
    /// Every combination of every request is built once, so that a missing or refused value is
    /// found before the first call (saas-config 19.7).
    ///
    /// # Errors
    /// [`ReadError`] if the collection cannot be read as the file describes it with these values.
    pub fn read(&self, endpoint: &str, person: &Person, inputs: Inputs) -> Result<Reading, ReadError> {
        self.read_for(endpoint, Arc::new(person.clone()), inputs)
    }

    /// The same for a person who several readings share.
    ///
    /// # Errors
    /// As [`Connector::read`].
    pub fn read_for(
        &self,
        endpoint: &str,
        person: Arc<Person>,
        inputs: Inputs,
    ) -> Result<Reading, ReadError> {
        let connection = self.connection();
        let unknown = || ReadError::UnknownEndpoint {
            connection: connection.key.clone(),
            endpoint: endpoint.to_owned(),
        };
        let found = connection.file.find_endpoint(endpoint).ok_or_else(unknown)?;
        let defined = self.definitions().find(connection, endpoint).ok_or_else(unknown)?;
        let mut plan = Plan::of(self, endpoint, person, inputs);
        let mut requests: Vec<&DefinedRequest> = match choice::choose(found, connection, &plan.person)? {
            Choice::EmptyRow => return Ok(Reading { plan: Arc::new(plan) }),
            Choice::Requests(places) => {
                places.into_iter().filter_map(|place| defined.requests.get(place)).collect()
            }
        };
        // One that is answered later pushes aside those that are not (saas-config 23.2).
        let is_later = |defined: &DefinedRequest| defined.request.async_config.is_some();
        if requests.iter().any(|defined| is_later(defined)) {
            requests.retain(|defined| is_later(defined));
        }
        let lacks = |defined: &DefinedRequest| choice::lacks_reference(&defined.request, &plan.inputs);
        let sequences = if requests.iter().any(|defined| lacks(defined)) {
            Vec::new()
        } else {
            let sequence =
                |defined: &DefinedRequest| plan.sequence(defined.clone(), later::answers(&defined.request)?);
            requests.into_iter().map(sequence).collect::<Result<_, _>>()?
        };
        plan.source = Source::Requests(sequences);
        Ok(Reading { plan: Arc::new(plan) })
    }

    /// Prepares the reading of one request on its own, as for collection `endpoint`: the proof of a
    /// write, or a list of jobs. Nothing is sent.
    ///
    /// # Errors
    /// [`ReadError`] if it cannot be read as the file describes it with these values.
    pub fn read_request(
        &self,
        (request, endpoint): (&Request, &str),
        person: &Person,
        inputs: Inputs,
    ) -> Result<Reading, ReadError> {
        let mut plan = Plan::of(self, endpoint, Arc::new(person.clone()), inputs);
        if request.async_config.is_some() {
            return Err(later::not_here(request));
        }
        let sequence = plan.sequence(DefinedRequest::of(request), Answers::AtOnce)?;
        plan.source = Source::Requests(vec![sequence]);
        Ok(Reading { plan: Arc::new(plan) })
    }
}

impl Reading {
    /// How many units there are.
    pub fn units(&self) -> usize {
        match &self.plan.source {
            Source::EmptyRow => 1,
            Source::Requests(sequences) => sequences.iter().map(|sequence| sequence.combinations.len()).sum(),
        }
    }

    /// Opens unit `unit`, counted from 0; a unit that does not exist has no pages. A unit that is
    /// opened again is read again from its beginning.
    pub fn open(&self, unit: usize) -> PageReader {
        PageReader::new(Arc::clone(&self.plan), unit)
    }

    /// Opens unit `unit` at the page that `point` leads to; `marks` are those of the pages before it, so
    /// that one of them is known when it comes again. `None` if the point is not one of this unit as it
    /// is now, because the file or a value has changed: then it is read from its beginning.
    pub fn open_at(
        &self,
        unit: usize,
        point: &ResumePoint,
        marks: impl IntoIterator<Item = PageMark>,
    ) -> Option<PageReader> {
        PageReader::resumed(Arc::clone(&self.plan), unit, point, marks)
    }
}

impl Plan {
    /// A plan that reads nothing yet.
    fn of(connector: &Connector, collection: &str, person: Arc<Person>, inputs: Inputs) -> Self {
        Self {
            connector: connector.clone(),
            collection: collection.to_owned(),
            person,
            inputs,
            started: connector.clock().now(),
            source: Source::EmptyRow,
        }
    }

    /// Checks all combinations of a request (saas-config 19.7, 11.9).
    fn sequence(&self, defined: DefinedRequest, answers: Answers) -> Result<Sequence, ReadError> {
        let request = &*defined.request;
        let sources = Sources {
            inputs: &self.inputs,
            person: &self.person,
            secrets: &self.connector.connection().secrets,
        };
        let mut combinations = Combinations::new(request, sources);
        let is_only = combinations.len() == 1;
        let mut lasting = None;
        if request.script.is_none() && !choice::is_output_only(request) {
            combinations.try_retain(|combination| match self.prepare(request, combination) {
                Ok(prepared) => {
                    if answers == Answers::AtOnce {
                        self.pager(request, &prepared)?;
                    }
                    if is_only && prepared.shared().lasts {
                        lasting = Some(Lasting { prepared, unit_hash: OnceLock::new() });
                    }
                    Ok(true)
                }
                Err(error) if error.is_skippable() && request.skip_missing_param_values => Ok(false),
                Err(error) => Err(ReadError::from(error)),
            })?;
        }
        Ok(Sequence { defined, answers, combinations, lasting })
    }

    /// The values of a combination as a script gets them: secrets by name only.
    fn script_values(&self, request: &Request, combination: &Combination<'_>) -> Row {
        let connection = self.connector.connection();
        let values = combination.request_values(request);
        let value = |param: &ParamValue| match &param.source {
            ParamSource::ConnectorParam(name) if connection.file.is_secret(name) => {
                secret_mark::mark(connection, name).map(Value::String)
            }
            ParamSource::ConnectorParam(_) | ParamSource::Identity(_) | ParamSource::References(_) => {
                values.find_name(&param.name).cloned()
            }
        };
        request.param_values.iter().filter_map(|param| Some((param.name.clone(), value(param)?))).collect()
    }

    /// The call of a combination as it is sent now.
    fn prepare_now(
        &self,
        sequence: &Sequence,
        combination: &Combination<'_>,
    ) -> Result<Prepared, BuildError> {
        match &sequence.lasting {
            Some(Lasting { prepared, .. }) => Ok(prepared.clone()),
            None => self.prepare(&sequence.defined.request, combination),
        }
    }

    fn prepare(&self, request: &Request, combination: &Combination<'_>) -> Result<Prepared, BuildError> {
        self.prepare_at((self.connector.clock().now(), self.connector.ids()), request, combination)
    }

    /// The request as it is at a moment, with ids from somewhere.
    fn prepare_at(
        &self,
        (now, ids): (Timestamp, &dyn IdSource),
        request: &Request,
        combination: &Combination<'_>,
    ) -> Result<Prepared, BuildError> {
        self.prepare_with((now, ids, later::token_of(request)), request, combination)
    }

    /// The same with the token that a later answer is to bring.
    fn prepare_with(
        &self,
        (now, ids, reply_to_token): (Timestamp, &dyn IdSource, Option<&str>),
        request: &Request,
        combination: &Combination<'_>,
    ) -> Result<Prepared, BuildError> {
        let mut values = combination.request_values(request);
        values.insert_special(SpecialValues { reply_to_token, ..self.special() }, now, ids);
        let build = Build {
            connection: self.connector.connection(),
            endpoint: &self.collection,
            request,
            params: &request.param_values,
            values: &values,
        };
        if self.connector.door().heeds_hints() { build.prepare() } else { build.prepare_without_hints() }
    }

    fn pager(&self, request: &Request, prepared: &Prepared) -> Result<Pager, ReadError> {
        let settings = PagerSettings {
            request,
            secrets: &self.connector.connection().secrets,
            settings: self.connector.settings(),
            started: self.started,
        };
        let body = prepared.shared().body.as_deref().unwrap_or_default();
        Ok(Pager::new(settings, &prepared.shared().method, body)?)
    }

    /// The rows in `data` after the request's postprocessors.
    fn processed(&self, request: &Request, data: Value) -> Result<Vec<Row>, ReadError> {
        let context = PostprocessorContext {
            place: &request.place,
            collection: &self.collection,
            identities: &self.person.identities,
            filter_values: &self.inputs.filter_values,
        };
        let data = postprocessor::apply(&request.postprocessors, data, context)?;
        response::rows(data).map_err(|source| ReadError::Response { place: request.place.clone(), source })
    }

    /// What `output` sees besides the row (saas-config 19.10).
    fn output_values(&self, combination: &Combination<'_>) -> ValueMap {
        let mut values = combination.output_values();
        let Person { privacy_request, custom_fields, .. } = &*self.person;
        values.insert("privacy_request", Value::Object(privacy_request.clone()), Origin::Request);
        if !custom_fields.is_empty() {
            values.insert(
                "custom_privacy_request_fields",
                Value::Object(custom_fields.clone()),
                Origin::Request,
            );
        }
        values
    }

    fn special(&self) -> SpecialValues<'_> {
        SpecialValues {
            privacy_request_id: self.person.privacy_request_id.as_str(),
            privacy_request: &self.person.privacy_request,
            custom_fields: &self.person.custom_fields,
            field_list: self.inputs.field_list.as_deref(),
            reply_to_token: None,
        }
    }

    /// The request and the combination of `unit`.
    fn find(&self, unit: usize) -> Option<(&Sequence, Combination<'_>)> {
        let Source::Requests(sequences) = &self.source else { return None };
        let mut position = unit;
        for sequence in sequences {
            match sequence.combinations.get(position) {
                Some(combination) => return Some((sequence, combination)),
                None => position = position.checked_sub(sequence.combinations.len())?,
            }
        }
        None
    }
}
