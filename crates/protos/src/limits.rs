//! Limits of fields, as they stand beside the fields in the `.proto` files, and the check of a message against them.
//!
//! A server checks each request before it does anything with it (MSG-10), and what a connector returns as well.

mod broken;
mod form;
mod plan;
mod walk;

pub use broken::{Bound, Broken, Unit};

use prost::{Message, Name};
use thiserror::Error;

use crate::descriptors::{find_descriptor, walkable};

/// A message that does not keep to its limits.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{field}` of {message} {broken}")]
pub struct LimitError {
    /// Full name of the message that was checked.
    pub message: String,
    /// The field, from the outside in: `grant.entitlement.id`, `known_task_ids[3]`.
    pub field: String,
    /// The rule that it breaks. Values are not repeated, so the text may go to whoever sent the message.
    pub broken: Broken,
}

/// Checks `message` and everything inside it, except for what is packed into annotations.
///
/// # Errors
/// The first field, in the order of field numbers, that breaks a limit.
pub fn check<M: Message + Name>(message: &M) -> Result<(), LimitError> {
    let of_field = |field: String, broken| LimitError { message: M::full_name(), field, broken };
    let descriptor = find_descriptor::<M>().ok_or_else(|| of_field(String::new(), Broken::Unknown))?;
    let message = walkable(descriptor, message).map_err(|_| of_field(String::new(), Broken::Depth))?;
    walk::message(&message).map_err(|(field, broken)| of_field(field, broken))
}

#[cfg(test)]
mod tests;
