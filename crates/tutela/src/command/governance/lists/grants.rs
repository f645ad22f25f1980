use clap::ValueEnum;
use governance::inventory::GrantQuery;
use governance::reach::{Held, Target};
use serde_json::{Value, json};

use super::{ListArguments, OnArguments, Status, asked, of_page, tail};
use crate::command::governance::answer::rows::AccessRow;
use crate::command::governance::answer::{self, Listing, Query, SourceArguments, rows};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Grants, direct and inherited.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela governance grants --connection segment --held direct
  tutela governance grants --connection segment --principal ana@example.com --format json
  tutela governance grants -f sync.c1z --type role --principal-type user --format csv

Ends as `resources`.")]
pub(crate) struct Grants {
    #[command(flatten)]
    source: SourceArguments,
    #[command(flatten)]
    on: OnArguments,
    /// Only of this one: id or name.
    #[arg(long, value_name = "ENTITLEMENT", conflicts_with = "resource")]
    entitlement: Option<String>,
    /// Only held by this one: kind and id, e-mail, login, id, or name.
    #[arg(long, value_name = "PRINCIPAL")]
    principal: Option<String>,
    /// Only held by principals of this kind.
    #[arg(long, value_name = "KIND")]
    principal_type: Option<String>,
    /// Only direct ones, or inherited ones.
    #[arg(long, value_enum)]
    held: Option<How>,
    /// Only held by accounts that can be used, or cannot.
    #[arg(long, value_enum)]
    status: Option<Status>,
    #[command(flatten)]
    list: ListArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum How {
    /// The application says so.
    Direct,
    /// They follow from others.
    Inherited,
}

/// How they are shown.
const LISTING: Listing<4> =
    Listing { name: "grants", heading: ["Who", "Holds", "How", "ID"], numbers: &[], row, tail };

impl Grants {
    /// Lists them.
    pub(in crate::command::governance) fn run(&self, output: Output) -> Result<Exit, Failure> {
        if let Some(address) = self.source.server()? {
            let from = (&self.source, &address);
            return self.list.print_of_server(from, (&LISTING, "/grant", self.query()), output);
        }
        let source = self.source.open(output)?;
        let inventory = &source.inventory;
        let of = (self.entitlement.as_deref(), self.on.resource.as_deref());
        let target = match of {
            (None, None) => None,
            of => Some(answer::target(inventory, of)?),
        };
        let principal =
            self.principal.as_deref().map(|text| answer::principal(inventory, text)).transpose()?;
        let query = GrantQuery {
            kind: self.on.kind.as_deref(),
            resource: match target {
                Some(Target::Resource(resource)) => Some(resource),
                Some(Target::Entitlement(_)) | None => None,
            },
            entitlement: match target {
                Some(Target::Entitlement(entitlement)) => Some(entitlement),
                Some(Target::Resource(_)) | None => None,
            },
            principal,
            principal_kind: self.principal_type.as_deref(),
            held: self.held.map(How::of),
            status: self.status.map(Status::of),
            search: self.list.search.as_deref(),
        };
        let page =
            inventory.list_grants(&query, &self.list.request()).map_err(|error| answer::query(&error))?;
        let found = of_page(&page, |item| json!(inventory.grant(item)));
        LISTING.print(source.head(), found, output)
    }

    fn query(&self) -> Query {
        asked([
            ("kind", self.on.kind.clone()),
            ("resource", self.on.resource.clone()),
            ("entitlement", self.entitlement.clone()),
            ("principal", self.principal.clone()),
            ("principal_kind", self.principal_type.clone()),
            ("held", self.held.map(|held| answer::held(held.of()))),
            ("status", self.status.map(Status::word)),
        ])
    }
}

impl How {
    fn of(self) -> Held {
        match self {
            Self::Direct => Held::Directly,
            Self::Inherited => Held::Inherited,
        }
    }
}

fn row(item: &Value) -> Result<[String; 4], Failure> {
    let row: AccessRow<'_> = rows::read(item)?;
    Ok([
        row.principal.display_name.to_owned(),
        row.entitlement.phrase(),
        row.held.to_owned(),
        row.id.to_owned(),
    ])
}
