use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use rstest::rstest;
use url::Url;

use super::*;

/// Answers from a list.
#[derive(Debug)]
struct Fixed(Vec<IpAddr>);

impl Lookup for Fixed {
    fn lookup<'a>(&'a self, _host: &'a str) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async { Ok(self.0.iter().map(|ip| SocketAddr::new(*ip, 0)).collect()) })
    }
}

fn guard(allow: &[&str], answers: &[&str]) -> Guard {
    let allow: Vec<AllowedNetwork> = allow.iter().map(|entry| entry.parse().unwrap()).collect();
    let answers = Fixed(answers.iter().map(|ip| ip.parse().unwrap()).collect());
    Guard::new(&allow, &"shop".parse().unwrap(), 443, Arc::new(answers))
}

// rule: saas-config 13.5
#[rstest]
#[case::public("8.8.8.8", AddressKind::Public)]
#[case::below_10("9.255.255.255", AddressKind::Public)]
#[case::above_10("11.0.0.0", AddressKind::Public)]
#[case::private_10("10.0.0.0", AddressKind::Private)]
#[case::private_10_end("10.255.255.255", AddressKind::Private)]
#[case::below_172("172.15.255.255", AddressKind::Public)]
#[case::private_172("172.16.0.0", AddressKind::Private)]
#[case::private_172_end("172.31.255.255", AddressKind::Private)]
#[case::above_172("172.32.0.0", AddressKind::Public)]
#[case::private_192("192.168.0.1", AddressKind::Private)]
#[case::below_cgnat("100.63.255.255", AddressKind::Public)]
#[case::cgnat("100.64.0.0", AddressKind::Private)]
#[case::cgnat_metadata("100.100.100.200", AddressKind::Private)]
#[case::cgnat_end("100.127.255.255", AddressKind::Private)]
#[case::above_cgnat("100.128.0.0", AddressKind::Public)]
#[case::loopback("127.0.0.1", AddressKind::Loopback)]
#[case::loopback_end("127.255.255.254", AddressKind::Loopback)]
#[case::link_local("169.254.0.1", AddressKind::LinkLocal)]
#[case::metadata("169.254.169.254", AddressKind::LinkLocal)]
#[case::container_metadata("169.254.170.2", AddressKind::LinkLocal)]
#[case::host_agent("168.63.129.16", AddressKind::Reserved)]
#[case::unspecified("0.0.0.0", AddressKind::NotOneHost)]
#[case::this_network("0.1.2.3", AddressKind::NotOneHost)]
#[case::broadcast("255.255.255.255", AddressKind::NotOneHost)]
#[case::multicast("224.0.0.1", AddressKind::NotOneHost)]
#[case::multicast_end("239.255.255.255", AddressKind::NotOneHost)]
#[case::future("240.0.0.1", AddressKind::Reserved)]
#[case::protocol("192.0.0.192", AddressKind::Reserved)]
#[case::documentation_1("192.0.2.1", AddressKind::Reserved)]
#[case::documentation_2("198.51.100.1", AddressKind::Reserved)]
#[case::documentation_3("203.0.113.1", AddressKind::Reserved)]
#[case::benchmarking("198.18.0.1", AddressKind::Reserved)]
#[case::benchmarking_end("198.19.255.255", AddressKind::Reserved)]
#[case::relay("192.88.99.1", AddressKind::Reserved)]
#[case::v6_public("2606:4700::1111", AddressKind::Public)]
#[case::v6_unspecified("::", AddressKind::NotOneHost)]
#[case::v6_loopback("::1", AddressKind::Loopback)]
#[case::v6_link_local("fe80::1", AddressKind::LinkLocal)]
#[case::v6_link_local_end("febf::1", AddressKind::LinkLocal)]
#[case::v6_site_local("fec0::1", AddressKind::Private)]
#[case::v6_unique_local("fc00::1", AddressKind::Private)]
#[case::v6_metadata("fd00:ec2::254", AddressKind::Private)]
#[case::v6_multicast("ff02::1", AddressKind::NotOneHost)]
#[case::v6_documentation("2001:db8::1", AddressKind::Reserved)]
#[case::v6_documentation_2("3fff::1", AddressKind::Reserved)]
#[case::v6_benchmarking("2001:2::1", AddressKind::Reserved)]
#[case::v6_orchid("2001:20::1", AddressKind::Reserved)]
#[case::v6_discard("100::1", AddressKind::Reserved)]
#[case::v6_segment_routing("5f00::1", AddressKind::Reserved)]
#[case::v6_unassigned("4000::1", AddressKind::Reserved)]
#[case::mapped_public("::ffff:8.8.8.8", AddressKind::Public)]
#[case::mapped_loopback("::ffff:127.0.0.1", AddressKind::Loopback)]
#[case::mapped_metadata("::ffff:a9fe:a9fe", AddressKind::LinkLocal)]
#[case::compatible("::127.0.0.1", AddressKind::Reserved)]
#[case::compatible_public("::8.8.8.8", AddressKind::Reserved)]
#[case::translated("::ffff:0:10.0.0.1", AddressKind::Reserved)]
#[case::nat64_public("64:ff9b::8.8.8.8", AddressKind::Public)]
#[case::nat64_private("64:ff9b::10.0.0.1", AddressKind::Private)]
#[case::nat64_metadata("64:ff9b::a9fe:a9fe", AddressKind::LinkLocal)]
#[case::nat64_local("64:ff9b:1::10.0.0.1", AddressKind::Reserved)]
#[case::nat64_local_public("64:ff9b:1::8.8.8.8", AddressKind::Reserved)]
#[case::six_to_four_private("2002:a00:1::1", AddressKind::Private)]
#[case::six_to_four_loopback("2002:7f00:1::", AddressKind::Loopback)]
#[case::six_to_four_public("2002:808:808::1", AddressKind::Public)]
#[case::teredo_private_client("2001:0:808:808:0:0:f5ff:fffe", AddressKind::Private)]
#[case::teredo_private_server("2001:0:a00:1:0:0:f7f7:f7f7", AddressKind::Private)]
#[case::teredo_public("2001:0:808:808:0:0:f7f7:f7f7", AddressKind::Public)]
#[case::isatap_private("2606:4700::5efe:10.0.0.1", AddressKind::Private)]
#[case::isatap_private_global("2606:4700::200:5efe:10.0.0.1", AddressKind::Private)]
fn every_address_has_its_kind(#[case] address: &str, #[case] expected: AddressKind) {
    assert_eq!(guard(&[], &[]).judge(address.parse().unwrap()), expected);
}

