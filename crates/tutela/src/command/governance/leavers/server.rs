//! The same as a server has it: by account there, by person here.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Found, Leavers};
use crate::client::ServerAddress;
use crate::command::governance::answer::rows::AccountRow;
use crate::command::governance::answer::{Asking, Head, List, Pages, Place, Query, rows, taken};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// How many there are.
#[derive(Deserialize)]
struct Counts {
    /// Accounts that are of people who left for certain; they come first.
    accounts: usize,
    without_access: u64,
}

/// Finds them.
pub(super) fn run(leavers: &Leavers, address: &ServerAddress, output: Output) -> Result<Exit, Failure> {
    let asking = Asking::open(address, output)?;
    let place = leavers.source.place(&asking)?;
    let (query, sent) = leavers.people.asked()?;
    let list = List { path: "/leaver", query, items: "items", limit: usize::MAX, after: None, sent };
    let (head, mut pages) = place.list(list)?;
    let people = Head::of_people(pages.besides())?;
    let counts: Counts = rows::read(pages.besides())?;
    let place = place.in_state_of(pages.besides());
    let mut certain = (&mut pages).collect::<Result<Vec<_>, _>>()?;
    let near = certain.split_off(counts.accounts.min(certain.len()));
    let mut of_person: BTreeMap<String, Value> = BTreeMap::new();
    for item in certain {
        add(&mut of_person, account(&place, item)?)?;
    }
    let found = Found {
        leavers: of_person.into_values().collect(),
        near: near.into_iter().map(told_near).collect::<Result<_, _>>()?,
        without_access: counts.without_access,
    };
    found.print((&head, people.as_ref()), output)
}

/// An account with all that it holds: an answer about many tells of each only the beginning.
fn account(place: &Place<'_>, mut item: Value) -> Result<Value, Failure> {
    if item.get("more_access").and_then(Value::as_bool) != Some(true) {
        return Ok(item);
    }
    let account: AccountRow<'_> = rows::read(item.get("account").unwrap_or(&Value::Null))?;
    let query = Query::from([("principal", rows::id(&account.names))]);
    let (limit, after, sent) = (usize::MAX, None, None);
    let list = List { path: "/what", query, items: "items", limit, after, sent };
    let (_, pages): (_, Pages<'_>) = place.list(list)?;
    let access = pages.collect::<Result<Vec<_>, _>>()?;
    if let Some(members) = item.as_object_mut() {
        members.insert("access".to_owned(), Value::Array(access));
    }
    Ok(item)
}

/// Puts an account to each of those who own it.
fn add(of_person: &mut BTreeMap<String, Value>, mut item: Value) -> Result<(), Failure> {
    let people = taken(&mut item, "people")?;
    let of = |name: &str| item.get(name).cloned().unwrap_or_default();
    let left = json!({
        "account": of("account"), "matched_by": of("matched_by"), "access": of("access"),
    });
    for person in people {
        let key = person.get("person").and_then(Value::as_str).ok_or_else(rows::other_form)?.to_owned();
        let told = of_person.entry(key).or_insert_with(|| {
            let mut told = members(person);
            told.insert("accounts".to_owned(), json!([]));
            Value::Object(told)
        });
        if let Some(accounts) = told.get_mut("accounts").and_then(Value::as_array_mut) {
            accounts.push(left.clone());
        }
    }
    Ok(())
}

/// An account with those who left of all who may own it.
fn told_near(mut item: Value) -> Result<Value, Failure> {
    let name = if item.get("near").is_some() { "near" } else { "people" };
    let mut near = taken(&mut item, name)?;
    near.retain(|person| person.get("gone").is_some_and(|gone| !gone.is_null()));
    Ok(json!({ "account": item.get("account"), "near": near }))
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
