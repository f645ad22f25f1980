use std::time::Duration;

use bytes::Bytes;
use egress::{DoorSettings, OwnService, OwnServiceCall};
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use url::Url;

use super::TraceError;
use super::span::attribute;

/// How long spans are gathered before they are sent.
const GATHER: Duration = Duration::from_secs(1);
/// The most that are sent at once.
const MOST_AT_ONCE: usize = 512;

/// Sends spans to the collector.
#[derive(Debug)]
pub(super) struct Exporter {
    service: OwnService,
    url: Url,
    headers: HeaderMap,
    resource: Value,
}

impl Exporter {
    pub(super) fn new(endpoint: &str, headers: Option<&str>, name: &str) -> Result<Self, TraceError> {
        let endpoint = endpoint.trim().trim_end_matches('/');
        let url: Url = format!("{endpoint}/v1/traces").parse().map_err(TraceError::Endpoint)?;
        // The collector stands inside, as a rule. Nobody but the operator says where, and this way out
        // leads there alone.
        let everywhere = ["0.0.0.0/0", "::/0"].into_iter().filter_map(|network| network.parse().ok());
        let settings = DoorSettings { allow: everywhere.collect(), ..DoorSettings::default() };
        let service = OwnService::new(settings, "otlp".parse()?, &url)?;
        let resource = json!({"attributes": [
            attribute("service.name", &json!(name)),
            attribute("service.version", &json!(env!("CARGO_PKG_VERSION"))),
        ]});
        Ok(Self { service, url, headers: headers_of(headers)?, resource })
    }

    /// Sends what comes, until nobody can send more.
    pub(super) async fn run(self, mut spans: mpsc::Receiver<Value>) {
        let mut gathered = Vec::new();
        let mut is_down = false;
        while spans.recv_many(&mut gathered, MOST_AT_ONCE).await > 0 {
            tokio::time::sleep(GATHER).await;
            if !spans.is_empty() && gathered.len() < MOST_AT_ONCE {
                let room = MOST_AT_ONCE - gathered.len();
                spans.recv_many(&mut gathered, room).await;
            }
            let sent = self.send(std::mem::take(&mut gathered)).await;
            if let Err(problem) = &sent
                && !is_down
            {
                tracing::warn!(problem, "traces are lost: the collector does not take them");
            }
            is_down = sent.is_err();
        }
    }

    async fn send(&self, spans: Vec<Value>) -> Result<(), String> {
        let body = json!({"resourceSpans": [{
            "resource": self.resource,
            "scopeSpans": [{ "scope": { "name": "tutela" }, "spans": spans }],
        }]});
        let call = OwnServiceCall {
            method: Method::POST,
            url: self.url.clone(),
            headers: self.headers.clone(),
            body: Bytes::from(body.to_string()),
        };
        match self.service.send(call).await {
            Ok(reply) if (200..300).contains(&reply.status) => Ok(()),
            Ok(reply) => Err(format!("status {}", reply.status)),
            Err(error) => Err(error.to_string()),
        }
    }
}

fn headers_of(text: Option<&str>) -> Result<HeaderMap, TraceError> {
    let mut headers = HeaderMap::new();
    for pair in text.into_iter().flat_map(|text| text.split(',')).filter(|pair| !pair.trim().is_empty()) {
        let (name, value) = pair.split_once('=').ok_or(TraceError::Headers)?;
        let name: HeaderName = name.trim().parse().map_err(|_| TraceError::Headers)?;
        let mut value: HeaderValue = value.trim().parse().map_err(|_| TraceError::Headers)?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_and_their_values_not_shown() {
        let headers = headers_of(Some("authorization=Bearer canary, x-tenant=a")).unwrap();

        assert_eq!(headers["authorization"], "Bearer canary");
        assert_eq!(headers["x-tenant"], "a");
        assert!(!format!("{headers:?}").contains("canary"));
        let refused = headers_of(Some("canary")).unwrap_err();
        assert!(!refused.to_string().contains("canary"), "{refused}");
    }

    #[test]
    fn an_endpoint_that_is_no_address_is_refused() {
        assert!(matches!(Exporter::new("collector", None, "tutela"), Err(TraceError::Endpoint(_))));
        assert!(Exporter::new("http://collector:4318/", None, "tutela").is_ok());
    }
}
