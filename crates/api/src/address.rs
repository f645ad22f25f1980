use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use http::request::Parts;

/// Where a call comes from, as its socket says: headers that name another address are not believed,
/// so that nobody gets around a limit by sending them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Address(Option<IpAddr>);

impl Address {
    /// Of what the socket told.
    pub(crate) fn of(told: Option<&ConnectInfo<SocketAddr>>) -> Self {
        Self(told.map(|info| info.0.ip()))
    }

    /// The name that calls are counted under. Whoever has an IPv6 address has 2⁶⁴ of them, so that its
    /// network counts as one.
    pub(crate) fn name(self) -> String {
        match self.0.map(|address| address.to_canonical()) {
            Some(IpAddr::V4(address)) => address.to_string(),
            Some(IpAddr::V6(address)) => {
                let [one, two, three, four, ..] = address.segments();
                format!("{one:x}:{two:x}:{three:x}:{four:x}::/64")
            }
            None => "unknown".to_owned(),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Address {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts.extensions.get()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ipv6_counts_as_one_and_an_ipv4_address_as_itself_however_it_is_written() {
        let name = |text: &str| Address(Some(text.parse().unwrap())).name();

        assert_eq!(name("2001:db8::1"), name("2001:db8:0:0:ffff::2"));
        assert_ne!(name("2001:db8::1"), name("2001:db8:0:1::1"));
        assert_eq!(name("192.0.2.1"), name("::ffff:192.0.2.1"));
        assert_ne!(name("192.0.2.1"), name("192.0.2.2"));
    }
}
