//! Building a request: templates, values and secrets to method, path, headers, query and body
//! (saas-config 12).

mod body;
mod error;
mod parts;
mod prepared;
mod restore;

use egress::{Limit, RecordingHints};
use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use model::Path;
use spec::connector_file::{LinkSource, Pagination, ParamSource, ParamValue, QueryValue, Request};

pub(crate) use body::is_form;
pub use error::BuildError;
pub(crate) use parts::Parts;
pub(crate) use prepared::Prepared;
use prepared::Shared;
pub(crate) use restore::Restored;

use crate::client::Client;
use crate::connection::Connection;
use crate::fill::{FillError, Filled, Filler, Place};
use crate::values::{Origin, ValueMap};

/// What a request is built from.
#[derive(Clone, Copy)]
pub(crate) struct Build<'a> {
    /// File, key and secrets.
    pub(crate) connection: &'a Connection,
    /// Name of the endpoint, for budgets and messages.
    pub(crate) endpoint: &'a str,
    /// The request of the file.
    pub(crate) request: &'a Request,
    /// Where placeholders get their values: the request's `param_values`, or nothing for requests
    /// that are filled from the secrets (saas-config 11.6).
    pub(crate) params: &'a [ParamValue],
    /// What placeholders stand for.
    pub(crate) values: &'a ValueMap,
}

impl<'a> Build<'a> {
    /// The request with everything filled in, to the host of its own client config or of the
    /// file's (saas-config 5.4).
    pub(crate) fn prepare(self) -> Result<Prepared, BuildError> {
        let client = self.client()?;
        self.prepare_for(client, Hints::Taken)
    }

    /// The same for a door that asks nobody what a recording may hold.
    pub(crate) fn prepare_without_hints(self) -> Result<Prepared, BuildError> {
        let client = self.client()?;
        self.prepare_for(client, Hints::LeftOut)
    }

    /// The same without authentication, as token requests are sent (saas-config 6.20).
    pub(crate) fn prepare_without_authentication(self) -> Result<Prepared, BuildError> {
        let client = self.client()?.without_authentication();
        self.prepare_for(client, Hints::Taken)
    }

    fn client(self) -> Result<Client, BuildError> {
        let config = self.request.client_config.as_ref().unwrap_or(&self.connection.file.client_config);
        Client::new(config, self.connection.secrets.as_values())
            .map_err(|source| BuildError::Client { place: self.place(), source })
    }

    fn prepare_for(self, client: Client, hints: Hints) -> Result<Prepared, BuildError> {
        let request = self.request;
        if let Some(name) = &request.request_override {
            return Err(BuildError::Override { place: self.place(), name: name.clone() });
        }
        if let Some(hook) = &request.script {
            return Err(BuildError::Script { place: self.place(), hook: hook.to_string() });
        }
        let Some(target) = &request.target else { return Err(BuildError::NoTarget { place: self.place() }) };
        let filler = Filler::new(self.values).for_path(&target.path);
        let mut used = Used::default();

        let path = filler.fill(&target.path, Place::Path).map_err(|source| match source {
            FillError::Missing { names } => BuildError::MissingInPath { place: self.place(), names },
            other => self.wrong_value("path", other),
        })?;
        let path = used.take(path);
        let headers = self.headers(filler, &mut used)?;
        let (query, left_out) = self.query(filler, &mut used)?;
        let body = self.body(filler, &mut used)?;
        for param in left_out {
            self.check_left_out(&param, &used)?;
        }
        let (headers, body) = body::encode(&self.place(), headers, body)?;

        let shared = Shared {
            place: self.place(),
            endpoint: self.endpoint.to_owned(),
            effect: request.effect,
            method: method(target.method),
            headers,
            body,
            client,
            limits: limits(self.connection, request),
            ignore: request.ignore_errors.clone(),
            gone: request.gone.clone(),
            retry: request.retry.clone(),
            lasts: used.changing.is_empty(),
            recording: match hints {
                Hints::Taken => self.recording(used),
                Hints::LeftOut => RecordingHints::default(),
            },
        };
        Prepared::new(shared, &prepared::path_and_query(&path, &query))
            .ok_or_else(|| BuildError::Url { place: self.place() })
    }

