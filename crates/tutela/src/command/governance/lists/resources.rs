use governance::inventory::{ResourceQuery, ResourceRef, Sort};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ListArguments, asked, of_page, tail};
use crate::command::governance::answer::{self, Listing, SourceArguments, rows};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Resources, accounts among them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela governance resources --connection segment --type source
  tutela governance resources -f sync.c1z --search website --format json
  tutela governance resources --connection segment --as-of 2026-11-03 --format csv

Ends with 0, with 3 if something of the inventory is incomplete, and says which kind since when.")]
pub(crate) struct Resources {
    #[command(flatten)]
    source: SourceArguments,
    /// Only of this kind.
    #[arg(long = "type", value_name = "KIND")]
    kind: Option<String>,
    #[command(flatten)]
    list: ListArguments,
}

/// How they are shown.
const LISTING: Listing<3> =
    Listing { name: "resources", heading: ["ID", "Name", "Parent"], numbers: &[], row, tail };

impl Resources {
    /// Lists them.
    pub(in crate::command::governance) fn run(&self, output: Output) -> Result<Exit, Failure> {
        if let Some(address) = self.source.server()? {
            let query = asked([("kind", self.kind.clone())]);
            let from = (&self.source, &address);
            return self.list.print_of_server(from, (&LISTING, "/resource", query), output);
        }
        let source = self.source.open(output)?;
        let inventory = &source.inventory;
        let query = ResourceQuery {
            kind: self.kind.as_deref(),
            parent: None,
            search: self.list.search.as_deref(),
            sort: Sort::Name,
        };
        let page =
            inventory.list_resources(&query, &self.list.request()).map_err(|error| answer::query(&error))?;
        let found = of_page(&page, |number| json!(inventory.resource(*number)));
        LISTING.print(source.head(), found, output)
    }
}

/// What is shown of one.
#[derive(Deserialize)]
struct ResourceRow<'a> {
    #[serde(borrow, flatten)]
    names: ResourceRef<'a>,
    parent: Option<ResourceRef<'a>>,
}

fn row(item: &Value) -> Result<[String; 3], Failure> {
    let ResourceRow { names, parent } = rows::read(item)?;
    let parent = parent.map(|parent| parent.display_name.to_owned()).unwrap_or_default();
    Ok([rows::id(&names), names.display_name.to_owned(), parent])
}
