use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use model::ConnectionKey;

use crate::guard::{Guard, GuardError, SystemLookup};
use crate::{AllowedNetwork, SendError};

/// The addresses of `host` that a client of another protocol than HTTP may dial for `connection`.
///
/// The same judgement as for HTTP: public addresses, and those that `allow` opens. The caller dials
/// one of the addresses given, never the name again (DNS rebinding).
///
/// # Errors
/// [`SendError::HostRefused`] if every address is refused, [`SendError::Unresolvable`] if there is
/// none.
pub async fn resolve_host(
    allow: &[AllowedNetwork],
    connection: &ConnectionKey,
    host: &str,
    port: u16,
) -> Result<Vec<SocketAddr>, SendError> {
    let guard = Guard::new(allow, connection, port, Arc::new(SystemLookup));
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let found = match literal {
        Ok(address) => match guard.judge(address) {
            crate::AddressKind::Public => Ok(vec![SocketAddr::new(address, port)]),
            kind => Err(GuardError::Refused { kind }),
        },
        Err(_) => guard.addresses(host).await,
    };
    match found {
        Ok(mut addresses) => {
            for address in &mut addresses {
                address.set_port(port);
            }
            Ok(addresses)
        }
        Err(GuardError::Refused { kind }) => {
            Err(SendError::HostRefused { host: host.to_owned(), route: None, kind })
        }
        Err(GuardError::Unresolvable) => Err(SendError::Unresolvable { host: host.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_that_is_not_listed_is_refused_and_a_listed_one_is_given() {
        let connection: ConnectionKey = "shop".parse().unwrap();
        let allow = ["127.0.0.1:5432@shop".parse().unwrap()];

        let refused = resolve_host(&[], &connection, "127.0.0.1", 5432).await.unwrap_err();
        let other_port = resolve_host(&allow, &connection, "127.0.0.1", 22).await;
        let given = resolve_host(&allow, &connection, "127.0.0.1", 5432).await.unwrap();

        assert!(matches!(refused, SendError::HostRefused { .. }), "{refused}");
        assert!(other_port.is_err());
        assert_eq!(given, ["127.0.0.1:5432".parse().unwrap()]);
    }
}
