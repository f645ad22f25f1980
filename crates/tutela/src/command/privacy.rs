mod access;
pub(crate) mod apply;
mod approve;
mod cancel;
mod certificate;
pub(crate) mod identity;
mod packages;
pub(crate) mod plan;
mod replay;
mod resolve;
pub(crate) mod status;
pub(crate) mod verify;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Work on requests of people about their data.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Fetch everything that the connections hold about one person, or about many.
    Access(access::Access),
    /// List the packages that were put into storage, make links to them, remove those that have expired.
    Packages(packages::Packages),
    /// Plan an erasure or a correction: read everything, list every write, send none.
    Plan(plan::PlanArguments),
    /// Carry out a plan that was approved by its digest.
    Apply(apply::Apply),
    /// On a server: let a request, or its plan, be carried out.
    Approve(approve::Approve),
    /// On a server: stop a request.
    Cancel(cancel::Cancel),
    /// Show how far a run is, per operation and destination.
    Status(status::Status),
    /// Look again whether everything is gone, and issue the certificate.
    Verify(verify::Verify),
    /// On a server: fetch the certificate of a request.
    Certificate(certificate::Fetch),
    /// Say what became of a write that nothing else can tell.
    Resolve(resolve::Resolve),
    /// After a restore: plan again for everybody who was erased since.
    Replay(replay::Replay),
}

/// Runs one of them.
pub(crate) fn run(command: Command, output: Output) -> Result<Exit, Failure> {
    match command {
        Command::Access(access) => access::run(&access, output),
        Command::Packages(packages) => packages::run(&packages, output),
        Command::Plan(plan) => plan::run(&plan, output),
        Command::Apply(apply) => apply::run(&apply, output),
        Command::Approve(approve) => approve::run(&approve, output),
        Command::Cancel(cancel) => cancel::run(&cancel, output),
        Command::Certificate(fetch) => certificate::run(&fetch, output),
        Command::Status(status) => status::run(&status, output),
        Command::Verify(verify) => verify::run(&verify, output),
        Command::Resolve(resolve) => resolve::run(&resolve, output),
        Command::Replay(replay) => replay::run(&replay, output),
    }
}
