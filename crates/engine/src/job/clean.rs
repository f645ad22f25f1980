use connector::Person;
use model::text_form;

/// What stands in the place of a text that names the person.
const LEFT_OUT: &str = "(left out: it names the person)";
/// What stands in the place of a text that is too long to be a message.
const TOO_LONG: &str = "(left out: too long)";
/// Longest text that is kept, in bytes.
const LONGEST: usize = 2000;

/// Keeps personal data out of the words of applications: they are kept as they are, or not at all.
pub(super) struct Cleaner {
    /// Lower case.
    values: Vec<String>,
}

impl Cleaner {
    pub(super) fn new(person: &Person, known: &[String]) -> Self {
        let identities = &person.identities;
        let own = identities.kinds().flat_map(|kind| identities.values(kind)).filter_map(text_form);
        let values = own.chain(known.iter().cloned());
        let values = values.map(|value| value.trim().to_lowercase()).filter(|value| !value.is_empty());
        Self { values: values.collect() }
    }

    /// The text, or a sentence in its place.
    pub(super) fn clean(&self, text: String) -> String {
        if text.len() > LONGEST {
            return TOO_LONG.to_owned();
        }
        let lower = text.to_lowercase();
        let decoded = percent_encoding::percent_decode_str(&lower).decode_utf8_lossy().to_lowercase();
        let names_it = self.values.iter().any(|value| holds(&lower, value) || holds(&decoded, value));
        if names_it { LEFT_OUT.to_owned() } else { text }
    }
}

/// Whether `value` stands in `text`: anywhere, or, if it is short, as a word of its own.
fn holds(text: &str, value: &str) -> bool {
    text.match_indices(value).any(|(at, found)| {
        let before = text.get(..at).and_then(|part| part.chars().next_back());
        let after = text.get(at + found.len()..).and_then(|part| part.chars().next());
        let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        value.chars().count() >= 4 || !(is_word(before) || is_word(after))
    })
}

#[cfg(test)]
mod tests {
    use model::{Identities, PrivacyRequestId, RandomIds, Row};

    use super::*;

    fn cleaner() -> Cleaner {
        let mut identities = Identities::default();
        identities.insert("email", "Ana@example.com".into()).unwrap();
        identities.insert("customer_id", 42.into()).unwrap();
        let person = Person {
            identities,
            privacy_request_id: PrivacyRequestId::new(&RandomIds),
            privacy_request: Row::new(),
            custom_fields: Row::new(),
        };
        Cleaner::new(&person, &["usr_ana".to_owned()])
    }

    #[test]
    fn a_message_is_kept_whole_or_not_at_all() {
        let cleaner = cleaner();

        for kept in ["token expired", "error 1420", "timeout after 42s", ""] {
            assert_eq!(cleaner.clean(kept.to_owned()), kept);
        }
        let naming = [
            "no profile for ana@EXAMPLE.com",
            "GET /users/ana%40example.com",
            "customer 42 is locked",
            "user (USR_ANA) not found",
            "\"Ana@Example.COM\"",
        ];
        for naming in naming {
            assert_eq!(cleaner.clean(naming.to_owned()), LEFT_OUT, "{naming}");
        }
        assert_eq!(cleaner.clean("x".repeat(LONGEST + 1)), TOO_LONG);
    }

    /// Twin of the test above: comparing texts as they are written finds none of these.
    #[test]
    fn planted_defect_a_plain_comparison_lets_names_through() {
        let plain = |text: &str| text.contains("ana@example.com");

        assert!(!plain("no profile for ana@EXAMPLE.com") && !plain("GET /users/ana%40example.com"));
    }
}
