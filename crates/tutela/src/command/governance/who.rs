use governance::inventory::WhoQuery;
use serde_json::{Value, json};

use super::answer::rows::AccessRow;
use super::answer::{self, Asking, Found, List, Listing, Seen, SourceArguments, rows};
use super::lists::asked;
use crate::client::ServerAddress;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// To what.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela governance who --connection segment --resource Website
  tutela governance who --connection segment --entitlement role:9:member --principal-type user --format csv
  tutela governance who -f sync.c1z --resource source:4 --format json

Everyone is told once for each entitlement: direct holders first, with the groups through which others hold it.
Ends with 0, with 3 if something of the inventory is incomplete, and says which kind since when.")]
pub(crate) struct Who {
    #[command(flatten)]
    source: SourceArguments,
    /// Anything on this one: kind and id, id, or name.
    #[arg(long, value_name = "RESOURCE", required_unless_present = "entitlement")]
    resource: Option<String>,
    /// This one: id or name.
    #[arg(long, value_name = "ENTITLEMENT", conflicts_with = "resource")]
    entitlement: Option<String>,
    /// Only principals of this kind, such as `user`.
    #[arg(long, value_name = "KIND")]
    principal_type: Option<String>,
    /// Most holders; all if nothing is said.
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
}

/// How holders are shown.
const LISTING: Listing<5> = Listing {
    name: "access",
    heading: ["Who", "ID", "Holds", "How", "Through"],
    numbers: &[],
    row,
    tail: answer::bounded,
};

impl Who {
    /// Tells who.
    pub(super) fn run(&self, output: Output) -> Result<Exit, Failure> {
        if let Some(address) = self.source.server()? {
            return self.ask(&address, output);
        }
        let source = self.source.open(output)?;
        let inventory = &source.inventory;
        let target = answer::target(inventory, (self.entitlement.as_deref(), self.resource.as_deref()))?;
        let query = WhoQuery {
            target,
            principal_kind: self.principal_type.as_deref(),
            limit: self.limit.unwrap_or(usize::MAX),
        };
        let found = inventory.who(&query).map_err(|error| answer::query(&error))?;
        let seen = Seen { more: found.more, ..Seen::default() };
        let items = found.items.iter().map(|item| json!(inventory.access_view(item)));
        LISTING.print(source.head(), Found::here(items, seen), output)
    }

    fn ask(&self, address: &ServerAddress, output: Output) -> Result<Exit, Failure> {
        let asking = Asking::open(address, output)?;
        let query = asked([
            ("resource", self.resource.clone()),
            ("entitlement", self.entitlement.clone()),
            ("kind", self.principal_type.clone()),
        ]);
        let limit = self.limit.unwrap_or(usize::MAX);
        let list = List { path: "/who", query, items: "items", limit, after: None, sent: None };
        let (head, pages) = self.source.place(&asking)?.list(list)?;
        LISTING.print(&head, Found::Server(pages), output)
    }
}

fn row(item: &Value) -> Result<[String; 5], Failure> {
    let row: AccessRow<'_> = rows::read(item)?;
    Ok([
        row.principal.display_name.to_owned(),
        rows::id(&row.principal),
        row.entitlement.phrase(),
        row.held.to_owned(),
        row.through(),
    ])
}
