//! Accounts with the people they are matched to, as they are told: the same words for every reader.

use serde::Serialize;

use super::{Leaver, LeaverAccount, Leavers, Orphan, Orphans};
use crate::inventory::matching::{
    Gone, Match, MatchReason, MatchSettings, Owners, People, Person, PersonNumber,
};
use crate::inventory::query::{AccessItem, AccessView};
use crate::inventory::view::{AccountView, Inventory};
use crate::number::ResourceNumber;

/// An inventory, the people of the company, and whose account each is.
#[derive(Debug)]
pub struct Matched<'a> {
    inventory: &'a Inventory,
    people: &'a People,
    owners: Owners,
}

/// How it stands with the owner of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ownership {
    /// It has one who is there.
    Owned,
    /// All of its owners are gone.
    OwnerGone,
    /// Several people fit, so nobody was chosen.
    SeveralFit,
    /// A person said that it is nobody's.
    Cleared,
    /// A person named an owner whom the list of people does not have.
    OwnerUnknown,
    /// Nobody fits.
    NoOwner,
}

/// A person as they are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonView<'a> {
    /// What names them.
    pub person: &'a str,
    /// What they are called.
    pub name: Option<&'a str>,
    /// Their addresses.
    pub emails: &'a [String],
    /// Why they are gone, if they are.
    pub gone: Option<&'a Gone>,
}

/// An account, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OwnerView<'a> {
    /// The account.
    pub account: Option<AccountView<'a>>,
    /// How it stands with its owner.
    pub reason: Ownership,
    /// By what people were found.
    pub matched_by: Option<MatchReason>,
    /// Its owners, or all who fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub people: Option<Vec<PersonView<'a>>>,
    /// Who nearly fits, where nobody does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub near: Option<Vec<PersonView<'a>>>,
}

/// One who left, with the accounts of theirs that work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeaverView<'a> {
    /// Who.
    #[serde(flatten)]
    pub person: PersonView<'a>,
    /// The accounts.
    pub accounts: Vec<LeaverAccountView<'a>>,
}

/// An account of one who left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeaverAccountView<'a> {
    /// The account.
    pub account: Option<AccountView<'a>>,
    /// Why it is taken for theirs.
    pub matched_by: MatchReason,
    /// All that it holds.
    pub access: Vec<AccessView<'a>>,
}

/// An account that may be of somebody who left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NearLeaverView<'a> {
    /// The account.
    pub account: Option<AccountView<'a>>,
    /// Those who left and may own it.
    pub near: Vec<PersonView<'a>>,
}

impl<'a> Matched<'a> {
    /// Matches every account.
    pub fn find(inventory: &'a Inventory, people: &'a People, settings: &MatchSettings) -> Self {
        Self { inventory, people, owners: Owners::find(inventory, people, settings) }
    }

    /// Accounts without an owner who is there.
    pub fn orphans(&self) -> Orphans {
        Orphans::find(self.inventory, &self.owners, self.people)
    }

    /// Accounts that work of people who left.
    pub fn leavers(&self) -> Leavers {
        Leavers::find(self.inventory, &self.owners, self.people)
    }

