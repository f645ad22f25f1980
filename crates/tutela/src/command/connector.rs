mod access;
mod check;
mod list;
mod new;
mod record;
mod schema;
mod server;
mod show;
mod test;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Work on connector files.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List the connectors that come with Tutela, or that a server offers.
    List(list::List),
    /// Show one connector: what it asks for, where it goes, what it reads and erases.
    Show(show::Show),
    /// Check connector files and say what is wrong, where, and what to write instead.
    Check(check::Check),
    /// Print the JSON Schema of a file format, for editors.
    Schema(schema::Schema),
    /// Replay a connector's recordings and compare the rows with the recorded expectation.
    Test(test::Test),
    /// Run an access request and keep the traffic as a recording without secrets and personal data.
    Record(record::Record),
    /// Write a small connector and its dataset to start from.
    New(new::New),
}

/// Runs one of them.
pub(crate) fn run(command: Command, output: Output) -> Result<Exit, Failure> {
    match command {
        Command::List(list) => list::run(&list, output),
        Command::Show(show) => show::run(&show, output),
        Command::Check(check) => check::run(&check, output),
        Command::Schema(schema) => schema::run(&schema),
        Command::Test(test) => test::run(&test, output),
        Command::Record(record) => record::run(&record, output),
        Command::New(new) => new::run(&new, output),
    }
}
