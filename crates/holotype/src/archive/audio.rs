use super::Item;
use crate::animation::decode_track;
use crate::{Error, Result, memory};
use holotype_container::ItemKind;

/// Sound of an archive: a file of it, byte for byte.
#[derive(Debug, Clone)]
pub struct AudioItem<'a> {
    item: Item<'a>,
    format: String,
}

impl<'a> AudioItem<'a> {
    pub(crate) fn open(item: Item<'a>) -> Result<Self> {
        if item.kind() != ItemKind::Audio {
            return Err(Error::invalid(format!("item `{}` is no sound", item.name())));
        }
        let format = decode_track(&item.record().descriptor)
            .ok_or_else(|| item.broken("the descriptor of the sound is malformed"))?;
        Ok(Self { item, format })
    }

    /// The item.
    #[must_use]
    pub fn item(&self) -> &Item<'a> {
        &self.item
    }

    /// What its bytes are: `WAVE`, `MPEG`, `OGG`, `FLAC` or another name.
    #[must_use]
    pub fn format(&self) -> &str {
        &self.format
    }

    /// All bytes, checked.
    ///
    /// # Errors
    /// `Corrupt` if any is damaged; `LimitExceeded`; `Io`.
    pub fn read(&self) -> Result<Vec<u8>> {
        let n_bytes = self.item.raw_bytes();
        let limit = self.item.archive().limits.max_decoded_bytes;
        if n_bytes > limit {
            return Err(Error::LimitExceeded { what: "the size of the sound", found: n_bytes, limit });
        }
        let mut out = Vec::new();
        self.item.read_file(1, &mut |bytes| {
            let n = bytes.len() as u64;
            out.try_reserve(bytes.len()).map_err(|_| memory::refused("the sound", n))?;
            out.extend_from_slice(bytes);
            Ok(())
        })?;
        Ok(out)
    }
}
