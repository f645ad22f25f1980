use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use model::Clock;

/// Tries the connector's credentials at the application; the text says in public words what is wrong.
pub type Validate = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// How long the application may take (baton C-18).
const VALIDATE_WITHIN: Duration = Duration::from_secs(30);
/// How long an answer counts: probes of several kinds ask within seconds of each other.
const FRESH: SignedDuration = SignedDuration::from_secs(5);

/// What a health server tells. Cheap to clone.
#[derive(Clone)]
pub struct Health(Arc<Shared>);

struct Shared {
    validate: Validate,
    clock: Arc<dyn Clock>,
    ready: AtomicBool,
    last: Mutex<Option<Found>>,
    /// Held by who asks the application, so that it is asked once for all.
    asking: tokio::sync::Mutex<()>,
}

/// Whether the connector has begun its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// It has.
    Ready,
    /// Not yet, or not any more.
    NotReady,
}

/// What the application said, and when.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) at: Timestamp,
    pub(super) valid: Result<(), String>,
}

impl Health {
    /// Not ready yet.
    pub fn new(validate: Validate, clock: Arc<dyn Clock>) -> Self {
        let (ready, last) = (AtomicBool::new(false), Mutex::default());
        Self(Arc::new(Shared { validate, clock, ready, last, asking: tokio::sync::Mutex::default() }))
    }

    /// Says whether the work has begun.
    pub fn set(&self, readiness: Readiness) {
        self.0.ready.store(readiness == Readiness::Ready, Ordering::Release);
    }

    pub(super) fn readiness(&self) -> Readiness {
        if self.0.ready.load(Ordering::Acquire) { Readiness::Ready } else { Readiness::NotReady }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// What the application says of the credentials, at most seconds ago.
    pub(super) async fn validate(&self) -> Found {
        if let Some(fresh) = self.fresh() {
            return fresh;
        }
        let _turn = self.0.asking.lock().await;
        if let Some(fresh) = self.fresh() {
            return fresh;
        }
        let answer = tokio::time::timeout(VALIDATE_WITHIN, (self.0.validate)()).await;
        let late = format!("the application did not answer within {} s", VALIDATE_WITHIN.as_secs());
        let found = Found { at: self.now(), valid: answer.unwrap_or(Err(late)) };
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(found.clone());
        found
    }

    fn fresh(&self) -> Option<Found> {
        let last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.clone().filter(|found| self.now().duration_since(found.at).abs() < FRESH)
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health").field("readiness", &self.readiness()).finish_non_exhaustive()
    }
}
