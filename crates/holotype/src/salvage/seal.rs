//! Whether a seal holds, or would hold but for one damaged bit.

use holotype_container::{Header, Trailer};

/// Bytes hashed at most in the search for one flipped bit.
const MAX_REPAIR_BYTES: usize = 1 << 30;
/// Bits of a stored seal that may be wrong; 256 random bits agree in so many only by forgery.
const MAX_SEAL_BITS: u32 = 8;

/// A root frame that its seal vouches for.
pub(super) struct SealedRoot {
    pub(super) frame: Vec<u8>,
    /// The seal it was sealed with.
    pub(super) seal: [u8; 32],
    /// What had to be mended, empty if nothing.
    pub(super) mended: &'static str,
}

/// Checks the seal over `root_frame`; a damaged seal, or a root with one flipped bit, is recognised.
///
/// The header needs no trust: unencrypted archives have but one.
pub(super) fn check(root_frame: &[u8], trailer: &Trailer) -> Option<SealedRoot> {
    let header = Header::default().encode();
    let found = trailer.compute_seal(&header, root_frame);
    let sealed =
        |frame: &[u8], mended| Some(SealedRoot { frame: frame.to_vec(), seal: trailer.seal, mended });
    let n_wrong: u32 = found.iter().zip(&trailer.seal).map(|(a, b)| (a ^ b).count_ones()).sum();
    if n_wrong == 0 {
        return sealed(root_frame, "");
    }
    if n_wrong <= MAX_SEAL_BITS {
        return Some(SealedRoot { seal: found, frame: root_frame.to_vec(), mended: "bits of the seal" });
    }
    let mut frame = root_frame.to_vec();
    let n_bits = (frame.len() * 8).min(MAX_REPAIR_BYTES / frame.len().max(1));
    for bit in 0..n_bits {
        let (byte, mask) = (bit / 8, 1_u8 << (bit % 8));
        if let Some(byte) = frame.get_mut(byte) {
            *byte ^= mask;
        }
        if trailer.compute_seal(&header, &frame) == trailer.seal {
            return sealed(&frame, "one bit of the root record");
        }
        if let Some(byte) = frame.get_mut(byte) {
            *byte ^= mask;
        }
    }
    None
}
