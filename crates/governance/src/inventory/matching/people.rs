//! The people of the company.

use std::collections::BTreeMap;

use super::key::{self, PlusSuffix};
use super::person::{Gone, Person, PersonNumber};
use crate::inventory::view::Inventory;
use crate::item::{AccountStatus, AccountType};

/// All who may own accounts, from a list or from the accounts of a directory.
#[derive(Default)]
pub struct People {
    people: Vec<Person>,
    /// Whether the list tells who is gone; without that nobody can be called a leaver.
    tells_gone: bool,
}

/// People by what they are compared by.
#[derive(Debug, Default)]
pub(super) struct PeopleIndex {
    pub(super) by_email: Numbers,
    /// Whatever suffixes are to accounts.
    pub(super) by_whole_email: Numbers,
    pub(super) by_user_name: Numbers,
    pub(super) by_full_name: Numbers,
    pub(super) by_local_part: Numbers,
}

type Numbers = BTreeMap<String, Vec<PersonNumber>>;

impl People {
    /// These people. Those of one address are one person, who is gone if all of them are: somebody who came back
    /// stands in many lists twice.
    pub fn new(people: impl IntoIterator<Item = Person>) -> Self {
        let mut all: Vec<Person> = Vec::new();
        let mut by_email: BTreeMap<String, usize> = BTreeMap::new();
        for person in people {
            let address = person.emails.first().and_then(|email| key::email(email, PlusSuffix::Kept));
            let known = address.as_ref().and_then(|address| by_email.get(address).copied());
            if let Some(known) = known.and_then(|known| all.get_mut(known)) {
                known.gone = known.gone.take().and(person.gone);
                add_new(&mut known.emails, person.emails);
                add_new(&mut known.user_names, person.user_names);
                known.name = known.name.take().or(person.name);
                continue;
            }
            by_email.extend(address.map(|address| (address, all.len())));
            all.push(person);
        }
        Self { people: all, tells_gone: true }
    }

    /// The people whose accounts a directory has; those whose account there cannot be used are gone.
    pub fn of_accounts(directory: &Inventory) -> Self {
        let accounts = directory.accounts().filter_map(|number| directory.account(number));
        let people = accounts.filter(|account| account.account_type == AccountType::Human);
        Self::new(people.map(|account| Person {
            name: Some(account.names.display_name.to_owned()),
            emails: account.emails.iter().map(|&email| email.to_owned()).collect(),
            user_names: account.login.iter().map(|&login| login.to_owned()).collect(),
            gone: match account.status {
                AccountStatus::Enabled => None,
                AccountStatus::Disabled => Some(Gone::Status("disabled".to_owned())),
                AccountStatus::Deleted => Some(Gone::Status("deleted".to_owned())),
            },
            id: Some(format!("{}:{}", account.names.kind, account.names.id)),
        }))
    }

    pub(super) fn that_never_leave(people: Vec<Person>) -> Self {
        Self { tells_gone: false, ..Self::new(people) }
    }

    /// Whether the list tells who has left.
    pub fn tells_gone(&self) -> bool {
        self.tells_gone
    }

    /// A person.
    pub fn get(&self, number: PersonNumber) -> Option<&Person> {
        self.people.get(number.0 as usize)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (PersonNumber, &Person)> {
        (0..).map(PersonNumber).zip(&self.people)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.people.len()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.people.is_empty()
    }

    pub(super) fn index(&self, suffix: PlusSuffix) -> PeopleIndex {
        let mut index = PeopleIndex::default();
        for (number, person) in self.iter() {
            for email in person.emails.iter().filter_map(|email| key::email(email, PlusSuffix::Kept)) {
                add(&mut index.by_whole_email, email, number);
            }
            for email in person.emails.iter().filter_map(|email| key::email(email, suffix)) {
                add(&mut index.by_local_part, key::parts(&email).0.to_owned(), number);
                add(&mut index.by_email, email, number);
            }
            for name in person.user_names.iter().filter_map(|name| key::user_name(name)) {
                add(&mut index.by_user_name, name, number);
            }
            if let Some(name) = person.name.as_deref().and_then(key::full_name) {
                add(&mut index.by_full_name, name, number);
            }
        }
        index
    }
}

impl std::fmt::Debug for People {
    /// How many: names are those of people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("People").field("people", &self.people.len()).finish_non_exhaustive()
    }
}

fn add(numbers: &mut Numbers, key: String, number: PersonNumber) {
    let known = numbers.entry(key).or_default();
    if known.last() != Some(&number) {
        known.push(number);
    }
}

fn add_new(known: &mut Vec<String>, more: Vec<String>) {
    for text in more {
        if !known.contains(&text) {
            known.push(text);
        }
    }
}
