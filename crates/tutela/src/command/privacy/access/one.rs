use std::path::Path;

use engine::Canceller;
use model::Identities;

use super::report;
use crate::data_request::{DataRequests, Delivered, Delivery};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::progress::ProgressLine;
use crate::runtime;

/// Asks about one person and shows what came of it.
pub(super) async fn run(
    requests: &DataRequests,
    person: Identities,
    out: &Path,
    output: Output,
) -> Result<Exit, Failure> {
    report::warn_if_unused(requests, &person);
    let progress = ProgressLine::of_person(output);
    let (canceller, cancellation) = Canceller::new();
    let on_progress = |event| progress.note(&event);
    let delivery = Delivery { identities: person, folder: out.to_owned(), cancellation };
    let work = requests.deliver(delivery, &on_progress);
    tokio::pin!(work);
    let delivered = tokio::select! {
        delivered = &mut work => delivered,
        () = runtime::interrupted() => {
            // What was read so far is still worth a package.
            canceller.cancel();
            work.await
        }
    };
    progress.finish();
    match delivered? {
        Delivered::Package(package) => Ok(report::show(&package, output)),
        Delivered::Nothing(reason) => Err(Failure::Failed(reason)),
    }
}
