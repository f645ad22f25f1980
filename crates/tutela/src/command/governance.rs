pub(crate) mod change;
mod create;
mod delete;
mod grant;
mod revoke;
pub(crate) mod sync;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Look at who has access to an application, and change it.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Read accounts, groups, roles, resources and who holds what, into a `.c1z` file.
    Sync(sync::Sync),
    /// Give somebody an entitlement; the plan is shown first.
    Grant(grant::Grant),
    /// Take an entitlement from somebody; the plan is shown first.
    Revoke(revoke::Revoke),
    /// Remove an account or another resource; the plan is shown first.
    Delete(delete::Delete),
    /// Make a resource, such as an invitation; the plan is shown first.
    Create(create::Create),
}

/// Runs one of them.
pub(crate) fn run(command: Command, output: Output) -> Result<Exit, Failure> {
    match command {
        Command::Sync(sync) => sync::run(&sync, output),
        Command::Grant(grant) => grant::run(&grant, output),
        Command::Revoke(revoke) => revoke::run(&revoke, output),
        Command::Delete(delete) => delete::run(&delete, output),
        Command::Create(create) => create::run(&create, output),
    }
}
