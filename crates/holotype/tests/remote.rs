//! Archives over HTTP: the same data as from a file, in as few requests as promised, and nothing else ever.
#![cfg(feature = "remote")]
#![allow(clippy::unwrap_used)]

#[path = "../../holotype-store/tests/support/mod.rs"]
mod server;

mod common;

use common::noise;
use holotype::{
    Archive, Error, ErrorKind, ImageDescriptor, ImageOptions, Metadata, Mode, OpenOptions, Parent, Region,
    RemoteOptions, SampleType, SecretKey, SignOptions, SourceImage, VerifyOptions, Writer, WriterOptions,
    sign_archive,
};
use server::{Server, object};
use std::time::Duration;

fn options() -> RemoteOptions {
    RemoteOptions::default().with_restricted_allowed(true).with_first_backoff(Duration::from_millis(1))
}

/// An image of 32 × 32 tiles of 64 × 64 pixels that does not compress, and a file.
fn archive() -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let descriptor = ImageDescriptor::new(2048, 2048, 1, SampleType::U8);
    let image = SourceImage { descriptor, metadata: Metadata::default() };
    let (pixels, file) = (noise(1, 2048 * 2048), noise(1, 1_000_000));
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    let options = ImageOptions::new(Mode::Fast).with_tile_edge(64);
    writer.add_image("image", &image, &pixels, &options).unwrap();
    writer.add_file("file", &mut file.as_slice(), None).unwrap();
    (writer.finish().unwrap().0, pixels, file)
}

#[test]
fn requests_are_few_and_data_is_right() {
    let (bytes, pixels, file) = archive();
    let server = Server::of(bytes);
    let archive = Archive::open_remote(&server.url("/a.holo"), &options()).unwrap();
    assert_eq!(server.take().len(), 2, "open: the end, and the first bytes");
    assert_eq!(archive.items().unwrap().len(), 2);
    assert!(server.take().is_empty(), "the manifest came with the end");

    let mut read = Vec::new();
    archive
        .read_file("file", &mut |part| {
            read.extend_from_slice(part);
            Ok(())
        })
        .unwrap();
    assert_eq!(read, file);
    assert_eq!(server.take().len(), 1, "a megabyte is one request");

    // Sixteen rows of tiles, 512 blocks that lie one after the other.
    let image = archive.image("image").unwrap();
    let region = Region { x: 0, y: 0, width: 2048, height: 1024 };
    let mut out = vec![0; 2048 * 1024];
    image.read_into(region, &mut out, 2).unwrap();
    assert!(out == pixels[..2048 * 1024]);
    assert_eq!(server.take().len(), 1, "neighbouring tiles are fetched together");

    assert!(archive.verify(&VerifyOptions::default()).unwrap().is_good());
    assert!(server.take().len() < 60);
}

#[test]
fn a_lying_server_can_only_cause_errors() {
    let (good, pixels, _) = archive();
    let region = Region { x: 100, y: 1000, width: 300, height: 80 };
    let want: Vec<u8> = (1000..1080).flat_map(|y| pixels[y * 2048 + 100..y * 2048 + 400].to_vec()).collect();
    // Every answer has one wrong bit at a place of its own; ETag and lengths are right.
    for wrong in 0..40_usize {
        let bytes = good.clone();
        let server = Server::new(move |request, number| {
            let mut reply = object(&bytes, "\"v1\"", request);
            if number >= wrong / 8 {
                let at = (wrong * 7919) % reply.body.len();
                reply.body[at] ^= 1 << (wrong % 8);
            }
            reply
        });
        let read = || -> Result<Vec<u8>, Error> {
            let archive = Archive::open_remote(&server.url("/"), &options())?;
            let mut out = vec![0; 300 * 80];
            archive.image("image")?.read_into(region, &mut out, 1)?;
            Ok(out)
        };
        match read() {
            Ok(found) => assert!(found == want),
            Err(error) => assert!(
                matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Truncated | ErrorKind::Unsupported),
                "{error}"
            ),
        }
    }
}

#[test]
fn errors_have_their_kind() {
    let missing = Server::new(|_, _| server::Reply::status(404));
    let error = Archive::open_remote(&missing.url("/a.holo?token=1"), &options()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Remote);
    assert!(!error.to_string().contains("token"), "{error}");
    let error = Archive::open_remote(&missing.url("/a.holo"), &RemoteOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Remote);
    assert!(error.to_string().contains("loopback"), "{error}");
    let empty = Server::of(Vec::new());
    assert_eq!(Archive::open_remote(&empty.url("/"), &options()).unwrap_err().kind(), ErrorKind::Truncated);

    // A server that goes away is not damage.
    let bytes = archive().0;
    let server = Server::new(move |request, number| match number {
        0 | 1 => object(&bytes, "\"v1\"", request),
        _ => server::Reply::status(503),
    });
    let archive = Archive::open_remote(&server.url("/"), &options().with_max_attempts(2)).unwrap();
    let error = archive.verify(&VerifyOptions::default().with_n_threads(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Remote);
}

#[test]
fn signatures_lie_beside() {
    let (bytes, _, _) = archive();
    let key = SecretKey::from_seed(&[5; 32]);
    let local = Archive::from_bytes(bytes.clone()).unwrap();
    let signatures = sign_archive(&local, None, &key, &SignOptions::default()).unwrap();
    let server = Server::new(move |request, _| match request.path.as_str() {
        "/a.holo?v=1" => object(&bytes, "\"v1\"", request),
        "/a.holo.sig?v=1" => object(&signatures, "\"s1\"", request),
        _ => server::Reply::status(404),
    });
    let address = server.url("/a.holo?v=1");
    let archive = Archive::open_remote(&address, &options()).unwrap();
    let public = key.public_key();
    assert_eq!(archive.check_remote_signatures(&address, &options(), &[public]).unwrap(), [public]);
    let other = server.url("/b.holo");
    let error = archive.check_remote_signatures(&other, &options(), &[public]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Signature);
}

#[test]
fn the_address_of_a_parent_is_judged_too() {
    let dir = tempfile::tempdir().unwrap();
    let (base, child) = (dir.path().join("base.holo"), dir.path().join("child.holo"));
    let pack = |path: &std::path::Path, options: WriterOptions| {
        let mut writer = Writer::new(std::fs::File::create(path).unwrap(), options).unwrap();
        let content = Box::new(std::io::Cursor::new(noise(8, 100_000)));
        writer.pack_stream("file", content, &Metadata::default()).unwrap();
        writer.finish().unwrap();
    };
    pack(&base, WriterOptions::default());
    let parent = Parent::open(&base, &child, &OpenOptions::default()).unwrap();
    pack(&child, WriterOptions::default().with_parents(vec![parent]));
    let server = Server::of(std::fs::read(&base).unwrap());
    std::fs::remove_file(&base).unwrap();
    let port = server.url("").rsplit(':').next().unwrap().trim_end_matches('/').to_owned();
    for host in ["127.0.0.1", "0.0.0.0", "[::ffff:127.0.0.1]", "localhost", "2130706433"] {
        let address = format!("http://{host}:{port}/base.holo");
        let options = OpenOptions::default().with_parents(vec![address.into()]);
        let archive = Archive::open_with(&child, &options).unwrap();
        let error = archive.read_file("file", &mut |_| Ok(())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Parent, "{host}: {error}");
        assert!(error.to_string().contains("restricted"), "{host}: {error}");
    }
    assert!(server.take().is_empty());
}
