use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{UnwrittenReason, secret_mark};
use crate::build::{Prepared, Restored, is_form};
use crate::connection::Connection;

/// One write as data: what a plan shows, and what is sent.
///
/// Authentication is added when it is sent. A sensitive connector param stands in it as
/// `__secret.name__`. It holds personal data: `Debug` shows place and method only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteRequest {
    /// The request's place in the connector file.
    pub place: String,
    /// Name of its collection.
    pub endpoint: String,
    /// HTTP method.
    pub method: String,
    /// Where to, in full.
    pub url: String,
    /// Headers without authentication, in order.
    pub headers: Vec<(String, String)>,
    /// Body as sent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub body: Option<String>,
}

impl WriteRequest {
    /// `place` is that of the file, not the one for people.
    pub(crate) fn of(prepared: &Prepared, place: &str) -> Self {
        let shared = prepared.shared();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut request = Self {
            place: place.to_owned(),
            endpoint: shared.endpoint.clone(),
            method: shared.method.to_string(),
            url: prepared.url().to_string(),
            headers: shared
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
                .collect(),
            body: shared.body.as_deref().map(text),
        };
        request.compact();
        request
    }

    /// The same; a JSON body that is none is refused.
    pub(super) fn checked(prepared: &Prepared, place: &str) -> Result<Self, UnwrittenReason> {
        let shared = prepared.shared();
        let is_json = shared
            .headers
            .get(http::header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|text| text.to_ascii_lowercase().contains("json"));
        if let Some(body) = &shared.body
            && is_json
            && !is_form(&shared.headers)
            && serde_json::from_slice::<serde::de::IgnoredAny>(body).is_err()
        {
            return Err(UnwrittenReason::BodyNotJson { place: place.to_owned() });
        }
        Ok(Self::of(prepared, place))
    }

    /// Whether its headers say that the body is JSON.
    pub fn is_json(&self) -> bool {
        let is_type = |name: &str| name.eq_ignore_ascii_case(http::header::CONTENT_TYPE.as_str());
        let found = self.headers.iter().find(|(name, _)| is_type(name));
        found.is_some_and(|(_, value)| value.to_ascii_lowercase().contains("json"))
    }

    /// Gives a JSON body its compact form, which a plan can show as a value and give back as it is.
    fn compact(&mut self) {
        if self.is_json()
            && let Some(body) = &mut self.body
            && let Ok(value) = serde_json::from_str::<serde_json::Value>(body)
        {
            *body = value.to_string();
        }
    }

    /// Its parts with the secrets put back; `None` if they make no request: the data were changed.
    pub(crate) fn restore(&self, connection: &Connection) -> Option<Restored> {
        self.restore_with(connection, None)
    }

    /// The same with the token that a later answer is to bring.
    pub(crate) fn restore_with(&self, connection: &Connection, token: Option<&str>) -> Option<Restored> {
        let reveal = |text: &str, escape: fn(&str) -> String| {
            secret_mark::reveal_with(text, (connection, token), escape)
        };
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let revealed = reveal(value, str::to_owned)?;
            let mut header = HeaderValue::from_bytes(revealed.as_bytes()).ok()?;
            header.set_sensitive(revealed != *value);
            headers.append(HeaderName::from_bytes(name.as_bytes()).ok()?, header);
        }
        let escape = if is_form(&headers) { secret_mark::in_form } else { secret_mark::in_json };
        let escape = if is_plain(&headers) { str::to_owned } else { escape };
        let body = match &self.body {
            Some(body) => Some(Bytes::from(reveal(body, escape)?)),
            None => None,
        };
        let (path, query) = self.url.split_once('?').map_or((self.url.as_str(), None), |(p, q)| (p, Some(q)));
        let mut url = reveal(path, secret_mark::in_path)?;
        if let Some(query) = query {
            url.push('?');
            url.push_str(&reveal(query, secret_mark::in_form)?);
        }
        Some(Restored {
            method: Method::from_bytes(self.method.as_bytes()).ok()?,
            url: Url::parse(&url).ok()?,
            headers,
            body,
        })
    }
}

fn is_plain(headers: &HeaderMap) -> bool {
    headers
        .get(http::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|text| text.trim_start().starts_with("text/"))
}

impl fmt::Debug for WriteRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteRequest")
            .field("place", &self.place)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}
