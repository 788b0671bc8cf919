//! Contexts with like statistics share a table. Encoder only; integers, so that the choice is the same everywhere.

use super::tables::{MAX_CLUSTERS, N_CONTEXTS, N_SIDES, Tables};
use crate::entropy::logarithm::log2;
use crate::image::levels::{Counts, N_TOKENS, cost, levels};

/// Rounds of moving contexts to the cluster that codes them best.
const N_ROUNDS: usize = 3;

/// Clusters and levels for the token counts of every context.
pub(super) fn choose(counts: &[Counts]) -> Tables {
    let used: Vec<usize> = (0..N_CONTEXTS).filter(|c| counts[*c].iter().any(|n| *n > 0)).collect();
    let mut cluster_of = begin(&used, counts);
    let mut sums = sum_up(&used, &cluster_of, counts);
    for _ in 0..N_ROUNDS {
        let costs: Vec<_> = sums.iter().map(token_costs).collect();
        for (context, cluster) in used.iter().zip(&mut cluster_of) {
            let cost = |costs: &Vec<u64>| -> u64 {
                counts[*context].iter().zip(costs).map(|(n, cost)| u64::from(*n) * cost).sum()
            };
            let best = costs.iter().enumerate().min_by_key(|(_, costs)| cost(costs));
            *cluster = best.map_or(0, |(best, _)| best);
        }
        sums = sum_up(&used, &cluster_of, counts);
    }
    let renamed = merge(&mut sums);
    let mut tables = Tables { levels: sums.iter().map(levels).collect(), ..Tables::default() };
    let mut next = used.iter().zip(&cluster_of).peekable();
    for context in 0..N_CONTEXTS {
        tables.clusters[context] = match next.next_if(|(used, _)| **used == context) {
            Some((_, cluster)) => renamed[*cluster] as u8,
            // Nothing is coded here: what costs least to say.
            None if context < N_SIDES => 0,
            None => tables.clusters[context - N_SIDES],
        };
    }
    tables
}

/// Clusters by mean token, each with about the same sum of square roots of counts.
fn begin(used: &[usize], counts: &[Counts]) -> Vec<usize> {
    let total = |context: usize| counts[context].iter().map(|n| u64::from(*n)).sum::<u64>();
    let mean = |context: usize| {
        let sum: u64 =
            counts[context].iter().enumerate().map(|(token, n)| token as u64 * u64::from(*n)).sum();
        sum * 1024 / total(context)
    };
    let mut order: Vec<usize> = (0..used.len()).collect();
    order.sort_by_key(|i| (mean(used[*i]), *i));
    let mass: Vec<u64> = order.iter().map(|i| total(used[*i]).isqrt()).collect();
    let all: u64 = mass.iter().sum();
    let mut cluster_of = vec![0; used.len()];
    let mut before = 0;
    for (i, mass) in order.iter().zip(mass) {
        cluster_of[*i] = (before * MAX_CLUSTERS as u64 / all.max(1)) as usize;
        before += mass;
    }
    cluster_of
}

fn sum_up(used: &[usize], cluster_of: &[usize], counts: &[Counts]) -> Vec<Counts> {
    let mut sums = vec![[0; N_TOKENS]; MAX_CLUSTERS];
    for (context, cluster) in used.iter().zip(cluster_of) {
        sums[*cluster].iter_mut().zip(&counts[*context]).for_each(|(sum, n)| *sum += n);
    }
    sums
}

/// Bits of each token in a cluster, in 1/65536; tokens never seen there cost more than any seen.
fn token_costs(sum: &Counts) -> Vec<u64> {
    let total: u32 = sum.iter().sum();
    sum.iter().map(|n| u64::from(log2(scaled(total, N_TOKENS as u32)) - log2(scaled(*n, 1)))).collect()
}

/// Sixteen times a count, and a little: never nothing.
fn scaled(count: u32, more: u32) -> u32 {
    count.saturating_mul(16).saturating_add(more)
}

/// Merges clusters while that makes the whole smaller; gives the new number of each old cluster.
fn merge(sums: &mut Vec<Counts>) -> Vec<usize> {
    let mut parent: Vec<usize> = (0..sums.len()).collect();
    let mut costs: Vec<u64> = sums.iter().map(cost).collect();
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
