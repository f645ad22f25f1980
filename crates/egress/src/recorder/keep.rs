use std::collections::HashMap;

/// Paths whose leaves a recording keeps, as a tree.
#[derive(Default)]
pub(super) struct Keep {
    root: Node,
}

#[derive(Default)]
struct Node {
    whole: bool,
    children: HashMap<String, Node>,
}

/// The places of the tree that a place in the answer corresponds to.
#[derive(Clone)]
pub(super) struct Position<'a> {
    nodes: Vec<&'a Node>,
    kept: bool,
}

impl Keep {
    /// A path that cannot be read keeps nothing.
    pub(super) fn new(paths: &[String]) -> Self {
        let mut root = Node::default();
        for path in paths {
            let Ok(path) = path.parse::<model::Path>() else { continue };
            let mut node = &mut root;
            for segment in path.segments() {
                node = node.children.entry(segment.to_owned()).or_default();
            }
            node.whole = true;
        }
        Self { root }
    }

    pub(super) fn start(&self) -> Position<'_> {
        Position { nodes: vec![&self.root], kept: self.root.whole }
    }
}

impl<'a> Position<'a> {
    /// Whether leaves here, and all below, are kept.
    pub(super) fn is_kept(&self) -> bool {
        self.kept
    }

    /// The position of an object's member.
    pub(super) fn member(&self, key: &str) -> Position<'a> {
        self.step(key, Vec::new())
    }

    /// The position of an array's item: the array's own, or that of a path with its number.
    pub(super) fn item(&self, index: usize) -> Position<'a> {
        self.step(&index.to_string(), self.nodes.clone())
    }

    fn step(&self, key: &str, mut nodes: Vec<&'a Node>) -> Position<'a> {
        nodes.extend(self.nodes.iter().filter_map(|node| node.children.get(key)));
        let kept = self.kept || nodes.iter().any(|node| node.whole);
        Position { nodes, kept }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_entered_without_a_step_or_with_their_number() {
        let keep = Keep::new(&["data.items.id".into(), "list.1".into(), "a\\.b".into()]);
        let start = keep.start();

        let items = start.member("data").member("items");
        assert!(items.item(4).member("id").is_kept());
        assert!(items.item(4).item(0).member("id").is_kept());
        assert!(!items.item(4).member("name").is_kept());
        assert!(!items.is_kept());
        assert!(start.member("list").item(1).is_kept());
        assert!(!start.member("list").item(0).is_kept());
        assert!(start.member("a.b").is_kept());
        assert!(start.member("data").member("items").member("id").member("below").is_kept());
    }
}