    /// An orphan as it is told.
    pub fn orphan(&self, orphan: &Orphan) -> Option<OwnerView<'a>> {
        self.owner(orphan.account)
    }

    /// An account and whose it is; none if there is no such account.
    pub fn owner(&self, account: ResourceNumber) -> Option<OwnerView<'a>> {
        let (reason, of, by) = match self.owners.get(account)? {
            Match::Owned(of, by) if of.iter().all(|number| self.is_gone(*number)) => {
                (Ownership::OwnerGone, of.as_slice(), Some(*by))
            }
            Match::Owned(of, by) => (Ownership::Owned, of.as_slice(), Some(*by)),
            Match::Ambiguous(several, by) => (Ownership::SeveralFit, several.as_slice(), Some(*by)),
            Match::Cleared => (Ownership::Cleared, [].as_slice(), None),
            Match::Unknown => (Ownership::OwnerUnknown, [].as_slice(), None),
            Match::Nobody(near) => (Ownership::NoOwner, near.as_slice(), None),
        };
        let people = self.people(of);
        let (people, near) = match reason {
            Ownership::NoOwner => (None, Some(people)),
            Ownership::Owned
            | Ownership::OwnerGone
            | Ownership::SeveralFit
            | Ownership::Cleared
            | Ownership::OwnerUnknown => (Some(people), None),
        };
        Some(OwnerView { account: self.inventory.account(account), reason, matched_by: by, people, near })
    }

    /// One who left as they are told.
    pub fn leaver<'l>(&self, leaver: &'l Leaver) -> Option<LeaverView<'l>>
    where
        'a: 'l,
    {
        let accounts = leaver.accounts.iter().map(|one| self.leaver_account(one)).collect();
        Some(LeaverView { person: self.person(leaver.person)?, accounts })
    }

    /// An account that may be of somebody who left, as it is told.
    pub fn near_leaver(&self, (account, people): &(ResourceNumber, Vec<PersonNumber>)) -> NearLeaverView<'a> {
        NearLeaverView { account: self.inventory.account(*account), near: self.people(people) }
    }

    /// A person as they are told.
    pub fn person(&self, number: PersonNumber) -> Option<PersonView<'a>> {
        self.people.get(number).map(PersonView::of)
    }

    /// The same for several.
    pub fn people(&self, numbers: &[PersonNumber]) -> Vec<PersonView<'a>> {
        numbers.iter().filter_map(|number| self.person(*number)).collect()
    }

    fn leaver_account<'l>(&self, one: &'l LeaverAccount) -> LeaverAccountView<'l>
    where
        'a: 'l,
    {
        LeaverAccountView {
            account: self.inventory.account(one.account),
            matched_by: one.reason,
            access: self.access(&one.holds),
        }
    }

    /// Grants as they are told.
    pub fn access<'l>(&self, items: &'l [AccessItem]) -> Vec<AccessView<'l>>
    where
        'a: 'l,
    {
        items.iter().map(|item| self.inventory.access_view(item)).collect()
    }

    fn is_gone(&self, number: PersonNumber) -> bool {
        self.people.get(number).is_none_or(|person| person.gone.is_some())
    }
}

impl<'a> PersonView<'a> {
    /// This person.
    pub fn of(person: &'a Person) -> Self {
        Self {
            person: person.key(),
            name: person.name.as_deref(),
            emails: &person.emails,
            gone: person.gone.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use serde_json::{Value, json};

    use super::*;
    use crate::inventory::world::World;

    fn told(people: &People, email: &str) -> Value {
        let mut world = World::new();
        let inventory = world.user("7", "Ana Lima", email).inventory();
        let account = inventory.find_resource("user", "7").unwrap();
        let matched = Matched::find(&inventory, people, &MatchSettings::default());
        let mut told = serde_json::to_value(matched.owner(account)).unwrap();
        let account = told.as_object_mut().unwrap().remove("account").unwrap();
        assert_eq!(account["id"], "7");
        told
    }

    // rule: governance ACC-10
    #[test]
    fn whose_an_account_is_is_told_with_why_and_a_near_miss_is_no_owner() {
        let text = "email,status\nana@example.com,active\nben@example.com,left\ncleo@example.com,active\n";
        let people = People::of_csv(text, date(2026, 11, 27)).unwrap();
        let person = |name: &str, gone: Value| {
            let email = format!("{name}@example.com");
            json!([{"person": email, "name": null, "emails": [email], "gone": gone}])
        };

        let owned = told(&people, "ANA@example.com");
        let gone = told(&people, "ben@example.com");
        let near = told(&people, "cleo@example.org");
        let nobody = told(&people, "");

        let by_email =
            |reason: &str, people: Value| json!({"reason": reason, "matched_by": "email", "people": people});
        assert_eq!(owned, by_email("owned", person("ana", Value::Null)));
        assert_eq!(gone, by_email("owner_gone", person("ben", json!({"status": "left"}))));
        let no_owner = |near: Value| json!({"reason": "no_owner", "matched_by": null, "near": near});
        assert_eq!(near, no_owner(person("cleo", Value::Null)));
        assert_eq!(nobody, no_owner(json!([])));
    }
}
