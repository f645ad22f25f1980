use model::{CallStats, RandomIds};
use serde_json::Value;
use spec::connector_file::{ParamSource, ParamValue, Request};

use crate::build::Build;
use crate::connector::Connector;
use crate::send::{Answer, CallError};
use crate::values::{SpecialValues, ValueMap};

/// What one harmless call says about a capability of the connection.
#[derive(Debug)]
pub struct Probe {
    /// The request's place in the file.
    pub place: String,
    /// What came of it.
    pub status: ProbeStatus,
}

/// Class of the answer to a probe.
#[derive(Debug)]
pub enum ProbeStatus {
    /// The application let us look, also where it knows nobody of that name (404, 410, 400, 422).
    Allowed,
    /// 401 or 403: credentials or a permission are missing.
    Denied(u16),
    /// Nothing can be said: no answer, rate limited, a fault.
    Unclear(CallError),
    /// Not sent, because the request is no `GET`.
    NotProbed,
}

/// Nobody has this address (RFC 2606).
const NOBODY: &str = "nobody@example.invalid";

impl Connector {
    /// Sends `request` of `endpoint` once for a person who does not exist.
    ///
    /// Only a `GET` is sent; connector params are filled from the secrets, identities and references
    /// with a value that belongs to nobody.
    pub async fn probe(&self, endpoint: &str, request: &Request) -> Probe {
        let place = request.place.clone();
        let is_get =
            request.target.as_ref().is_some_and(|target| target.method == spec::connector_file::Method::Get);
        if !is_get {
            return Probe { place, status: ProbeStatus::NotProbed };
        }
        Probe { place, status: self.probe_status(endpoint, request).await }
    }

    async fn probe_status(&self, endpoint: &str, request: &Request) -> ProbeStatus {
        let mut values = ValueMap::new();
        for param in &request.param_values {
            values.insert_param(param, self.harmless(param));
        }
        let empty = model::Row::new();
        let special = SpecialValues {
            privacy_request_id: "pri_probe",
            privacy_request: &empty,
            custom_fields: &empty,
            field_list: None,
            reply_to_token: None,
        };
        values.insert_special(special, self.clock().now(), &RandomIds);
        let connection = self.connection();
        let build = Build { connection, endpoint, request, params: &request.param_values, values: &values };
        let prepared = match build.prepare() {
            Ok(prepared) => prepared,
            Err(error) => return ProbeStatus::Unclear(error.into()),
        };
        let mut cost = CallStats::default();
        match self.call(&prepared, &mut cost, |_| Ok(())).await {
            Ok(Answer::Accepted(()) | Answer::Gone) => ProbeStatus::Allowed,
            Ok(Answer::Ignored(status)) => class(status, || CallError::Status {
                place: request.place.clone(),
                host: prepared.shared().client.host(),
                status,
                attempts: 1,
            }),
            Err(error) => match error.status() {
                Some(status) => class(status, || error),
                None => ProbeStatus::Unclear(error),
            },
        }
    }

    fn harmless(&self, param: &ParamValue) -> Value {
        match &param.source {
            ParamSource::Identity(kind) if kind == "phone_number" => "+10005550100".into(),
            ParamSource::Identity(_) | ParamSource::References(_) => NOBODY.into(),
            ParamSource::ConnectorParam(name) => match self.connection().secrets.find(name) {
                Some(Value::Array(items)) => items.first().cloned().unwrap_or_default(),
                other => other.cloned().unwrap_or_default(),
            },
        }
    }
}

fn class(status: u16, error: impl FnOnce() -> CallError) -> ProbeStatus {
    match status {
        401 | 403 => ProbeStatus::Denied(status),
        400 | 404 | 410 | 422 => ProbeStatus::Allowed,
        _ => ProbeStatus::Unclear(error()),
    }
}

#[cfg(test)]
mod tests;
