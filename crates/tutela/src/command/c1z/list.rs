use c1z::{Explorer, Filter, ReadError};
use protos::c1::connector::v2::{Resource, ResourceType};

use super::file::{Opened, failure, tell_missing};
use super::filter::{GrantFilter, TypeFilter};
use super::protojson;
use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::table::table;

/// The resource types.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tutela c1z resource-types -f sync.c1z")]
pub(crate) struct ResourceTypes {}

impl ResourceTypes {
    pub(super) fn run(opened: &Opened, output: Output) -> Result<Exit, Failure> {
        let explorer = opened.explorer()?;
        let all = Filter::default();
        let rows = explorer.resource_types(&all);
        match output.format() {
            Format::Json => protojson::print_list("resourceTypes", rows)?,
            Format::Table => draw(["ID", "Display Name", "Traits"], rows, |row| {
                let kind = row.resource_type.unwrap_or_default();
                let traits: Vec<_> = kind.traits().map(|one| one.as_str_name()).collect();
                [kind.id.clone(), kind.display_name.clone(), traits.join(", ")]
            })?,
        }
        Ok(Exit::Done)
    }
}

/// The resources.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tutela c1z resources -f sync.c1z -t user -o json")]
pub(crate) struct Resources {
    #[command(flatten)]
    filter: TypeFilter,
}

impl Resources {
    pub(super) fn run(&self, opened: &Opened, output: Output) -> Result<Exit, Failure> {
        let explorer = opened.explorer()?;
        let filter = self.filter.filter();
        let rows = explorer.resources(&filter);
        match output.format() {
            Format::Json => protojson::print_list("resources", rows)?,
            Format::Table => {
                draw(["ID", "Display Name", "Resource Type", "Parent Resource"], rows, |row| {
                    let resource = row.resource.unwrap_or_default();
                    let parent = row.parent.as_ref().map_or_else(|| "-".to_owned(), named);
                    [id(&resource), resource.display_name, type_name(row.resource_type), parent]
                })?;
            }
        }
        Ok(told(&explorer))
    }
}

/// The entitlements.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tutela c1z entitlements -f sync.c1z -t group")]
pub(crate) struct Entitlements {
    #[command(flatten)]
    filter: TypeFilter,
}

impl Entitlements {
    pub(super) fn run(&self, opened: &Opened, output: Output) -> Result<Exit, Failure> {
        let explorer = opened.explorer()?;
        let filter = self.filter.filter();
        let rows = explorer.entitlements(&filter);
        match output.format() {
            Format::Json => protojson::print_list("entitlements", rows)?,
            Format::Table => {
                draw(["ID", "Display Name", "Resource Type", "Resource", "Permission"], rows, |row| {
                    let entitlement = row.entitlement.unwrap_or_default();
                    let resource = row.resource.unwrap_or_default().display_name;
                    let kind = type_name(row.resource_type);
                    [entitlement.id, entitlement.display_name, kind, resource, entitlement.slug]
                })?;
            }
        }
        Ok(told(&explorer))
    }
}

/// The grants.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela c1z grants -f sync.c1z
  tutela c1z grants -f sync.c1z -t group -r g1
  tutela c1z grants -f sync.c1z -e group:g1:member -o json")]
pub(crate) struct Grants {
    #[command(flatten)]
    filter: GrantFilter,
}

impl Grants {
    pub(super) fn run(&self, opened: &Opened, output: Output) -> Result<Exit, Failure> {
        let explorer = opened.explorer()?;
        let filter = self.filter.filter();
        let rows = explorer.grants(&filter);
        match output.format() {
            Format::Json => protojson::print_list("grants", rows)?,
            Format::Table => {
                draw(["ID", "Resource Type", "Resource", "Entitlement", "Principal"], rows, |row| {
                    [
                        row.grant.unwrap_or_default().id,
                        type_name(row.resource_type),
                        row.resource.unwrap_or_default().display_name,
                        row.entitlement.unwrap_or_default().display_name,
                        row.principal.unwrap_or_default().display_name,
                    ]
                })?;
            }
        }
        Ok(told(&explorer))
    }
}

/// Draws rows for a person.
pub(super) fn draw<const N: usize, T>(
    heading: [&str; N],
    rows: impl Iterator<Item = Result<T, ReadError>>,
    mut cells: impl FnMut(T) -> [String; N],
) -> Result<(), Failure> {
    let cells = |row| -> Result<[String; N], ReadError> {
        // Names come from outside and have no lines of their own.
        Ok(cells(row?).map(|cell| model::visible(&cell).into_owned()))
    };
    let rows: Vec<_> = rows.map(cells).collect::<Result<_, _>>().map_err(|error| failure(&error))?;
    output::text(&table(heading, rows, &[]));
    Ok(())
}

/// Done; what was missing on the way is told.
pub(super) fn told(explorer: &Explorer<'_>) -> Exit {
    tell_missing(explorer);
    Exit::Done
}

/// Id of a resource within its type.
pub(super) fn id(resource: &Resource) -> String {
    resource.id.as_ref().map(|id| id.resource.clone()).unwrap_or_default()
}

/// Name of a type, or its id if it has none.
pub(super) fn type_name(kind: Option<ResourceType>) -> String {
    let kind = kind.unwrap_or_default();
    if kind.display_name.is_empty() { kind.id } else { kind.display_name }
}

/// `name (type)`.
pub(super) fn named(resource: &Resource) -> String {
    let kind = resource.id.as_ref().map(|id| id.resource_type.as_str()).unwrap_or_default();
    format!("{} ({kind})", resource.display_name)
}
