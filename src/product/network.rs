//! Networks: which hosts everybody can reach, and which only those of their own network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What names end with that no public look-up knows: RFC 6761, 6762 and 8375, and what ICANN keeps
/// for private use or will never hand out. `.example` is for documents, and left to them.
const PRIVATE_ENDS: [&str; 10] = ["localhost", "local", "test", "invalid", "internal", "home.arpa", "lan", "corp", "home", "localdomain"];

/// Whether only its own network can reach a host, a name or an IPv4 number as addresses write them:
/// names without a dot or with an end of their own, and numbers of private networks.
pub fn is_private_host(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    // Numbers have spellings of their own, such as `0x7f.1`.
    let last = name.rsplit('.').next().unwrap_or_default();
    if last.starts_with(|first: char| first.is_ascii_digit())
        && let Ok(url::Host::Ipv4(number)) = url::Host::parse(name)
    {
        return is_private(number.into());
    }
    let ends_with = |end: &&str| {
        let (front, tail) = name.split_at_checked(name.len().saturating_sub(end.len())).unwrap_or_default();
        front.ends_with('.') && tail.eq_ignore_ascii_case(end)
    };
    !name.contains('.') || PRIVATE_ENDS.iter().any(ends_with)
}

/// Whether a name is one of this machine.
pub fn is_local_name(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

/// Whether a number is not one of the public internet.
pub fn is_private(number: IpAddr) -> bool {
    match number {
        IpAddr::V4(number) => is_private_v4(number),
        IpAddr::V6(number) => is_private_v6(number),
    }
}

fn is_private_v4(number: Ipv4Addr) -> bool {
    let [a, b, c, _] = number.octets();
    number.is_private()
        || number.is_loopback()
        || number.is_link_local()
        || number.is_multicast()
        || number.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b))
}

fn is_private_v6(number: Ipv6Addr) -> bool {
    let parts = number.segments();
    let embedded = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match parts {
        // IPv4 in IPv6 clothes: mapped, compatible, NAT64, 6to4.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => is_private_v4(embedded(high, low)),
        [0x2002, high, low, ..] => is_private_v4(embedded(high, low)),
        // Only this eighth of all addresses is handed out to the public.
        [first, ..] => first & 0xe000 != 0x2000 || (first == 0x2001 && parts[1] == 0xdb8),
    }
}

#[cfg(test)]
mod tests {
    use super::{is_private, is_private_host};

    #[test]
    fn numbers_of_private_networks() {
        for number in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::1",
            "::",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "64:ff9b:1::1",
        ] {
            assert!(is_private(number.parse().expect("a number")), "{number}");
        }
        for number in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"] {
            assert!(!is_private(number.parse().expect("a number")), "{number}");
        }
    }

    #[test]
    fn hosts_that_only_their_own_network_knows() {
        for host in [
            "localhost",
            "LOCALHOST.",
            "shop.localhost",
            "magento",
            "2shop",
            "shop.local",
            "shop.Test",
            "wiki.corp",
            "nas.home.arpa",
            "127.0.0.1",
            "0x7f.1",
            "192.168.0.10",
            "10.0.0.1.",
        ] {
            assert!(is_private_host(host), "{host}");
        }
        for host in ["shop.example", "local.shop.example", "mylocal.com", "8.8.8.8", "bücher.example", "a.b", "internal.de"] {
            assert!(!is_private_host(host), "{host}");
        }
    }
}
