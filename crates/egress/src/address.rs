use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an IP address is for, as far as the guard must tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressKind {
    /// Anybody's: may be called.
    Public,
    /// This machine.
    Loopback,
    /// Private networks: RFC 1918, shared (CGNAT), unique local, site local.
    Private,
    /// The local link; also where clouds keep their instance metadata and credentials.
    LinkLocal,
    /// Not one machine, or none: unspecified, broadcast, multicast.
    NotOneHost,
    /// Set aside by the IETF or a cloud: documentation, benchmarking, reserved, transition.
    Reserved,
}

impl fmt::Display for AddressKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "a public address",
            Self::Loopback => "a loopback address",
            Self::Private => "a private address",
            Self::LinkLocal => "a link-local or metadata address",
            Self::NotOneHost => "an unspecified, broadcast or multicast address",
            Self::Reserved => "a reserved address",
        })
    }
}

/// The address that is really dialled: an IPv4 address in IPv6 clothes is the IPv4 address.
pub(crate) fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// The kind of `address` itself, without looking into what an IPv6 address may carry.
pub(crate) fn kind(address: IpAddr) -> AddressKind {
    match canonical(address) {
        IpAddr::V4(v4) => kind_v4(v4),
        IpAddr::V6(v6) => kind_v6(v6),
    }
}

/// IPv4 addresses carried inside an IPv6 address by a transition mechanism whose IPv6 side is
/// routed in public: a relay would forward to them, so each must be fit to be called.
///
/// Others (IPv4-compatible, translated, local-use NAT64) are not public to begin with.
pub(crate) fn carried(address: Ipv6Addr) -> Vec<Ipv4Addr> {
    let s = address.segments();
    let pair = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match s {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => vec![pair(high, low)], // NAT64, RFC 6052
        [0x2002, high, low, ..] => vec![pair(high, low)],               // 6to4, RFC 3056
        // Teredo, RFC 4380: the server, and the client with all bits turned.
        [0x2001, 0, high, low, _, _, client_high, client_low] => {
            vec![pair(high, low), pair(!client_high, !client_low)]
        }
        // ISATAP, RFC 5214: an interface id that says which IPv4 host to tunnel to.
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => vec![pair(high, low)],
        _ => Vec::new(),
    }
}

fn kind_v4(address: Ipv4Addr) -> AddressKind {
    match address.octets() {
        [127, ..] => AddressKind::Loopback,
        [169, 254, ..] => AddressKind::LinkLocal,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => AddressKind::Private,
        // Shared between carrier and customer, RFC 6598; one cloud keeps its metadata at
        // 100.100.100.200.
        [100, 64..=127, ..] => AddressKind::Private,
        [0 | 224..=239, ..] | [255, 255, 255, 255] => AddressKind::NotOneHost,
        // Protocol assignments (RFC 6890) and documentation.
        [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => AddressKind::Reserved,
        // 6to4 relays (withdrawn), benchmarking, future use.
        [192, 88, 99, _] | [198, 18..=19, ..] | [240..=255, ..] => AddressKind::Reserved,
        // The host's agent in one cloud, the same address on every machine.
        [168, 63, 129, 16] => AddressKind::Reserved,
        _ => AddressKind::Public,
    }
}

fn kind_v6(address: Ipv6Addr) -> AddressKind {
    if address.is_loopback() {
        return AddressKind::Loopback;
    }
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] | [0xff00..=0xffff, ..] => AddressKind::NotOneHost,
        [0xfe80..=0xfebf, ..] => AddressKind::LinkLocal,
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => AddressKind::Private,
        // Judged by the IPv4 address they carry.
        [0x64, 0xff9b, 0, 0, 0, 0, ..] | [0x2002, ..] | [0x2001, 0, ..] => AddressKind::Public,
        // 2001::/23 beside Teredo: benchmarking, ORCHID, anycast of the IETF.
        [0x2001, 0x1..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => AddressKind::Reserved,
        // Only 2000::/3 is given out; all else is reserved or local, whatever it will be called.
        [0x2000..=0x3fff, ..] => AddressKind::Public,
        _ => AddressKind::Reserved,
    }
}
