use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::yaml::Node;

/// Finds where things stand in a file.
///
/// A place is written as in [`crate::connector_file::Request::place`]: keys joined by dots, list
/// positions in brackets, `endpoints[2].requests.read[0].path`. The position `[0]` on something
/// that is not a list stands for the thing itself, because the format lets a list of one be
/// written without the list. A key that holds a dot is found too.
#[derive(Clone)]
pub struct SpanIndex {
    root: Arc<Node>,
    /// Key under which places begin, as in `saas_config`; empty for the whole document.
    base: &'static str,
}

/// What was found at a place.
struct Found<'a> {
    key: Option<&'a Range<usize>>,
    node: &'a Node,
    complete: bool,
}

impl SpanIndex {
    /// Places begin below the key `base`, or at the top if it is empty.
    pub(crate) fn new(root: Arc<Node>, base: &'static str) -> Self {
        Self { root, base }
    }

    /// Bytes of the value at `place`.
    pub fn find_value(&self, place: &str) -> Option<Range<usize>> {
        let found = self.walk(place);
        found.complete.then(|| value_span(&found))
    }

    /// Bytes of the key at `place`; for a list item, or the whole file, those of the value.
    pub fn find_key(&self, place: &str) -> Option<Range<usize>> {
        let found = self.walk(place);
        found.complete.then(|| key_span(&found))
    }

    /// Bytes of the value at `place`, or of the nearest thing around it that exists.
    pub fn nearest_value(&self, place: &str) -> Range<usize> {
        let found = self.walk(place);
        if found.complete { value_span(&found) } else { key_span(&found) }
    }

    /// Bytes of the key at `place`, or of the nearest key around it that exists.
    pub fn nearest_key(&self, place: &str) -> Range<usize> {
        key_span(&self.walk(place))
    }

    fn walk(&self, place: &str) -> Found<'_> {
        let mut found = Found { key: None, node: &self.root, complete: true };
        if !self.base.is_empty() {
            match self.root.find_entry(self.base) {
                Some(entry) => {
                    found = Found { key: Some(&entry.key_span), node: &entry.value, complete: true }
                }
                None => return Found { complete: place.is_empty(), ..found },
            }
        }
        let mut rest = place;
        while !rest.is_empty() {
            if let Some(inside) = rest.strip_prefix('[') {
                let (digits, after) = inside.split_once(']').unwrap_or((inside, ""));
                let Ok(index) = digits.parse::<usize>() else { return Found { complete: false, ..found } };
                rest = after.strip_prefix('.').unwrap_or(after);
                match found.node.items().get(index) {
                    Some(item) => found = Found { key: None, node: item, complete: true },
                    None if index == 0 && !found.node.is_list() => {}
                    None => return Found { complete: false, ..found },
                }
                continue;
            }
            let Some((entry, after)) = longest_key(found.node, rest) else {
                return Found { complete: false, ..found };
            };
            rest = after;
            found = Found { key: Some(&entry.key_span), node: &entry.value, complete: true };
        }
        found
    }
}

/// The entry whose key `rest` begins with, the longest if several fit, and what is left behind it.
fn longest_key<'a, 'b>(node: &'a Node, rest: &'b str) -> Option<(&'a crate::yaml::Entry, &'b str)> {
    node.entries()
        .iter()
        .filter_map(|entry| {
            let after = rest.strip_prefix(entry.key.as_str())?;
            match after.as_bytes().first() {
                None | Some(b'[') => Some((entry, after)),
                Some(b'.') => Some((entry, after.get(1..).unwrap_or_default())),
                Some(_) => None,
            }
        })
        .max_by_key(|(entry, _)| entry.key.len())
}

fn value_span(found: &Found<'_>) -> Range<usize> {
    // A value that is not written has no place; its key has.
    if found.node.span.is_empty() { key_span(found) } else { found.node.span.clone() }
}

fn key_span(found: &Found<'_>) -> Range<usize> {
    found.key.cloned().unwrap_or_else(|| found.node.span.clone())
}

impl fmt::Debug for SpanIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpanIndex").finish_non_exhaustive()
    }
}