    /// Where the request stands, for people: the endpoint's name and the place in the file.
    fn place(self) -> String {
        if self.request.place == self.endpoint {
            return format!("`{}`", self.endpoint);
        }
        format!("`{}` ({})", self.endpoint, self.request.place)
    }

    fn wrong_value(self, part: &str, source: FillError) -> BuildError {
        BuildError::Value { place: self.place(), part: part.to_owned(), source }
    }

    /// Headers in order; one without value is left out, a repeated name keeps the last
    /// (saas-config 12.3).
    fn headers(self, filler: Filler<'_>, used: &mut Used) -> Result<HeaderMap, BuildError> {
        let mut headers = HeaderMap::new();
        for header in &self.request.headers {
            let part = format!("header `{}`", header.name);
            let value = match filler.fill(&header.value, Place::Header) {
                Ok(value) => value,
                Err(FillError::Missing { .. }) => continue,
                Err(other) => return Err(self.wrong_value(&part, other)),
            };
            let bad = || BuildError::Header { place: self.place(), name: header.name.clone() };
            let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| bad())?;
            // The door says these itself; a second opinion would let two readers disagree.
            if [HOST, CONTENT_LENGTH, TRANSFER_ENCODING].contains(&name) {
                continue;
            }
            let secret = value.secret;
            let mut value = HeaderValue::from_bytes(used.take(value).as_bytes()).map_err(|_| bad())?;
            value.set_sensitive(secret);
            headers.insert(name, value);
        }
        Ok(headers)
    }

    /// Query params in order, and those left out for want of a value (saas-config 12.4, 11.8).
    fn query(self, filler: Filler<'_>, used: &mut Used) -> Result<(Query, Vec<LeftOut>), BuildError> {
        let mut query = Query::new();
        let mut left_out = Vec::new();
        for param in &self.request.query_params {
            let value = match &param.value {
                QueryValue::Integer(number) => number.to_string(),
                QueryValue::Text(template) => match filler.fill(template, Place::Query) {
                    Ok(value) if value.removed && value.text.is_empty() => continue,
                    Ok(value) => used.take(value),
                    Err(FillError::Missing { names }) => {
                        left_out.push(LeftOut { param: param.name.clone(), names });
                        continue;
                    }
                    Err(other) => {
                        return Err(self.wrong_value(&format!("query param `{}`", param.name), other));
                    }
                },
            };
            prepared::set(&mut query, &param.name, value);
        }
        Ok((query, left_out))
    }

    fn body(self, filler: Filler<'_>, used: &mut Used) -> Result<Option<String>, BuildError> {
        let Some(template) = self.request.body.as_ref().filter(|template| !template.is_empty()) else {
            return Ok(None);
        };
        let plain = body::is_plain_text(&self.request.headers);
        match filler.fill(template, if plain { Place::Text } else { Place::Json }) {
            Ok(body) => Ok(Some(used.take(body))),
            Err(FillError::Missing { names }) => {
                Err(BuildError::MissingInBody { place: self.place(), names })
            }
            Err(other) => Err(self.wrong_value("body", other)),
        }
    }

    /// A param that would have bound the answer to the person must not silently fall away: the
    /// request would ask for everybody (the better side of saas-config 11.8). An identity may be
    /// missing where another identity stands in the same request.
    fn check_left_out(self, left_out: &LeftOut, used: &Used) -> Result<(), BuildError> {
        let binds = |name: &String| match self.declared(name) {
            Some(param) => match Origin::from(&param.source) {
                Origin::Identity => !used.identity,
                Origin::Reference | Origin::Bound(_) => true,
                Origin::Secret | Origin::Request | Origin::Special => false,
            },
            None => self.values.is_bound() && !self.is_connector_param(name),
        };
        if left_out.names.iter().any(binds) {
            let (param, names) = (left_out.param.clone(), left_out.names.clone());
            return Err(BuildError::MissingInQuery { place: self.place(), param, names });
        }
        Ok(())
    }

    /// Whether `placeholder` leads to a param of the connector.
    fn is_connector_param(self, placeholder: &str) -> bool {
        let root = placeholder.split(['.', '[']).next().unwrap_or(placeholder);
        self.connection.file.find_param(root).is_some()
    }

    /// The param value behind `placeholder`, which may be a path into it.
    fn declared(self, placeholder: &str) -> Option<&'a ParamValue> {
        let is_it = |name: &str| {
            placeholder.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.params.iter().find(|param| is_it(&param.name))
    }

    fn recording(self, used: Used) -> RecordingHints {
        let kept = self.connection.recording_keep.get(self.endpoint);
        let mut keep = kept.cloned().unwrap_or_default();
        keep.extend(paging_paths(self.request));
        let mut redact = used.changing;
        redact.extend(sensitive_values(self.connection, self.params, self.values));
        RecordingHints { substituted: used.personal, keep, redact }
    }
}

