//! Where a link may lead: no way around the guard, neither by spelling, nor by redirect, nor by names.
#![cfg(feature = "remote")]
#![allow(clippy::unwrap_used)]

mod support;

use holotype_store::{ReadAt as _, RemoteError, RemoteOptions, RemoteSource, Resolve, S3Options};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::{Reply, Server, object};

fn refused(address: &str, options: &RemoteOptions) -> bool {
    let error = RemoteSource::open(address, options).unwrap_err();
    matches!(RemoteError::of(&error), Some(RemoteError::Restricted { .. }))
}

/// The port of a server, which would answer if it were asked.
fn port(server: &Server) -> u16 {
    server.url("").rsplit(':').next().unwrap().parse().unwrap()
}

#[test]
fn a_local_server_is_not_asked_by_any_name() {
    let server = Server::of(vec![7; 100]);
    let port = port(&server);
    for host in [
        "127.0.0.1",
        "0.0.0.0",
        "localhost",
        "LOCALHOST",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
    ] {
        assert!(refused(&format!("http://{host}:{port}/a.holo"), &RemoteOptions::default()), "{host}");
    }
    assert!(server.take().is_empty());
    let allowed = RemoteOptions::default().with_restricted_allowed(true);
    assert_eq!(RemoteSource::open(&server.url("/"), &allowed).unwrap().len_bytes(), 100);
}

#[test]
fn an_endpoint_of_s3_is_judged_too() {
    let server = Server::of(vec![7; 100]);
    let s3 = S3Options::default().with_endpoint_url(server.url("")).with_anonymous(true);
    let options = RemoteOptions::default().with_s3(s3);
    assert!(refused("s3://bucket/key", &options));
    assert!(server.take().is_empty());
    let source = RemoteSource::open("s3://bucket/a key?", &options.with_restricted_allowed(true)).unwrap();
    assert_eq!(source.len_bytes(), 100);
    assert_eq!(server.take()[0].path, "/bucket/a%20key%3F");
}

/// A resolver for which every name is `ips`, one a question; the last one stays.
fn answers(ips: &'static [&'static str]) -> (Resolve, Arc<AtomicUsize>) {
    let n_asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&n_asked);
    let resolve: Resolve = Arc::new(move |_, port| {
        let n = counter.fetch_add(1, Ordering::Relaxed).min(ips.len() - 1);
        Ok(vec![SocketAddr::new(ips[n].parse().unwrap(), port)])
    });
    (resolve, n_asked)
}

#[test]
fn names_are_judged_by_what_they_resolve_to() {
    for ip in ["127.0.0.1", "10.0.0.1", "100.64.1.1", "::ffff:192.168.0.1", "fd00:ec2::254", "0.0.0.0"] {
        let (resolve, _) = answers(vec![ip].leak());
        let options = RemoteOptions::default().with_resolver(resolve);
        assert!(refused("https://innocent.example/a.holo", &options), "{ip}");
    }
}

#[test]
fn a_name_that_changes_its_mind_is_still_the_first() {
    // The second answer would be refused; there is none.
    let server = Server::of(vec![7; 5000]);
    let (resolve, n_asked) = answers(&["127.0.0.1", "192.0.2.1"]);
    let options =
        RemoteOptions::default().with_restricted_allowed(true).with_resolver(resolve).with_tail_bytes(10);
    let address = format!("http://rebinding.example:{}/", port(&server));
    let source = RemoteSource::open(&address, &options).unwrap();
    for offset in 0..20 {
        source.read_exact_at(offset * 200, &mut [0; 150]).unwrap();
    }
    assert_eq!(n_asked.load(Ordering::Relaxed), 1);
    assert_eq!(
        server.take()[0].header("host").unwrap(),
        address.trim_start_matches("http://").trim_end_matches('/')
    );
}

#[test]
fn every_hop_is_judged() {
    // Only the first host is trusted; the second is as local, and is where the redirect leads.
    let inside = Server::of(vec![7; 100]);
    let inside_url = inside.url("/latest/meta-data");
    let target = inside_url.clone();
    let outside = Server::new(move |request, _| match request.path.as_str() {
        "/ok" => object(&[7; 100], "\"v1\"", request),
        _ => Reply::redirect(target.clone()),
    });
    let allowed = RemoteOptions::default().with_restricted_allowed(true);
    assert!(RemoteSource::open(&outside.url("/hop"), &allowed).is_ok(), "the redirect works where it may");
    assert_eq!(inside.take().len(), 1);
    outside.take();

    let host = outside.url("").trim_start_matches("http://").to_owned();
    let options = RemoteOptions::default().with_trusted_host(host);
    assert_eq!(RemoteSource::open(&outside.url("/ok"), &options).unwrap().len_bytes(), 100);
    assert!(refused(&outside.url("/hop"), &options), "the second hop is judged");
    assert!(inside.take().is_empty(), "and was not asked");
}
