//! Owners that a person says, from a table of text.

use std::collections::BTreeMap;

use thiserror::Error;

use super::owners::Assigned;
use crate::change::{ResourceName, ResourceNameError};

/// What was said about the owners of accounts, by account.
pub type AssignedOwners = BTreeMap<ResourceName, Assigned>;

/// A table that does not say whose accounts are.
#[derive(Debug, Error)]
pub enum AssignedError {
    /// It is no table.
    #[error("the list of owners is no CSV: {0}")]
    Csv(#[from] csv::Error),
    /// A column is missing.
    #[error("the first line has to name the columns `account` and `owner`")]
    NoColumn,
    /// An account that is none.
    #[error("line {line}: {source}")]
    NoAccount {
        /// Which.
        line: u64,
        /// Why.
        #[source]
        source: ResourceNameError,
    },
    /// Two lines that say different things.
    #[error("line {line}: the account has an owner in one line and none in another")]
    Contrary {
        /// Which.
        line: u64,
    },
}

impl Assigned {
    /// Reads a CSV with the columns `account` (kind and id) and `owner` (an address; empty for nobody).
    ///
    /// # Errors
    /// [`AssignedError`] with the line that cannot be understood.
    pub fn of_csv(text: &str) -> Result<AssignedOwners, AssignedError> {
        let mut table = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
        let heading = table.headers()?;
        let place = |wanted: &str| heading.iter().position(|name| name.trim().eq_ignore_ascii_case(wanted));
        let (Some(account), Some(owner)) = (place("account"), place("owner")) else {
            return Err(AssignedError::NoColumn);
        };
        let mut assigned = AssignedOwners::new();
        for record in table.records() {
            let record = record?;
            let line = record.position().map_or(0, csv::Position::line);
            let cell = |place: usize| record.get(place).unwrap_or_default().trim();
            let name: ResourceName =
                cell(account).parse().map_err(|source| AssignedError::NoAccount { line, source })?;
            let owner = cell(owner);
            match (assigned.get_mut(&name), owner.is_empty()) {
                (None, true) => drop(assigned.insert(name, Self::Cleared)),
                (None, false) => drop(assigned.insert(name, Self::Owners(vec![owner.to_owned()]))),
                (Some(Self::Owners(owners)), false) => owners.push(owner.to_owned()),
                (Some(_), _) => return Err(AssignedError::Contrary { line }),
            }
        }
        Ok(assigned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // rule: governance ACC-6
    #[test]
    fn what_is_said_by_hand_is_read_line_by_line_and_what_contradicts_itself_is_refused() {
        let read = Assigned::of_csv("account,owner\nuser:1,a@example.com\nuser:1,b@example.com\nuser:2,\n");
        let refused = |text: &str| Assigned::of_csv(text).unwrap_err().to_string();

        let read = read.unwrap();
        let both = vec!["a@example.com".to_owned(), "b@example.com".to_owned()];
        assert_eq!(read.get(&ResourceName::new("user", "1")), Some(&Assigned::Owners(both)));
        assert_eq!(read.get(&ResourceName::new("user", "2")), Some(&Assigned::Cleared));
        assert!(refused("account\nuser:1\n").contains("`account` and `owner`"));
        assert!(refused("account,owner\nseven,a@example.com\n").starts_with("line 2: "));
        assert!(refused("account,owner\nuser:1,\nuser:1,a@example.com\n").starts_with("line 3: "));
    }
}
