//! The taxonomy that comes with the program.

use std::sync::LazyLock;

use serde_json::Value;
use spec::categories::CATEGORIES;
use spec::taxonomy::{DATA_SUBJECTS, DATA_USES, ORGANIZATIONS};
use store::TaxonomyKind;

use super::entry::completed;

/// An entry of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct DefaultEntry {
    pub(super) key: &'static str,
    meaning: &'static str,
}

static DATA_CATEGORIES: LazyLock<Vec<DefaultEntry>> = LazyLock::new(|| {
    CATEGORIES.iter().map(|one| DefaultEntry { key: one.key, meaning: one.meaning }).collect()
});
static USES: LazyLock<Vec<DefaultEntry>> = LazyLock::new(|| of(DATA_USES));
static SUBJECTS: LazyLock<Vec<DefaultEntry>> = LazyLock::new(|| of(DATA_SUBJECTS));
static OWNERS: LazyLock<Vec<DefaultEntry>> = LazyLock::new(|| of(ORGANIZATIONS));

fn of(entries: &[spec::taxonomy::Entry]) -> Vec<DefaultEntry> {
    entries.iter().map(|one| DefaultEntry { key: one.key, meaning: one.meaning }).collect()
}

/// Those of a kind, by key.
pub(super) fn default_entries(kind: TaxonomyKind) -> &'static [DefaultEntry] {
    match kind {
        TaxonomyKind::DataCategory => &DATA_CATEGORIES,
        TaxonomyKind::DataUse => &USES,
        TaxonomyKind::DataSubject => &SUBJECTS,
        TaxonomyKind::Organization => &OWNERS,
    }
}

impl DefaultEntry {
    /// As clients are shown it.
    pub(super) fn document(&self, kind: TaxonomyKind) -> Value {
        let mut members = serde_json::Map::new();
        members.insert("fides_key".to_owned(), self.key.into());
        members.insert("name".to_owned(), name(self.key).into());
        members.insert("description".to_owned(), sentence(self.meaning).into());
        completed(kind, self.key, members)
    }
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

        let document = phone.document(TaxonomyKind::DataCategory);

        assert_eq!(document["name"], "Phone Number");
        assert_eq!(document["parent_key"], "user.contact");
        assert_eq!((&document["is_default"], &document["active"]), (&true.into(), &true.into()));
        let user = default_entries(TaxonomyKind::DataSubject)[0].document(TaxonomyKind::DataSubject);
        assert!(user.get("parent_key").is_none(), "{user}");
    }
}
