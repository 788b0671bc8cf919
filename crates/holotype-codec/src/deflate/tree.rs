//! Code lengths and codes.

/// The code of an alphabet.
#[derive(Debug, Clone, Default)]
pub(super) struct Code {
    pub(super) n_bits: Vec<u8>,
    codes: Vec<u16>,
}

impl Code {
    /// The canonical code of these lengths.
    pub(super) fn of(n_bits: Vec<u8>) -> Self {
        let mut by_length = [0_u16; 16];
        for n in n_bits.iter().filter(|n| **n > 0) {
            by_length[usize::from(*n)] += 1;
        }
        let mut next = [0_u16; 16];
        for bits in 1..16 {
            next[bits] = next[bits - 1].wrapping_add(by_length[bits - 1]) << 1;
        }
        let code = |n: &u8| {
            let place = &mut next[usize::from(*n)];
            let code = *place;
            *place = place.wrapping_add(u16::from(*n > 0));
            // Codes are written from their highest bit on.
            if *n == 0 { 0 } else { code.reverse_bits() >> (16 - n) }
        };
        let codes = n_bits.iter().map(code).collect();
        Self { n_bits, codes }
    }

    /// The bits of a symbol, and their number.
    pub(super) fn bits(&self, symbol: usize) -> (u32, u32) {
        (u32::from(self.codes[symbol]), u32::from(self.n_bits[symbol]))
    }

    /// The code that makes symbols of these counts shortest, of at most `max_bits`, with zlib's order among equals.
    pub(super) fn shortest(counts: &[u32], max_bits: usize) -> Self {
        let n = counts.len();
        let mut heap =
            Heap { nodes: Vec::with_capacity(n), weights: counts.to_vec(), depths: vec![0; 2 * n] };
        heap.weights.resize(2 * n, 0);
        heap.nodes.extend((0..n).filter(|symbol| counts[*symbol] != 0));
        // There are two symbols at least.
        let mut last = heap.nodes.last().copied();
        while heap.nodes.len() < 2 {
            let symbol = match last {
                None => 0,
                Some(symbol) if symbol < 2 => symbol + 1,
                Some(_) => 0,
            };
            last = last.filter(|last| *last >= 2).or(Some(symbol));
            heap.weights[symbol] = 1;
            heap.nodes.push(symbol);
        }
        let (order, parents) = heap.join(n);
        Self::of(limited(&order, &parents, n, max_bits))
    }
}

/// Lengths of at most `max_bits` from a tree: its nodes in the order they were joined, and what joined them.
fn limited(order: &[usize], parents: &[usize], n: usize, max_bits: usize) -> Vec<u8> {
    let mut lengths = vec![0_u8; parents.len()];
    let mut by_length = vec![0_usize; max_bits + 1];
    let mut n_over = 0_usize;
    for &node in order.iter().rev().skip(1) {
        let length = usize::from(lengths[parents[node]]) + 1;
        n_over += usize::from(length > max_bits);
        lengths[node] = length.min(max_bits) as u8;
        if node < n {
            by_length[length.min(max_bits)] += 1;
        }
    }
    if n_over > 0 {
        while n_over > 0 {
            let shorter = (1..max_bits).rev().find(|bits| by_length[*bits] > 0).unwrap_or(1);
            by_length[shorter] -= 1;
            by_length[shorter + 1] += 2;
            by_length[max_bits] -= 1;
            n_over = n_over.saturating_sub(2);
        }
        let mut leaves = order.iter().filter(|node| **node < n);
        for bits in (1..=max_bits).rev() {
            leaves.by_ref().take(by_length[bits]).for_each(|node| lengths[*node] = bits as u8);
        }
    }
    lengths.truncate(n);
    lengths
}

/// Nodes, the lightest on top; of equal ones the one with less below it.
struct Heap {
    nodes: Vec<usize>,
    weights: Vec<u32>,
    depths: Vec<u8>,
}

impl Heap {
    fn is_lighter(&self, a: usize, b: usize) -> bool {
        (self.weights[a], self.depths[a]) <= (self.weights[b], self.depths[b])
    }

    /// Moves the node at place `at`, from 1, down to where it belongs.
    fn sink(&mut self, mut at: usize) {
        let node = self.nodes[at - 1];
        loop {
            let mut below = 2 * at;
            if below > self.nodes.len() {
                break;
            }
            if below < self.nodes.len() && self.is_lighter(self.nodes[below], self.nodes[below - 1]) {
                below += 1;
            }
            if self.is_lighter(node, self.nodes[below - 1]) {
                break;
            }
            self.nodes[at - 1] = self.nodes[below - 1];
            at = below;
        }
        self.nodes[at - 1] = node;
    }

    /// Joins the two lightest until one is left; returns the nodes in this order, and what each was joined by. Nodes
    /// from `n` on are joints.
    fn join(mut self, n: usize) -> (Vec<usize>, Vec<usize>) {
        for at in (1..=self.nodes.len() / 2).rev() {
            self.sink(at);
        }
        let mut order = Vec::with_capacity(2 * n);
        let mut parents = vec![0; 2 * n];
        let mut joint = n;
        while self.nodes.len() >= 2 {
            let first = self.nodes.swap_remove(0);
            self.sink(1);
            let second = self.nodes[0];
            order.extend([first, second]);
            self.weights[joint] = self.weights[first] + self.weights[second];
            self.depths[joint] = self.depths[first].max(self.depths[second]) + 1;
            (parents[first], parents[second]) = (joint, joint);
            self.nodes[0] = joint;
            joint += 1;
            self.sink(1);
        }
        order.push(self.nodes[0]);
        (order, parents)
    }
}
