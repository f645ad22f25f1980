use tokio::sync::watch;

/// The side that asks a run to stop.
#[derive(Debug)]
pub struct Canceller(watch::Sender<bool>);

/// The side that a run listens to; clones hear the same request.
#[derive(Debug, Clone)]
pub struct Cancellation(Option<watch::Receiver<bool>>);

impl Canceller {
    /// A connected pair.
    pub fn new() -> (Self, Cancellation) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Cancellation(Some(receiver)))
    }

    /// Asks to stop; what was read so far stays and is marked `Incomplete(cancelled)`.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }
}

impl Cancellation {
    /// One that never comes.
    pub fn never() -> Self {
        Self(None)
    }

    /// Whether stopping was asked for.
    pub fn is_cancelled(&self) -> bool {
        self.0.as_ref().is_some_and(|receiver| *receiver.borrow())
    }

    /// Completes when stopping is asked for; never, if the [`Canceller`] is gone without asking.
    ///
    /// # Cancel safety
    /// May be dropped and called again.
    pub async fn cancelled(&self) {
        if let Some(receiver) = &self.0
            && receiver.clone().wait_for(|cancelled| *cancelled).await.is_ok()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_clone_hears_a_request_to_stop() {
        let (canceller, cancellation) = Canceller::new();
        let clone = cancellation.clone();

        canceller.cancel();
        clone.cancelled().await;

        assert!(cancellation.is_cancelled());
    }

    #[tokio::test]
    async fn a_canceller_that_is_dropped_cancels_nothing() {
        let (canceller, cancellation) = Canceller::new();

        drop(canceller);
        let waited = futures::FutureExt::now_or_never(cancellation.cancelled());

        assert!(waited.is_none() && !cancellation.is_cancelled());
    }
}
