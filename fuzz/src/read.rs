use crate::limits;
use holotype::{Archive, ErrorKind, ImageItem, ItemKind, Region, Result, VerifyOptions};
use holotype_store::MemorySource;

/// Opens `bytes` as an archive and reads everything of it, then verifies it.
///
/// # Panics
/// If `verify` calls good what cannot be read, or an archive that reads wrong is called good.
pub fn read_everything(bytes: Vec<u8>) {
    let Ok(archive) = Archive::open_source(Box::new(MemorySource::new(bytes)), "<fuzz>", limits()) else {
        return;
    };
    let read = read_items(&archive);
    let is_good = archive.verify(&VerifyOptions::default().with_n_threads(1)).is_ok_and(|r| r.is_good());
    if let Err(error) = read {
        let refused = matches!(error.kind(), ErrorKind::LimitExceeded | ErrorKind::NotFound);
        assert!(!is_good || refused, "verify calls good what does not read: {error}");
    }
}

fn read_items(archive: &Archive) -> Result<()> {
    let _ = archive.first_image();
    let mut result = Ok(());
    for item in archive.items()? {
        let one = || -> Result<()> {
            archive.item(item.name())?;
            item.metadata()?;
            item.stored_bytes()?;
            match item.kind() {
                ItemKind::Image => {
                    let image = archive.image(item.name())?;
                    image.preview()?;
                    image_samples(&image).map(drop)
                }
                ItemKind::Tensor => archive.tensor(item.name())?.read().map(drop),
                ItemKind::Generation => archive.generation(item.name()).map(drop),
                ItemKind::File => archive.read_file(item.name(), &mut |_| Ok(())),
                _ => Ok(()),
            }
        };
        result = result.and(one());
    }
    result
}

/// The samples of an image, and of a part of it, which must be the same.
pub fn image_samples(image: &ImageItem<'_>) -> Result<Vec<u8>> {
    let whole = Region::whole(image.descriptor());
    let mut samples = Vec::new();
    image.read_bands(whole, 1, &mut |rows| {
        samples.extend_from_slice(rows);
        Ok(())
    })?;
    let corner = Region { x: whole.width / 2, y: whole.height / 2, width: 1, height: 1 };
    let n_bytes = image.descriptor().pixel_bytes();
    let mut pixel = vec![0; n_bytes];
    image.read_into(corner, &mut pixel, 1)?;
    let at = (corner.y as usize * whole.width as usize + corner.x as usize) * n_bytes;
    assert_eq!(pixel, samples[at..at + n_bytes], "a region differs from the whole");
    Ok(samples)
}
