//! The JSON form of messages, by their descriptors: names in lowerCamelCase, enums by name, 64-bit numbers as text,
//! times in RFC 3339, bytes in base64, `Any` opened beside its `@type`.
//!
//! What is empty is left out. One thing goes beyond the usual rules, under which it is an error: the content of an
//! `Any` whose type this crate does not know stands as base64 under `value`.

mod read;
mod write;

use prost::{Message, Name};
use prost_reflect::MessageDescriptor;
use serde_json::Value;
use thiserror::Error;

use crate::descriptors::{find_descriptor, walkable};

/// Why a message has no JSON form, or a JSON value is no such message.
#[derive(Debug, Error)]
pub enum JsonError {
    /// The type is not of this crate.
    #[error("{name} is not among the descriptors of this crate; add its `.proto` file")]
    Unknown {
        /// Full name of the type.
        name: String,
    },
    /// The message cannot be walked.
    #[error("{name} is nested too deep to be written")]
    Depth {
        /// Full name of the type.
        name: String,
        /// What the walker said.
        #[source]
        source: prost::DecodeError,
    },
    /// The JSON value does not fit the message.
    #[error("`{at}` {problem}")]
    Mismatch {
        /// Where it stands, for instance `list[2].id`.
        at: String,
        /// What is wrong with it. Values are not repeated.
        problem: Mismatch,
    },
    /// The JSON value fits, and the message built from it does not decode.
    #[error("{name} does not decode")]
    Decode {
        /// Full name of the type.
        name: String,
        /// What the decoder said.
        #[source]
        source: prost::DecodeError,
    },
}

/// What is wrong with a JSON value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// It is of another kind, or outside the type's range.
    #[error("is not {0}")]
    Kind(&'static str),
    /// No field has this name.
    #[error("is no field of {message}")]
    Field {
        /// Full name of the message.
        message: String,
    },
    /// The field, or another choice of its group, was there already.
    #[error("is set twice, or beside another choice of the same group")]
    Twice,
    /// No value of the enum has this name.
    #[error("is no value of {name}")]
    Enum {
        /// Full name of the enum.
        name: String,
    },
    /// It lies too deep.
    #[error("is nested too deep")]
    Depth,
}

/// The JSON form of `message`.
///
/// Keys of maps are in alphabetical order, fields in that of their numbers.
///
/// # Errors
/// If the type is not of this crate, or the message is nested deeper than one from the wire may be.
pub fn to_value<M: Message + Name>(message: &M) -> Result<Value, JsonError> {
    let descriptor = descriptor::<M>()?;
    let message =
        walkable(descriptor, message).map_err(|source| JsonError::Depth { name: M::full_name(), source })?;
    Ok(write::message(&message))
}

/// The message whose JSON form is `value`.
///
/// Fields may also be named as in the `.proto` file, numbers may be texts, and `null` is an absent field.
///
/// # Errors
/// If the type is not of this crate, or `value` does not fit it: unknown fields and enum values are refused.
pub fn from_value<M: Message + Name + Default>(value: &Value) -> Result<M, JsonError> {
    let message = read::message(&descriptor::<M>()?, value)?;
    message.transcode_to().map_err(|source| JsonError::Decode { name: M::full_name(), source })
}

fn descriptor<M: Name>() -> Result<MessageDescriptor, JsonError> {
    find_descriptor::<M>().ok_or_else(|| JsonError::Unknown { name: M::full_name() })
}

/// The member of the JSON form that tells the type of an `Any`.
const TYPE: &str = "@type";

/// The member for what does not open into members of its own.
const VALUE: &str = "value";

/// How many messages may lie in one another, those inside of `Any` counted too: as many as the decoder lets through, and
/// the outermost.
const DEPTH: usize = 101;

/// Message types with a JSON form of their own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WellKnown {
    Any,
    Timestamp,
    Duration,
    Struct,
    Value,
    List,
    /// A single value that may be absent.
    Wrapper,
}

impl WellKnown {
    fn of(descriptor: &MessageDescriptor) -> Option<Self> {
        match descriptor.full_name().strip_prefix("google.protobuf.")? {
            "Any" => Some(Self::Any),
            "Timestamp" => Some(Self::Timestamp),
            "Duration" => Some(Self::Duration),
            "Struct" => Some(Self::Struct),
            "Value" => Some(Self::Value),
            "ListValue" => Some(Self::List),
            "BoolValue" | "StringValue" | "BytesValue" | "FloatValue" | "DoubleValue" | "Int32Value"
            | "Int64Value" | "UInt32Value" | "UInt64Value" => Some(Self::Wrapper),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
