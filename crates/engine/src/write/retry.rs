use std::time::Duration;

/// How often a write that had no effect is tried again, and after which waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteRetry {
    /// Most times that one call sends an operation, at least 1.
    pub attempts: u32,
    /// First wait after "try again later", where the other side names none; doubles each time.
    pub after_refusal: Duration,
    /// First wait after a connection that was not made or broke off; doubles each time.
    pub after_connection: Duration,
    /// First wait after a deadlock; doubles each time.
    pub after_deadlock: Duration,
    /// Longest wait that the other side may ask for.
    pub longest: Duration,
    /// How long the other side gets to come to an end before it is asked what became of a write.
    pub before_look: Duration,
}

impl Default for WriteRetry {
    fn default() -> Self {
        Self {
            attempts: 4,
            after_refusal: Duration::from_secs(2),
            after_connection: Duration::from_millis(500),
            after_deadlock: Duration::from_millis(100),
            longest: Duration::from_mins(5),
            before_look: Duration::from_secs(2),
        }
    }
}

/// Why a write that had no effect may be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// The other side said so, and perhaps when.
    Refused(Option<Duration>),
    /// It did not get through.
    Connection,
    /// Another transaction was in the way.
    Deadlock,
}

impl WriteRetry {
    /// How long to wait after the `sent`th time, from 1.
    pub(super) fn wait(&self, again: Again, sent: u32) -> Duration {
        let first = match again {
            Again::Refused(Some(asked)) => return asked.min(self.longest),
            Again::Refused(None) => self.after_refusal,
            Again::Connection => self.after_connection,
            Again::Deadlock => self.after_deadlock,
        };
        first.saturating_mul(2_u32.saturating_pow(sent.saturating_sub(1))).min(self.longest)
    }
}
