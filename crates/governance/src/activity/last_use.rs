use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::Serialize;

use super::{ActivityActor, ActivityEvent};
use crate::change::ResourceName;

/// Most pairs of account and resource that are remembered: some hundred megabytes, more than any inventory asks for.
const MOST_PAIRS: usize = 1_000_000;

/// When each account was last seen, and when it last did something to each resource.
///
/// Built by [`note`](Self::note) from the events of an [`ActivityLog`](super::ActivityLog), in any order. It answers
/// who has not used what they may: an account that is not in it did nothing in the time that was looked at, if the
/// report says that all of that was read.
#[derive(Debug, Clone, Default)]
pub struct LastUse {
    accounts: HashMap<Account, Use>,
    pairs: usize,
    is_cut: bool,
}

/// Accounts are known by id; by address only where the event names no id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Account {
    Named(ResourceName),
    /// In lower case.
    Address(String),
}

#[derive(Debug, Clone, Default)]
struct Use {
    last: Option<Timestamp>,
    resources: HashMap<ResourceName, Timestamp>,
}

/// The last use that one account made of anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountUse {
    /// The account; `None` where only its address is known.
    pub account: Option<ResourceName>,
    /// Its address, where no id is known.
    pub email: Option<String>,
    /// When it last did anything.
    pub last_used: Timestamp,
    /// What it last did something to, and when.
    pub resources: Vec<ResourceUse>,
}

/// The last use of one resource by one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResourceUse {
    /// The resource.
    #[serde(flatten)]
    pub resource: ResourceName,
    /// When something was last done to it.
    pub last_used: Timestamp,
}

impl LastUse {
    /// Takes an event into account.
    pub fn note(&mut self, event: &ActivityEvent) {
        let Some(account) = event.actor.as_ref().and_then(account_of) else { return };
        let used = self.accounts.entry(account).or_default();
        used.last = used.last.max(Some(event.time));
        let Some(resource) = &event.resource else { return };
        let resource = ResourceName::new(&resource.kind, &resource.id);
        if let Some(last) = used.resources.get_mut(&resource) {
            *last = event.time.max(*last);
        } else if self.pairs < MOST_PAIRS {
            used.resources.insert(resource, event.time);
            self.pairs += 1;
        } else {
            self.is_cut = true;
        }
    }

    /// When an account was last seen doing anything, by its id or one of its addresses.
    pub fn of_account<'e>(
        &self,
        account: &ResourceName,
        emails: impl IntoIterator<Item = &'e str>,
    ) -> Option<Timestamp> {
        self.uses(account, emails).filter_map(|used| used.last).max()
    }

    /// When an account last did something to a resource.
    pub fn of_resource<'e>(
        &self,
        account: &ResourceName,
        emails: impl IntoIterator<Item = &'e str>,
        resource: &ResourceName,
    ) -> Option<Timestamp> {
        self.uses(account, emails).filter_map(|used| used.resources.get(resource).copied()).max()
    }

    /// Whether there were more pairs of account and resource than are remembered: then only what is said of
    /// whole accounts is certain.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Every account that was seen, in the order of their names.
    pub fn accounts(&self) -> Vec<AccountUse> {
        let in_order: BTreeMap<&Account, &Use> = self.accounts.iter().collect();
        let used = in_order.into_iter().filter_map(|(account, used)| {
            let (account, email) = match account {
                Account::Named(name) => (Some(name.clone()), None),
                Account::Address(address) => (None, Some(address.clone())),
            };
            let resources: BTreeMap<_, _> = used.resources.iter().collect();
            let resources = resources.into_iter().map(|(resource, last_used)| ResourceUse {
                resource: resource.clone(),
                last_used: *last_used,
            });
            Some(AccountUse { account, email, last_used: used.last?, resources: resources.collect() })
        });
        used.collect()
    }

    fn uses<'e>(
        &self,
        account: &ResourceName,
        emails: impl IntoIterator<Item = &'e str>,
    ) -> impl Iterator<Item = &Use> {
        let by_id = Account::Named(account.clone());
        let by_address = emails.into_iter().map(|email| Account::Address(email.to_lowercase()));
        let names: Vec<Account> = std::iter::once(by_id).chain(by_address).collect();
        names.into_iter().filter_map(|name| self.accounts.get(&name))
    }
}

fn account_of(actor: &ActivityActor) -> Option<Account> {
    match (&actor.id, &actor.email) {
        (Some(id), _) => Some(Account::Named(ResourceName::new(&actor.kind, id))),
        (None, Some(email)) => Some(Account::Address(email.to_lowercase())),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activity::ActivityResource;

    /// An event of a day in January.
    fn event(day: u8, (id, email): (Option<&str>, Option<&str>), source: Option<&str>) -> ActivityEvent {
        ActivityEvent {
            id: day.to_string(),
            time: at(day),
            actor: Some(ActivityActor {
                kind: "user".to_owned(),
                id: id.map(str::to_owned),
                email: email.map(str::to_owned),
            }),
            action: "Changed".to_owned(),
            resource: source.map(|id| ActivityResource {
                kind: "source".to_owned(),
                id: id.to_owned(),
                display_name: None,
            }),
        }
    }

    fn at(day: u8) -> Timestamp {
        format!("2026-01-{day:02}T00:00:00Z").parse().unwrap()
    }

    #[test]
    fn the_newest_event_counts_whatever_the_order() {
        let mut last = LastUse::default();
        for (day, source) in [(3, Some("s1")), (9, None), (5, Some("s1")), (4, Some("s2"))] {
            last.note(&event(day, (Some("u1"), Some("Ana@example.com")), source));
        }

        let (ana, bo) = (ResourceName::new("user", "u1"), ResourceName::new("user", "u2"));
        let on = |id: &str| last.of_resource(&ana, [], &ResourceName::new("source", id));
        assert_eq!(last.of_account(&ana, []), Some(at(9)));
        assert_eq!((on("s1"), on("s2"), on("s3")), (Some(at(5)), Some(at(4)), None));
        assert_eq!(last.of_account(&bo, ["bo@example.com"]), None);
        assert!(!last.is_cut());
    }

    #[test]
    fn an_event_without_an_id_is_found_by_the_address() {
        let mut last = LastUse::default();
        last.note(&event(2, (None, Some("Ana@Example.com")), Some("s1")));
        last.note(&event(1, (Some("u1"), None), None));
        last.note(&ActivityEvent { actor: None, ..event(8, (None, None), None) });

        let ana = ResourceName::new("user", "u1");
        assert_eq!(last.of_account(&ana, ["ana@example.com"]), Some(at(2)));
        assert_eq!(last.of_account(&ana, []), Some(at(1)));
        let accounts = last.accounts();
        assert_eq!(accounts.len(), 2);
        assert_eq!(accounts[1].email.as_deref(), Some("ana@example.com"));
        assert_eq!(accounts[1].resources[0].last_used, at(2));
    }
}
