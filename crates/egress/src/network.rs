use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use model::ConnectionKey;
use thiserror::Error;

use crate::address::canonical;

/// One entry of `egress.allow`: a network the operator opens although it is not public.
///
/// `10.0.0.0/8`, `10.1.2.3`, `fd00::/8`; with a port `10.0.0.0/8:443`, `[fd00::/8]:443`; for one
/// connection only `10.0.0.0/8@warehouse`, `10.1.2.3:5432@warehouse`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedNetwork {
    network: IpNet,
    port: Option<u16>,
    connection: Option<ConnectionKey>,
}

impl AllowedNetwork {
    /// Whether this entry opens `address`.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        self.network.contains(&canonical(address))
    }

    /// Whether this entry counts for calls of `connection` to `port`.
    pub(crate) fn applies(&self, connection: &ConnectionKey, port: u16) -> bool {
        self.port.is_none_or(|own| own == port)
            && self.connection.as_ref().is_none_or(|own| own == connection)
    }

    /// Whether this entry counts for every call.
    pub(crate) fn is_general(&self) -> bool {
        self.port.is_none() && self.connection.is_none()
    }
}

impl FromStr for AllowedNetwork {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let error = || NetworkError { text: text.to_owned() };
        let (place, connection) = match text.trim().rsplit_once('@') {
            Some((place, key)) => (place, Some(key.parse().map_err(|_| error())?)),
            None => (text.trim(), None),
        };
        let (network, port) = split_port(place).ok_or_else(error)?;
        let network = parse_network(network).ok_or_else(error)?;
        let port = port.map(|port| port.parse().map_err(|_| error())).transpose()?;
        if port == Some(0) {
            return Err(error());
        }
        Ok(Self { network, port, connection })
    }
}

fn split_port(place: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = place.strip_prefix('[') {
        let (network, after) = rest.split_once(']')?;
        return match after {
            "" => Some((network, None)),
            _ => after.strip_prefix(':').map(|port| (network, Some(port))),
        };
    }
    match place.split_once(':') {
        Some((network, port)) if !port.contains(':') => Some((network, Some(port))),
        Some(_) | None => Some((place, None)),
    }
}

/// A network or a single address; IPv4 in IPv6 clothes becomes IPv4, as the dialled address does.
fn parse_network(text: &str) -> Option<IpNet> {
    let network = match text.parse::<IpNet>() {
        Ok(network) => network.trunc(),
        Err(_) => IpNet::from(text.parse::<IpAddr>().ok()?),
    };
    match network {
        IpNet::V6(v6) if v6.prefix_len() >= 96 => match canonical(IpAddr::V6(v6.network())) {
            IpAddr::V4(v4) => IpNet::new(IpAddr::V4(v4), v6.prefix_len() - 96).ok(),
            IpAddr::V6(_) => Some(network),
        },
        IpNet::V4(_) | IpNet::V6(_) => Some(network),
    }
}

/// An entry of `egress.allow` that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{text}` in `egress.allow` is not a network; write `10.0.0.0/8`, `127.0.0.1`, `10.0.0.0/8:443` or `[fd00::/8]:443`, at the end perhaps `@connection`"
)]
pub struct NetworkError {
    text: String,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("10.0.0.0/8", "10.255.0.1", true)]
    #[case("10.0.0.7/8", "10.255.0.1", true)]
    #[case("10.0.0.0/8", "11.0.0.1", false)]
    #[case("127.0.0.1", "127.0.0.1", true)]
    #[case("127.0.0.1", "127.0.0.2", false)]
    #[case("10.0.0.0/8", "::ffff:10.0.0.1", true)]
    #[case("::ffff:10.0.0.0/104", "10.0.0.1", true)]
    #[case("::1", "::1", true)]
    #[case("[fd00::/8]", "fd00:ec2::254", true)]
    #[case("fd00::/8", "fe80::1", false)]
    fn entry_opens_its_network_only(#[case] entry: &str, #[case] address: &str, #[case] expected: bool) {
        let entry: AllowedNetwork = entry.parse().unwrap();

        assert_eq!(entry.contains(address.parse().unwrap()), expected);
    }

    #[rstest]
    #[case("10.0.0.0/8", "shop", 80, true)]
    #[case("10.0.0.0/8:443", "shop", 443, true)]
    #[case("10.0.0.0/8:443", "shop", 80, false)]
    #[case("[fd00::/8]:443", "shop", 80, false)]
    #[case("10.0.0.0/8@shop", "shop", 80, true)]
    #[case("10.0.0.0/8@shop", "other", 80, false)]
    #[case("10.0.0.1:5432@shop", "shop", 5432, true)]
    #[case("10.0.0.1:5432@shop", "shop", 5433, false)]
    fn entry_counts_for_its_port_and_connection(
        #[case] entry: &str,
        #[case] connection: &str,
        #[case] port: u16,
        #[case] expected: bool,
    ) {
        let entry: AllowedNetwork = entry.parse().unwrap();

        assert_eq!(entry.applies(&connection.parse().unwrap(), port), expected);
    }

    #[rstest]
    #[case("")]
    #[case("localhost")]
    #[case("10.0.0.0/33")]
    #[case("10.0.0.0/8:")]
    #[case("10.0.0.0/8:0")]
    #[case("10.0.0.0/8:99999")]
    #[case("10.0.0.0/8@")]
    #[case("[fd00::/8")]
    #[case("http://10.0.0.1")]
    fn nonsense_is_refused_with_its_text(#[case] entry: &str) {
        let error = entry.parse::<AllowedNetwork>().unwrap_err();

        assert!(error.to_string().contains(&format!("`{entry}`")), "{error}");
        assert!(error.to_string().contains("`egress.allow`"), "{error}");
    }
}
