use std::fmt;

use model::IdSource;

/// Hexadecimal digits of a digest: 128 bits, of a keyed hash.
const DIGITS: usize = 32;

/// Id of a state of an inventory, `inv_` + UUID v7.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InventoryStateId(String);

impl InventoryStateId {
    /// A fresh id.
    pub fn new(ids: &dyn IdSource) -> Self {
        Self(format!("inv_{}", ids.next_uuid()))
    }

    /// Takes up an id from outside; `None` for a text that no id can be.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("inv_")?;
        let fits = rest.len() == 36 && rest.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        fits.then(|| Self(text.to_owned()))
    }

    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn kept(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for InventoryStateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! digests {
    ($($(#[$doc:meta])* $name:ident,)+) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            pub(super) fn of(hash: [u8; 32]) -> Self {
                let mut text = crypto::hex(&hash);
                text.truncate(DIGITS);
                Self(text)
            }

            pub(super) fn kept(text: String) -> Self {
                Self(text)
            }

            /// The digest's text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    )+ };
}

digests! {
    /// Stands for the rows of a part: the same rows of the same connection have the same one, and elsewhere
    /// it says nothing.
    InventoryPartId,
    /// The same for a piece of a part.
    InventoryChunkId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_no_id_can_be_are_not_looked_for() {
        let id = InventoryStateId::new(&model::RandomIds);

        assert_eq!(InventoryStateId::parse(id.as_str()), Some(id.clone()));
        for text in ["", "inv_", "inv_1", &id.as_str().replace("inv_", "run_"), &format!("{id}1")] {
            assert_eq!(InventoryStateId::parse(text), None, "{text}");
        }
    }
}
