use jiff::Timestamp;
use model::ConnectionKey;

use super::Deadline;

/// By when an application says that it is done, or is given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorClock {
    /// Which connection.
    pub connection: ConnectionKey,
    /// The last moment that its own terms allow it.
    pub done_by: Timestamp,
}

/// Whether a request will be answered in time, as far as it can be foreseen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forecast {
    /// Nothing that is known stands against it.
    InTime,
    /// These applications may take longer than the law gives; the latest first.
    MayBeLate(Vec<VendorClock>),
    /// The time is over.
    Late,
}

/// Compares a deadline with what is still under way.
pub fn forecast(deadline: &Deadline, under_way: &[VendorClock], now: Timestamp) -> Forecast {
    if now >= deadline.due_at && !deadline.is_paused {
        return Forecast::Late;
    }
    let mut late: Vec<VendorClock> =
        under_way.iter().filter(|clock| clock.done_by >= deadline.due_at).cloned().collect();
    if late.is_empty() {
        return Forecast::InTime;
    }
    late.sort_by(|one, other| {
        other.done_by.cmp(&one.done_by).then_with(|| one.connection.cmp(&other.connection))
    });
    Forecast::MayBeLate(late)
}
