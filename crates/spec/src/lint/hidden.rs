//! Parts of a file that are checked for their shape and not kept yet. What they use cannot be
//! seen, so checks for unused things keep quiet about them.

use crate::span_index::SpanIndex;

/// Whether some part of the file that is not kept may use any secret.
pub(super) fn has_sections(spans: &SpanIndex) -> bool {
    ["governance", "activity"].iter().any(|key| spans.find_value(key).is_some())
}
