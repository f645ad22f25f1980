use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

/// Where time comes from, so that tests can set it.
///
/// Rules about time (token expiry, rate windows, `Retry-After` dates) take a `Clock`, never the
/// system's time directly. Waiting goes through [`Clock::sleep`] for the same reason.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The current instant, UTC.
    fn now(&self) -> Timestamp;

    /// Completes after `duration` of this clock's time.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// Whether every host has another one: what several hosts agree on is then measured by a clock that
    /// they share, if there is one. A clock that tests set is shared.
    fn is_hosts_own(&self) -> bool {
        false
    }
}

/// The system's time.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the system's time enters")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn is_hosts_own(&self) -> bool {
        true
    }
}

/// A shared clock is a clock.
impl<T: Clock + ?Sized> Clock for Arc<T> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        (**self).sleep(duration)
    }

    fn is_hosts_own(&self) -> bool {
        (**self).is_hosts_own()
    }
}