/// Whether it is noted what a recording may hold of a request.
#[derive(Clone, Copy)]
enum Hints {
    Taken,
    LeftOut,
}

/// Query params, decoded.
type Query = Vec<(String, String)>;

/// A query param without a value.
struct LeftOut {
    param: String,
    names: Vec<String>,
}

/// What went into the request so far.
#[derive(Default)]
struct Used {
    personal: Vec<String>,
    changing: Vec<String>,
    identity: bool,
}

impl Used {
    fn take(&mut self, filled: Filled) -> String {
        self.identity |= filled.identity;
        self.personal.extend(filled.personal);
        self.changing.extend(filled.changing);
        filled.text
    }
}

fn method(method: spec::connector_file::Method) -> Method {
    use spec::connector_file::Method as Spec;
    match method {
        Spec::Get => Method::GET,
        Spec::Post => Method::POST,
        Spec::Put => Method::PUT,
        Spec::Patch => Method::PATCH,
        Spec::Delete => Method::DELETE,
        Spec::Options => Method::OPTIONS,
        Spec::Head => Method::HEAD,
    }
}

/// The request's own limits, else the file's (saas-config 13.18).
fn limits(connection: &Connection, request: &Request) -> Vec<Limit> {
    let limits = request.rate_limits.as_ref().unwrap_or(&connection.file.rate_limits);
    limits
        .iter()
        .map(|limit| Limit {
            key: limit.custom_key.clone().unwrap_or_else(|| connection.key.to_string()),
            rate: limit.rate,
            period_s: limit.period.seconds(),
        })
        .collect()
}

/// Paths of the answer that paging reads; a recording keeps them.
fn paging_paths(request: &Request) -> Vec<String> {
    let text = |path: &Path| path.to_string();
    let below_data = |path: &Path| match &request.data_path {
        Some(data) => format!("{data}.{path}"),
        None => path.to_string(),
    };
    match &request.pagination {
        None | Some(Pagination::Offset { .. }) => Vec::new(),
        Some(Pagination::Link { source, has_next, .. }) => {
            let link = match source {
                LinkSource::Headers { .. } => None,
                LinkSource::Body { path } => Some(text(path)),
            };
            link.into_iter().chain(has_next.as_ref().map(text)).collect()
        }
        Some(Pagination::Cursor { field, has_next, .. }) => {
            let in_row = [Some(field), has_next.as_ref()].into_iter().flatten().map(below_data);
            in_row.chain([text(field)]).chain(has_next.as_ref().map(text)).collect()
        }
    }
}

/// Values of all that must never be shown: what this request uses under their own or a param's
/// name, and what authentication uses, which an answer may repeat.
fn sensitive_values(connection: &Connection, params: &[ParamValue], values: &ValueMap) -> Vec<String> {
    let by_param = params.iter().filter_map(|param| match &param.source {
        ParamSource::ConnectorParam(secret) => {
            connection.file.is_secret(secret).then(|| values.find_name(&param.name)).flatten()
        }
        ParamSource::Identity(_) | ParamSource::References(_) => None,
    });
    let by_name = connection.hidden().map(|(_, value)| value);
    by_param.chain(by_name).filter_map(model::text_form).collect()
}

#[cfg(test)]
mod tests;
