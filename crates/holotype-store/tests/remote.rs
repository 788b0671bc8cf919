//! Remote sources against a good server: right bytes, in as few requests as promised.
#![cfg(feature = "remote")]
#![allow(clippy::unwrap_used)]

mod support;

use holotype_store::{ReadAt, RemoteError, RemoteOptions, RemoteSource};
use std::thread;
use support::{Reply, Server, object};

fn options() -> RemoteOptions {
    RemoteOptions::default().with_restricted_allowed(true).with_tail_bytes(1000)
}

fn bytes(n: usize) -> Vec<u8> {
    (0..n as u32).flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()).take(n).collect()
}

fn error_of(result: std::io::Result<RemoteSource>) -> RemoteError {
    RemoteError::of(&result.unwrap_err()).unwrap().clone()
}

#[test]
fn opening_asks_once_and_a_range_asks_once() {
    let data = bytes(3 << 20);
    let server = Server::of(data.clone());
    let source = RemoteSource::open(&server.url("/a.holo?v=1"), &options()).unwrap();
    let opened = server.take();
    assert_eq!(opened.len(), 1);
    assert_eq!(opened[0].header("range"), Some("bytes=-1000"));
    assert_eq!(opened[0].header("accept-encoding"), Some("identity"));
    assert_eq!(opened[0].path, "/a.holo?v=1");
    assert_eq!(source.len_bytes(), 3 << 20);
    assert_eq!(source.slice((3 << 20) - 1000, 1000), Some(&data[(3 << 20) - 1000..]));
    assert_eq!(source.slice((3 << 20) - 1001, 2), None);

    let mut out = vec![0; 1 << 20];
    source.read_exact_at(1000, &mut out).unwrap();
    assert_eq!(out, data[1000..1000 + (1 << 20)]);
    let read = server.take();
    assert_eq!(read.len(), 1, "a megabyte is one request");
    assert_eq!(read[0].header("if-match"), Some("\"v1\""));

    source.read_exact_at((3 << 20) - 700, &mut out[..700]).unwrap();
    assert!(server.take().is_empty(), "the tail is there already");
    source.read_exact_at((3 << 20) - 1500, &mut out[..1500]).unwrap();
    assert_eq!(out[..1500], data[(3 << 20) - 1500..]);
    assert_eq!(server.take()[0].header("range"), Some("bytes=3144228-3144727"), "only what the tail lacks");
    assert!(source.read_exact_at((3 << 20) - 1, &mut [0; 2]).is_err());
    assert!(source.read_exact_at(u64::MAX, &mut [0; 2]).is_err());
    assert!(server.take().is_empty());
}

#[test]
fn small_and_empty_objects() {
    for n in [0, 1, 999, 1000, 1001] {
        let data = bytes(n);
        let server = Server::of(data.clone());
        let source = RemoteSource::open(&server.url("/"), &options()).unwrap();
        let mut out = vec![0; n];
        source.read_exact_at(0, &mut out).unwrap();
        assert_eq!(out, data);
        assert_eq!(server.take().len(), if n > 1000 { 2 } else { 1 }, "{n} bytes");
    }
}

#[test]
fn neighbours_are_fetched_together() {
    let data = bytes(2 << 20);
    let server = Server::of(data.clone());
    let source = RemoteSource::open(&server.url("/"), &options()).unwrap();
    server.take();
    // Twenty pieces in two groups, more than the largest gap apart.
    let offsets: Vec<u64> = (0..10).map(|i| i * 9000).chain((0..10).map(|i| 1_000_000 + i * 9000)).collect();
    let mut buffers = vec![vec![0; 5000]; offsets.len()];
    let mut wanted: Vec<(u64, &mut [u8])> =
        offsets.iter().copied().zip(buffers.iter_mut().map(Vec::as_mut_slice)).collect();
    source.read_ranges(&mut wanted).unwrap();
    for (offset, buffer) in offsets.iter().zip(&buffers) {
        assert_eq!(buffer, &data[*offset as usize..*offset as usize + 5000]);
    }
    assert_eq!(server.take().len(), 2);
}

#[test]
fn servers_without_ranges_from_the_end() {
    let data = bytes(5000);
    for refusal in [200, 400, 405, 416, 500, 501] {
        let copy = data.clone();
        let server = Server::new(move |request, _| {
            if request.header("range").unwrap().starts_with("bytes=-") {
                let reply = Reply::status(refusal).with("Content-Range", "bytes */5000");
                return if refusal == 200 { Reply { body: copy.clone(), ..reply } } else { reply };
            }
            object(&copy, "\"v1\"", request)
        });
        let source = RemoteSource::open(&server.url("/"), &options()).unwrap();
        assert_eq!(server.take().len(), 3);
        let mut out = vec![0; 5000];
        source.read_exact_at(0, &mut out).unwrap();
        assert_eq!(out, data);
    }
    // A server without ranges at all gives small objects only.
    let whole = |n: usize| Server::new(move |_, _| Reply { body: bytes(n), ..Reply::status(200) });
    let small = whole(900);
    assert_eq!(RemoteSource::open(&small.url("/"), &options()).unwrap().len_bytes(), 900);
    let large = whole(90_000);
    let error = error_of(RemoteSource::open(&large.url("/"), &options()));
    assert!(error.to_string().contains("does not answer range requests"), "{error}");
}

#[test]
fn redirects_are_followed_once() {
    let data = bytes(5000);
    let copy = data.clone();
    let server = Server::new(move |request, _| match request.path.as_str() {
        "/start" => Reply::redirect("next?x=1"),
        "/next?x=1" => Reply::redirect("/end"),
        _ => object(&copy, "\"v1\"", request),
    });
    let source = RemoteSource::open(&server.url("/start"), &options()).unwrap();
    let paths: Vec<String> = server.take().into_iter().map(|r| r.path).collect();
    assert_eq!(paths, ["/start", "/next?x=1", "/end"]);
    let mut out = vec![0; 100];
    source.read_exact_at(17, &mut out).unwrap();
    assert_eq!(out, data[17..117]);
    let paths: Vec<String> = server.take().into_iter().map(|r| r.path).collect();
    assert_eq!(paths, ["/end"]);
}

#[test]
fn many_threads_read_one_source() {
    let data = bytes(1 << 20);
    let server = Server::of(data.clone());
    let source = RemoteSource::open(&server.url("/"), &options()).unwrap();
    thread::scope(|scope| {
        for t in 0..8_usize {
            let (source, data) = (&source, &data);
            scope.spawn(move || {
                for i in 0..20 {
                    let offset = (t * 7919 + i * 104_729) % (data.len() - 3000);
                    let mut out = vec![0; 3000];
                    source.read_exact_at(offset as u64, &mut out).unwrap();
                    assert_eq!(out, data[offset..offset + 3000]);
                }
            });
        }
    });
    assert_eq!(server.take().len(), 161);
}

#[test]
fn addresses_that_are_none() {
    for address in [
        "ftp://example.org/a",
        "file:///etc/passwd",
        "http://",
        "https://me:pw@example.org/a",
        "s3://b",
        "s3://B_d/k",
    ] {
        let error = error_of(RemoteSource::open(address, &options()));
        assert!(matches!(error, RemoteError::Address { .. }), "{address}: {error}");
        assert!(!error.to_string().contains("pw"));
    }
    assert!(RemoteSource::is_address("S3://bucket/key") && RemoteSource::is_address("http://x"));
    assert!(!RemoteSource::is_address("a.holo") && !RemoteSource::is_address("C://x"));
}
