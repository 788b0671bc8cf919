//! Verbs that read take addresses.
#![allow(clippy::unwrap_used)]

#[path = "../../holotype-store/tests/support/mod.rs"]
mod server;

mod common;

use common::holo_in;
use server::{Reply, Server, object};
use std::fs;

#[test]
fn they_read_from_a_server() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::write(dir.join("a.pgm"), [b"P5 9 7 255\n".as_slice(), &[3; 63]].concat()).unwrap();
    for args in
        [&["compress", "a.pgm", "a.holo"][..], &["keygen", "me"], &["sign", "a.holo", "--key", "me.key"]]
    {
        assert!(holo_in(dir, args).status.success());
    }
    let (bytes, signatures) =
        (fs::read(dir.join("a.holo")).unwrap(), fs::read(dir.join("a.holo.sig")).unwrap());
    let server = Server::new(move |request, _| match request.path.as_str() {
        "/a.holo" | "/a.holo?secret" => object(&bytes, "\"1\"", request),
        "/a.holo.sig" => object(&signatures, "\"2\"", request),
        _ => Reply::status(404),
    });
    let address = server.url("/a.holo");
    let good: [&[&str]; 5] = [
        &["info", &address, "--json"],
        &["list", &address],
        &["verify", &address, "--public-key", "me.pub"],
        &["decompress", &address, "b.pgm"],
        &["cat", &address],
    ];
    for args in good {
        let out = holo_in(dir, args);
        assert_eq!(out.status.code(), Some(8), "{args:?} without leave");
        assert!(String::from_utf8(out.stderr).unwrap().contains("--allow-restricted"));
        assert!(server.take().is_empty());
        let out = holo_in(dir, &[args, &["--allow-restricted"]].concat());
        assert_eq!(out.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        if args[0] == "cat" {
            assert_eq!(out.stdout, [3; 63]);
        }
        assert!(!server.take().is_empty());
    }
    assert!(fs::read(dir.join("b.pgm")).unwrap().ends_with(&[3; 63]));
    let unsigned = server.url("/a.holo?secret");
    let out = holo_in(dir, &["verify", &unsigned, "--public-key", "me.pub", "--allow-restricted"]);
    assert_eq!(out.status.code(), Some(5));
    assert!(!String::from_utf8(out.stderr).unwrap().contains("secret"));
    let missing = server.url("/b.holo?secret");
    let out = holo_in(dir, &["info", &missing, "--allow-restricted"]);
    assert_eq!(out.status.code(), Some(8));
    assert!(!String::from_utf8(out.stderr).unwrap().contains("secret"));
}
