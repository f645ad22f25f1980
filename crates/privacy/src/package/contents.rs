use graph::Selection;
use model::CollectionAddress;
use spec::ActionType;

use super::Contents;

impl Contents<'_> {
    /// What of a collection is delivered (privacy-requests ).
    pub(super) fn selection(&self, address: &CollectionAddress) -> Selection {
        match self {
            Self::Everything => Selection::Whole,
            Self::Targeted { policy, graph } => {
                let rules = policy.rules.iter().filter(|rule| match rule.action {
                    ActionType::Access => true,
                    ActionType::Erasure | ActionType::Rectification => false,
                });
                let targets: Vec<String> = rules.flat_map(|rule| rule.targets.iter().cloned()).collect();
                graph
                    .find(address)
                    .map_or(Selection::Nothing, |collection| Selection::of(collection, &targets))
            }
        }
    }

    /// Whether a collection of which no row is delivered still has its empty list.
    pub(super) fn lists_empty(&self) -> bool {
        match self {
            Self::Everything => true,
            Self::Targeted { .. } => false,
        }
    }
}
