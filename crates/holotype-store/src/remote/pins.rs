//! Names resolved once, judged, and kept: what is connected to is what was checked.

use super::RemoteOptions;
use super::restricted::restricted_range;
use crate::RemoteError;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, PoisonError};
use url::{Host, Url};

/// Addresses kept of a name.
const MAX_ADDRESSES: usize = 16;

/// Turns a name and a port into addresses; the system's resolver unless tests say otherwise.
pub type Resolve = Arc<dyn Fn(&str, u16) -> std::io::Result<Vec<SocketAddr>> + Send + Sync>;

/// The system's resolver.
pub(super) fn system() -> Resolve {
    Arc::new(|host, port| Ok((host, port).to_socket_addrs()?.collect()))
}

type Table = HashMap<(String, u16), Vec<SocketAddr>>;

/// The names of one source and their addresses.
#[derive(Clone)]
pub(super) struct Pins {
    allow_restricted: bool,
    trusted_hosts: Arc<[String]>,
    resolve: Resolve,
    table: Arc<Mutex<Table>>,
}

impl Pins {
    pub(super) fn new(options: &RemoteOptions) -> Self {
        Self {
            allow_restricted: options.allow_restricted,
            trusted_hosts: options.trusted_hosts.as_slice().into(),
            resolve: Arc::clone(&options.resolve),
            table: Arc::default(),
        }
    }

    /// Resolves the host of `url` unless that was done, and refuses it if any of its addresses is restricted.
    pub(super) fn admit(&self, url: &Url) -> Result<(), RemoteError> {
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(RemoteError::Address { address: redacted(url), rule: "the address names no host" });
        };
        let name = host.to_string();
        if self.addresses(&name, port).is_some() {
            return Ok(());
        }
        let addresses = match host {
            Host::Ipv4(ip) => vec![SocketAddr::new(ip.into(), port)],
            Host::Ipv6(ip) => vec![SocketAddr::new(ip.into(), port)],
            Host::Domain(domain) => (self.resolve)(domain, port)
                .map_err(|e| RemoteError::Unresolved { host: name.clone(), reason: e.to_string() })?,
        };
        if addresses.is_empty() {
            return Err(RemoteError::Unresolved { host: name, reason: "it has no address".into() });
        }
        let is_trusted = self.allow_restricted || self.trusted_hosts.contains(&format!("{name}:{port}"));
        for address in addresses.iter().filter(|_| !is_trusted) {
            judge(&name, address.ip())?;
        }
        // The resolver's ports are not asked for: the one that was judged is the one of the address.
        let addresses = addresses.into_iter().take(MAX_ADDRESSES);
        let addresses = addresses.map(|address| SocketAddr::new(address.ip(), port)).collect();
        self.table.lock().unwrap_or_else(PoisonError::into_inner).insert((name, port), addresses);
        Ok(())
    }

    /// The addresses a name was admitted with.
    pub(super) fn addresses(&self, host: &str, port: u16) -> Option<Vec<SocketAddr>> {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.get(&(host.to_owned(), port)).cloned()
    }
}

fn judge(host: &str, ip: IpAddr) -> Result<(), RemoteError> {
    match restricted_range(ip) {
        Some(range) => Err(RemoteError::Restricted { host: host.to_owned(), ip: ip.to_string(), range }),
        None => Ok(()),
    }
}

/// An address as it may be shown: no user, no query, no fragment.
pub(super) fn redacted(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_query(None);
    shown.set_fragment(None);
    // Fails only for addresses that cannot have a user.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn admit(url: &str, answer: &'static [&'static str]) -> Result<Pins, RemoteError> {
        let resolve: Resolve = Arc::new(move |_, port| {
            Ok(answer.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), port)).collect())
        });
        let pins = Pins::new(&RemoteOptions::default().with_resolver(resolve));
        pins.admit(&Url::parse(url).unwrap()).map(|()| pins)
    }

    #[test]
    fn every_spelling_of_a_restricted_host_is_refused() {
        for host in [
            "127.0.0.1",
            "127.1",
            "0x7f000001",
            "0x7f.1",
            "2130706433",
            "017700000001",
            "0177.0.0.1",
            "0.0.0.0",
            "0",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[0:0:0:0:0:ffff:7f00:0001]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "169.254.169.254",
            "0xa9fea9fe",
            "2852039166",
            "①②⑦.⓪.⓪.①",
            "100.64.0.1",
            "[fe80::1]",
        ] {
            let result = admit(&format!("http://{host}/a.holo"), &[]);
            assert!(matches!(result, Err(RemoteError::Restricted { .. })), "{host}");
        }
    }

    #[test]
    fn one_restricted_address_among_public_ones_is_enough() {
        assert!(admit("https://example.org/", &["8.8.8.8", "2606:4700::1111"]).is_ok());
        for answer in [&["8.8.8.8", "10.0.0.1"][..], &["::ffff:10.0.0.1"], &["127.0.0.1"]] {
            let answer: &'static [&'static str] = answer.to_vec().leak();
            assert!(matches!(admit("https://example.org/", answer), Err(RemoteError::Restricted { .. })));
        }
        assert!(matches!(admit("https://example.org/", &[]), Err(RemoteError::Unresolved { .. })));
    }

    #[test]
    fn a_name_is_resolved_once() {
        let n_calls = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&n_calls);
        // Rebinding: the second answer would be the local machine.
        let resolve: Resolve = Arc::new(move |_, port| {
            let ip = if counter.fetch_add(1, Ordering::Relaxed) == 0 { [8, 8, 8, 8] } else { [127, 0, 0, 1] };
            Ok(vec![SocketAddr::from((ip, port))])
        });
        let pins = Pins::new(&RemoteOptions::default().with_resolver(resolve));
        let url = Url::parse("https://example.org/a").unwrap();
        for _ in 0..3 {
            pins.admit(&url).unwrap();
        }
        assert_eq!(n_calls.load(Ordering::Relaxed), 1);
        assert_eq!(pins.addresses("example.org", 443), Some(vec![SocketAddr::from(([8, 8, 8, 8], 443))]));
        assert_eq!(pins.addresses("example.org", 80), None);
    }

    #[test]
    fn what_is_shown_holds_no_secret() {
        let url = Url::parse("https://me:pw@example.org/a?X-Amz-Signature=12#f").unwrap();
        assert_eq!(redacted(&url), "https://example.org/a");
    }
}
