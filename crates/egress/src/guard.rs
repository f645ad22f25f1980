use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures::future::BoxFuture;
use model::ConnectionKey;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;
use url::Host;

use crate::address::{AddressKind, carried, kind};
use crate::network::AllowedNetwork;

/// Decides to which addresses one kind of call may go: to public ones, and to those of its
/// networks.
///
/// It is the HTTP client's resolver: the addresses it lets through are the addresses that are
/// dialled, with no second look-up between check and use (DNS rebinding).
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    networks: Arc<[AllowedNetwork]>,
    lookup: Arc<dyn Lookup>,
}

impl Guard {
    /// The guard for calls of `connection` to `port`.
    pub(crate) fn new(
        allow: &[AllowedNetwork],
        connection: &ConnectionKey,
        port: u16,
        lookup: Arc<dyn Lookup>,
    ) -> Self {
        let networks = allow.iter().filter(|entry| entry.applies(connection, port)).cloned().collect();
        Self { networks, lookup }
    }

    /// Judges one address.
    pub(crate) fn judge(&self, address: IpAddr) -> AddressKind {
        let listed = |address: IpAddr| self.networks.iter().any(|entry| entry.contains(address));
        if listed(address) {
            return AddressKind::Public;
        }
        let own = kind(address);
        let IpAddr::V6(v6) = address else { return own };
        if own != AddressKind::Public {
            return own;
        }
        carried(v6)
            .into_iter()
            .map(IpAddr::V4)
            .filter(|inner| !listed(*inner))
            .map(kind)
            .find(|kind| *kind != AddressKind::Public)
            .unwrap_or(AddressKind::Public)
    }

    /// Judges a host that is an address: no resolver is asked for those. Names pass.
    pub(crate) fn check_literal(&self, host: Option<&Host<&str>>) -> Result<(), GuardError> {
        let address = match host {
            Some(Host::Ipv4(v4)) => IpAddr::V4(*v4),
            Some(Host::Ipv6(v6)) => IpAddr::V6(*v6),
            Some(Host::Domain(_)) | None => return Ok(()),
        };
        match self.judge(address) {
            AddressKind::Public => Ok(()),
            kind => Err(GuardError::Refused { kind }),
        }
    }

    /// The addresses of `host` that may be dialled, in the order of the answer.
    pub(crate) async fn addresses(&self, host: &str) -> Result<Vec<SocketAddr>, GuardError> {
        let found = self.lookup.lookup(host).await.map_err(|_| GuardError::Unresolvable)?;
        let mut refused = None;
        let mut passed = Vec::with_capacity(found.len());
        for address in found {
            match self.judge(address.ip()) {
                AddressKind::Public => passed.push(address),
                kind => refused = refused.or(Some(kind)),
            }
        }
        match (passed.is_empty(), refused) {
            (false, _) => Ok(passed),
            (true, Some(kind)) => Err(GuardError::Refused { kind }),
            (true, None) => Err(GuardError::Unresolvable),
        }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let addresses = guard.addresses(name.as_str()).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Why an address is not dialled. Travels through the HTTP client as the source of its error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum GuardError {
    #[error("leads to {kind}")]
    Refused { kind: AddressKind },
    #[error("has no address")]
    Unresolvable,
}

/// Finds addresses; the system's resolver outside tests.
pub(crate) trait Lookup: Send + Sync + fmt::Debug {
    fn lookup<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>>;
}

/// The resolver of the operating system.
#[derive(Debug)]
pub(crate) struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.collect()) })
    }
}

/// Lets everything through: for the proxy the operator named, and for nothing else.
#[derive(Debug)]
pub(crate) struct Unguarded(pub(crate) Arc<dyn Lookup>);

impl Resolve for Unguarded {
    fn resolve(&self, name: Name) -> Resolving {
        let lookup = Arc::clone(&self.0);
        Box::pin(async move {
            let addresses = lookup.lookup(name.as_str()).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests;
