//! Contexts, their clusters, and the levels of each cluster's tokens.

use crate::CodecError;
use crate::entropy::binary::{AdaptiveBit, AdaptiveNumber, BitCoder};
use crate::image::levels::LevelModels;

/// Most clusters there may be.
pub(super) const MAX_CLUSTERS: usize = 24;

/// How many contexts there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) n_contexts: usize,
    /// A context is expected in the cluster of the one so many before it.
    pub(super) n_sides: usize,
    /// Tokens are below this.
    pub(super) n_tokens: usize,
}

/// Which cluster each context belongs to, and the token frequencies of each cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tables {
    /// Cluster of each context.
    pub(super) clusters: Vec<u8>,
    /// Levels of the tokens of each cluster, at least one cluster; the last level of each is not 0.
    pub(super) levels: Vec<Vec<u32>>,
}

/// Adaptive models of the tables.
#[derive(Debug, Default)]
pub(super) struct TableModels {
    is_same: [AdaptiveBit; 2],
    cluster: AdaptiveNumber,
    levels: LevelModels,
}

impl Tables {
    /// One cluster of one token.
    pub(super) fn new(layout: Layout) -> Self {
        Self { clusters: vec![0; layout.n_contexts], levels: vec![vec![1]] }
    }

    /// Codes the tables, or decodes them over these.
    pub(super) fn code(
        &mut self,
        layout: Layout,
        coder: &mut impl BitCoder,
        models: &mut TableModels,
    ) -> Result<(), CodecError> {
        let n_clusters = models.levels.n_tokens.code(coder, self.levels.len() as u32) as usize;
        if !(1..=MAX_CLUSTERS).contains(&n_clusters) {
            return Err(CodecError::Corrupt { what: "number of clusters" });
        }
        self.levels.resize(n_clusters, Vec::new());
        let mut was_same = true;
        for context in 0..layout.n_contexts {
            let before = if context < layout.n_sides { 0 } else { self.clusters[context - layout.n_sides] };
            let known = self.clusters[context];
            let is_same = models.is_same[usize::from(was_same)].code(coder, known == before);
            let cluster =
                if is_same { before } else { models.cluster.code(coder, u32::from(known)).min(255) as u8 };
            if usize::from(cluster) >= n_clusters {
                return Err(CodecError::Corrupt { what: "a context's cluster does not exist" });
            }
            self.clusters[context] = cluster;
            was_same = is_same;
        }
        for levels in &mut self.levels {
            models.levels.code(levels, layout.n_tokens, coder)?;
        }
        Ok(())
    }
}
