//! Reaching a server: which address, with how much TLS.

use std::net::IpAddr;

use egress::{SendError, resolve_host};
use model::ConnectionKey;

use crate::address::{ServerAddress, Tls};
use crate::{Boundary, Fault};

/// What is dialled.
pub(crate) struct Dial {
    pub(crate) host: String,
    pub(crate) tls: Tls,
}

/// The addresses of the server, judged like every other address (architecture law 1), best first.
///
/// An address is dialled and not the name, so that a name server cannot answer differently the
/// second time. Where the certificate must match the name, the name is dialled: whoever answers
/// from elsewhere has no certificate for it.
pub(crate) async fn dials(
    address: &ServerAddress,
    connection: &ConnectionKey,
    boundary: &Boundary,
) -> Result<Vec<Dial>, Fault> {
    let found = resolve_host(&boundary.allow, connection, &address.host, address.port).await?;
    if let Some(own) = &boundary.own_state
        && own.port == address.port
        && address.database.as_deref() == Some(&own.database)
    {
        // Whatever opens the way to our own state counts here, so that no spelling gets past.
        let everywhere = ["0.0.0.0/0", "::/0"].map(|all| all.parse().expect("these are networks"));
        let ours = resolve_host(&everywhere, connection, &own.host, own.port).await.unwrap_or_default();
        if own.host == address.host || found.iter().any(|address| ours.contains(address)) {
            return Err(Fault::OwnState);
        }
    }
    let dials = found.into_iter().map(|socket| {
        let tls = address.tls.unwrap_or_else(|| default_tls(socket.ip()));
        let by_name = tls == Tls::VerifyFull;
        Dial { host: if by_name { address.host.clone() } else { socket.ip().to_string() }, tls }
    });
    let dials: Vec<_> = dials.collect();
    if dials.is_empty() {
        return Err(SendError::Unresolvable { host: address.host.clone() }.into());
    }
    Ok(dials)
}

/// A server in public must prove who it is; one in the own network may speak without TLS.
fn default_tls(address: IpAddr) -> Tls {
    let inside = match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    };
    if inside { Tls::Prefer } else { Tls::VerifyFull }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OwnState;

    fn address(host: &str) -> ServerAddress {
        ServerAddress {
            host: host.into(),
            port: 5432,
            username: None,
            password: None,
            database: Some("tutela".into()),
            schema: None,
            tls: None,
            root_certificate: None,
        }
    }

    fn boundary(own_state: Option<OwnState>) -> Boundary {
        Boundary {
            allow: vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()],
            own_state,
            ..Boundary::default()
        }
    }

    #[tokio::test]
    async fn own_state_is_refused_under_any_spelling_of_its_host() {
        let shop: ConnectionKey = "shop".parse().unwrap();
        let own = OwnState { host: "localhost".into(), port: 5432, database: "tutela".into() };

        let by_name = dials(&address("localhost"), &shop, &boundary(Some(own.clone()))).await;
        let by_address = dials(&address("127.0.0.1"), &shop, &boundary(Some(own.clone()))).await;
        let other = OwnState { database: "other".into(), ..own };

        assert_eq!(by_name.err(), Some(Fault::OwnState));
        assert_eq!(by_address.err(), Some(Fault::OwnState));
        assert!(dials(&address("127.0.0.1"), &shop, &boundary(Some(other))).await.is_ok());
    }

    #[tokio::test]
    async fn a_server_inside_is_refused_unless_it_is_listed() {
        let shop: ConnectionKey = "shop".parse().unwrap();

        let refused = dials(&address("10.1.2.3"), &shop, &boundary(None)).await.err().unwrap();

        assert!(refused.to_string().contains("`egress.allow`"), "{refused}");
    }

    #[test]
    fn a_public_server_must_prove_its_name() {
        assert_eq!(default_tls("8.8.8.8".parse().unwrap()), Tls::VerifyFull);
        assert_eq!(default_tls("::ffff:10.0.0.1".parse().unwrap()), Tls::Prefer);
    }
}
