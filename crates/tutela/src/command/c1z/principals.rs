use std::path::PathBuf;

use c1z::Filter;
use protos::baton::v1::ResourceOutput;

use super::file::{FileArguments, Opened, failure, tell_missing};
use super::filter::GrantFilter;
use super::list::{draw, id, told, type_name};
use super::protojson;
use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Who holds entitlements.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela c1z principals -f sync.c1z -e group:g1:member
  tutela c1z principals -f sync.c1z compare --compare-file other.c1z")]
pub(crate) struct Principals {
    #[command(flatten)]
    filter: GrantFilter,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Compare who holds entitlements here with who does in another file.
    Compare(Compare),
}

/// Two files.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  tutela c1z principals compare -f a.c1z -e group:g1:member --compare-file b.c1z --compare-entitlement group:g2:member")]
struct Compare {
    /// The other file.
    #[arg(long, value_name = "FILE")]
    compare_file: PathBuf,
    /// The entitlement in the other file; by default what is looked at in the first.
    #[arg(long, value_name = "ID")]
    compare_entitlement: Option<String>,
}

impl Principals {
    pub(super) fn run(
        &self,
        opened: &Opened,
        files: &FileArguments,
        output: Output,
    ) -> Result<Exit, Failure> {
        if let Some(Command::Compare(compare)) = &self.command {
            return compare.run((opened, files), &self.filter.filter(), output);
        }
        let explorer = opened.explorer()?;
        let filter = self.filter.filter();
        let rows = explorer.principals(&filter);
        match output.format() {
            Format::Json => protojson::print_list("resources", rows)?,
            Format::Table => draw(["ID", "Display Name", "Resource Type"], rows, cells)?,
        }
        Ok(told(&explorer))
    }
}

impl Compare {
    fn run(
        &self,
        (opened, files): (&Opened, &FileArguments),
        filter: &Filter,
        output: Output,
    ) -> Result<Exit, Failure> {
        let other = files.open_other(&self.compare_file)?;
        let (base, compared) = (opened.explorer()?, other.explorer()?);
        let other_filter = match &self.compare_entitlement {
            Some(entitlement) => Filter { entitlement: Some(entitlement.clone()), ..Filter::default() },
            None => filter.clone(),
        };
        let found =
            c1z::compare((&base, filter), (&compared, &other_filter)).map_err(|error| failure(&error))?;
        match output.format() {
            Format::Json => protojson::print(&found)?,
            Format::Table => {
                let missing = found.missing.into_iter().map(|row| ("missing", row));
                let rows = missing.chain(found.extra.into_iter().map(|row| ("extra", row)));
                draw(["Difference", "ID", "Display Name", "Resource Type"], rows.map(Ok), |(what, row)| {
                    let [id, name, kind] = cells(row);
                    [what.to_owned(), id, name, kind]
                })?;
            }
        }
        if base.missing() == 0 {
            tell_missing(&compared);
        }
        Ok(told(&base))
    }
}

fn cells(row: ResourceOutput) -> [String; 3] {
    let resource = row.resource.unwrap_or_default();
    [id(&resource), resource.display_name, type_name(row.resource_type)]
}
