//! Contexts with like statistics share a table. Encoder only; integers, so that the choice is the same everywhere.

use super::tables::{Layout, MAX_CLUSTERS, Tables};
use crate::entropy::logarithm::log2;
use crate::image::levels::{Counts, N_TOKENS, cost, levels};
use crate::simd::{ByteLanes, Kernel};

/// Rounds of moving contexts to the cluster that codes them best.
const N_ROUNDS: usize = 3;
/// Samples for each cluster that is begun with; small planes have fewer, for few are left after merging.
const N_CLUSTER_SAMPLES: usize = 256;
const MIN_BEGUN: usize = 6;

/// Clusters and levels for the token counts of every context. To be run as a kernel.
pub(super) struct Choose<'a> {
    pub(super) counts: &'a [Counts],
    pub(super) layout: Layout,
}

impl Kernel for Choose<'_> {
    type Output = Tables;

    #[inline(always)]
    fn run<L: ByteLanes>(self, _: L) -> Tables {
        choose(self.counts, self.layout)
    }
}

#[inline(always)]
fn choose(counts: &[Counts], layout: Layout) -> Tables {
    let used = used_contexts(counts);
    let n_tokens = 1 + used.iter().map(|used| used.last_token()).max().unwrap_or(0);
    let n_samples: u64 = used.iter().map(|used| used.n_tokens).sum();
    let n_clusters = (n_samples as usize / N_CLUSTER_SAMPLES).clamp(MIN_BEGUN, MAX_CLUSTERS);
    let mut cluster_of = begin(&used, n_clusters);
    let mut sums = sum_up(&used, &cluster_of, n_clusters);
    for _ in 0..N_ROUNDS {
        let costs = token_costs(&sums, n_tokens);
        for (context, cluster) in used.iter().zip(&mut cluster_of) {
            let mut bits = [0; MAX_CLUSTERS];
            for (token, n) in &context.tokens {
                for (bits, cost) in bits.iter_mut().zip(&costs[*token]) {
                    *bits += u64::from(*n) * u64::from(*cost);
                }
            }
            let best = bits.iter().enumerate().min_by_key(|(_, bits)| **bits);
            *cluster = best.map_or(0, |(best, _)| best);
        }
        sums = sum_up(&used, &cluster_of, n_clusters);
    }
    let renamed = merge(&mut sums, n_tokens);
    let mut tables = Tables::new(layout);
    tables.levels = sums.iter().map(levels).collect();
    let mut next = used.iter().zip(&cluster_of).peekable();
    for context in 0..layout.n_contexts {
        tables.clusters[context] = match next.next_if(|(used, _)| used.context == context) {
            Some((_, cluster)) => renamed[*cluster] as u8,
            // Nothing is coded here: what costs least to say.
            None if context < layout.n_sides => 0,
            None => tables.clusters[context - layout.n_sides],
        };
    }
    tables
}

/// A context that has tokens.
struct Used {
    context: usize,
    /// Tokens and how often each comes, more than never.
    tokens: Vec<(usize, u32)>,
    n_tokens: u64,
}

impl Used {
    fn last_token(&self) -> usize {
        self.tokens.last().map_or(0, |(token, _)| *token)
    }
}

#[inline(always)]
fn used_contexts(counts: &[Counts]) -> Vec<Used> {
    // Most have none: what tells should run through vectors.
    let used = counts.iter().enumerate().filter(|(_, counts)| counts.iter().fold(0, |any, n| any | n) > 0);
    let used = used.map(|(context, counts)| {
        let tokens: Vec<_> = counts.iter().copied().enumerate().filter(|(_, n)| *n > 0).collect();
        let n_tokens = tokens.iter().map(|(_, n)| u64::from(*n)).sum();
        Used { context, tokens, n_tokens }
    });
    used.collect()
}