// rule: saas-config 13.5
#[rstest]
#[case::exact("127.0.0.1/32", "127.0.0.1", true)]
#[case::neighbour("127.0.0.1/32", "127.0.0.2", false)]
#[case::mapped("10.0.0.0/8", "::ffff:10.1.2.3", true)]
#[case::nat64("10.0.0.0/8", "64:ff9b::10.1.2.3", true)]
#[case::nat64_other("10.0.0.0/8", "64:ff9b::192.168.0.1", false)]
#[case::unique_local("fd00::/8", "fd12::1", true)]
#[case::compatible_is_another_address("127.0.0.0/8", "::127.0.0.1", false)]
#[case::port("10.0.0.0/8:443", "10.0.0.1", true)]
#[case::other_port("10.0.0.0/8:80", "10.0.0.1", false)]
#[case::connection("10.0.0.0/8@shop", "10.0.0.1", true)]
#[case::other_connection("10.0.0.0/8@other", "10.0.0.1", false)]
fn listed_network_is_opened(#[case] entry: &str, #[case] address: &str, #[case] passes: bool) {
    let kind = guard(&[entry], &[]).judge(address.parse().unwrap());

    assert_eq!(kind == AddressKind::Public, passes, "{kind}");
}

// rule: saas-config 13.5
#[rstest]
#[case("http://127.0.0.1/")]
#[case("http://127.1/")]
#[case("http://2130706433/")]
#[case("http://0x7f000001/")]
#[case("http://0177.0.0.1/")]
#[case("http://127.0.0.1./")]
#[case("http://[::1]/")]
#[case("http://[::ffff:127.0.0.1]/")]
#[case("http://[::ffff:7f00:1]/")]
#[case("http://①②⑦.0.0.1/")]
fn literal_address_is_judged_however_it_is_spelled(#[case] url: &str) {
    let url: Url = url.parse().unwrap();

    let checked = guard(&[], &[]).check_literal(url.host().as_ref());

    assert_eq!(checked, Err(GuardError::Refused { kind: AddressKind::Loopback }));
}

// rule: saas-config 13.5
#[tokio::test]
async fn only_addresses_that_passed_are_given_to_the_dialler() {
    let mixed = guard(&[], &["10.0.0.1", "8.8.8.8", "::1"]).addresses("a.example").await;
    let private = guard(&[], &["10.0.0.1", "::1"]).addresses("a.example").await;
    let none = guard(&[], &[]).addresses("a.example").await;

    assert_eq!(mixed, Ok(vec!["8.8.8.8:0".parse().unwrap()]));
    assert_eq!(private, Err(GuardError::Refused { kind: AddressKind::Private }));
    assert_eq!(none, Err(GuardError::Unresolvable));
}

#[tokio::test]
async fn name_of_this_machine_is_refused_by_its_address() {
    let guard = Guard::new(&[], &"shop".parse().unwrap(), 80, Arc::new(SystemLookup));

    let resolved = guard.addresses("localhost").await;

    assert_eq!(resolved, Err(GuardError::Refused { kind: AddressKind::Loopback }));
}

/// All IPv6 clothes an IPv4 address can wear on its way to that address.
fn clothes(address: Ipv4Addr) -> Vec<Ipv6Addr> {
    let [a, b, c, d] = address.octets().map(u16::from);
    let (high, low) = (a << 8 | b, c << 8 | d);
    vec![
        address.to_ipv6_mapped(),
        Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, high, low),
        Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
        Ipv6Addr::new(0x2001, 0, 0x808, 0x808, 0, 0, !high, !low),
        Ipv6Addr::new(0x2001, 0, high, low, 0, 0, 0xf7f7, 0xf7f7),
        Ipv6Addr::new(0x2606, 0x4700, 0, 0, 0, 0x5efe, high, low),
    ]
}

proptest! {
    #[test]
    fn no_clothes_make_a_closed_address_public(
        address in prop_oneof![
            any::<u32>(),
            (0u32..1 << 24).prop_map(|low| 10 << 24 | low),
            (0u32..1 << 24).prop_map(|low| 127 << 24 | low),
            (0u32..1 << 16).prop_map(|low| 169 << 24 | 254 << 16 | low),
            (0u32..1 << 16).prop_map(|low| 192 << 24 | 168 << 16 | low),
        ],
    ) {
        let address = Ipv4Addr::from(address);
        let guard = guard(&[], &[]);
        let known = address.is_private() || address.is_loopback() || address.is_link_local();
        let closed = guard.judge(IpAddr::V4(address)) != AddressKind::Public;

        prop_assert!(closed || !known);
        for dressed in clothes(address) {
            prop_assert!(!closed || guard.judge(IpAddr::V6(dressed)) != AddressKind::Public, "{dressed}");
        }
    }
}
