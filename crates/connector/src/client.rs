use std::sync::Arc;

use egress::{AllowedHosts, HostMode};
use spec::DomainValidation;
use spec::connector_file::{Authentication, ClientConfig, ConnectorFile};
use thiserror::Error;
use url::Url;

use crate::fill::{FillError, Filler, Place};
use crate::values::ValueMap;

/// Where the requests of one client config go, and how they authenticate (saas-config 5).
///
/// Host and authentication stay together: a secret is only ever put into a request to the host
/// that its own client config names.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    /// Protocol, host, port and maybe a path, as text; a request's path is appended as it is.
    base: String,
    /// The same, parsed.
    origin: Url,
    /// `None` = sent without authentication.
    authentication: Option<Arc<Authentication>>,
}

/// A base URL that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ClientError {
    /// A host placeholder without a usable value.
    #[error("the host `{template}` cannot be filled in: {source}; add it to the secrets of the connection")]
    Host {
        /// The host as the file has it.
        template: String,
        /// What is wrong.
        #[source]
        source: FillError,
    },
    /// Protocol and host do not make a URL.
    #[error(
        "`{protocol}://` and the host `{template}` do not make an address; the host is a name with an optional \
         port, without `https://`, user name or spaces"
    )]
    NotAnAddress {
        /// The protocol as the file has it.
        protocol: String,
        /// The host as the file has it.
        template: String,
    },
}

impl Client {
    /// The client of `config`, its host filled in from the secrets (saas-config 5.2).
    pub(crate) fn new(config: &ClientConfig, secrets: &ValueMap) -> Result<Self, ClientError> {
        let template = config.host.source().to_owned();
        let filled = Filler::new(secrets).fill(&config.host, Place::Plain);
        let host = filled.map_err(|source| ClientError::Host { template: template.clone(), source })?.text;
        let host = host.trim();
        let protocol = config.protocol.clone();
        let bad = || ClientError::NotAnAddress { protocol: protocol.clone(), template: template.clone() };
        let stray = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '@' | '?' | '#' | '\\');
        if host.is_empty() || host.starts_with('/') || host.contains(stray) || host.contains("://") {
            return Err(bad());
        }
        let base = format!("{protocol}://{host}");
        let origin = Url::parse(&base).map_err(|_| bad())?;
        if !matches!(origin.scheme(), "http" | "https") || origin.host_str().is_none_or(str::is_empty) {
            return Err(bad());
        }
        Ok(Self { base, origin, authentication: config.authentication.clone().map(Arc::new) })
    }

    /// The same host without authentication, as token requests use it (saas-config 6.20).
    pub(crate) fn without_authentication(self) -> Self {
        Self { authentication: None, ..self }
    }

    /// How requests prove who asks.
    pub(crate) fn authentication(&self) -> Option<&Authentication> {
        self.authentication.as_deref()
    }

    /// Host, with the port if one is given.
    pub(crate) fn host(&self) -> String {
        let host = self.origin.host_str().unwrap_or_default();
        self.origin.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Protocol, host and port.
    pub(crate) fn origin(&self) -> String {
        self.origin.origin().ascii_serialization()
    }

    /// The URL of `path_and_query`, which is appended as it is (saas-config 5.3). `None` if that
    /// would lead to another host.
    pub(crate) fn url(&self, path_and_query: &str) -> Option<Url> {
        let url = Url::parse(&format!("{}{path_and_query}", self.base)).ok()?;
        self.owns(&url).then_some(url)
    }

    /// Whether `url` leads to this client's own protocol, host and port, without a user name.
    pub(crate) fn owns(&self, url: &Url) -> bool {
        url.scheme() == self.origin.scheme()
            && url.host_str() == self.origin.host_str()
            && url.port_or_known_default() == self.origin.port_or_known_default()
            && url.username().is_empty()
            && url.password().is_none()
    }
}

/// The hosts that the file allows its requests to reach (saas-config 13.6).
pub(crate) fn allowed_hosts(file: &ConnectorFile, validation: DomainValidation) -> AllowedHosts {
    let mode = match validation {
        DomainValidation::Enabled => HostMode::Enabled,
        DomainValidation::Monitor => HostMode::Monitor,
        DomainValidation::Disabled => HostMode::Disabled,
    };
    let lists: Vec<&Vec<String>> = file
        .connector_params
        .iter()
        .filter(|param| param.is_endpoint)
        .filter_map(|param| param.allowed_values.as_ref())
        .collect();
    if lists.iter().any(|list| list.is_empty()) {
        return AllowedHosts::default();
    }
    AllowedHosts::new(lists.into_iter().flatten(), mode)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;
    use spec::template::Template;

    use super::*;
    use crate::Secrets;

    fn client(host: &str, secrets: &[(&str, &str)]) -> Result<Client, ClientError> {
        let config =
            ClientConfig { protocol: "https".into(), host: Template::parse(host), authentication: None };
        let secrets = Secrets::new(secrets.iter().map(|(n, v)| ((*n).to_owned(), json!(v))).collect());
        Client::new(&config, secrets.as_values())
    }

    // rule: saas-config 5.2
    #[test]
    fn host_placeholder_without_value_fails_before_sending() {
        let error = client("<region>.acme.test", &[]).unwrap_err();

        assert!(error.to_string().contains("`region`"), "{error}");
    }

    // rule: saas-config 5.2
    // rule: saas-config 5.3
    #[test]
    fn path_is_appended_as_it_is() {
        let client = client("<domain>/base", &[("domain", "api.acme.test:8443")]).unwrap();

        assert_eq!(client.url("/v1/x?y=1").unwrap().as_str(), "https://api.acme.test:8443/base/v1/x?y=1");
        assert_eq!(client.host(), "api.acme.test:8443");
    }

    #[rstest]
    #[case("https://api.acme.test")]
    #[case("user@api.acme.test")]
    #[case("api.acme.test?x=")]
    #[case("api acme.test")]
    #[case("")]
    #[case("/api")]
    fn host_that_is_more_than_a_host_is_refused(#[case] domain: &str) {
        assert!(matches!(client("<domain>", &[("domain", domain)]), Err(ClientError::NotAnAddress { .. })));
    }

    #[rstest]
    #[case(".evil.test/x")]
    #[case("@evil.test/x")]
    #[case(":8443/x")]
    fn path_that_would_change_the_host_makes_no_url(#[case] path: &str) {
        let client = client("api.acme.test", &[]).unwrap();

        assert_eq!(client.url(path), None);
        assert!(client.url("/x").is_some());
    }

    // rule: saas-config 13.6
    #[rstest]
    #[case("[api.acme.test]", false)]
    #[case("[]", true)]
    fn only_hosts_of_endpoint_params_are_allowed_unless_one_list_is_open(
        #[case] other: &str,
        #[case] permits: bool,
    ) {
        let text = format!(
            "saas_config:\n  fides_key: acme\n  name: Acme\n  type: acme\n  description: x\n  version: 1.0.0\n  \
             connector_params:\n    - {{name: domain, type: endpoint, allowed_values: ['*.acme.test']}}\n    \
             - {{name: other, type: endpoint, allowed_values: {other}}}\n  client_config: {{protocol: https, host: \
             <domain>}}\n  test_request: {{method: GET, path: /<other>}}\n  endpoints: []\n"
        );
        let checked =
            spec::check_connector(&spec::SourceFile::new("a.yml", text), &spec::CheckOptions::default());

        let allowed = allowed_hosts(&checked.value.unwrap(), DomainValidation::Enabled);

        assert!(allowed.permits("eu.acme.test"));
        assert_eq!(allowed.permits("evil.test"), permits);
    }
}
