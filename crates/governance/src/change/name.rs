use std::fmt;
use std::str::FromStr;

use protos::c1::connector::v2::ResourceId;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Kind and id of a resource: an account, a group, whatever can hold or be held.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ResourceName {
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id, in the application's words.
    pub id: String,
}

/// A text that should have been kind and id.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a resource is written as its kind, a colon and its id, as in `user:7`")]
pub struct ResourceNameError;

impl ResourceName {
    /// Of these parts.
    pub fn new(kind: impl Into<String>, id: impl Into<String>) -> Self {
        Self { kind: kind.into(), id: id.into() }
    }

    pub(super) fn wire(&self) -> ResourceId {
        ResourceId { resource_type: self.kind.clone(), resource: self.id.clone(), ..ResourceId::default() }
    }
}

impl fmt::Display for ResourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.id)
    }
}

impl FromStr for ResourceName {
    type Err = ResourceNameError;

    /// Kinds have no colon, ids may.
    fn from_str(text: &str) -> Result<Self, ResourceNameError> {
        match text.split_once(':') {
            Some((kind, id)) if !kind.is_empty() && !id.is_empty() => Ok(Self::new(kind, id)),
            Some(_) | None => Err(ResourceNameError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_may_have_colons_and_a_kind_has_none() {
        let name: ResourceName = "user:a:b".parse().unwrap();

        assert_eq!(name, ResourceName::new("user", "a:b"));
        assert_eq!(name.to_string(), "user:a:b");
        for text in ["user", "user:", ":7", ""] {
            assert_eq!(text.parse::<ResourceName>(), Err(ResourceNameError), "{text}");
        }
    }
}
