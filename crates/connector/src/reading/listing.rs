//! Lists that are about no person: accounts, groups, what they may do, events (architecture §5).
//!
//! A listing is one request, filled from the settings of the connection and from what is bound. Its items
//! are what the application sent. What a list does not hold counts as gone, so nothing but an empty list
//! is taken for one.

mod item_reader;
mod item_text;
mod one;
mod steps;

use std::sync::{Arc, OnceLock};

use crypto::PartsHash;
use jiff::Timestamp;
use serde_json::Value;
use spec::connector_file::{ParamSource, Postprocessor, Request, Wanted};

use super::paging::Paging;
use super::unit_hash::{self, SameIds};
use super::{PageMark, ReadError, ResumePoint, later};
use crate::bound::{Bound, SecretForm};
use crate::build::{Build, BuildError, Prepared};
use crate::connector::Connector;
use crate::pagination::{Pager, PagerSettings, PaginationError};
use crate::postprocessor::{self, PostprocessorContext};
use crate::response;
use crate::send::CallError;
use crate::values::ValueMap;

pub use item_reader::{ItemPage, ItemReader};
pub use item_text::ItemText;
pub(crate) use steps::Steps;

/// One list, checked and not yet sent. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Listing {
    parts: Arc<Parts>,
}

/// What failing statuses of a list mean.
#[derive(Debug, Clone, Default)]
pub struct ListAnswers {
    /// These mean that the plan or the token does not allow the list, on whichever page they come, and
    /// whatever else the file says about them: [`ReadError::Unavailable`], at once.
    pub unavailable: Vec<u16>,
    /// What the credentials must be allowed to do, in the application's words: said where 401 or 403 is
    /// an error.
    pub requires: Option<String>,
}

/// What the readers of a listing share.
#[derive(Debug)]
struct Parts {
    connector: Connector,
    place: String,
    request: Arc<Request>,
    values: ValueMap,
    answers: ListAnswers,
    prepared: Prepared,
    started: Timestamp,
    hash: OnceLock<[u8; 32]>,
}

impl Connector {
    /// Prepares the reading of a list; nothing is sent. `place` is its name for logs and budgets, such as
    /// `governance.user`.
    ///
    /// # Errors
    /// [`ReadError`] if it cannot be read as the file describes it with these values. A query param that
    /// lacks a bound value is one: without it the list would be another.
    pub fn list(
        &self,
        (request, place): (&Request, &str),
        bound: &Bound,
        answers: ListAnswers,
    ) -> Result<Listing, ReadError> {
        check(request)?;
        let connector = self.clone();
        let started = connector.clock().now();
        let values = connector.bound_values(request, bound, SecretForm::Open);
        let prepared = prepare(&connector, (request, place), &values)?.with_unavailable(&answers.unavailable);
        let (request, place) = (Arc::new(request.clone()), place.to_owned());
        let hash = OnceLock::new();
        let parts = Parts { connector, place, request, values, answers, prepared, started, hash };
        parts.paging()?;
        Ok(Listing { parts: Arc::new(parts) })
    }
}

impl Listing {
    /// Opens it at its beginning.
    pub fn open(&self) -> ItemReader {
        ItemReader::new(Arc::clone(&self.parts))
    }

    /// Opens it at the page that `point` leads to; `marks` are those of the pages before it. `None` if
    /// the point is not one of this list as it is now, because the file or a value has changed: then it
    /// is read from its beginning.
    pub fn open_at(
        &self,
        point: &ResumePoint,
        marks: impl IntoIterator<Item = PageMark>,
    ) -> Option<ItemReader> {
        ItemReader::resumed(Arc::clone(&self.parts), point, marks)
    }

    /// Stands for what the list asks, as [`super::Reading::unit_hash`] does: the request in the file, and
    /// its first call without authentication. Time and chance have no part in it, bound moments have.
    pub fn hash(&self) -> [u8; 32] {
        self.parts.hash()
    }
}

