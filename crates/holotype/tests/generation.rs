//! Generation records: written, read, damaged, forged, salvaged.
#![allow(clippy::unwrap_used, clippy::panic)]

use holotype::generation::{GenerationRecord, Part, PartRole};
use holotype::{
    Archive, ElementType, ErrorKind, ImageDescriptor, ImageOptions, ItemKind, Metadata, Region, Result,
    SalvageOptions, SampleType, SourceImage, TensorDescriptor, TensorOptions, VerifyOptions, Writer,
    WriterOptions, salvage_bytes,
};

const TEXT: &[u8] = br#"{"prompt":"a puppy","settings":{"seed":42,"steps":20},"mine":{"x":[1,null]}}"#;

fn add_image(writer: &mut Writer<Vec<u8>>, name: &str, first: u8) -> Part {
    let descriptor = ImageDescriptor::new(20, 10, 3, SampleType::U8);
    let samples: Vec<u8> = (0..600_u32).map(|i| (i * i % 251) as u8 ^ first).collect();
    let image = SourceImage { descriptor, metadata: Metadata::default() };
    writer.add_image(name, &image, &samples, &ImageOptions::default()).unwrap();
    Part::new(name, PartRole::Image, writer.last_content_sha256())
}

/// An image, a latent and their record.
fn sealed() -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    let image = add_image(&mut writer, "g/image", 0);
    let latent = TensorDescriptor::new(ElementType::F32, &[1, 4, 8, 8]);
    let elements: Vec<u8> = (0..1024_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    writer.add_tensor("g/noise", &latent, &elements, &TensorOptions::default()).unwrap();
    let noise =
        Part::new("g/noise", PartRole::Latent, writer.last_content_sha256()).with_name("initial_noise");
    let record = GenerationRecord::from_json(TEXT).unwrap().with_parts(&[image, noise]).unwrap();
    writer.add_generation("g", &record).unwrap();
    writer.finish().unwrap().0
}

#[test]
fn a_record_comes_back_with_its_parts() {
    let archive = Archive::from_bytes(sealed()).unwrap();
    assert_eq!(archive.generation_names().unwrap(), ["g"]);
    let generation = archive.generation("g").unwrap();
    let record = generation.record();
    assert_eq!(record.text("prompt"), Some("a puppy"));
    assert_eq!(record.document()["mine"].to_string(), r#"{"x":[1,null]}"#);
    let parts = record.parts();
    assert_eq!(parts[1].name, "initial_noise");
    assert_eq!(archive.tensor(&parts[1].item).unwrap().descriptor().shape, [1, 4, 8, 8]);
    assert!(generation.check_parts().unwrap().is_empty());
    assert_eq!(generation.item().kind(), ItemKind::Generation);
    assert!(archive.verify(&VerifyOptions::default()).unwrap().is_good());
    assert_eq!(archive.generation("g/image").unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(archive.generation("h").unwrap_err().kind(), ErrorKind::NotFound);
}

/// The record, the picture's samples and the latent's elements.
fn read_all(archive: &Archive) -> Result<(String, Vec<u8>, Vec<u8>)> {
    let (record, image) = (archive.generation("g")?.record().to_json(), archive.image("g/image")?);
    let mut samples = vec![0; 600];
    image.read_into(Region::whole(image.descriptor()), &mut samples, 1)?;
    Ok((record, samples, archive.tensor("g/noise")?.read()?))
}

/// Every byte of the archive, flipped: field, latent, image or table, it is noticed, and nothing wrong is read.
#[test]
fn no_byte_can_be_changed_unnoticed() {
    let bytes = sealed();
    let right = read_all(&Archive::from_bytes(bytes.clone()).unwrap()).unwrap();
    // Every bit of every byte: fields, latent, image, environment, tables and seal.
    for (at, bit) in (0..bytes.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
        let mut bad = bytes.clone();
        bad[at] ^= 1 << bit;
        let noticed = match Archive::from_bytes(bad) {
            Err(_) => true,
            Ok(archive) => {
                assert!(read_all(&archive).map_or(true, |read| read == right), "bit {bit} of byte {at}");
                !archive.verify(&VerifyOptions::default()).unwrap().is_good()
            }
        };
        assert!(noticed, "bit {bit} of byte {at}");
    }
    for n in 0..bytes.len() {
        assert!(Archive::from_bytes(bytes[..n].to_vec()).is_err(), "cut to {n}");
    }
}

/// Reading only what is asked for notices what is wrong with that.
#[test]
fn a_changed_record_is_not_read() {
    let bytes = sealed();
    let archive = Archive::from_bytes(bytes.clone()).unwrap();
    let text = archive.generation("g").unwrap().record().to_json();
    let at = bytes.windows(7).position(|w| w == b"a puppy");
    // The block may be packed: then any of its bytes will do.
    let at = at.unwrap_or(bytes.len() - 700);
    let mut bad = bytes;
    bad[at] ^= 1;
    let archive = Archive::from_bytes(bad).unwrap();
    match archive.generation("g") {
        Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt),
        Ok(read) => assert_eq!(read.record().to_json(), text, "another block was hit"),
    }
}

/// A sealed archive whose parts are not those the record means.
#[test]
fn lost_parts_are_named() {
    let mut writer = Writer::new(Vec::new(), WriterOptions::default()).unwrap();
    let mut wrong = add_image(&mut writer, "other", 1);
    wrong.role = PartRole::Latent;
    add_image(&mut writer, "image", 2);
    let parts =
        [Part::new("image", PartRole::Image, [3; 32]), Part::new("gone", PartRole::Mask, [3; 32]), wrong];
    let record = GenerationRecord::from_json(TEXT).unwrap().with_parts(&parts).unwrap();
    writer.add_generation("g", &record).unwrap();
    let archive = Archive::from_bytes(writer.finish().unwrap().0).unwrap();
    let lost = archive.generation("g").unwrap().check_parts().unwrap();
    let kinds: Vec<_> = lost.iter().map(|(part, error)| (part.item.as_str(), error.kind())).collect();
    assert_eq!(
        kinds,
        [("image", ErrorKind::Corrupt), ("gone", ErrorKind::NotFound), ("other", ErrorKind::Corrupt)]
    );
}

#[test]
fn a_record_survives_its_damaged_parts() {
    let mut bytes = sealed();
    bytes[70] ^= 1;
    let (saved, report) = salvage_bytes(bytes, Vec::new(), &SalvageOptions::default()).unwrap();
    assert_eq!(report.lost.iter().map(|lost| lost.name.as_str()).collect::<Vec<_>>(), ["g/image"]);
    let archive = Archive::from_bytes(saved).unwrap();
    assert!(archive.verify(&VerifyOptions::default()).unwrap().is_good());
    let generation = archive.generation("g").unwrap();
    let lost = generation.check_parts().unwrap();
    assert_eq!(lost.len(), 1);
    assert_eq!((lost[0].0.item.as_str(), lost[0].1.kind()), ("g/image", ErrorKind::NotFound));
    assert_eq!(generation.record().text("prompt"), Some("a puppy"));
}

#[test]
fn the_same_record_gives_the_same_archive() {
    assert_eq!(sealed(), sealed());
}
