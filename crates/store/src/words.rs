//! Enums as the text that the database keeps.

use model::Outcome;

use crate::StoreError;

/// An enum whose variants are texts in the database; an unknown text is damage, not a default.
macro_rules! text_enum {
    ($(#[$doc:meta])* $name:ident $what:literal { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// The text that the database and the audit log keep.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            pub(crate) fn parse(text: &str) -> Result<Self, $crate::StoreError> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err($crate::StoreError::Damaged { what: $what }),
                }
            }
        }
    };
}
pub(crate) use text_enum;

const OUTCOMES: [(Outcome, &str); 10] = [
    (Outcome::Failed, "failed"),
    (Outcome::Unknown, "unknown"),
    (Outcome::Accepted, "accepted"),
    (Outcome::Unsupported, "unsupported"),
    (Outcome::Exempt, "exempt"),
    (Outcome::Suppressed, "suppressed"),
    (Outcome::Masked, "masked"),
    (Outcome::Erased, "erased"),
    (Outcome::AlreadyAbsent, "already_absent"),
    (Outcome::NotFound, "not_found"),
];

/// A list of words as JSON, the form in which a column keeps it.
pub(crate) fn list_text(words: &[String]) -> String {
    serde_json::to_string(words).expect("texts are always JSON")
}

/// The words of such a column.
pub(crate) fn list_of(text: &str) -> Result<Vec<String>, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Damaged { what: "a list of words" })
}

/// The text of an outcome.
pub(crate) fn outcome_text(outcome: Outcome) -> &'static str {
    OUTCOMES.iter().find(|(found, _)| *found == outcome).map_or("failed", |(_, text)| text)
}

/// The outcome of a text.
pub(crate) fn outcome_of(text: Option<String>) -> Result<Option<Outcome>, StoreError> {
    let Some(text) = text else { return Ok(None) };
    let found = OUTCOMES.iter().find(|(_, known)| *known == text).map(|(outcome, _)| *outcome);
    found.map(Some).ok_or(StoreError::Damaged { what: "an outcome" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_spelled_as_in_their_json_form() {
        for (outcome, text) in OUTCOMES {
            assert_eq!(serde_json::to_value(outcome).unwrap(), text);
            assert_eq!(outcome_of(Some(text.to_owned())).unwrap(), Some(outcome));
        }
        assert!(outcome_of(Some("done".to_owned())).is_err());
    }
}
