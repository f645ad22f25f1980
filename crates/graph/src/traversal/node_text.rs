//! Nodes as text, for what rests on all of a node.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use model::CollectionAddress;

use super::{Traversal, TraversalNode};

/// What `Debug` shows of each collection of a graph: long, and the same for everybody. Made once, when it is
/// first asked for.
#[derive(Clone, Default)]
pub(crate) struct CollectionTexts(Arc<BTreeMap<CollectionAddress, OnceLock<String>>>);

impl CollectionTexts {
    /// Those of these collections; none is made yet.
    pub(crate) fn of<'a>(collections: impl Iterator<Item = &'a CollectionAddress>) -> Self {
        Self(Arc::new(collections.map(|address| (address.clone(), OnceLock::new())).collect()))
    }
}

impl fmt::Debug for CollectionTexts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CollectionTexts").field(&self.0.len()).finish()
    }
}

impl Traversal {
    /// What `Debug` shows of the node at `position` among [`Traversal::nodes`]; nothing if there is none.
    pub fn node_text(&self, position: usize) -> String {
        let Some(node) = self.nodes.get(position) else { return String::new() };
        let Some(text) = self.texts.0.get(node.address()) else { return format!("{node:?}") };
        let TraversalNode { collection, incoming, cut, waits_for } = node;
        let collection = text.get_or_init(|| format!("{collection:?}"));
        format!(
            "TraversalNode {{ collection: {collection}, incoming: {incoming:?}, cut: {cut:?}, waits_for: {waits_for:?} }}"
        )
    }
}

#[cfg(test)]
mod tests {
    use crate::fixture::{dataset, email};
    use crate::{Graph, Targets};

    // Rows are kept under it: another text would be another question.
    #[test]
    fn the_text_of_a_node_is_what_debug_shows() {
        let dataset = dataset(&["A: id email^email b>B.id", "B: id a>A.id", "C: id<A.id"]);
        let graph = Graph::build(&[dataset]).unwrap();

        for _ in 0..2 {
            let traversal = graph.traverse(&email(), Targets::Everything).unwrap();

            assert_eq!(traversal.nodes().len(), 3);
            for (position, node) in traversal.nodes().iter().enumerate() {
                assert_eq!(traversal.node_text(position), format!("{node:?}"));
            }
            assert_eq!(traversal.node_text(3), "");
        }
    }
}
