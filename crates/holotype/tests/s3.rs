//! Archives in S3, on real servers: `cargo xtask s3` starts them and runs these tests.
#![cfg(feature = "remote")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod common;

use common::noise;
use holotype::{
    Archive, Error, Metadata, ObjectOutput, Packing, RemoteError, RemoteOptions, Replace, S3Options,
    VerifyOptions, Writer, WriterOptions,
};
use std::io::{Cursor, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// The servers under test: name and endpoint.
fn servers() -> Vec<(String, String)> {
    let listed = std::env::var("HOLOTYPE_S3_SERVERS").unwrap_or_default();
    let servers: Vec<_> = listed
        .split_whitespace()
        .filter_map(|one| one.split_once('='))
        .map(|(name, endpoint)| (name.to_owned(), endpoint.to_owned()))
        .collect();
    assert!(!servers.is_empty(), "`cargo xtask s3` says where servers are");
    servers
}

fn options(endpoint: &str) -> RemoteOptions {
    let s3 = S3Options::default().with_endpoint_url(endpoint).with_region("us-east-1").with_credentials(
        "holotype",
        "holotype-secret",
        None,
    );
    RemoteOptions::default()
        .with_restricted_allowed(true)
        .with_first_backoff(Duration::from_millis(10))
        .with_s3(s3)
}

/// Sends an archive of `content`, in blocks of 64 KiB, to `address`.
fn send(address: &str, options: &RemoteOptions, replace: Replace, content: &[u8]) -> Result<(), Error> {
    let out = ObjectOutput::create(address, options, replace)?;
    let packing = Packing::default().with_block_bytes(64 << 10);
    let mut writer = Writer::new(out, WriterOptions::default().with_packing(packing))?;
    writer.pack_stream("noise", Box::new(Cursor::new(content.to_vec())), &Metadata::default())?;
    let (out, _seal) = writer.finish()?;
    out.commit()
}

fn read(archive: &Archive, offset: u64, n: usize) -> Result<Vec<u8>, Error> {
    let map = archive.file_map("noise")?;
    let mut out = vec![0; n];
    archive.read_at(&map, offset, &mut out).map(|n| out[..n].to_vec())
}

fn remote_error(error: &Error) -> Option<&RemoteError> {
    match error {
        Error::Io { source, .. } => RemoteError::of(source),
        _ => None,
    }
}

/// A relay to a server that counts requests and cuts some answers short.
struct Relay {
    endpoint: String,
    n_requests: Arc<AtomicUsize>,
    /// Bytes after which the answers on the next connections end; none for all others.
    cuts: Arc<Mutex<Vec<usize>>>,
}

impl Relay {
    fn new(endpoint: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let relay = Self {
            endpoint: format!("http://{}", listener.local_addr().unwrap()),
            n_requests: Arc::default(),
            cuts: Arc::default(),
        };
        let target = endpoint.trim_start_matches("http://").to_owned();
        let (n_requests, cuts) = (Arc::clone(&relay.n_requests), Arc::clone(&relay.cuts));
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(&target).unwrap());
                let cut = cuts.lock().unwrap().pop();
                let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let n_requests = Arc::clone(&n_requests);
                thread::spawn(move || copy(from, to, None, Some(&n_requests)));
                thread::spawn(move || copy(server, client, cut, None));
            }
        });
        relay
    }

    fn asked(&self) -> usize {
        self.n_requests.swap(0, Ordering::SeqCst)
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, cut: Option<usize>, n_requests: Option<&AtomicUsize>) {
    let mut left = cut.unwrap_or(usize::MAX);
    let mut part = vec![0; 64 << 10];
    while let Ok(n) = from.read(&mut part) {
        let now = n.min(left);
        if let Some(n_requests) = n_requests {
            let heads = part[..n].windows(11).filter(|w| *w == b" HTTP/1.1\r\n").count();
            n_requests.fetch_add(heads, Ordering::SeqCst);
        }
        left -= now;
        if n == 0 || to.write_all(&part[..now]).is_err() || left == 0 {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

#[test]
#[ignore = "needs servers: cargo xtask s3"]
fn an_archive_goes_up_in_parts_and_comes_back() {
    for (name, endpoint) in servers() {
        let options = options(&endpoint);
        // Nothing, less than a part, exactly one, several.
        for (k, n) in [0, 100_000, 8 << 20, 20 << 20].into_iter().enumerate() {
            let content = noise(k as u64, n);
            let address = format!("s3://finds/up/{k} größe.holo");
            send(&address, &options, Replace::Allow, &content).unwrap_or_else(|e| panic!("{name}: {e}"));
            let archive = Archive::open_remote(&address, &options).unwrap();
            assert!(read(&archive, 0, n).unwrap() == content, "{name}");
            assert!(archive.verify(&VerifyOptions::default()).unwrap().is_good(), "{name}");
        }
    }
}

#[test]
#[ignore = "needs servers: cargo xtask s3"]
fn what_is_there_is_replaced_only_when_asked() {
    for (name, endpoint) in servers() {
        let options = options(&endpoint);
        let address = "s3://finds/kept.holo";
        send(address, &options, Replace::Allow, b"first").unwrap();
        let Err(Error::Io { source, .. }) = send(address, &options, Replace::Never, b"second") else {
            panic!("{name}: it was replaced");
        };
        assert_eq!(source.kind(), std::io::ErrorKind::AlreadyExists, "{name}");
        let archive = Archive::open_remote(address, &options).unwrap();
        assert_eq!(read(&archive, 0, 99).unwrap(), b"first", "{name}");
    }
}

#[test]
#[ignore = "needs servers: cargo xtask s3"]
fn an_upload_that_is_given_up_leaves_nothing() {
    for (name, endpoint) in servers() {
        let options = options(&endpoint);
        let address = "s3://finds/given-up.holo";
        let mut out = ObjectOutput::create(address, &options, Replace::Never).unwrap();
        out.write_all(&noise(9, 17 << 20)).unwrap();
        drop(out);
        let error = Archive::open_remote(address, &options).unwrap_err();
        assert!(matches!(remote_error(&error), Some(RemoteError::NotFound { .. })), "{name}: {error}");
    }
}

#[test]
#[ignore = "needs servers: cargo xtask s3"]
fn requests_are_few() {
    for (name, endpoint) in servers() {
        let relay = Relay::new(&endpoint);
        let options = options(&relay.endpoint);
        let content = noise(4, 20 << 20);
        let address = "s3://finds/counted.holo";
        send(address, &options, Replace::Allow, &content).unwrap();
        // Begin, three parts, end.
        assert_eq!(relay.asked(), 5, "{name}: an upload of 20 MiB");
        let archive = Archive::open_remote(address, &options).unwrap();
        let n_open = relay.asked();
        assert!(n_open <= 2, "{name}: {n_open} to open");
        assert!(read(&archive, 3_000_003, 1 << 20).unwrap() == content[3_000_003..][..1 << 20]);
        assert_eq!(relay.asked(), 1, "{name}: a read of 1 MiB");
    }
}

#[test]
#[ignore = "needs servers: cargo xtask s3"]
fn answers_that_are_cut_are_continued() {
    for (name, endpoint) in servers() {
        let relay = Relay::new(&endpoint);
        let options = options(&relay.endpoint);
        let content = noise(5, 12 << 20);
        let address = "s3://finds/cut.holo";
        *relay.cuts.lock().unwrap() = vec![0, 40];
        send(address, &options, Replace::Allow, &content).unwrap_or_else(|e| panic!("{name}: {e}"));
        *relay.cuts.lock().unwrap() = vec![300_000, 100_000, 30];
        let archive = Archive::open_remote(address, &options).unwrap();
        assert!(read(&archive, 0, content.len()).unwrap() == content, "{name}");
        let impatient = options.clone().with_max_attempts(2);
        *relay.cuts.lock().unwrap() = vec![10; 50];
        let error = Archive::open_remote(address, &impatient).unwrap_err();
        assert!(
            matches!(remote_error(&error), Some(RemoteError::GivenUp { n_attempts: 2, .. })),
            "{name}: {error}"
        );
    }
}

#[test]
#[ignore = "needs servers: cargo xtask s3"]
fn a_replaced_object_is_noticed() {
    for (name, endpoint) in servers() {
        let options = options(&endpoint);
        let address = "s3://finds/replaced.holo";
        send(address, &options, Replace::Allow, &noise(6, 2 << 20)).unwrap();
        let archive = Archive::open_remote(address, &options).unwrap();
        send(address, &options, Replace::Allow, &noise(7, 2 << 20)).unwrap();
        let error = read(&archive, 0, 1000).unwrap_err();
        assert!(matches!(remote_error(&error), Some(RemoteError::Changed { .. })), "{name}: {error}");
    }
}

#[test]
#[ignore = "needs servers: cargo xtask s3"]
fn a_wrong_secret_is_refused_by_servers_that_look() {
    for (name, endpoint) in servers().into_iter().filter(|(name, _)| name == "s3s-fs") {
        let s3 = options(&endpoint).s3.with_credentials("holotype", "another", None);
        let wrong = options(&endpoint).with_s3(s3);
        for error in [
            send("s3://finds/denied.holo", &wrong, Replace::Allow, b"x").unwrap_err(),
            Archive::open_remote("s3://finds/denied.holo", &wrong).unwrap_err(),
        ] {
            assert!(matches!(remote_error(&error), Some(RemoteError::Denied { .. })), "{name}: {error}");
        }
    }
}
