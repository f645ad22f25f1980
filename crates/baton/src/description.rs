//! What a connector says about itself without calling anybody: what it can do, and which fields it has.

mod capabilities;
mod configuration;
mod metadata;

use prost::{Message, Name};
use protos::{annotations, json};
use serde_json::Value;

pub use capabilities::capabilities;
pub use configuration::configuration;
pub use metadata::metadata;

/// `message` in an `Any` as JSON: `@type` first (baton §12.3).
///
/// # Errors
/// [`json::JsonError`] if it is nested too deep.
pub fn in_any<M: Message + Name>(message: &M) -> Result<Value, json::JsonError> {
    json::to_value(&annotations::pack(message))
}
