use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio::sync::watch;

use crate::sql::query;
use crate::store::Tx;
use crate::{Store, StoreError, StorePlace};

/// Told when there may be work. Only a hint: a lost or doubled wake-up changes nothing but time.
#[derive(Debug)]
pub struct WakeListener {
    store: Store,
    here: watch::Receiver<()>,
    remote: Option<PgListener>,
}

impl Store {
    /// Listens for work: within this process, and on PostgreSQL from other processes too.
    pub async fn wake_listener(&self) -> Result<WakeListener, StoreError> {
        let remote = match &self.inner.place {
            StorePlace::File(_) => None,
            StorePlace::Postgres(url) => {
                let mut listener = PgListener::connect(url.expose()).await?;
                listener.listen("tutela").await?;
                Some(listener)
            }
        };
        Ok(WakeListener { here: self.wakes(), store: self.clone(), remote })
    }

    /// Wakes the listeners of other processes when the transaction commits.
    pub(crate) async fn wake_in(&self, tx: &mut Tx) -> Result<(), StoreError> {
        if let Some(wake) = self.inner.dialect.wake() {
            let row = query(wake).fetch_one(tx.connection()).await?;
            let _: Option<String> = row.try_get(0)?;
        }
        Ok(())
    }
}

impl WakeListener {
    /// Returns when woken, or after `sweep` at the latest: then look for work that nobody announced.
    pub async fn wait(&mut self, sweep: Duration) {
        let clock = self.store.inner.clock.clone();
        let mut sweep = clock.sleep(sweep);
        match &mut self.remote {
            None => tokio::select! { _ = self.here.changed() => {}, () = &mut sweep => {} },
            Some(remote) => tokio::select! {
                _ = self.here.changed() => {},
                () = &mut sweep => {},
                received = remote.recv() => if received.is_err() {
                    // Made again by the next call; until then the sweep finds the work.
                    tracing::warn!("the connection for wake-ups was lost");
                    sweep.await;
                } else {
                    // One look serves all that were told of so far.
                    while remote.next_buffered().is_some() {}
                },
            },
        }
    }
}
