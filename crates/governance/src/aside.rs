//! Work that takes a processor for a while, or waits for the disk.

use tokio::task::JoinHandle;

/// Does it beside the tasks that wait for the network.
pub(crate) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    begun_aside(work).await
}

/// The same, begun before anybody waits for it.
pub(crate) fn begun_aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = T> + Send + 'static {
    result_of(tokio::task::spawn_blocking(work))
}

/// Does work that waits, in a task of its own, on whichever thread is free: many wait for one another in one task else,
/// which is to be there when an answer comes.
///
/// # Cancel safety
/// Dropped, the work goes on to its end: only for what may take effect whoever still waits for it.
pub(crate) async fn in_own_task<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    result_of(tokio::spawn(work)).await
}

async fn result_of<T>(task: JoinHandle<T>) -> T {
    match task.await {
        Ok(done) => done,
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is going down and takes this task with it.
            Err(_) => std::future::pending().await,
        },
    }
}
