mod bid;
mod ksuid;

pub use bid::{Bid, BidError, ResourceBid};
pub use ksuid::{Ksuid, KsuidError};

use thiserror::Error;

use crate::c1::connector::v2::ResourceId;

/// A part of an id that has nothing in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "an id cannot be made from an empty {part}; give each resource, entitlement and grant an id of its own"
)]
pub struct EmptyPart {
    /// Which part it is.
    pub part: &'static str,
}

/// The id of the entitlement `slug` on `resource` (ID-3).
///
/// Parts are joined as they are, so an id cannot be taken apart again: take parts from the message's fields.
///
/// # Errors
/// If a part is empty.
pub fn entitlement_id(resource: &ResourceId, slug: &str) -> Result<String, EmptyPart> {
    let resource_type = filled(&resource.resource_type, "resource type")?;
    let id = filled(&resource.resource, "resource id")?;
    Ok([resource_type, ":", id, ":", filled(slug, "slug")?].concat())
}

/// The id of the grant that gives `principal` the entitlement (ID-4); expanded grants have the same one (ID-5).
///
/// # Errors
/// If a part is empty; no word stands in for what is unknown (ID-6).
pub fn grant_id(entitlement_id: &str, principal: &ResourceId) -> Result<String, EmptyPart> {
    let entitlement_id = filled(entitlement_id, "entitlement id")?;
    let principal_type = filled(&principal.resource_type, "principal type")?;
    let id = filled(&principal.resource, "principal id")?;
    Ok([entitlement_id, ":", principal_type, ":", id].concat())
}

fn filled<'a>(text: &'a str, part: &'static str) -> Result<&'a str, EmptyPart> {
    if text.is_empty() { Err(EmptyPart { part }) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(resource_type: &str, id: &str) -> ResourceId {
        ResourceId { resource_type: resource_type.into(), resource: id.into(), ..ResourceId::default() }
    }

    // ID-3, ID-4, V-6
    #[test]
    fn parts_are_joined_without_escapes() {
        assert_eq!(entitlement_id(&resource("group", "g:1"), "member").unwrap(), "group:g:1:member");
        assert_eq!(grant_id("group:g1:member", &resource("user", "u1")).unwrap(), "group:g1:member:user:u1");
    }

    // ID-6
    #[test]
    fn nothing_stands_in_for_an_empty_part() {
        assert_eq!(entitlement_id(&resource("", "g1"), "member"), Err(EmptyPart { part: "resource type" }));
        assert_eq!(entitlement_id(&resource("group", ""), "member"), Err(EmptyPart { part: "resource id" }));
        assert_eq!(entitlement_id(&resource("group", "g1"), ""), Err(EmptyPart { part: "slug" }));
        assert_eq!(grant_id("", &resource("user", "u1")), Err(EmptyPart { part: "entitlement id" }));
        assert_eq!(grant_id("a:b:c", &resource("", "u1")), Err(EmptyPart { part: "principal type" }));
        assert_eq!(grant_id("a:b:c", &resource("user", "")), Err(EmptyPart { part: "principal id" }));
    }
}
