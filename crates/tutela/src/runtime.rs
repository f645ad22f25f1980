use std::future::Future;
use std::pin::Pin;
use std::task::Poll;

use engine::Canceller;
use tokio::runtime::Runtime;

use crate::failure::Failure;

/// Runs a command that waits for the network. Commands that do not never pay for it.
pub(crate) fn run<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    start()?.block_on(work)
}

/// Waits for work with many calls under way, as a task: what they wait for wakes it on the thread that heard of it, while
/// [`run`] waits on a thread of its own, which the system has to wake each time.
pub(crate) fn run_as_task<T: Send + 'static>(
    runtime: &Runtime,
    work: impl Future<Output = Result<T, Failure>> + Send + 'static,
) -> Result<T, Failure> {
    let task = runtime.spawn(work);
    runtime.block_on(task).unwrap_or_else(|ended| std::panic::resume_unwind(ended.into_panic()))
}

/// What waits for the network on behalf of a command that does other things in between.
///
/// # Errors
/// A failure if the system has no threads left.
pub(crate) fn start() -> Result<Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime
        .map_err(|error| Failure::Failed(format!("the system gives no threads or no event queue: {error}")))
}

/// The same, given up when a person asks the program to end: what the work holds, temporary folders
/// among it, is let go in order.
pub(crate) fn run_until_interrupted<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    run(async {
        tokio::select! {
            done = work => done,
            () = interrupted() => Err(Failure::Failed("interrupted; nothing was written".to_owned())),
        }
    })
}

/// Waits for work that ends by itself once it is cancelled, and cancels it when a person asks the program
/// to end.
pub(crate) async fn cancelled_when_interrupted<T>(canceller: &Canceller, work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    tokio::select! {
        // First, so that signals are heard before anything is asked.
        biased;
        () = interrupted() => {
            canceller.cancel();
            work.await
        }
        done = &mut work => done,
    }
}

/// Completes once the program was asked to end.
pub(crate) type Interruption = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The same as [`interrupted`], heard from now on: a signal that comes before anybody waits counts too.
pub(crate) async fn hear_interruption() -> Interruption {
    let mut heard: Interruption = Box::pin(interrupted());
    match futures::poll!(&mut heard) {
        Poll::Pending => heard,
        Poll::Ready(()) => Box::pin(std::future::ready(())),
    }
}

/// Completes when a person presses Ctrl-C, or the system asks the program to end.
pub(crate) async fn interrupted() {
    let control_c = async {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without a handler the signal ends the program by itself.
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = control_c => {}
        () = terminated() => {}
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};

    match signal(SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}