/// Clusters by mean token, each with about the same sum of square roots of counts.
fn begin(used: &[Used], n_clusters: usize) -> Vec<usize> {
    let mean = |context: &Used| {
        let sum: u64 = context.tokens.iter().map(|(token, n)| *token as u64 * u64::from(*n)).sum();
        sum * 1024 / context.n_tokens
    };
    let mut order: Vec<usize> = (0..used.len()).collect();
    order.sort_by_cached_key(|i| (mean(&used[*i]), *i));
    let mass: Vec<u64> = order.iter().map(|i| used[*i].n_tokens.isqrt()).collect();
    let all: u64 = mass.iter().sum();
    let mut cluster_of = vec![0; used.len()];
    let mut before = 0;
    for (i, mass) in order.iter().zip(mass) {
        cluster_of[*i] = (before * n_clusters as u64 / all.max(1)) as usize;
        before += mass;
    }
    cluster_of
}

fn sum_up(used: &[Used], cluster_of: &[usize], n_clusters: usize) -> Vec<Counts> {
    let mut sums = vec![[0; N_TOKENS]; n_clusters];
    for (context, cluster) in used.iter().zip(cluster_of) {
        context.tokens.iter().for_each(|(token, n)| sums[*cluster][*token] += n);
    }
    sums
}

/// Bits of each token in each cluster, in 1/65536; tokens never seen there cost more than any seen, and those of
/// clusters that are not there most.
fn token_costs(sums: &[Counts], n_tokens: usize) -> Vec<[u32; MAX_CLUSTERS]> {
    let mut costs = vec![[u32::MAX; MAX_CLUSTERS]; n_tokens];
    for (cluster, sum) in sums.iter().enumerate() {
        let most = log2(scaled(sum.iter().sum(), N_TOKENS as u32));
        for (costs, n) in costs.iter_mut().zip(sum) {
            costs[cluster] = most - log2(scaled(*n, 1));
        }
    }
    costs
}

/// Sixteen times a count, and a little: never nothing.
fn scaled(count: u32, more: u32) -> u32 {
    count.saturating_mul(16).saturating_add(more)
}

/// Merges clusters while that makes the whole smaller; gives the new number of each old cluster. Of the tokens only the
/// first `n_tokens` occur.
fn merge(sums: &mut Vec<Counts>, n_tokens: usize) -> Vec<usize> {
    let cost = |sum: &Counts| cost(&sum[..n_tokens]);
    let mut parent: Vec<usize> = (0..sums.len()).collect();
    let mut costs: Vec<u64> = sums.iter().map(&cost).collect();
    let mut live: Vec<usize> = (0..sums.len()).filter(|k| sums[*k].iter().any(|n| *n > 0)).collect();
    let together = |a: &Counts, b: &Counts| -> Counts { std::array::from_fn(|i| a[i] + b[i]) };
    let gain = |sums: &[Counts], costs: &[u64], a: usize, b: usize| {
        (costs[a] + costs[b]) as i64 - cost(&together(&sums[a], &sums[b])) as i64
    };
    let mut gains: Vec<(i64, usize, usize)> = Vec::new();
    for (i, &a) in live.iter().enumerate() {
        gains.extend(live[i + 1..].iter().map(|&b| (gain(sums, &costs, a, b), a, b)));
    }
    while let Some(&(best, a, b)) =
        gains.iter().max_by_key(|(gain, a, b)| (*gain, usize::MAX - a, usize::MAX - b))
    {
        if best <= 0 {
            break;
        }
        sums[a] = together(&sums[a], &sums[b]);
        costs[a] = cost(&sums[a]);
        parent[b] = a;
        live.retain(|k| *k != b);
        gains.retain(|(_, i, j)| ![*i, *j].iter().any(|k| *k == a || *k == b));
        gains.extend(live.iter().filter(|k| **k != a).map(|&k| {
            let (i, j) = (a.min(k), a.max(k));
            (gain(sums, &costs, i, j), i, j)
        }));
    }
    let root = |mut k: usize| {
        while parent[k] != k {
            k = parent[k];
        }
        k
    };
    let number: Vec<usize> =
        (0..parent.len()).map(|k| live.iter().position(|l| *l == root(k)).unwrap_or(0)).collect();
    *sums = live.iter().map(|k| sums[*k]).collect();
    number
}
