mod backup;
mod key;
mod manifest;
mod restore;
mod token;
mod user;

use std::sync::Arc;

use clap::Subcommand;
use model::SystemClock;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::runtime;
use crate::server::ServerArgument;
use crate::state::{State, StateSettings};

/// What can be done to an installation itself. The commands work on its state, not over the network.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Copy the state and the journal of erasures, while the server runs.
    Backup(backup::Backup),
    /// Put a backup in the place of the state, and see to what happened since.
    Restore(restore::Restore),
    /// See to a PostgreSQL database that was restored with its own tools.
    Restored(restore::SeeTo),
    /// The master key.
    #[command(subcommand)]
    Key(key::Command),
    /// Accounts of people.
    #[command(subcommand)]
    User(user::Command),
    /// Tokens of people.
    #[command(subcommand)]
    Token(token::Command),
}

/// Does it.
pub(crate) fn run(command: Command, output: Output) -> Result<Exit, Failure> {
    match command {
        Command::Backup(backup) => backup::run(&backup, output),
        Command::Restore(restore) => restore::run(&restore, output),
        Command::Restored(see_to) => restore::see_to(&see_to, output),
        Command::Key(command) => key::run(&command, output),
        Command::User(command) => user::run(&command, output),
        Command::Token(command) => token::run(&command, output),
    }
}

/// Opens the state of an installation that is there, and closes it after the work.
fn with_state<T>(
    server: &ServerArgument,
    output: Output,
    work: impl AsyncFnOnce(&State, &StateSettings) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let settings = server.load(output)?;
    let place = server.state(&settings)?;
    place.check_there()?;
    runtime::run(async {
        let state = place.open(Arc::new(SystemClock)).await?;
        let done = work(&state, &place).await;
        state.store.close().await;
        done
    })
}
