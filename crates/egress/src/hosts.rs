use std::sync::{Arc, OnceLock};

use url::Url;

use crate::SendError;

/// The hosts to which a redirect may lead: the connector's own, and no others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostRule {
    hosts: Arc<[String]>,
}

impl HostRule {
    /// No redirect is followed.
    pub fn none() -> Self {
        Self::default()
    }

    /// Redirects may lead to these hosts, each `host` (any port) or `host:port`.
    pub fn only(hosts: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self { hosts: hosts.into_iter().map(|host| host.as_ref().trim().to_ascii_lowercase()).collect() }
    }

    /// Whether `url` leads to one of these hosts.
    pub fn permits(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        let with_port = url.port_or_known_default().map(|port| format!("{host}:{port}"));
        self.hosts.iter().any(|own| own == host || Some(own) == with_port.as_ref())
    }
}

/// What happens when a host matches none of the patterns (saas-config 4.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HostMode {
    /// The request is refused.
    Enabled,
    /// The request is sent and a warning is logged.
    #[default]
    Monitor,
    /// Nothing is checked.
    Disabled,
}

/// The hosts a connector may call, as its `allowed_values` say (saas-config 4.8, 13.6).
///
/// Cheap to clone; made once per connection.
#[derive(Debug, Clone, Default)]
pub struct AllowedHosts {
    patterns: Arc<[String]>,
    mode: HostMode,
    /// The first host that matched one of them; most connections call no other.
    permitted: Arc<OnceLock<String>>,
}

impl AllowedHosts {
    /// Hosts that match one of `patterns`; no patterns permit everything.
    ///
    /// A `*` stands for one or more letters, digits, `.`, `_` and `-`; the rest is literal.
    pub fn new(patterns: impl IntoIterator<Item = impl AsRef<str>>, mode: HostMode) -> Self {
        let patterns = patterns.into_iter().map(|pattern| pattern.as_ref().to_owned()).collect();
        Self { patterns, mode, permitted: Arc::default() }
    }

    /// Whether `host` (without port) matches a pattern, whatever the mode.
    pub fn permits(&self, host: &str) -> bool {
        if self.patterns.is_empty() || self.permitted.get().is_some_and(|permitted| permitted == host) {
            return true;
        }
        let permits = model::host_allowed(&self.patterns, host);
        if permits {
            self.permitted.get_or_init(|| host.to_owned());
        }
        permits
    }

    pub(crate) fn check(&self, host: &str) -> Result<(), SendError> {
        match self.mode {
            HostMode::Disabled => Ok(()),
            HostMode::Enabled | HostMode::Monitor if self.permits(host) => Ok(()),
            HostMode::Enabled => Err(SendError::HostNotAllowed { host: host.to_owned() }),
            HostMode::Monitor => {
                tracing::warn!(host, "host is not among the connector's allowed values");
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    // rule: saas-config 4.8
    #[test]
    fn empty_pattern_list_permits_everything() {
        let allowed = AllowedHosts::new(Vec::<String>::new(), HostMode::Enabled);

        assert!(allowed.check("any.example").is_ok());
    }

    // rule: saas-config 4.9
    // rule: saas-config 13.6
    #[rstest]
    #[case(HostMode::Enabled, false)]
    #[case(HostMode::Monitor, true)]
    #[case(HostMode::Disabled, true)]
    fn only_enabled_mode_refuses_a_mismatch(#[case] mode: HostMode, #[case] passes: bool) {
        let allowed = AllowedHosts::new(["api.acme.test"], mode);

        let checked = allowed.check("evil.test");

        assert_eq!(checked.is_ok(), passes);
        if let Err(error) = checked {
            assert!(error.to_string().contains("evil.test"), "{error}");
        }
    }

    // rule: saas-config 13.6
    #[test]
    fn a_host_that_was_permitted_opens_no_other() {
        let allowed = AllowedHosts::new(["*.acme.test"], HostMode::Enabled);

        for host in ["eu.acme.test", "eu.acme.test", "us.acme.test"] {
            assert!(allowed.check(host).is_ok());
        }
        for host in ["eu.acme.test.evil.test", "EU", ""] {
            assert!(allowed.check(host).is_err());
        }
    }

    #[rstest]
    #[case("https://api.acme.test/x", true)]
    #[case("https://files.acme.test:8443/x", true)]
    #[case("https://files.acme.test/x", false)]
    #[case("https://evil.test/api.acme.test", false)]
    fn redirect_rule_compares_whole_hosts(#[case] url: &str, #[case] expected: bool) {
        let rule = HostRule::only(["API.acme.test", "files.acme.test:8443"]);

        assert_eq!(rule.permits(&url.parse().unwrap()), expected);
        assert!(!HostRule::none().permits(&url.parse().unwrap()));
    }
}
