use std::collections::HashMap;
use std::sync::Arc;

use thiserror::Error;
use url::Url;

/// Where calls to a host really go: `host` or `host:port` → another origin.
///
/// For sandboxes, tests and gateways. The request keeps its original `Host` header; the guard
/// judges the address of the target, and TLS is that of the target, too. Routed calls do not
/// pass `egress.proxy`.
#[derive(Debug, Clone, Default)]
pub struct Routes {
    targets: Arc<HashMap<String, Url>>,
}

impl Routes {
    /// Routes from pairs of host and origin, as in `api.example.com` → `http://127.0.0.1:8787`.
    ///
    /// # Errors
    /// [`RouteError`] for a host with scheme or path, or an origin with more than scheme, host
    /// and port.
    pub fn parse(
        pairs: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<str>)>,
    ) -> Result<Self, RouteError> {
        let mut targets = HashMap::new();
        for (host, origin) in pairs {
            let (host, origin) = (host.as_ref().trim(), origin.as_ref().trim());
            targets.insert(parse_host(host)?, parse_origin(host, origin)?);
        }
        Ok(Self { targets: Arc::new(targets) })
    }

    /// Whether there are no routes.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// `url` with the origin its host is routed to; `None` if it goes where it says.
    /// The entry with a port wins over the one without.
    pub(crate) fn find(&self, url: &Url) -> Option<Url> {
        if self.targets.is_empty() {
            return None;
        }
        let host = url.host_str()?;
        let with_port = url.port_or_known_default().map(|port| format!("{host}:{port}"));
        let target = with_port.and_then(|key| self.targets.get(&key)).or_else(|| self.targets.get(host))?;
        let mut routed = target.clone();
        routed.set_path(url.path());
        routed.set_query(url.query());
        Some(routed)
    }
}

/// The host as `url` would write it, so that spelling does not matter.
fn parse_host(host: &str) -> Result<String, RouteError> {
    let error = || RouteError::Host { host: host.to_owned() };
    if host.is_empty() || host.contains(['/', '@', '?', '#']) {
        return Err(error());
    }
    // A scheme without a default port keeps the port that was written, and only that.
    let url = Url::parse(&format!("http://{host}")).map_err(|_| error())?;
    let name = url.host_str().ok_or_else(error)?;
    let written = host.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    Ok(match url.port().or(written.filter(|port| *port == 80)) {
        Some(port) => format!("{name}:{port}"),
        None => name.to_owned(),
    })
}

fn parse_origin(host: &str, origin: &str) -> Result<Url, RouteError> {
    let error = || RouteError::Origin { host: host.to_owned() };
    let url = Url::parse(origin).map_err(|_| error())?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let anonymous = url.username().is_empty() && url.password().is_none();
    if !matches!(url.scheme(), "http" | "https") || !bare || !anonymous {
        return Err(error());
    }
    Ok(url)
}

/// A route that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RouteError {
    /// The left side is not a host.
    #[error("`{host}` in `egress.routes` is not a host; write `api.example.com` or `api.example.com:8443`")]
    Host {
        /// As written.
        host: String,
    },
    /// The right side is not an origin.
    #[error(
        "the route of `{host}` in `egress.routes` does not lead to an origin; write `http://127.0.0.1:8787`, without path"
    )]
    Origin {
        /// The left side.
        host: String,
    },
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://api.example.com/a/b?c=d", Some("http://127.0.0.1:8787/a/b?c=d"))]
    #[case("https://API.example.com:9/a%2Fb", Some("http://127.0.0.1:8787/a%2Fb"))]
    #[case("https://api.example.com:8443/", Some("https://gateway.example/"))]
    #[case("http://plain.example/", Some("http://127.0.0.1:1/"))]
    #[case("https://plain.example/", None)]
    #[case("https://other.example/", None)]
    fn route_changes_the_origin_and_nothing_else(#[case] url: &str, #[case] expected: Option<&str>) {
        let routes = Routes::parse([
            ("api.example.com", "http://127.0.0.1:8787"),
            ("api.example.com:8443", "https://gateway.example"),
            ("plain.example:80", "http://127.0.0.1:1"),
        ])
        .unwrap();

        let routed = routes.find(&url.parse().unwrap());

        assert_eq!(routed.as_ref().map(Url::as_str), expected);
    }

    #[rstest]
    #[case("https://api.example.com", "http://127.0.0.1", "`https://api.example.com`")]
    #[case("", "http://127.0.0.1", "not a host")]
    #[case("a.example", "127.0.0.1:80", "does not lead to an origin")]
    #[case("a.example", "http://127.0.0.1/path", "without path")]
    #[case("a.example", "http://user:canary@127.0.0.1", "without path")]
    #[case("a.example", "ftp://127.0.0.1", "does not lead to an origin")]
    fn nonsense_is_refused(#[case] host: &str, #[case] origin: &str, #[case] says: &str) {
        let error = Routes::parse([(host, origin)]).unwrap_err();

        assert!(error.to_string().contains(says), "{error}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}
