//! Thirty-two rANS states as four vectors: what the decoders of [`byte_rans`](super::byte_rans) and
//! [`context_rans`](super::context_rans) have in common.

use super::byte_rans::{MIN_STATE, N_LANES};
use crate::simd::Lanes;

/// The states, eight a vector.
#[inline(always)]
pub(crate) fn load<L: Lanes>(l: L, states: &[u32; N_LANES]) -> [L::I; 4] {
    let mut groups = [l.splat_i32(0); 4];
    for (group, states) in groups.iter_mut().zip(states.as_chunks::<8>().0) {
        *group = l.load_i32(&states.map(|state| state as i32));
    }
    groups
}

/// The vectors' states.
#[inline(always)]
pub(crate) fn store<L: Lanes>(l: L, groups: [L::I; 4]) -> [u32; N_LANES] {
    let mut states = [0; N_LANES];
    for (group, states) in groups.into_iter().zip(states.as_chunks_mut::<8>().0) {
        let mut lanes = [0; 8];
        l.store_i32(group, &mut lanes);
        *states = lanes.map(|state| state as u32);
    }
    states
}

/// Takes words of `next`, from `taken` on, into the states that are too small, and counts them. Past the last eight
/// words there are zeros.
#[inline(always)]
pub(super) fn refill<L: Lanes>(l: L, state: L::I, next: &[u16], taken: &mut usize) -> L::I {
    let next = next.get(*taken..).and_then(|next| next.first_chunk()).copied().unwrap_or_default();
    refill_from(l, state, &next, taken)
}

/// [`refill`] from the words that come next.
#[inline(always)]
pub(crate) fn refill_from<L: Lanes>(l: L, state: L::I, next: &[u16; 8], taken: &mut usize) -> L::I {
    let is_low = l.gt_i32(l.splat_i32(MIN_STATE as i32), state);
    let (fresh, n_words) = l.expand_u16(next, is_low);
    *taken += n_words;
    l.select_i32(is_low, l.or(l.shl::<16>(state), fresh), state)
}
