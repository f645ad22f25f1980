mod access;
mod check;
mod diff;
mod export;
pub(crate) mod file;
mod filter;
mod list;
mod principals;
mod protojson;
mod stats;
mod syncs;

use clap::ValueEnum;

use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Look into a `.c1z` file: who has access, as a connector found it.
#[derive(Debug, clap::Args)]
pub(crate) struct C1z {
    #[command(flatten)]
    file: file::FileArguments,
    /// How to print results; `console` is a table. In place of --format.
    #[arg(short, long = "output-format", global = true, value_enum)]
    output_format: Option<OutputFormat>,
    #[command(subcommand)]
    command: Command,
}

/// The names that explorers of such files have for formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OutputFormat {
    /// For people.
    Console,
    /// For programs.
    Json,
}

/// What to look at.
#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the resource types.
    ResourceTypes(list::ResourceTypes),
    /// List the resources, with their types and parents.
    Resources(list::Resources),
    /// List the entitlements, with the resources they are on.
    Entitlements(list::Entitlements),
    /// List the grants: who holds which entitlement on what.
    Grants(list::Grants),
    /// List who holds entitlements, or compare it with another file.
    Principals(principals::Principals),
    /// Show what one principal has.
    Access(access::Access),
    /// Count what is in the file.
    Stats(stats::Stats),
    /// List the sync runs of the file.
    Syncs(syncs::Syncs),
    /// Show what the newest finished full run changed against the one before.
    Diff(diff::Diff),
    /// Write a line for each grant of a user.
    Export(export::Export),
    /// Look whether everything that is named is there, and say what is not and why.
    Check(check::Check),
}

/// Runs one of them.
pub(crate) fn run(arguments: &C1z, output: Output) -> Result<Exit, Failure> {
    let output = match arguments.output_format {
        None => output,
        Some(OutputFormat::Console) => Output::new(Format::Table),
        Some(OutputFormat::Json) => Output::new(Format::Json),
    };
    if matches!(arguments.command, Command::Diff(_)) {
        arguments.file.refuse_run("diff")?;
    }
    let opened = arguments.file.open()?;
    match &arguments.command {
        Command::ResourceTypes(list::ResourceTypes {}) => list::ResourceTypes::run(&opened, output),
        Command::Resources(list) => list.run(&opened, output),
        Command::Entitlements(list) => list.run(&opened, output),
        Command::Grants(list) => list.run(&opened, output),
        Command::Principals(principals) => principals.run(&opened, &arguments.file, output),
        Command::Access(access) => access.run(&opened, output),
        Command::Stats(stats::Stats {}) => stats::Stats::run(&opened, output),
        Command::Syncs(syncs::Syncs {}) => syncs::Syncs::run(&opened, output),
        Command::Diff(diff::Diff {}) => diff::Diff::run(&opened),
        Command::Export(export) => export.run(&opened),
        Command::Check(check::Check {}) => check::Check::run(&opened, output),
    }
}
