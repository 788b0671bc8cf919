//! A signed archive: no edit of any byte of it or of its signatures survives.
#![allow(clippy::unwrap_used)]

use holotype::{
    Archive, Error, ErrorKind, PublicKey, SecretKey, SignOptions, VerifyOptions, Writer, WriterOptions,
    keygen, read_public_key, read_secret_key, sign, sign_archive, signature_path,
};
use std::fs;

fn archive(text: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    writer.add_file("letter", &mut &text[..], None).unwrap();
    writer.finish().unwrap().0
}

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

fn signed(bytes: &[u8], keys: &[SecretKey]) -> Vec<u8> {
    let archive = Archive::from_bytes(bytes.to_vec()).unwrap();
    keys.iter()
        .fold(None, |file: Option<Vec<u8>>, key| {
            Some(sign_archive(&archive, file.as_deref(), key, &SignOptions::default()).unwrap())
        })
        .unwrap()
}

/// Open, check the signature, verify every byte: what `holo verify --public-key` does.
fn accepts(bytes: &[u8], signatures: &[u8], wanted: PublicKey) -> Result<bool, Error> {
    let archive = Archive::from_bytes(bytes.to_vec())?;
    archive.check_signatures(signatures, &[wanted])?;
    Ok(archive.verify(&VerifyOptions::default().with_n_threads(1))?.is_good())
}

#[test]
fn no_changed_bit_of_archive_or_signatures_survives() {
    let bytes = archive(b"found in 1887");
    let signatures = signed(&bytes, &[key(1), key(2)]);
    let wanted = key(1).public_key();
    assert!(accepts(&bytes, &signatures, wanted).unwrap());
    for bit in 0..bytes.len() * 8 {
        let mut bad = bytes.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(!accepts(&bad, &signatures, wanted).unwrap_or(false), "bit {bit} of the archive");
    }
    for bit in 0..signatures.len() * 8 {
        let mut bad = signatures.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(accepts(&bytes, &bad, wanted).is_err(), "bit {bit} of the signatures");
    }
    for n in 0..bytes.len() {
        assert!(accepts(&bytes[..n], &signatures, wanted).is_err());
    }
}

#[test]
fn a_resealed_forgery_has_no_signature() {
    // Whoever writes another archive can seal it, but not sign it.
    let (bytes, forged) = (archive(b"found in 1887"), archive(b"found in 1888"));
    let signatures = signed(&bytes, &[key(1)]);
    assert_eq!(bytes.len(), forged.len());
    let error = accepts(&forged, &signatures, key(1).public_key()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Signature);
    let other = signed(&forged, &[key(2)]);
    let error = accepts(&forged, &other, key(1).public_key()).unwrap_err();
    assert!(error.to_string().contains("did not sign"), "{error}");
}

#[test]
fn what_is_damaged_is_not_signed() {
    let mut bytes = archive(b"found in 1887");
    bytes[70] ^= 1;
    let archive = Archive::from_bytes(bytes).unwrap();
    let error = sign_archive(&archive, None, &key(1), &SignOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[test]
fn keys_and_signatures_live_in_files() {
    let dir = tempfile::tempdir().unwrap();
    let (name, path) = (dir.path().join("curator"), dir.path().join("a.holo"));
    let public = keygen(&name).unwrap();
    assert!(keygen(&name).is_err(), "keys are never replaced");
    assert_eq!(read_public_key(dir.path().join("curator.pub")).unwrap(), public);
    let secret = read_secret_key(dir.path().join("curator.key")).unwrap();
    assert_eq!(secret.public_key(), public);

    fs::write(&path, archive(b"one")).unwrap();
    let open = || Archive::open(&path).unwrap();
    let missing = open().check_signature_file(None, &[public]).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::Signature, "required but missing");
    sign(&path, &secret, &SignOptions::default()).unwrap();
    sign(&path, &key(3), &SignOptions::default()).unwrap();
    assert_eq!(open().check_signature_file(None, &[public, key(3).public_key()]).unwrap().len(), 2);

    fs::write(&path, archive(b"two")).unwrap();
    assert_eq!(open().check_signature_file(None, &[]).unwrap_err().kind(), ErrorKind::Signature);
    let stale = sign(&path, &secret, &SignOptions::default()).unwrap_err();
    assert_eq!(
        stale.kind(),
        ErrorKind::Signature,
        "signatures of another archive are not thrown away unasked"
    );
    sign(&path, &secret, &SignOptions::default().with_foreign_replaced(true)).unwrap();
    assert_eq!(open().check_signature_file(Some(&signature_path(&path)), &[public]).unwrap(), [public]);
}
