use std::fmt;

/// Length of an id: a KSUID, as the protocol wants those of tasks (baton P-table, `^[a-zA-Z0-9]{27}$`).
const LENGTH: usize = 27;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident,)+) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// Takes up an id from outside; `None` for a text that no id can be.
            pub fn parse(text: &str) -> Option<Self> {
                let fits = text.len() == LENGTH && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
                fits.then(|| Self(text.to_owned()))
            }

            pub(crate) fn kept(text: String) -> Self {
                Self(text)
            }

            /// The id's text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+ };
}

ids! {
    /// Id of a self-hosted connector.
    BatonConnectorId,
    /// Id of one of its credentials.
    BatonCredentialId,
    /// Id of a piece of work for it.
    BatonTaskId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_no_id_can_be_are_not_looked_for() {
        let id = "2abcdefghijklmnopqrstuvwxyZ";
        assert_eq!(BatonTaskId::parse(id).unwrap().as_str(), id);
        for text in ["", "2abc", &id.replace('a', "-"), &format!("{id}1")] {
            assert_eq!(BatonTaskId::parse(text), None, "{text}");
        }
    }
}
