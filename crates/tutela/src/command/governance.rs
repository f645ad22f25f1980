mod activity;
mod answer;
pub(crate) mod change;
mod create;
mod delete;
mod diff;
mod due;
mod external;
mod foreign;
mod grant;
mod leavers;
mod lists;
mod orphans;
mod revoke;
pub(crate) mod sync;
mod timed;
mod unused;
mod what;
mod who;
mod why;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::on_server::ServerOption;
use crate::output::Output;
use crate::project::ProjectArgument;
use crate::state::StateArgument;

/// Look at who has access to an application, and change it.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Read accounts, groups, roles, resources and who holds what, into the inventory and a `.c1z` file.
    Sync(sync::Sync),
    /// Show what was done with access, as far back as the application tells, and when each account was last seen.
    Activity(activity::Activity),
    /// List what there is: applications, groups, roles, accounts, whatever access can be to.
    Resources(lists::Resources),
    /// List what can be held, and on what.
    Entitlements(lists::Entitlements),
    /// List who holds what, directly or through groups.
    Grants(lists::Grants),
    /// List accounts, also those that nobody used for a while.
    Accounts(lists::Accounts),
    /// Tell everyone who holds an entitlement or anything on a resource, and through which groups.
    Who(who::Who),
    /// Tell all that somebody can reach.
    What(what::What),
    /// Tell all ways by which somebody reaches something.
    Why(why::Why),
    /// Find accounts without an owner, or whose owner is gone.
    Orphans(orphans::Orphans),
    /// Find accounts of people who left that still work, and what those hold.
    Leavers(leavers::Leavers),
    /// Find access that nobody used for a while.
    Unused(unused::Unused),
    /// Find accounts of strangers: at none of the company's domains.
    External(external::External),
    /// Tell what changed since a time or a file.
    Diff(diff::Diff),
    /// Give somebody an entitlement; the plan is shown first.
    Grant(grant::Grant),
    /// Take an entitlement from somebody; the plan is shown first.
    Revoke(revoke::Revoke),
    /// Remove an account or another resource; the plan is shown first.
    Delete(delete::Delete),
    /// Make a resource, such as an invitation; the plan is shown first.
    Create(create::Create),
}

impl Command {
    /// The project that it works on, and where its state is; none if taking what is due is its own work, or that of
    /// a server.
    fn place(&self) -> Result<Option<(&ProjectArgument, &StateArgument)>, Failure> {
        let here = |server: &ServerOption| server.address().map(|address| address.is_none());
        Ok(match self {
            Self::Sync(sync) => here(&sync.server)?.then_some((&sync.project, &sync.state)),
            Self::Activity(activity) => {
                here(&activity.server)?.then_some((&activity.project, &activity.state))
            }
            Self::Grant(grant) => grant.arguments.place()?,
            Self::Revoke(revoke) if revoke.is_due() => None,
            Self::Revoke(revoke) => here(&revoke.server)?.then_some((&revoke.project, &revoke.state)),
            Self::Delete(delete) => delete.arguments.place()?,
            Self::Create(create) => create.arguments.place()?,
            // Looking changes nothing, neither here nor there.
            Self::Resources(_)
            | Self::Entitlements(_)
            | Self::Grants(_)
            | Self::Accounts(_)
            | Self::Who(_)
            | Self::What(_)
            | Self::Why(_)
            | Self::Orphans(_)
            | Self::Leavers(_)
            | Self::External(_)
            | Self::Unused(_)
            | Self::Diff(_) => None,
        })
    }

    /// Whether its answer is a list, which can be printed as CSV.
    pub(crate) fn is_list(&self) -> bool {
        match self {
            Self::Resources(_)
            | Self::Entitlements(_)
            | Self::Grants(_)
            | Self::Accounts(_)
            | Self::Who(_)
            | Self::What(_)
            | Self::Why(_)
            | Self::Orphans(_)
            | Self::Leavers(_)
            | Self::External(_)
            | Self::Unused(_)
            | Self::Diff(_) => true,
            Self::Sync(_)
            | Self::Activity(_)
            | Self::Grant(_)
            | Self::Revoke(_)
            | Self::Delete(_)
            | Self::Create(_) => false,
        }
    }
}

/// Runs one of them; access whose time is over is taken first, whichever it is.
pub(crate) fn run(command: Command, output: Output) -> Result<Exit, Failure> {
    if let Some(place) = command.place()? {
        due::first(place, output)?;
    }
    match command {
        Command::Sync(sync) => sync::run(&sync, output),
        Command::Activity(activity) => activity::run(&activity, output),
        Command::Resources(list) => list.run(output),
        Command::Entitlements(list) => list.run(output),
        Command::Grants(list) => list.run(output),
        Command::Accounts(list) => list.run(output),
        Command::Who(who) => who.run(output),
        Command::What(what) => what.run(output),
        Command::Why(why) => why.run(output),
        Command::Orphans(orphans) => orphans.run(output),
        Command::Leavers(leavers) => leavers.run(output),
        Command::External(external) => external.run(output),
        Command::Unused(unused) => unused.run(output),
        Command::Diff(diff) => diff.run(output),
        Command::Grant(grant) => grant::run(&grant, output),
        Command::Revoke(revoke) => revoke::run(&revoke, output),
        Command::Delete(delete) => delete::run(&delete, output),
        Command::Create(create) => create::run(&create, output),
    }
}
