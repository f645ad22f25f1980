use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use thiserror::Error;
use url::Url;

use crate::network::{AllowedNetwork, NetworkError};
use crate::route::{RouteError, Routes};

/// What the operator decides about outgoing calls.
#[derive(Clone)]
pub struct DoorSettings {
    /// Networks that may be called although they are not public; empty by default.
    pub allow: Vec<AllowedNetwork>,
    /// Hosts whose calls go to another origin.
    pub routes: Routes,
    /// HTTP proxy for all calls that are not routed; the system's variables are never read.
    pub proxy: Option<Url>,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// Cap on one answer, counted as sent and again as unpacked; 32 MiB by default.
    pub max_response_bytes: u64,
    /// Idle connections kept open per host, for the next call; 64 by default.
    pub connections_per_host: usize,
}

/// How long the door waits for one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Finding the address, connecting and TLS.
    pub connect: Duration,
    /// Between received bytes, and until the first.
    pub read: Duration,
    /// The whole call with redirects, without waiting for budgets.
    pub total: Duration,
}

impl DoorSettings {
    /// These settings with the values of `TUTELA_EGRESS_ALLOW` (a JSON list of texts) and
    /// `TUTELA_EGRESS_ROUTES` (a JSON object of texts) in place of what the file says; `None`
    /// and empty text leave it.
    ///
    /// # Errors
    /// [`SettingsError`], which names the variable.
    pub fn with_environment(
        mut self,
        allow_json: Option<&str>,
        routes_json: Option<&str>,
    ) -> Result<Self, SettingsError> {
        if let Some(text) = given(allow_json) {
            let entries: Vec<String> = serde_json::from_str(text).map_err(|_| SettingsError::AllowShape)?;
            self.allow = entries.iter().map(|entry| entry.parse()).collect::<Result<_, NetworkError>>()?;
        }
        if let Some(text) = given(routes_json) {
            let pairs: BTreeMap<String, String> =
                serde_json::from_str(text).map_err(|_| SettingsError::RoutesShape)?;
            self.routes = Routes::parse(pairs)?;
        }
        Ok(self)
    }
}

fn given(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

impl Default for DoorSettings {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            routes: Routes::default(),
            proxy: None,
            timeouts: Timeouts::default(),
            max_response_bytes: 32 * 1024 * 1024,
            connections_per_host: 64,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_millis(3050),
            read: Duration::from_mins(1),
            total: Duration::from_mins(5),
        }
    }
}

/// Leaves out the proxy's user name and password.
impl fmt::Debug for DoorSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DoorSettings")
            .field("allow", &self.allow)
            .field("routes", &self.routes)
            .field("proxy", &self.proxy.as_ref().and_then(Url::host_str))
            .field("timeouts", &self.timeouts)
            .field("max_response_bytes", &self.max_response_bytes)
            .field("connections_per_host", &self.connections_per_host)
            .finish()
    }
}

/// Settings that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// Not a list of texts.
    #[error("`TUTELA_EGRESS_ALLOW` is not a JSON list of texts; write `[\"127.0.0.1/32\"]`")]
    AllowShape,
    /// Not an object of texts.
    #[error(
        "`TUTELA_EGRESS_ROUTES` is not a JSON object of texts; write `{{\"api.example.com\": \"http://127.0.0.1:8787\"}}`"
    )]
    RoutesShape,
    /// A bad entry of the list.
    #[error("in `TUTELA_EGRESS_ALLOW`: {0}")]
    Network(#[from] NetworkError),
    /// A bad entry of the object.
    #[error("in `TUTELA_EGRESS_ROUTES`: {0}")]
    Route(#[from] RouteError),
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    // rule: saas-config 13.8
    // rule: saas-config 27
    #[test]
    fn default_timeouts_are_those_of_the_format() {
        let timeouts = DoorSettings::default().timeouts;

        assert_eq!(timeouts.connect, Duration::from_millis(3050));
        assert_eq!(timeouts.read, Duration::from_mins(1));
    }

    #[test]
    fn environment_takes_the_place_of_the_file() {
        let file = DoorSettings { allow: vec!["10.0.0.0/8".parse().unwrap()], ..DoorSettings::default() };

        let kept = file.clone().with_environment(None, Some("  ")).unwrap();
        let replaced = file
            .with_environment(
                Some(r#"["127.0.0.1/32", "::1"]"#),
                Some(r#"{"a.example": "http://127.0.0.1:1"}"#),
            )
            .unwrap();

        assert_eq!(kept.allow, vec!["10.0.0.0/8".parse().unwrap()]);
        assert_eq!(replaced.allow, vec!["127.0.0.1/32".parse().unwrap(), "::1".parse().unwrap()]);
        assert!(replaced.routes.find(&"https://a.example/".parse().unwrap()).is_some());
    }

    #[rstest]
    #[case(Some("127.0.0.1/32"), None, "TUTELA_EGRESS_ALLOW")]
    #[case(Some(r#"{"a": "b"}"#), None, "JSON list")]
    #[case(Some(r#"["nowhere"]"#), None, "`nowhere`")]
    #[case(None, Some(r#"["a"]"#), "TUTELA_EGRESS_ROUTES")]
    #[case(None, Some(r#"{"a.example": 1}"#), "JSON object")]
    #[case(None, Some(r#"{"a.example": "x"}"#), "`a.example`")]
    fn broken_variable_is_named(
        #[case] allow: Option<&str>,
        #[case] routes: Option<&str>,
        #[case] says: &str,
    ) {
        let error = DoorSettings::default().with_environment(allow, routes).unwrap_err();

        assert!(error.to_string().contains(says), "{error}");
    }

    #[test]
    fn debug_hides_the_password_of_the_proxy() {
        let proxy = "http://user:canary@proxy.example:3128".parse().ok();

        let shown = format!("{:?}", DoorSettings { proxy, ..DoorSettings::default() });

        assert!(shown.contains("proxy.example") && !shown.contains("canary"), "{shown}");
    }
}
