use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use egress::Retry;
use jiff::Timestamp;
use model::{CallStats, CollectionAddress, Completeness, IncompleteReason};

use super::polled::Poll;
use crate::WaitsFor;
use crate::source::ReadFault;
use crate::stop::Why;
use crate::unit_state::UnitState;

/// When so many units have failed, the rest is not tried: each of them would go through all its
/// attempts and waits only to say the same.
const MOST_FAILED_UNITS: usize = 20;

/// What all units together gave.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// The first incomplete unit, in order of units, and what it says.
    incomplete: Option<(usize, Completeness)>,
    pub(crate) completed_units: usize,
    pub(crate) failed_units: usize,
    /// Whether something asked to stop before all was read.
    pub(crate) is_stopped: bool,
    /// Until when the first of them waits that waits for an application, and by what.
    pub(crate) waits: Option<(Timestamp, WaitsFor)>,
    pub(crate) rows: u64,
    pub(crate) foreign_rows: u64,
    pub(crate) pages: u64,
    pub(crate) stats: CallStats,
}

/// What one unit gave.
pub(super) struct UnitOutcome {
    pub(super) unit: usize,
    pub(super) completeness: Completeness,
    failed: bool,
    stopped: bool,
    waits: Option<Waits>,
    pub(super) state: UnitState,
}

/// What a unit waits for.
enum Waits {
    /// A call of the application, until then.
    Call(Timestamp),
    /// A job of it.
    Job(Box<Poll>),
}

/// Shared by the units while they run.
#[derive(Default)]
pub(super) struct Failures {
    count: AtomicUsize,
    /// No later unit can do better: refused by the door, not allowed to sign in.
    hopeless: AtomicBool,
}

impl Failures {
    /// Whether another unit would only say the same again.
    pub(super) fn are_enough(&self) -> bool {
        self.hopeless.load(Ordering::Relaxed) || self.count.load(Ordering::Relaxed) >= MOST_FAILED_UNITS
    }
}

impl UnitOutcome {
    pub(super) fn new(unit: usize) -> Self {
        Self {
            unit,
            completeness: Completeness::Complete,
            failed: false,
            stopped: false,
            waits: None,
            state: UnitState::default(),
        }
    }

    pub(super) fn stop(&mut self, why: Why) {
        self.completeness = why.completeness();
        self.stopped = true;
        self.waits = None;
    }

    /// An application is to call back until then.
    pub(super) fn wait_until(&mut self, until: Timestamp) {
        self.waits = Some(Waits::Call(until));
    }

    /// The application is to be asked about a job.
    pub(super) fn wait_for_job(&mut self, poll: Poll) {
        self.waits = Some(Waits::Job(Box::new(poll)));
    }

    /// The unit and the job that it waits for, if it does.
    pub(super) fn waits_for_job(&self) -> Option<(usize, &Poll)> {
        match &self.waits {
            Some(Waits::Job(poll)) => Some((self.unit, poll)),
            Some(Waits::Call(_)) | None => None,
        }
    }

    /// Takes out the job that it waits for.
    pub(super) fn take_poll(&mut self) -> Option<Poll> {
        match self.waits.take() {
            Some(Waits::Job(poll)) => Some(*poll),
            other @ (Some(Waits::Call(_)) | None) => {
                self.waits = other;
                None
            }
        }
    }

    /// Its job goes on, and nobody waits for it.
    pub(super) fn not_waited_for(&mut self, address: &CollectionAddress) {
        self.waits = None;
        self.completeness = Completeness::incomplete(
            IncompleteReason::Connection,
            format!("not every job of `{address}` was waited for, because another one failed"),
        );
    }

    pub(super) fn not_sent(&mut self, address: &CollectionAddress) {
        self.completeness = Completeness::incomplete(
            IncompleteReason::Connection,
            format!("not every request of `{address}` was sent, because earlier ones failed"),
        );
    }

    pub(super) fn fail(&mut self, fault: ReadFault, failures: &Failures) {
        failures.count.fetch_add(1, Ordering::Relaxed);
        if fault.reason == IncompleteReason::Connection && fault.retry == Retry::No {
            failures.hopeless.store(true, Ordering::Relaxed);
        }
        self.failed = true;
        self.completeness = fault.completeness();
    }
}

impl Tally {
    pub(super) fn add(&mut self, outcome: UnitOutcome) {
        self.rows += outcome.state.rows;
        self.foreign_rows += outcome.state.foreign_rows;
        self.pages += outcome.state.pages;
        self.stats += outcome.state.stats;
        self.failed_units += usize::from(outcome.failed);
        self.is_stopped |= outcome.stopped;
        let waits = match &outcome.waits {
            Some(Waits::Call(until)) => Some((*until, WaitsFor::Call)),
            Some(Waits::Job(poll)) => Some((poll.look_at, WaitsFor::Job)),
            None => None,
        };
        self.waits = match (self.waits, waits) {
            (Some((one, by)), Some((other, by_other))) => Some((one.min(other), by.max(by_other))),
            (one, other) => one.or(other),
        };
        if outcome.completeness.is_complete() {
            self.completed_units += 1;
        } else if self.incomplete.as_ref().is_none_or(|(unit, _)| outcome.unit < *unit) {
            self.incomplete = Some((outcome.unit, outcome.completeness));
        }
    }

    /// Complete if every unit is; else what the first incomplete one says, whatever order they
    /// ended in.
    pub(crate) fn completeness(&self) -> Completeness {
        self.incomplete.as_ref().map_or(Completeness::Complete, |(_, completeness)| completeness.clone())
    }
}
