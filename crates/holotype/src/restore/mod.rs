//! Image files that are stored as their samples and come back byte for byte. `docs/format.md` §19.
//!
//! * `raster`: samples as the rows of a file hold them.
//! * `png`: the image data of a PNG file from its rows.
//! * `recipe`: the parts of a file, and their record.
//! * `analyse`: a file taken apart; what does not come back to the byte is no image here but a file.

mod analyse;
mod png;
mod raster;
mod recipe;

pub(crate) use analyse::{MAX_FILE_BYTES, Restorable, analyse};

use crate::archive::ImageItem;
use crate::{Error, Result};
use recipe::Recipe;
use sha2::{Digest as _, Sha256};

impl ImageItem<'_> {
    /// True if the image stands for a file, whose bytes it gives back.
    #[must_use]
    pub fn is_restorable(&self) -> bool {
        self.item().record().restored.is_some()
    }

    /// The bytes of the file it stands for, checked by their SHA-256; `None` if it stands for none.
    ///
    /// Memory: samples, rows and file at once.
    ///
    /// # Errors
    /// `Corrupt` if anything of it is damaged, or does not give the file; `Unsupported` for a way to make it that is
    /// not known; `LimitExceeded`; `Io`.
    pub fn restore(&self) -> Result<Option<Vec<u8>>> {
        let Some(file) = &self.item().record().restored else { return Ok(None) };
        let archive = self.item().archive();
        let limit = archive.limits().max_decoded_bytes;
        if file.n_bytes > limit {
            return Err(Error::LimitExceeded { what: "the size of a file", found: file.n_bytes, limit });
        }
        let bytes = archive.unpacked(self.item().name(), file.recipe, archive.limits().max_metadata_bytes)?;
        let recipe =
            Recipe::decode(&bytes, &archive.limits().container).map_err(|rule| self.item().broken(rule))?;
        let samples = self.read()?;
        let restored = recipe.restore(self.descriptor(), &samples, file.n_bytes);
        let restored = restored.map_err(|rule| self.item().broken(rule))?;
        if <[u8; 32]>::from(Sha256::digest(&restored)) != file.sha256 {
            return Err(self.item().broken("the file it stands for has another content hash"));
        }
        Ok(Some(restored))
    }
}