impl Parts {
    fn paging(&self) -> Result<Paging, PaginationError> {
        let settings = PagerSettings {
            request: &self.request,
            secrets: &self.connector.connection().secrets,
            settings: self.connector.settings(),
            started: self.started,
        };
        let prepared = self.prepared.clone();
        let body = prepared.shared().body.as_deref().unwrap_or_default();
        let pager = Pager::new(settings, &prepared.shared().method, body)?;
        Ok(Paging { request: Arc::clone(&self.request), prepared, pager })
    }

    fn hash(&self) -> [u8; 32] {
        *self.hash.get_or_init(|| {
            let mut hash = PartsHash::new();
            hash.add(&self.place);
            hash.add(unit_hash::of_request(&self.request));
            let same = if self.prepared.shared().lasts { None } else { self.prepare_same() };
            unit_hash::add_call(&mut hash, same.as_ref().unwrap_or(&self.prepared));
            hash.finish()
        })
    }

    /// The call without time and chance. `None` cannot be: it was built before, from values of the same kind.
    fn prepare_same(&self) -> Option<Prepared> {
        let mut values = self.values.clone();
        values.insert_chance(Timestamp::UNIX_EPOCH, &SameIds);
        prepare(&self.connector, (&self.request, &self.place), &values).ok()
    }

    /// The items in an answer, after the request's postprocessors.
    fn items(&self, json: Value) -> Result<Vec<Value>, ReadError> {
        let request = &self.request;
        let mut data = match &request.data_path {
            Some(path) => response::take(path, json),
            None => json,
        };
        let no_items = |source| ReadError::Response { place: request.place.clone(), source };
        let context = PostprocessorContext {
            place: &request.place,
            collection: &self.place,
            identities: &model::Identities::default(),
            filter_values: &std::collections::HashMap::default(),
        };
        for step in &request.postprocessors {
            if let Postprocessor::Unwrap { data_path } = step {
                response::check_unwrap(data_path, &data).map_err(no_items)?;
            }
            data = postprocessor::apply(std::slice::from_ref(step), data, context)?;
        }
        response::items(data).map_err(no_items)
    }

    /// An error as somebody who asks for a list has to hear it.
    fn told(&self, error: CallError) -> ReadError {
        let place = || self.prepared.place().to_owned();
        match (error.status(), &self.answers.requires) {
            (Some(status), _) if self.prepared.means_unavailable(status) => {
                ReadError::Unavailable { place: place(), status }
            }
            (Some(status @ (401 | 403)), Some(requires)) => {
                ReadError::Denied { place: place(), status, requires: requires.clone() }
            }
            (Some(_) | None, _) => error.into(),
        }
    }
}

fn prepare(
    connector: &Connector,
    (request, place): (&Request, &str),
    values: &ValueMap,
) -> Result<Prepared, BuildError> {
    let build = Build {
        connection: connector.connection(),
        endpoint: place,
        request,
        params: &request.param_values,
        values,
    };
    if connector.door().heeds_hints() { build.prepare() } else { build.prepare_without_hints() }
}

/// Refuses what has no meaning without a person or rows; read over, it would change what is listed.
fn check(request: &Request) -> Result<(), ReadError> {
    let person = request.param_values.iter().find_map(|param| match &param.source {
        ParamSource::Identity(_) => Some("identity"),
        ParamSource::References(_) => Some("references"),
        ParamSource::ConnectorParam(_) => None,
    });
    let wanted = request.postprocessors.iter().find_map(|step| match step {
        Postprocessor::Filter(filter) => match &filter.wanted {
            Wanted::Identity(_) => Some("identity"),
            Wanted::DatasetReference(_) => Some("dataset_reference"),
            Wanted::Text(_) => None,
        },
        Postprocessor::Unwrap { .. } | Postprocessor::ExtractForExecutionLog { .. } => None,
    });
    let script = request.script.as_ref().map(|_| "script");
    let output = request.output.as_ref().map(|_| "output");
    let when = request.when.as_ref().map(|_| "when");
    match person.or(wanted).or(script).or(output).or(when) {
        Some(key) => Err(ReadError::NotSupported { place: request.place.clone(), key }),
        None if request.async_config.is_some() => Err(later::not_here(request)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
