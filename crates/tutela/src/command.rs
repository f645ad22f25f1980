pub(crate) mod admin;
pub(crate) mod audit;
pub(crate) mod baton;
pub(crate) mod c1z;
pub(crate) mod certificate;
pub(crate) mod config;
pub(crate) mod connection;
pub(crate) mod connector;
pub(crate) mod demo;
pub(crate) mod governance;
pub(crate) mod policy;
pub(crate) mod privacy;
pub(crate) mod project;
pub(crate) mod sandbox;
pub(crate) mod serve;
pub(crate) mod worker;

use crate::arguments::Command;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Runs one command.
pub(crate) fn run(command: Command, output: Output) -> Result<Exit, Failure> {
    match command {
        Command::Connector(command) => connector::run(command, output),
        Command::Connection(command) => connection::run(command, output),
        Command::Privacy(command) => privacy::run(command, output),
        Command::Governance(command) => governance::run(command, output),
        Command::Policy(command) => policy::run(command, output),
        Command::Project(command) => project::run(command, output),
        Command::Audit(command) => audit::run(command, output),
        Command::Baton(arguments) => Ok(baton::run(&arguments)),
        Command::C1z(arguments) => c1z::run(&arguments, output),
        Command::Certificate(command) => certificate::run(command, output),
        Command::Serve(serve) => serve::run(&serve, output),
        Command::Worker(worker) => worker::run(&worker, output),
        Command::Admin(command) => admin::run(command, output),
        Command::Config(command) => config::run(command, output),
        Command::Sandbox(command) => sandbox::run(&command),
        Command::Demo(demo) => demo::run(&demo, output),
    }
}
