//! YAML text as a tree in which everything knows where it stands.
//!
//! The event stream comes from `granit-parser`; what a plain scalar means follows PyYAML, which the
//! Fides format was defined by (docs/decisions/003-yaml.md).

mod parse;
mod scalar;

#[cfg(test)]
mod tests;

use std::ops::Range;

pub(crate) use parse::parse;
pub(crate) use scalar::{Meaning, Scalar};

/// One value with its place.
#[derive(Clone)]
pub(crate) struct Node {
    /// Bytes in the source; empty for a value that is not written, as after `key:`.
    pub(crate) span: Range<usize>,
    /// What it is.
    pub(crate) content: Content,
    /// Values in it, itself included.
    size: usize,
    /// Levels below it.
    depth: usize,
}

/// What a node is.
#[derive(Clone)]
pub(crate) enum Content {
    /// Text, number, boolean, null, date.
    Scalar(Scalar),
    /// A list.
    Sequence(Vec<Node>),
    /// Keys and values in order; keys are unique.
    Mapping(Vec<Entry>),
}

/// One key of a mapping with its value.
#[derive(Clone)]
pub(crate) struct Entry {
    /// The key's text.
    pub(crate) key: String,
    /// Bytes of the key.
    pub(crate) key_span: Range<usize>,
    /// The value.
    pub(crate) value: Node,
}

impl Node {
    fn new(span: Range<usize>, content: Content) -> Self {
        let (size, depth) = match &content {
            Content::Scalar(_) => (1, 0),
            Content::Sequence(items) => measure(items.iter()),
            Content::Mapping(entries) => measure(entries.iter().map(|entry| &entry.value)),
        };
        Self { span, content, size, depth }
    }

    /// A null that stands nowhere.
    pub(crate) fn nothing() -> Self {
        Self::new(0..0, Content::Scalar(Scalar::plain(String::new())))
    }

    /// The entry for `key`, if this is a mapping that has it.
    pub(crate) fn find_entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The entries, none if this is no mapping.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Mapping(entries) => entries,
            Content::Scalar(_) | Content::Sequence(_) => &[],
        }
    }

    /// The items, none if this is no list.
    pub(crate) fn items(&self) -> &[Node] {
        match &self.content {
            Content::Sequence(items) => items,
            Content::Scalar(_) | Content::Mapping(_) => &[],
        }
    }

    /// Whether this is a list.
    pub(crate) fn is_list(&self) -> bool {
        matches!(&self.content, Content::Sequence(_))
    }

    /// Whether this is null, written or not.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.content, Content::Scalar(scalar) if scalar.meaning == Meaning::Null)
    }

    /// What it is, in words for a message.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.content {
            Content::Sequence(_) => "a list",
            Content::Mapping(_) => "a mapping",
            Content::Scalar(scalar) => scalar.meaning.kind(),
        }
    }
}

fn measure<'a>(children: impl Iterator<Item = &'a Node>) -> (usize, usize) {
    children.fold((1, 1), |(size, depth), child| (size + child.size, depth.max(child.depth + 1)))
}
