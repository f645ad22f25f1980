use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use model::ConnectionKey;
use url::Url;

use crate::DoorSettings;
use crate::guard::{Guard, GuardError, Lookup, Unguarded};

/// The HTTP clients of one door, the only ones of the program.
///
/// Connections are pooled per client, and a pooled connection is not judged again. So calls may
/// share a client only if the same networks are open to them: one client serves all, and a
/// further one each connection or port that `egress.allow` names.
pub(crate) struct Clients {
    settings: DoorSettings,
    lookup: Arc<dyn Lookup>,
    protocol: Protocol,
    /// Built when first needed; building reads the root certificates.
    built: RwLock<HashMap<ClientKind, Guarded>>,
}

/// What is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// HTTP/1.1, or HTTP/2 where both sides know it. Waiting for bytes has a limit.
    Http,
    /// HTTP/2 alone, with TLS or without. How long a call waits, its maker decides.
    Http2,
}

/// What makes two calls need different clients.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct ClientKind {
    /// A connection or port only if an entry of `egress.allow` names one.
    special: Option<(ConnectionKey, u16)>,
    routed: bool,
}

/// A client and the guard its calls must pass.
#[derive(Clone)]
#[expect(clippy::disallowed_types, reason = "this is the one door out")]
pub(crate) struct Guarded {
    pub(crate) client: reqwest::Client,
    guard: Guard,
    proxied: bool,
}

impl Guarded {
    /// Checks what the client's own resolver does not see: addresses in the URL, and names that
    /// a proxy resolves. A name that only the proxy can resolve is left to the proxy.
    pub(crate) async fn check(&self, url: &Url) -> Result<(), GuardError> {
        self.guard.check_literal(url.host().as_ref())?;
        if !self.proxied {
            return Ok(());
        }
        match url.domain() {
            None => Ok(()),
            Some(name) => match self.guard.addresses(name).await {
                Ok(_) | Err(GuardError::Unresolvable) => Ok(()),
                Err(refused @ GuardError::Refused { .. }) => Err(refused),
            },
        }
    }
}

impl Clients {
    pub(crate) fn new(settings: DoorSettings, lookup: Arc<dyn Lookup>) -> Self {
        Self { settings, lookup, protocol: Protocol::Http, built: RwLock::default() }
    }

    /// The same, speaking `protocol`.
    pub(crate) fn speaking(self, protocol: Protocol) -> Self {
        Self { protocol, ..self }
    }

    pub(crate) fn settings(&self) -> &DoorSettings {
        &self.settings
    }

    /// The client for a call of `connection` to `url`, which is where it really goes.
    pub(crate) fn find(
        &self,
        connection: &ConnectionKey,
        url: &Url,
        routed: bool,
    ) -> Result<Guarded, reqwest::Error> {
        let port = url.port_or_known_default().unwrap_or_default();
        let general =
            self.settings.allow.iter().all(|entry| entry.is_general() || !entry.applies(connection, port));
        let special = if general { None } else { Some((connection.clone(), port)) };
        let kind = ClientKind { special, routed };
        // A poisoned lock only means that a thread died while reading or inserting: the map is whole.
        if let Some(found) = self.built.read().unwrap_or_else(PoisonError::into_inner).get(&kind) {
            return Ok(found.clone());
        }
        let made = self.build(connection, port, routed)?;
        let mut built = self.built.write().unwrap_or_else(PoisonError::into_inner);
        Ok(built.entry(kind).or_insert(made).clone())
    }

    fn build(&self, connection: &ConnectionKey, port: u16, routed: bool) -> Result<Guarded, reqwest::Error> {
        let guard = Guard::new(&self.settings.allow, connection, port, Arc::clone(&self.lookup));
        let proxied = self.settings.proxy.is_some() && !routed;
        let client = match self.builder(&guard, routed)?.build() {
            Ok(client) => client,
            // A slim container has no root certificates; without them not even plain HTTP works.
            Err(_) => self.builder(&guard, routed)?.tls_certs_only(bundled_roots()?).build()?,
        };
        Ok(Guarded { client, guard, proxied })
    }

    fn builder(&self, guard: &Guard, routed: bool) -> Result<reqwest::ClientBuilder, reqwest::Error> {
        let settings = &self.settings;
        let mut builder = reqwest::ClientBuilder::new()
            .user_agent(concat!("tutela/", env!("CARGO_PKG_VERSION")))
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            // Unpacking is done here, where both sizes can be counted.
            .no_gzip()
            .no_deflate()
            .no_brotli()
            .no_zstd()
            .connect_timeout(settings.timeouts.connect)
            .pool_max_idle_per_host(settings.connections_per_host)
            .tcp_nodelay(true);
        let proxy = settings.proxy.as_ref().filter(|_| !routed);
        builder = match proxy {
            Some(proxy) => builder
                .proxy(reqwest::Proxy::all(proxy.clone())?)
                .dns_resolver(Arc::new(Unguarded(Arc::clone(&self.lookup)))),
            None => builder.dns_resolver(Arc::new(guard.clone())),
        };
        Ok(match self.protocol {
            Protocol::Http2 => builder.http2_prior_knowledge(),
            // HTTP/2 has no `Host` beside the authority of the URL.
            Protocol::Http if routed => builder.http1_only().read_timeout(settings.timeouts.read),
            Protocol::Http => builder.read_timeout(settings.timeouts.read),
        })
    }
}

/// The root certificates this program carries, for machines that have none.
fn bundled_roots() -> Result<Vec<reqwest::Certificate>, reqwest::Error> {
    tracing::warn!("no root certificates on this machine; those built into the program are used");
    webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(|root| reqwest::Certificate::from_der(root)).collect()
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // rule: saas-config 13.7
    #[test]
    fn roots_built_in_make_a_client_where_the_machine_has_none() {
        let roots = bundled_roots().unwrap();

        assert!(roots.len() > 50);
        assert!(reqwest::ClientBuilder::new().tls_certs_only(roots).build().is_ok());
    }
}
