use clap::{Parser, Subcommand, ValueEnum};

use crate::command::{
    admin, audit, baton, c1z, certificate, config, connection, connector, demo, governance, policy, privacy,
    project, sandbox, serve, worker,
};
use crate::failure::Failure;
use crate::logging::LogFormat;
use crate::output::Output;

/// Finds a person's data in your applications and databases, and erases it: planned, sent once, proven.
///
/// Exit codes: 0 done, 1 failed, 2 bad input, 3 incomplete, 4 refused.
#[derive(Debug, Parser)]
#[command(name = "tutela", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Examples:
  tutela demo --once
  tutela connector check connector.yml --dataset dataset.yml
  tutela privacy access --project tutela.yml --identity email=ana@example.com --out ./package
  tutela privacy plan --project tutela.yml --policy erase_customer --identity email=ana@example.com --out plan.json
  tutela privacy apply plan.json --approve sha256:…")]
pub(crate) struct Arguments {
    /// Say more on standard error: -v what happens, -vv also how. RUST_LOG sets it more finely.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// How to write log lines on standard error.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, env = "TUTELA_LOG_FORMAT")]
    pub(crate) log_format: LogFormat,
    /// How to print results on standard output.
    #[arg(long, global = true, value_enum, default_value_t = PrintFormat::Table)]
    format: PrintFormat,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How results are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PrintFormat {
    /// For people.
    Table,
    /// For programs.
    Json,
    /// For spreadsheets; lists of `governance` alone have it.
    Csv,
}

impl Arguments {
    /// How the command answers.
    pub(crate) fn output(&self) -> Output {
        match self.format {
            PrintFormat::Table => Output::new(Format::Table),
            PrintFormat::Json => Output::new(Format::Json),
            PrintFormat::Csv => Output::csv(),
        }
    }

    /// Refuses CSV where the answer is no list.
    ///
    /// # Errors
    /// Bad input.
    pub(crate) fn check_format(&self) -> Result<(), Failure> {
        let is_list = matches!(&self.command, Command::Governance(command) if command.is_list());
        if self.format == PrintFormat::Csv && !is_list {
            return Err(Failure::BadInput(
                "this command has no answer as CSV; lists of `tutela governance` have".to_owned(),
            ));
        }
        Ok(())
    }
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// What to do, by noun.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Connector files: the library, the linter, the schema, tests and recordings.
    #[command(subcommand)]
    Connector(connector::Command),
    /// Connections of a project file: list them, try them out.
    #[command(subcommand)]
    Connection(connection::Command),
    /// Requests of people about their data.
    #[command(subcommand)]
    Privacy(privacy::Command),
    /// Who has access to an application.
    #[command(subcommand)]
    Governance(governance::Command),
    /// Policies of a project file.
    #[command(subcommand)]
    Policy(policy::Command),
    /// A project file and a server: compare them, send one to the other.
    #[command(subcommand)]
    Project(project::Command),
    /// The audit log: check it, keep a copy elsewhere.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Certificates of erasures and rectifications.
    #[command(subcommand)]
    Certificate(certificate::Command),
    /// A connector as a process of the Baton ecosystem, by its own flags: one sync into one file, one change.
    Baton(baton::Baton),
    /// `.c1z` files of connectors: who has access to an application.
    C1z(c1z::C1z),
    /// The server: the same over HTTP.
    Serve(serve::Serve),
    /// One more process that carries out the requests of people.
    Worker(worker::Worker),
    /// The installation itself: backups, the master key, accounts.
    #[command(subcommand)]
    Admin(admin::Command),
    /// Settings of the server.
    #[command(subcommand)]
    Config(config::Command),
    /// Simulated applications to try Tutela on.
    #[command(subcommand)]
    Sandbox(sandbox::Command),
    /// Ask for a person's data and erase it, on a simulated Segment and a sample shop database.
    Demo(demo::Demo),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        fn leaves(command: &clap::Command, path: &str, without: &mut Vec<String>) {
            let path = format!("{path} {}", command.get_name());
            if command.has_subcommands() {
                command.get_subcommands().for_each(|below| leaves(below, &path, without));
            } else if command.get_after_help().is_none_or(|help| !help.to_string().contains("tutela ")) {
                without.push(path);
            }
        }
        let mut without = Vec::new();

        leaves(&Arguments::command(), "", &mut without);

        assert_eq!(without, Vec::<String>::new());
    }
}
