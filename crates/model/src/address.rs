use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// Names one collection of one dataset; its text is `dataset:collection` (privacy-requests D-16).
///
/// Orders by dataset, then collection: the order in which packages and reports list collections.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CollectionAddress {
    dataset: String,
    collection: String,
}

impl CollectionAddress {
    /// An address from its two parts, which are not checked further.
    pub fn new(dataset: impl Into<String>, collection: impl Into<String>) -> Self {
        Self { dataset: dataset.into(), collection: collection.into() }
    }

    /// The dataset's key; for a connection's own dataset this is the connection's key.
    pub fn dataset(&self) -> &str {
        &self.dataset
    }

    /// The collection's name inside its dataset.
    pub fn collection(&self) -> &str {
        &self.collection
    }

    /// The field at dotted `path` of this collection.
    pub fn field(&self, path: impl Into<String>) -> FieldAddress {
        FieldAddress { collection: self.clone(), path: path.into() }
    }
}

impl fmt::Display for CollectionAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.dataset, self.collection)
    }
}

impl FromStr for CollectionAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        match text.split_once(':') {
            Some((dataset, collection))
                if !dataset.is_empty() && !collection.is_empty() && !collection.contains(':') =>
            {
                Ok(Self::new(dataset, collection))
            }
            _ => Err(AddressError { text: text.to_owned() }),
        }
    }
}

impl Serialize for CollectionAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CollectionAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Names one field, nested or not; its text is `dataset:collection:a.b.c`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldAddress {
    /// The collection the field belongs to.
    pub collection: CollectionAddress,
    /// Dotted path of the field inside its collection.
    pub path: String,
}

impl fmt::Display for FieldAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.collection, self.path)
    }
}

/// A text that should have been a collection address.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{text}` is not a collection address; write `dataset:collection`")]
pub struct AddressError {
    text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_text_round_trips_and_bad_text_is_refused() {
        let address: CollectionAddress = "shop:orders".parse().unwrap();

        assert_eq!(address.to_string(), "shop:orders");
        assert_eq!(address.field("lines.id").to_string(), "shop:orders:lines.id");
        for bad in ["", "shop", "shop:", ":orders", "a:b:c"] {
            assert!(bad.parse::<CollectionAddress>().is_err(), "{bad:?} should be refused");
        }
    }
}
