use std::path::Path;

use engine::{Canceller, JobWait};
use model::{Identities, RunId};
use privacy::access::StoredRun;

use super::{Held, report};
use crate::data_request::{DataRequests, Delivered};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::progress::ProgressLine;
use crate::runtime;
use crate::service::{actor, forget_expired_of};

/// What a request about one person is made with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    /// Graph, connections, limits.
    pub(super) requests: &'a DataRequests,
    /// Where the run is kept.
    pub(super) held: &'a Held,
    /// Folder of the package.
    pub(super) out: &'a Path,
}

/// Whom it is about.
#[derive(Debug)]
pub(super) enum Whose {
    /// Somebody new.
    Person(Identities),
    /// Whoever an earlier request was about, which goes on.
    Run(RunId),
}

/// Asks about one person and shows what came of it.
pub(super) async fn run(request: Request<'_>, whose: Whose, output: Output) -> Result<Exit, Failure> {
    let Request { requests, held: Held { store, worker }, out } = request;
    if let Whose::Person(person) = &whose {
        report::warn_if_unused(requests, person);
    }
    let run = match whose {
        Whose::Person(person) => requests.begin(store, &person, actor()).await?,
        Whose::Run(run) => run,
    };
    if output.watched() {
        // Whoever loses this process goes on with it; `-v` tells it everywhere.
        output::complain(&format!("run: {run}"));
    }
    let progress = ProgressLine::of_person(output);
    let (canceller, cancellation) = Canceller::new();
    let waiting = JobWait::Here;
    let held = StoredRun { store: store.clone(), worker: worker.clone(), run, waiting, cancellation };
    let on_progress = |event| progress.note(&event);
    let work = requests.deliver_run(&held, out.to_owned(), &on_progress);
    // What was read until an interruption is still worth a package.
    let delivered = runtime::cancelled_when_interrupted(&canceller, work).await;
    progress.finish();
    forget_expired_of(&held.store).await;
    if held.cancellation.is_cancelled() {
        output::complain(&format!("interrupted; go on with: tutela privacy access --run {}", held.run));
    }
    match delivered? {
        Delivered::Package(package) => Ok(report::show(&package, output)),
        Delivered::Nothing(reason) => Err(Failure::Failed(reason)),
    }
}
