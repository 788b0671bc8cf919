//! Remote sources against servers and proxies that fail, lie or change their mind: right bytes or a typed error.
#![cfg(feature = "remote")]
#![allow(clippy::unwrap_used)]

mod support;

use holotype_store::{ReadAt, RemoteError, RemoteOptions, RemoteSource};
use std::time::{Duration, Instant};
use support::{Fault, Reply, Request, Server, object};

const N: usize = 20_000;

fn options() -> RemoteOptions {
    RemoteOptions::default()
        .with_restricted_allowed(true)
        .with_tail_bytes(1000)
        .with_first_backoff(Duration::from_millis(5))
        .with_stall_timeout(Duration::from_millis(400))
        .with_deadline(Duration::from_secs(3))
}

fn data() -> Vec<u8> {
    (0..N).map(|i| (i * 31 + i / 251) as u8).collect()
}

/// Opens from a server that is good for the first request and then does as told; reads 5000 bytes.
fn read_with(
    options: &RemoteOptions,
    then: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static,
) -> (Result<Vec<u8>, RemoteError>, usize) {
    let server = Server::new(
        move |request, n| {
            if n == 0 { object(&data(), "\"v1\"", request) } else { then(request, n - 1) }
        },
    );
    let source = RemoteSource::open(&server.url("/a?secret=1"), options).unwrap();
    let mut out = vec![0; 5000];
    let result = source.read_exact_at(100, &mut out);
    let result = result.map(|()| out).map_err(|e| RemoteError::of(&e).unwrap().clone());
    if let Err(error) = &result {
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    (result, server.take().len() - 1)
}

fn good(request: &Request) -> Reply {
    object(&data(), "\"v1\"", request)
}

fn wanted() -> Vec<u8> {
    data()[100..5100].to_vec()
}

#[test]
fn what_passes_is_tried_again() {
    for status in [408, 429, 500, 502, 503, 504] {
        let (result, n) = read_with(
            &options(),
            move |request, n| {
                if n < 2 { Reply::status(status) } else { good(request) }
            },
        );
        assert_eq!((result.unwrap(), n), (wanted(), 3), "status {status}");
    }
    let (result, n) =
        read_with(
            &options(),
            |request, n| {
                if n < 2 { good(request).fault(Fault::Reset) } else { good(request) }
            },
        );
    assert_eq!((result.unwrap(), n), (wanted(), 3));
}

#[test]
fn a_short_body_is_continued_where_it_ended() {
    let (result, n) = read_with(&options(), |request, n| {
        let asked = request.header("range").unwrap();
        match n {
            0 => {
                assert_eq!(asked, "bytes=100-5099");
                good(request).fault(Fault::CutAfter(1200))
            }
            1 => {
                assert_eq!(asked, "bytes=1300-5099");
                good(request).fault(Fault::CutAfter(0))
            }
            _ => good(request),
        }
    });
    assert_eq!((result.unwrap(), n), (wanted(), 3));
}

#[test]
fn attempts_are_bounded() {
    let (result, n) = read_with(&options(), |_, _| Reply::status(503));
    assert!(matches!(result, Err(RemoteError::GivenUp { n_attempts: 5, .. })));
    assert_eq!(n, 5);
}

#[test]
fn retry_after_is_kept_or_given_up_at_once() {
    let start = Instant::now();
    let (result, _) = read_with(&options(), |request, n| {
        if n == 0 { Reply::status(429).with("Retry-After", "1") } else { good(request) }
    });
    assert_eq!(result.unwrap(), wanted());
    assert!(start.elapsed() >= Duration::from_secs(1));

    let start = Instant::now();
    for when in ["3600", "Fri, 31 Dec 2100 23:59:59 GMT"] {
        let (result, n) = read_with(&options(), move |_, _| Reply::status(503).with("Retry-After", when));
        assert!(matches!(result, Err(RemoteError::GivenUp { n_attempts: 1, .. })), "{when}");
        assert_eq!(n, 1);
    }
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[test]
fn silence_and_drips_end_by_the_deadline() {
    let slow = Duration::from_secs(20);
    for fault in [Fault::StallBefore(slow), Fault::Drip(Duration::from_millis(50))] {
        let start = Instant::now();
        let (result, _) = read_with(&options(), move |request, _| good(request).fault(fault));
        assert!(matches!(result, Err(RemoteError::GivenUp { .. })), "{fault:?}: {result:?}");
        assert!(start.elapsed() < Duration::from_secs(6), "{fault:?}");
    }
}

#[test]
fn lies_are_errors_at_once() {
    type Lie = fn(&Request) -> Reply;
    let lies: [(&str, Lie); 10] = [
        ("the whole object", |_| Reply { body: data(), ..Reply::status(200).with("ETag", "\"v1\"") }),
        ("another range", |r| good(r).with("Content-Range", "bytes 101-5100/20000")),
        ("a shorter range", |r| Reply {
            body: vec![0; 10],
            ..good(r).with("Content-Range", "bytes 100-109/20000")
        }),
        ("no range", |r| good(r).without("Content-Range")),
        ("a malformed range", |r| good(r).with("Content-Range", "bytes 100-5099/*")),
        ("a longer body", |r| Reply { body: vec![1; 6000], ..good(r) }),
        ("a shorter body", |r| Reply { body: vec![1; 400], ..good(r) }),
        ("several parts", |r| {
            good(r).without("Content-Range").with("Content-Type", "multipart/byteranges; boundary=x")
        }),
        ("a compressed body", |r| good(r).with("Content-Encoding", "gzip")),
        ("a status that is none", |_| Reply::status(299)),
    ];
    for (name, lie) in lies {
        let (result, n) = read_with(&options(), move |request, _| lie(request));
        let error = result.unwrap_err();
        assert!(
            matches!(error, RemoteError::Protocol { .. } | RemoteError::Status { .. }),
            "{name}: {error}"
        );
        assert_eq!(n, 1, "{name}");
    }
    // A chunked body says no length beforehand.
    let (result, _) = read_with(&options(), |request, _| {
        let mut body = b"1770\r\n".to_vec();
        body.extend_from_slice(&[1; 6000]);
        body.extend_from_slice(b"\r\n0\r\n\r\n");
        Reply { body, ..good(request).with("Transfer-Encoding", "chunked") }
    });
    assert!(matches!(result, Err(RemoteError::Protocol { .. })), "{result:?}");
}

#[test]
fn a_replaced_object_is_noticed() {
    let replaced = || -> Vec<u8> { data().iter().map(|b| !b).collect() };
    type Change = Box<dyn Fn(&Request) -> Reply + Send + Sync>;
    let changes: Vec<(&str, Change)> = vec![
        // The server checks If-Match.
        ("412", Box::new(move |r| object(&replaced(), "\"v2\"", r))),
        // It does not, but tells its ETag.
        ("etag", Box::new(|r| good(r).with("ETag", "\"v2\""))),
        ("no etag", Box::new(|r| good(r).without("ETag"))),
        ("grown", Box::new(|r| good(r).with("Content-Range", "bytes 100-5099/20001"))),
        ("shrunk", Box::new(|_| Reply::status(416).with("Content-Range", "bytes */50"))),
    ];
    for (name, change) in changes {
        let (result, n) = read_with(&options(), move |request, _| change(request));
        assert!(matches!(result, Err(RemoteError::Changed { .. })), "{name}: {result:?}");
        assert_eq!(n, 1, "{name}");
    }
    // In the middle of a read, between two attempts.
    let (result, _) = read_with(&options(), |request, n| {
        if n == 0 { good(request).fault(Fault::CutAfter(900)) } else { object(&data(), "\"v2\"", request) }
    });
    assert!(matches!(result, Err(RemoteError::Changed { .. })));
}

#[test]
fn refusals_have_their_kinds() {
    for (status, is_right) in [
        (404, (|e| matches!(e, RemoteError::NotFound { .. })) as fn(&RemoteError) -> bool),
        (410, |e| matches!(e, RemoteError::NotFound { .. })),
        (401, |e| matches!(e, RemoteError::Denied { .. })),
        (403, |e| matches!(e, RemoteError::Denied { .. })),
        (418, |e| matches!(e, RemoteError::Status { .. })),
    ] {
        let (result, n) = read_with(&options(), move |_, _| Reply::status(status));
        assert!(is_right(&result.unwrap_err()), "{status}");
        assert_eq!(n, 1);
    }
    let xml = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>secret</Message></Error>";
    let (result, _) = read_with(&options(), move |_, _| Reply { body: xml.to_vec(), ..Reply::status(403) });
    assert!(result.unwrap_err().to_string().ends_with("AccessDenied"));
}

#[test]
fn redirects_end() {
    let (result, n) = read_with(&options(), |_, _| Reply::redirect("/a"));
    assert!(matches!(result, Err(RemoteError::Protocol { .. })), "{result:?}");
    assert_eq!(n, 6);
    for to in ["ftp://example.org/", "file:///etc/passwd", "http://me:pw@127.0.0.1/", "gopher:x", "http://"] {
        let (result, n) = read_with(&options(), move |_, _| Reply::redirect(to));
        assert!(matches!(result, Err(RemoteError::Address { .. })), "{to}: {result:?}");
        assert_eq!(n, 1);
    }
    let (result, _) = read_with(&options(), |_, _| Reply::status(302));
    assert!(matches!(result, Err(RemoteError::Address { .. })));
}
