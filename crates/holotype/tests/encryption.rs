//! Encrypted archives: nothing is told without the password, everything comes back with it, nothing survives a change.
#![allow(clippy::unwrap_used)]

use holotype::{
    Archive, Encryption, Error, ErrorKind, ImageDescriptor, ImageOptions, KdfCost, Metadata, MetadataKind,
    OpenOptions, Password, PreviewChoice, SampleType, SecretKey, SignOptions, SourceImage, VerifyOptions,
    Writer, WriterOptions, rekey, sign_archive,
};
use std::fs;

/// The least that Argon2id does: these tests try many passwords.
fn cheap(password: &str) -> Encryption {
    Encryption::with_password(Password::new(password)).with_cost(KdfCost {
        memory_kib: 8,
        n_passes: 1,
        n_lanes: 1,
    })
}

const SECRET: &[u8] = b"the treasure lies under the old oak, forty paces north";

fn archive(encryption: Option<Encryption>, n_files: usize) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), WriterOptions::default().with_encryption(encryption)).unwrap();
    let mut metadata = Metadata::default();
    metadata.push(MetadataKind::Text, "Comment", b"whispered words".to_vec());
    let image = SourceImage { descriptor: ImageDescriptor::new(140, 20, 1, SampleType::U8), metadata };
    let options = ImageOptions::default().with_tile_edge(16).with_preview(PreviewChoice::On);
    writer.add_image("hidden-map.png", &image, &[7; 2800], &options).unwrap();
    for i in 0..n_files {
        writer.add_file(&format!("diary/{i}"), &mut &SECRET[..], None).unwrap();
    }
    writer.finish().unwrap().0
}

fn open(bytes: &[u8], password: Option<&str>) -> Result<Archive, Error> {
    let options = OpenOptions::default().with_password(password.map(Password::new));
    let source = holotype_store::MemorySource::new(bytes.to_vec());
    Archive::open_source_with(Box::new(source), "<memory>", &options)
}

fn read(archive: &Archive) -> Result<(), Error> {
    let mut found = Vec::new();
    archive.read_file("diary/0", &mut |part| {
        found.extend_from_slice(part);
        Ok(())
    })?;
    assert_eq!(found, SECRET);
    assert_eq!(archive.image("hidden-map.png")?.read()?, [7; 2800]);
    Ok(())
}

#[test]
fn the_password_opens_everything_and_nothing_else_does() {
    // Few items stay in the root, many fill pages.
    for n_files in [1, 900] {
        let bytes = archive(Some(cheap("open sesame")), n_files);
        let good = open(&bytes, Some("open sesame")).unwrap();
        assert!(good.is_encrypted());
        assert_eq!(good.n_items(), n_files as u64 + 1);
        read(&good).unwrap();
        let image = good.image("hidden-map.png").unwrap();
        assert_eq!(image.metadata().entries[0].data, b"whispered words");
        assert!(image.preview().unwrap().is_some());
        assert!(good.verify(&VerifyOptions::default()).unwrap().is_good());

        for password in [None, Some("Open sesame"), Some("open sesame\n"), Some("")] {
            let error = open(&bytes, password).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decryption, "{password:?}");
        }
        let tells = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        for needle in [SECRET, b"hidden-map", b"diary", b"whispered", b"Comment"] {
            assert!(!tells(needle));
        }
    }
    let plain = archive(None, 1);
    assert!(!open(&plain, None).unwrap().is_encrypted());
    read(&open(&plain, Some("not looked at")).unwrap()).unwrap();
}

#[test]
fn the_same_input_twice_shares_nothing() {
    let (a, b) = (archive(Some(cheap("p")), 3), archive(Some(cheap("p")), 3));
    // What ends the root frame, and the trailer, hold constants and offsets. Packed tables of other hashes may be some
    // bytes longer.
    assert!(a.len().abs_diff(b.len()) < 16);
    let end = a.len().min(b.len()) - 200;
    for (x, y) in a[80..end].chunks_exact(48).zip(b[80..end].chunks_exact(48)) {
        assert_ne!(x, y, "sealed bytes do not repeat");
    }
    assert_ne!(a[12..28], b[12..28], "nor do ids");
}

