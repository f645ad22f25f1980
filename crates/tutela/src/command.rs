pub(crate) mod connection;
pub(crate) mod connector;
pub(crate) mod demo;
pub(crate) mod privacy;
pub(crate) mod sandbox;

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
        Command::Sandbox(command) => sandbox::run(&command),
        Command::Demo(demo) => demo::run(&demo, output),
    }
}
