//! `api_key` (saas-config 6.8–6.13).

use bytes::Bytes;
use http::HeaderName;
use serde_json::Value;
use spec::connector_file::NameTemplate;
use spec::template::Template;

use super::{AuthError, Draft, credential, query_param};
use crate::build::is_form;
use crate::fill::Place;
use crate::secrets::Secrets;

/// The configuration; headers, query params and body are applied in this order.
#[derive(Clone, Copy)]
pub(super) struct ApiKey<'a> {
    pub(super) headers: &'a [NameTemplate],
    pub(super) query_params: &'a [NameTemplate],
    pub(super) body: Option<&'a Template>,
}

pub(super) fn apply(config: ApiKey<'_>, secrets: &Secrets, draft: &mut Draft) -> Result<(), AuthError> {
    if secrets.is_empty() {
        return Err(AuthError::NoSecrets);
    }
    for header in config.headers {
        let value = credential(&header.value, Place::Header, secrets)?;
        let name = HeaderName::from_bytes(header.name.as_bytes())
            .map_err(|_| AuthError::Header { name: header.name.clone() })?;
        draft.set_secret_header(&name, &value)?;
    }
    for param in config.query_params {
        query_param::apply(&param.name, &param.value, secrets, draft)?;
    }
    config.body.filter(|body| !body.is_empty()).map_or(Ok(()), |body| merge(body, secrets, draft))
}

/// Merges the configured members over those of the body, top level only (saas-config 6.12).
fn merge(template: &Template, secrets: &Secrets, draft: &mut Draft) -> Result<(), AuthError> {
    let text = credential(template, Place::Json, secrets)?;
    let Ok(Value::Object(members)) = serde_json::from_str(&text) else { return Err(AuthError::BodyMembers) };
    if draft.body.is_some() && is_form(&draft.headers) {
        return Err(AuthError::Body { found: "a form" });
    }
    let old = draft.body.as_deref().map_or(Ok(Value::Object(serde_json::Map::new())), serde_json::from_slice);
    let Ok(Value::Object(mut body)) = old else { return Err(AuthError::Body { found: "no JSON object" }) };
    for (name, value) in members {
        if let Value::String(text) = &value {
            draft.redact.push(text.clone());
        }
        body.insert(name, value);
    }
    draft.body = Some(Bytes::from(Value::Object(body).to_string()));
    Ok(())
}
