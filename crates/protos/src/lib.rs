//! The messages and services of the Baton ecosystem, made from our own `.proto` files, which are compatible on the
//! wire.
//!
//! For: what goes over a wire or into a `.c1z` file, its JSON form, annotations, the ids that messages carry, and the
//! limits that requests keep to.
//! Not for: deciding anything about access, opening files, or making connections.
//!
//! ```
//! use protos::c1::connector::v2::{GroupTrait, Resource, ResourceId};
//! use protos::{annotations, entitlement_id, json};
//!
//! let id = ResourceId { resource_type: "group".into(), resource: "g1".into(), ..ResourceId::default() };
//! assert_eq!(entitlement_id(&id, "member")?, "group:g1:member");
//!
//! let mut group = Resource { id: Some(id), display_name: "Eng".into(), ..Resource::default() };
//! annotations::replace(&mut group.annotations, &GroupTrait::default());
//! let text = json::to_value(&group)?.to_string();
//! assert!(text.starts_with(r#"{"id":{"resourceType":"group","resource":"g1"},"displayName":"Eng""#));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod annotations;
mod descriptors;
mod generated;
mod ids;
pub mod json;
pub mod limits;
mod plaintext;

pub use descriptors::pool;
pub use generated::{baton, c1, google, validate};
pub use ids::{Bid, BidError, EmptyPart, Ksuid, KsuidError, ResourceBid, entitlement_id, grant_id};
