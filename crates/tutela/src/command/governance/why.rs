use governance::inventory::WhyQuery;
use serde_json::{Value, json};

use super::answer::{self, Asking, Found, List, Listing, Seen, SourceArguments, Tail, rows};
use super::lists::asked;
use crate::client::ServerAddress;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Whose access to what.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela governance why --connection segment --principal ana@example.com --resource Website
  tutela governance why --connection segment --principal user:7 --entitlement role:9:member --format json

All ways are told, the shortest first; groups that contain each other are one step. Ends with 0 also if there is no
way, with 3 if something of the inventory is incomplete.")]
pub(crate) struct Why {
    #[command(flatten)]
    source: SourceArguments,
    /// Who: kind and id, e-mail, login, id, or name.
    #[arg(long, value_name = "PRINCIPAL")]
    principal: String,
    /// Anything on this one: kind and id, id, or name.
    #[arg(long, value_name = "RESOURCE", required_unless_present = "entitlement")]
    resource: Option<String>,
    /// This one: id or name.
    #[arg(long, value_name = "ENTITLEMENT", conflicts_with = "resource")]
    entitlement: Option<String>,
    /// Most ways.
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    limit: usize,
}

/// How ways are shown.
const LISTING: Listing<1> = Listing { name: "ways", heading: ["Way"], numbers: &[], row, tail };

impl Why {
    /// Tells why.
    pub(super) fn run(&self, output: Output) -> Result<Exit, Failure> {
        if let Some(address) = self.source.server()? {
            return self.ask(&address, output);
        }
        let source = self.source.open(output)?;
        let inventory = &source.inventory;
        let principal = answer::principal(inventory, &self.principal)?;
        let target = answer::target(inventory, (self.entitlement.as_deref(), self.resource.as_deref()))?;
        let found = inventory.why(&WhyQuery { principal, target, limit: self.limit });
        let seen = Seen { more: found.more, ..Seen::default() };
        let items = found.items.iter().map(|way| json!(way));
        LISTING.print(source.head(), Found::here(items, seen), output)
    }

    fn ask(&self, address: &ServerAddress, output: Output) -> Result<Exit, Failure> {
        let asking = Asking::open(address, output)?;
        let query = asked([
            ("principal", Some(self.principal.clone())),
            ("resource", self.resource.clone()),
            ("entitlement", self.entitlement.clone()),
        ]);
        let list = List { path: "/why", query, items: "ways", limit: self.limit, after: None, sent: None };
        let (head, pages) = self.source.place(&asking)?.list(list)?;
        LISTING.print(&head, Found::Server(pages), output)
    }
}

fn row(item: &Value) -> Result<[String; 1], Failure> {
    let sentence = item.get("sentence").and_then(Value::as_str).ok_or_else(rows::other_form)?;
    Ok([sentence.to_owned()])
}

fn tail(seen: &Seen) -> Tail {
    let mut tail = answer::bounded(seen);
    if seen.shown == 0 && !seen.more {
        tail.notes.push("there is no way".to_owned());
    }
    tail
}
