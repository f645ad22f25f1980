use graph::{Graph, Selection};
use model::CollectionAddress;
use spec::{ActionType, Rule};

use super::Contents;

impl<'a> Contents<'a> {
    /// What of a collection is delivered (privacy-requests ).
    pub(super) fn selection(&self, address: &CollectionAddress) -> Selection {
        match self {
            Self::Everything => Selection::Whole,
            Self::Targeted { policy, graph } => targeted(graph, address, &policy.rules),
            Self::OfRule { rule, graph, .. } => targeted(graph, address, std::slice::from_ref(rule)),
        }
    }

    /// Key of the policy that chooses, if one does.
    pub(super) fn policy(&self) -> Option<&'a str> {
        match self {
            Self::Everything => None,
            Self::Targeted { policy, .. } | Self::OfRule { policy, .. } => Some(policy.key.as_str()),
        }
    }

    /// Keys of its rules that choose.
    pub(super) fn rules(&self) -> Vec<&'a str> {
        match self {
            Self::Everything => Vec::new(),
            Self::Targeted { policy, .. } => {
                access_rules(&policy.rules).map(|rule| rule.key.as_str()).collect()
            }
            Self::OfRule { rule, .. } => vec![rule.key.as_str()],
        }
    }

    /// Whether a collection of which no row is delivered still has its empty list.
    pub(super) fn lists_empty(&self) -> bool {
        match self {
            Self::Everything => true,
            Self::Targeted { .. } | Self::OfRule { .. } => false,
        }
    }
}

/// What the access rules among `rules` target of a collection.
fn targeted(graph: &Graph, address: &CollectionAddress, rules: &[Rule]) -> Selection {
    let targets: Vec<String> = access_rules(rules).flat_map(|rule| rule.targets.iter().cloned()).collect();
    graph.find(address).map_or(Selection::Nothing, |collection| Selection::of(collection, &targets))
}

fn access_rules(rules: &[Rule]) -> impl Iterator<Item = &Rule> {
    rules.iter().filter(|rule| match rule.action {
        ActionType::Access => true,
        ActionType::Erasure | ActionType::Rectification => false,
    })
}
