//! The hash tree over all blocks. Spec §6; shape of RFC 9162 §2.1.1 with BLAKE3.

/// BLAKE3 of a whole frame, header and payload, as it lies on disk.
#[must_use]
pub fn frame_hash(frame: &[u8]) -> [u8; 32] {
    blake3::hash(frame).into()
}

/// [`frame_hash`] of a frame that comes in pieces.
#[derive(Debug, Clone, Default)]
pub struct FrameHasher(blake3::Hasher);

impl FrameHasher {
    /// Takes the next bytes of the frame.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of all bytes taken.
    #[must_use]
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// Root of the tree over `leaves`, the frame hashes in block order.
///
/// A node is BLAKE3(0x01 ‖ left ‖ right); frames start with another byte, so no node can pass for a leaf.
/// Without leaves the root is BLAKE3 of nothing.
#[derive(Debug, Clone, Default)]
pub struct MerkleTree {
    /// Roots of complete subtrees, largest first; entry `i` exists if bit `i` of `n_leaves` is set.
    peaks: Vec<[u8; 32]>,
    n_leaves: u64,
}

impl MerkleTree {
    /// Appends a leaf.
    pub fn push(&mut self, leaf: [u8; 32]) {
        let mut node = leaf;
        let mut n = self.n_leaves;
        while n & 1 == 1 {
            if let Some(left) = self.peaks.pop() {
                node = parent(&left, &node);
            }
            n >>= 1;
        }
        self.peaks.push(node);
        self.n_leaves += 1;
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> [u8; 32] {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return blake3::hash(&[]).into() };
        peaks.fold(*last, |right, left| parent(left, &right))
    }
}

impl Extend<[u8; 32]> for MerkleTree {
    fn extend<I: IntoIterator<Item = [u8; 32]>>(&mut self, leaves: I) {
        leaves.into_iter().for_each(|leaf| self.push(leaf));
    }
}

fn parent(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[1]);
    hasher.update(left);
    hasher.update(right);
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9162 §2.1.1, word for word: split at the largest power of two below n.
    fn recursive(leaves: &[[u8; 32]]) -> [u8; 32] {
        match leaves {
            [] => blake3::hash(&[]).into(),
            [leaf] => *leaf,
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                let (left, right) = leaves.split_at(split);
                parent(&recursive(left), &recursive(right))
            }
        }
    }

    #[test]
    fn incremental_equals_the_recursive_definition() {
        let leaves: Vec<[u8; 32]> = (0..70_u8).map(|i| frame_hash(&[i])).collect();
        for n in 0..leaves.len() {
            let mut tree = MerkleTree::default();
            tree.extend(leaves[..n].iter().copied());
            assert_eq!(tree.root(), recursive(&leaves[..n]), "{n} leaves");
        }
    }
}
