use governance::inventory::WhatQuery;
use governance::number::ResourceNumber;
use serde_json::{Map, Value, json};

use super::answer::rows::AccessRow;
use super::answer::{self, Answer, Asking, Head, List, Place, Source, SourceArguments, Wrong, rows, taken};
use super::lists::asked;
use crate::client::ServerAddress;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Whose access.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela governance what --principal ana@example.com
  tutela governance what --connection segment --principal group:3 --format json

Of a person by e-mail all accounts with that address are told, without `--connection` in all connections of the
project that have an inventory. Ends with 0, with 3 if something of an inventory is incomplete.")]
pub(crate) struct What {
    #[command(flatten)]
    source: SourceArguments,
    /// Who: kind and id, e-mail, login, id, or name.
    #[arg(long, value_name = "PRINCIPAL")]
    principal: String,
    /// Most entitlements of each account; all if nothing is said.
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
}

impl What {
    /// Tells what.
    pub(super) fn run(&self, output: Output) -> Result<Exit, Failure> {
        if let Some(address) = self.source.server()? {
            return self.ask(&address, output);
        }
        let sources = self.source.open_all(output)?;
        let (mut told, mut missing) = (Told::default(), None);
        for source in &sources {
            match answer::principals(&source.inventory, &self.principal) {
                Ok(principals) => {
                    for principal in principals {
                        told.add(source.head(), self.of_source(source, principal))?;
                    }
                }
                // Whoever has an account in one connection need not have one in the next.
                Err(failure)
                    if sources.len() > 1 && answer::is_nothing(&source.inventory, &self.principal) =>
                {
                    missing = Some(failure);
                }
                Err(failure) => return Err(failure),
            }
        }
        let heads = sources.iter().map(|source| source.head().clone()).collect();
        told.print((heads, missing), output)
    }

    fn of_source(&self, source: &Source, principal: ResourceNumber) -> Reached {
        let inventory = &source.inventory;
        let limit = self.limit.unwrap_or(usize::MAX);
        let found = inventory.what(&WhatQuery { principal, limit });
        Reached {
            principal: json!(inventory.resource_ref(principal)),
            account: json!(inventory.account(principal)),
            access: found.items.iter().map(|item| json!(inventory.access_view(item))).collect(),
            more: found.more,
        }
    }

    /// The same as a server has it.
    fn ask(&self, address: &ServerAddress, output: Output) -> Result<Exit, Failure> {
        let asking = Asking::open(address, output)?;
        let places = self.source.places(&asking)?;
        let (mut told, mut missing, mut heads) = (Told::default(), None, Vec::new());
        for place in &places {
            let (head, answer) = place.ask("", Vec::new())?;
            heads.push(head);
            let place = place.in_state_of(&answer);
            let name = asked([("name", Some(self.principal.clone()))]);
            let (head, mut found) = match place.ask_for("/principal", name)? {
                Ok(found) => found,
                Err(wrong @ Wrong::Nothing(_)) if places.len() > 1 => {
                    missing = Some(wrong.into_failure());
                    continue;
                }
                Err(wrong) => return Err(wrong.into_failure()),
            };
            for mut item in taken(&mut found, "items")? {
                let [principal, account] = ["principal", "account"]
                    .map(|name| item.get_mut(name).map(Value::take).unwrap_or_default());
                told.add(&head, self.of_server(&place, (principal, account))?)?;
            }
        }
        told.print((heads, missing), output)
    }

    fn of_server(&self, place: &Place<'_>, (principal, account): (Value, Value)) -> Result<Reached, Failure> {
        let query = asked([("principal", Some(rows::id(&rows::read(&principal)?)))]);
        let limit = self.limit.unwrap_or(usize::MAX);
        let list = List { path: "/what", query, items: "items", limit, after: None, sent: None };
        let (_, mut pages) = place.list(list)?;
        let access = (&mut pages).collect::<Result<Vec<_>, _>>()?;
        Ok(Reached { principal, account, access, more: pages.into_seen().more })
    }
}

/// What one principal reaches.
struct Reached {
    principal: Value,
    account: Value,
    access: Vec<Value>,
    more: bool,
}

/// What all reach of whom the text may mean.
#[derive(Default)]
struct Told {
    rows: Vec<[String; 6]>,
    principals: Vec<Map<String, Value>>,
    more: bool,
}

impl Told {
    fn add(&mut self, head: &Head, reached: Reached) -> Result<(), Failure> {
        let Reached { principal, account, access, more } = reached;
        for item in &access {
            let row: AccessRow<'_> = rows::read(item)?;
            self.rows.push([
                head.name().to_owned(),
                rows::id(&row.principal),
                row.entitlement.phrase(),
                row.held.to_owned(),
                row.through(),
                row.entitlement.id.to_owned(),
            ]);
        }
        let mut one = head.data();
        one.insert("principal".to_owned(), principal);
        one.insert("account".to_owned(), account);
        one.insert("access".to_owned(), json!(access));
        one.insert("more".to_owned(), json!(more));
        self.principals.push(one);
        self.more |= more;
        Ok(())
    }

    fn print(self, (heads, missing): (Vec<Head>, Option<Failure>), output: Output) -> Result<Exit, Failure> {
        if let Some(failure) = missing.filter(|_| self.principals.is_empty()) {
            return Err(failure);
        }
        let mut data = Map::new();
        data.insert("principals".to_owned(), json!(self.principals));
        data.insert("asked".to_owned(), json!(heads.iter().map(Head::data).collect::<Vec<_>>()));
        let heading = ["Where", "Account", "Holds", "How", "Through", "Entitlement"];
        let heads: Vec<&Head> = heads.iter().collect();
        Answer { heading, rows: self.rows, data, notes: answer::more(self.more) }.print(&heads, output)
    }
}
