//! The taxonomy that comes with the program.

use serde_json::Value;
use spec::categories::CATEGORIES;
use spec::taxonomy::{DATA_SUBJECTS, DATA_USES, Entry, ORGANIZATIONS};
use store::TaxonomyKind;

use super::entry::completed;

/// Its entries of a kind, by key.
pub(super) fn default_entries(kind: TaxonomyKind) -> &'static [Entry] {
    match kind {
        TaxonomyKind::DataCategory => CATEGORIES,
        TaxonomyKind::DataUse => DATA_USES,
        TaxonomyKind::DataSubject => DATA_SUBJECTS,
        TaxonomyKind::Organization => ORGANIZATIONS,
    }
}

/// An entry of it as clients are shown it.
pub(super) fn shown_default(kind: TaxonomyKind, entry: &Entry) -> Value {
    let mut members = serde_json::Map::new();
    members.insert("fides_key".to_owned(), entry.key.into());
    members.insert("name".to_owned(), name(entry.key).into());
    members.insert("description".to_owned(), sentence(entry.meaning).into());
    completed(kind, entry.key, members)
}

/// `Phone Number` for `user.contact.phone_number`.
fn name(key: &str) -> String {
    let last = key.rsplit('.').next().unwrap_or(key);
    let words = last.split('_').map(sentence);
    words.collect::<Vec<_>>().join(" ")
}

/// With a capital at the beginning.
fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().into_iter().flat_map(char::to_uppercase).chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_entry_has_a_name_a_place_and_says_that_it_is_one() {
        let entries = default_entries(TaxonomyKind::DataCategory);
        let phone = entries.iter().find(|entry| entry.key == "user.contact.phone_number").unwrap();

        let document = shown_default(TaxonomyKind::DataCategory, phone);

        assert_eq!(document["name"], "Phone Number");
        assert_eq!(document["parent_key"], "user.contact");
        assert_eq!((&document["is_default"], &document["active"]), (&true.into(), &true.into()));
        let user = shown_default(TaxonomyKind::DataSubject, &DATA_SUBJECTS[0]);
        assert!(user.get("parent_key").is_none(), "{user}");
    }
}