#[test]
fn every_flipped_bit_is_noticed_and_damage_is_no_wrong_password() {
    let bytes = archive(Some(cheap("p")), 1);
    for bit in (0..bytes.len() * 8).step_by(3) {
        let mut bad = bytes.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        match open(&bad, Some("p")) {
            Ok(archive) => {
                assert!(
                    !archive.verify(&VerifyOptions::default().with_n_threads(1)).unwrap().is_good(),
                    "bit {bit}"
                );
            }
            Err(error) => assert_ne!(error.kind(), ErrorKind::Decryption, "bit {bit}: {error}"),
        }
    }
}

#[test]
fn a_signature_needs_no_new_form() {
    let archive = open(&archive(Some(cheap("p")), 1), Some("p")).unwrap();
    let key = SecretKey::from_seed(&[3; 32]);
    let file = sign_archive(&archive, None, &key, &SignOptions::default()).unwrap();
    assert_eq!(archive.check_signatures(&file, &[key.public_key()]).unwrap().len(), 1);
}

#[test]
fn passwords_can_be_several_and_be_changed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.holo");
    fs::write(&path, archive(Some(cheap("one").and_password(Password::new("two"))), 900)).unwrap();
    let opens = |password: &str| {
        let options = OpenOptions::default().with_password(Some(Password::new(password)));
        let archive = Archive::open_with(&path, &options)?;
        assert!(archive.verify(&VerifyOptions::default()).unwrap().is_good());
        Ok::<_, Error>(archive.seal())
    };
    let seal = opens("one").unwrap();
    assert_eq!(opens("two").unwrap(), seal);

    let before = fs::read(&path).unwrap();
    assert_eq!(
        rekey(&path, &Password::new("wrong"), &cheap("new")).unwrap_err().kind(),
        ErrorKind::Decryption
    );
    assert!(rekey(&path, &Password::new("one"), &cheap("")).is_err(), "an empty password");
    assert_eq!(fs::read(&path).unwrap(), before);

    rekey(&path, &Password::new("two"), &cheap("new")).unwrap();
    assert_ne!(opens("new").unwrap(), seal);
    for old in ["one", "two"] {
        assert_eq!(opens(old).unwrap_err().kind(), ErrorKind::Decryption);
    }
    fs::write(&path, archive(None, 1)).unwrap();
    assert_eq!(
        rekey(&path, &Password::new("p"), &cheap("new")).unwrap_err().kind(),
        ErrorKind::InvalidArgument
    );
}

#[test]
fn a_password_may_not_cost_more_than_the_reader_gives() {
    let costly = cheap("p").with_cost(KdfCost { memory_kib: 4096, n_passes: 1, n_lanes: 1 });
    let bytes = archive(Some(costly), 1);
    assert!(open(&bytes, Some("p")).is_ok());
    let mut limits = holotype::Limits::default();
    limits.container.max_kdf_memory_kib = 4095;
    let options = OpenOptions::default().with_limits(limits).with_password(Some(Password::new("p")));
    let source = holotype_store::MemorySource::new(bytes);
    let error = Archive::open_source_with(Box::new(source), "<memory>", &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
}

#[test]
fn frames_are_bound_to_their_place_and_archive() {
    let bytes = archive(Some(cheap("p")), 2);
    // Two files of the same length lie one after the other. Hashes notice that their frames were swapped; that they
    // would not decrypt either is tested where frames are sealed.
    let frame = 32 + 16 + 32 + SECRET.len();
    let at = bytes.windows(4).rposition(|window| window == [0xf7, b'H', b'F', 0x9e]).unwrap();
    let (first, second) = (at - 2 * frame, at - frame);
    let mut swapped = bytes.clone();
    swapped[first..second].copy_from_slice(&bytes[second..at]);
    swapped[second..at].copy_from_slice(&bytes[first..second]);
    assert_ne!(swapped, bytes);
    let archive = open(&swapped, Some("p")).unwrap();
    assert_eq!(read(&archive).unwrap_err().kind(), ErrorKind::Corrupt);
}
