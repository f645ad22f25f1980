use governance::inventory::{EntitlementQuery, EntitlementRef, Sort};
use governance::reach::Target;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ListArguments, OnArguments, asked, of_page, tail};
use crate::command::governance::answer::{self, Listing, SourceArguments, rows};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Entitlements.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela governance entitlements --connection segment --type group
  tutela governance entitlements --connection segment --resource Website --format json

Ends as `resources`.")]
pub(crate) struct Entitlements {
    #[command(flatten)]
    source: SourceArguments,
    #[command(flatten)]
    on: OnArguments,
    #[command(flatten)]
    list: ListArguments,
}

/// How they are shown.
const LISTING: Listing<5> = Listing {
    name: "entitlements",
    heading: ["ID", "Name", "On", "Purpose", "Direct holders"],
    numbers: &[4],
    row,
    tail,
};

impl Entitlements {
    /// Lists them.
    pub(in crate::command::governance) fn run(&self, output: Output) -> Result<Exit, Failure> {
        if let Some(address) = self.source.server()? {
            let query = asked([("kind", self.on.kind.clone()), ("resource", self.on.resource.clone())]);
            let from = (&self.source, &address);
            return self.list.print_of_server(from, (&LISTING, "/entitlement", query), output);
        }
        let source = self.source.open(output)?;
        let inventory = &source.inventory;
        let on = self.on.resource.as_deref().map(|text| answer::target(inventory, (None, Some(text))));
        let query = EntitlementQuery {
            kind: self.on.kind.as_deref(),
            resource: on.transpose()?.and_then(|target| match target {
                Target::Resource(resource) => Some(resource),
                Target::Entitlement(_) => None,
            }),
            search: self.list.search.as_deref(),
            sort: Sort::Name,
        };
        let page = inventory
            .list_entitlements(&query, &self.list.request())
            .map_err(|error| answer::query(&error))?;
        let found = of_page(&page, |number| json!(inventory.entitlement(*number)));
        LISTING.print(source.head(), found, output)
    }
}

/// What is shown of one.
#[derive(Deserialize)]
struct EntitlementRow<'a> {
    #[serde(borrow, flatten)]
    names: EntitlementRef<'a>,
    direct_holders: u64,
}

fn row(item: &Value) -> Result<[String; 5], Failure> {
    let EntitlementRow { names, direct_holders } = rows::read(item)?;
    Ok([
        names.id.to_owned(),
        names.display_name.to_owned(),
        names.resource.display_name.to_owned(),
        names.purpose.unwrap_or_default().to_owned(),
        direct_holders.to_string(),
    ])
}
