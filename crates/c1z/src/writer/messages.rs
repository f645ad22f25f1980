use std::borrow::Cow;

use prost::Message;
use protos::annotations;
use protos::c1::connector::v2::{Grant, GrantExpandable};

/// Encodes a message in place of what `out` held. Maps are encoded in the order of their keys (baton DB-3).
pub(super) fn encode(message: &impl Message, out: &mut Vec<u8>) {
    out.clear();
    message.encode(out).expect("a list of bytes has room for any message");
}

/// Encodes a grant without its annotation `GrantExpandable`, and that one apart; says whether there was one.
///
/// The annotation's bytes stay as the connector made them.
pub(super) fn split_expansion(grant: &Grant, out: &mut Vec<u8>, expansion: &mut Vec<u8>) -> bool {
    expansion.clear();
    let found = grant.annotations.iter().find(|any| annotations::is::<GrantExpandable>(any));
    let rest = match found {
        Some(annotation) => {
            expansion.extend_from_slice(&annotation.value);
            let mut rest = grant.clone();
            annotations::remove::<GrantExpandable>(&mut rest.annotations);
            Cow::Owned(rest)
        }
        None => Cow::Borrowed(grant),
    };
    encode(rest.as_ref(), out);
    // An annotation without content names no entitlement to expand; in the column it would say "not expandable".
    !expansion.is_empty()
}
