use crate::{Error, cursor::Cursor};
use sha2::{Digest, Sha256};

/// Last eight bytes of every archive.
pub const END_MAGIC: [u8; 8] = [0x1a, b'\n', b'S', b'E', b'A', b'L', b'H', 0xb8];
/// What the seal's hash starts with, so that no other SHA-256 can be taken for one.
const SEAL_DOMAIN: &[u8] = b"holotype seal v1\0";

/// The archive's last bytes: where the root is, and the seal. Spec §7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trailer {
    /// Number of the revision, from 1.
    pub revision: u64,
    /// Offset of the trailer before; 0 in the first revision.
    pub previous_trailer_bytes: u64,
    /// Offset of the root frame.
    pub root_offset_bytes: u64,
    /// Bytes of the root frame, header included.
    pub root_frame_bytes: u64,
    /// Bytes of the file, this trailer included.
    pub file_bytes: u64,
    /// Merkle root over all blocks.
    pub merkle_root: [u8; 32],
    /// SHA-256 over header, root frame and the fields above.
    pub seal: [u8; 32],
}

impl Trailer {
    /// Bytes on disk.
    pub const N_BYTES: usize = 112;
    const N_SEALED_BYTES: usize = 72;

    /// Sets the seal and returns the trailer as stored.
    #[must_use]
    pub fn sealed(mut self, header: &[u8], root_frame: &[u8]) -> (Self, [u8; Self::N_BYTES]) {
        let fields = self.encode();
        self.seal = seal(header, root_frame, &fields[..Self::N_SEALED_BYTES]);
        (self, self.encode())
    }

    fn encode(&self) -> [u8; Self::N_BYTES] {
        let Self {
            revision,
            previous_trailer_bytes,
            root_offset_bytes,
            root_frame_bytes,
            file_bytes,
            merkle_root,
            seal,
        } = self;
        let mut out = [0; Self::N_BYTES];
        let numbers = [revision, previous_trailer_bytes, root_offset_bytes, root_frame_bytes, file_bytes];
        for (field, number) in out.chunks_exact_mut(8).zip(numbers) {
            field.copy_from_slice(&number.to_le_bytes());
        }
        out[40..72].copy_from_slice(merkle_root);
        out[72..104].copy_from_slice(seal);
        out[104..].copy_from_slice(&END_MAGIC);
        out
    }

    /// Reads the trailer from the last bytes of a file of `file_bytes` bytes. The seal is not yet checked.
    ///
    /// # Errors
    /// `NotAnArchive` without the end magic: cut, grown, or never finished; `Corrupt`, `Truncated`.
    pub fn parse(bytes: &[u8], file_bytes: u64) -> Result<Self, Error> {
        let offset_bytes = file_bytes.saturating_sub(Self::N_BYTES as u64);
        let corrupt = |rule| Error::Corrupt { what: "trailer", offset_bytes, rule };
        let mut cursor = Cursor::new(bytes, "trailer");
        let trailer = Self {
            revision: cursor.u64()?,
            previous_trailer_bytes: cursor.u64()?,
            root_offset_bytes: cursor.u64()?,
            root_frame_bytes: cursor.u64()?,
            file_bytes: cursor.u64()?,
            merkle_root: cursor.array()?,
            seal: cursor.array()?,
        };
        if cursor.array::<8>()? != END_MAGIC {
            return Err(Error::NotAnArchive { what: "the seal is missing: cut, grown or never finished" });
        }
        cursor.finish()?;
        if trailer.file_bytes != file_bytes {
            return Err(corrupt("the file has another length than it was sealed with"));
        }
        if trailer.revision == 0 {
            return Err(corrupt("revisions count from 1"));
        }
        if (trailer.revision == 1) != (trailer.previous_trailer_bytes == 0) {
            return Err(corrupt("the trailer before is named exactly from the second revision on"));
        }
        let end = trailer.root_offset_bytes.checked_add(trailer.root_frame_bytes);
        if end != Some(offset_bytes) {
            return Err(corrupt("the root record does not lie before the trailer"));
        }
        if trailer.part_bytes() > trailer.root_offset_bytes {
            return Err(corrupt("the trailer before lies after the root record"));
        }
        Ok(trailer)
    }

    /// Where the revision's part of the file starts: after the header, or the trailer before. Spec §16.
    #[must_use]
    pub fn part_bytes(&self) -> u64 {
        match self.previous_trailer_bytes {
            0 => crate::Header::N_BYTES as u64,
            offset => offset.saturating_add(Self::N_BYTES as u64),
        }
    }

    /// Reads a trailer that may lie in another file than the one it was sealed as. For salvage.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_stray(bytes: &[u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(bytes, "trailer");
        cursor.take(32)?;
        Self::parse(bytes, cursor.u64()?.max(Self::N_BYTES as u64))
    }

    /// The seal that header, root frame and trailer fields have together.
    #[must_use]
    pub fn compute_seal(&self, header: &[u8], root_frame: &[u8]) -> [u8; 32] {
        seal(header, root_frame, &self.encode()[..Self::N_SEALED_BYTES])
    }

    /// Checks the seal.
    ///
    /// # Errors
    /// `Hash` if header, root frame or trailer were changed.
    pub fn check_seal(&self, header: &[u8], root_frame: &[u8]) -> Result<(), Error> {
        let found = self.compute_seal(header, root_frame);
        if found == self.seal {
            return Ok(());
        }
        Err(Error::hash("seal", self.file_bytes - Self::N_BYTES as u64, &self.seal, &found))
    }
}

fn seal(header: &[u8], root_frame: &[u8], fields: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(SEAL_DOMAIN);
    hasher.update(header);
    hasher.update(root_frame);
    hasher.update(fields);
    hasher.finalize().into()
}
