//! Parts of a file that are checked for their shape and not kept yet. What they use cannot be
//! seen, so checks for unused things keep quiet about them.

use crate::connector_file::{ConnectorFile, Request};
use crate::span_index::SpanIndex;

/// Whether the request has parts of its own that may use its param values.
pub(super) fn has_parts(request: &Request, spans: &SpanIndex) -> bool {
    ["track", "verify"].iter().any(|key| spans.find_value(&format!("{}.{key}", request.place)).is_some())
}

/// Whether some part of the file that is not kept may use any secret.
pub(super) fn has_sections(file: &ConnectorFile, spans: &SpanIndex) -> bool {
    let is_written = |place: &str| spans.find_value(place).is_some();
    let in_endpoint = |index: usize| {
        ["verify", "rectify"].iter().any(|key| is_written(&format!("endpoints[{index}].{key}")))
    };
    ["governance", "activity"].iter().any(|key| is_written(key))
        || (0..file.endpoints.len()).any(in_endpoint)
        || super::visit::requests(file).iter().any(|visit| has_parts(visit.request, spans))
}
