use model::ConnectorType;

use super::connector_param::external_references;
use super::request::Kind;
use super::{Finding, Lowering};
use crate::connector_file::{ConnectorFile, ConsentRequests, DisplayInfo, Request};
use crate::raw;

/// Newest version of our own keys.
const FORMAT: i64 = 1;

/// Makes the checked file. It is usable only if nothing in [`Lowering::finish`] is an error.
pub(crate) fn lower_connector(lowering: &mut Lowering<'_>, raw: raw::SaasConfig) -> ConnectorFile {
    lowering.format(raw.format);
    let fides_key = raw.fides_key.unwrap_or_default();
    let connector_type = lowering.connector_type(raw.r#type.as_deref(), &fides_key);
    let connector_params = lowering.connector_params(raw.connector_params.unwrap_or_default());
    let external_references = external_references(raw.external_references.unwrap_or_default());

    let raw_client = raw.client_config.unwrap_or_default();
    let default_retry = raw_client.retry.clone();
    let client_config = lowering.client_config("client_config", raw_client);
    lowering.default_retry = default_retry;

    let test_request = lowering.variants("test_request", raw.test_request, Kind::Test);
    let endpoints = lowering.endpoints(raw.endpoints.unwrap_or_default());
    let data_protection_request =
        lowering.variants("data_protection_request", raw.data_protection_request, Kind::DataProtection);
    let rate_limits = raw
        .rate_limit_config
        .map(|limits| lowering.rate_limits("rate_limit_config", limits))
        .unwrap_or_default();
    let consent_requests = raw.consent_requests.map(|consent| ConsentRequests {
        opt_in: lowering.consent("consent_requests.opt_in", consent.opt_in),
        opt_out: lowering.consent("consent_requests.opt_out", consent.opt_out),
    });
    lowering.verifying_endpoints(&endpoints);

    let mut file = ConnectorFile {
        fides_key,
        name: raw.name.unwrap_or_default(),
        connector_type,
        description: raw.description.unwrap_or_default(),
        version: raw.version.unwrap_or_default(),
        user_guide: raw.user_guide,
        connector_params,
        external_references,
        client_config,
        test_request,
        endpoints,
        data_protection_request,
        rate_limits,
        consent_requests,
        governance: None,
        activity: None,
        display: raw.display_info.map(display).unwrap_or_default(),
    };
    // The sections about access know the rest of the file: its settings, and which of them are secrets.
    let activity =
        raw.activity.and_then(|activity| lowering.activity(&file, raw.governance.as_ref(), activity));
    file.activity = activity.map(Box::new);
    file.governance = raw.governance.map(|section| Box::new(lowering.governance(&file, section)));
    lowering.restricted_hosts(&file.connector_params);
    file
}

impl Lowering<'_> {
    fn format(&mut self, format: Option<i64>) {
        if let Some(format) = format.filter(|format| *format != FORMAT) {
            let message = format!("`format` {format} is not known to this version, which reads {FORMAT}");
            self.error(
                "format",
                Finding::new("spec::unknown_format", message, "use a newer Tutela, or write `format: 1`"),
            );
        }
    }

    fn connector_type(&mut self, written: Option<&str>, fides_key: &str) -> ConnectorType {
        if written.is_none() && !self.is_written("type") {
            let message = format!("`type` is missing; `{fides_key}` is taken in its place");
            self.warning(
                "fides_key",
                Finding::new("spec::no_type", message, "add `type: …`, the name of the application"),
            );
        }
        ConnectorType::new(written.unwrap_or(fides_key))
    }

    fn consent(&mut self, place: &str, requests: Option<raw::OneOrMany<raw::Request>>) -> Vec<Request> {
        let items = requests.map(|requests| requests.items).unwrap_or_default();
        items
            .into_iter()
            .enumerate()
            .map(|(index, request)| self.request(&format!("{place}[{index}]"), request, Kind::Consent))
            .collect()
    }
}

fn display(raw: raw::DisplayInfo) -> DisplayInfo {
    DisplayInfo { category: raw.category, tags: raw.tags.unwrap_or_default() }
}
