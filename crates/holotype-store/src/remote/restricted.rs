//! Which addresses a link from a stranger must not lead to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The range that keeps an address from being reached unless restricted ones are allowed; `None` for a public one.
///
/// An IPv6 address that carries an IPv4 address is judged by that.
pub(super) fn restricted_range(ip: IpAddr) -> Option<&'static str> {
    match ip {
        IpAddr::V4(ip) => of_v4(ip),
        IpAddr::V6(ip) => of_v6(ip),
    }
}

/// The special-purpose registry of IANA (RFC 6890 and updates), and what clouds keep for their metadata.
fn of_v4(ip: Ipv4Addr) -> Option<&'static str> {
    const AZURE_WIRE_SERVER: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);
    Some(match ip.octets() {
        [0, ..] => "unspecified (0.0.0.0/8)",
        [10, ..] => "private (10.0.0.0/8)",
        [100, 64..=127, ..] => "shared by carriers (100.64.0.0/10)",
        [127, ..] => "loopback (127.0.0.0/8)",
        [169, 254, ..] => "link-local, where clouds keep metadata (169.254.0.0/16)",
        [172, 16..=31, ..] => "private (172.16.0.0/12)",
        [192, 0, 0, _] => "for protocols (192.0.0.0/24)",
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => "for documentation",
        [192, 88, 99, _] => "a 6to4 relay (192.88.99.0/24)",
        [192, 168, ..] => "private (192.168.0.0/16)",
        [198, 18..=19, ..] => "for benchmarks (198.18.0.0/15)",
        [224..=239, ..] => "multicast (224.0.0.0/4)",
        [240..=255, ..] => "reserved or broadcast (240.0.0.0/4)",
        _ if ip == AZURE_WIRE_SERVER => "a cloud's metadata (168.63.129.16)",
        _ => return None,
    })
}

fn of_v6(ip: Ipv6Addr) -> Option<&'static str> {
    let s = ip.segments();
    let embedded = |high: u16, low: u16| {
        let [[a, b], [c, d]] = [high.to_be_bytes(), low.to_be_bytes()];
        of_v4(Ipv4Addr::new(a, b, c, d))
    };
    match s {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("unspecified (::)"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("loopback (::1)"),
        // IPv4-mapped, and its translated twin.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => embedded(high, low),
        [0, 0, 0, 0, 0, 0, ..] => Some("IPv4-compatible (::/96)"),
        // NAT64 and 6to4.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => embedded(high, low),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Some("for documentation"),
        [0x2001, 0..=0x1ff, ..] => Some("for protocols (2001::/23, Teredo among them)"),
        // ISATAP: any prefix, an interface named after an IPv4 address.
        [0x2000..=0x3fff, _, _, _, 0 | 0x200, 0x5efe, high, low] => embedded(high, low),
        [0x2000..=0x3fff, ..] => None,
        [0xfc00..=0xfdff, ..] => Some("private (fc00::/7)"),
        [0xfe80..=0xfebf, ..] => Some("link-local (fe80::/10)"),
        [0xfec0..=0xfeff, ..] => Some("site-local (fec0::/10)"),
        [0xff00..=0xffff, ..] => Some("multicast (ff00::/8)"),
        _ => Some("not a global address"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restricted_in_every_spelling() {
        for ip in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "169.254.170.2",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.1.2.3",
            "::ffff:169.254.169.254",
            "::ffff:0:127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "2001::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "2001:db8::1",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
            "5f00::1",
            "2600::5efe:7f00:1",
            "2600::200:5efe:a00:1",
        ] {
            assert!(restricted_range(ip.parse().unwrap()).is_some(), "{ip}");
        }
    }

    #[test]
    fn public_addresses_pass() {
        for ip in [
            "8.8.8.8",
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.1",
            "100.63.255.255",
            "100.128.0.1",
            "126.1.1.1",
            "128.0.0.1",
            "169.253.1.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "192.167.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "64:ff9b::808:808",
            "2002:808:808::1",
            "::ffff:8.8.8.8",
            "2a00:1450:4001::1",
        ] {
            assert_eq!(restricted_range(ip.parse().unwrap()), None, "{ip}");
        }
    }
}
