//! The waits that a control plane asks for.

use std::time::Duration;

/// Longest wait that is believed (baton P-12, P-25).
const LONGEST: Duration = Duration::from_mins(5);
/// Shortest time between two questions for tasks (baton P-13).
const SHORTEST_POLL: Duration = Duration::from_millis(100);
/// Shortest time between two heartbeats (baton P-25).
const SHORTEST_BEAT: Duration = Duration::from_secs(1);
/// Time between heartbeats if nothing is said (baton P-25).
const USUAL_BEAT: Duration = Duration::from_secs(30);

/// When to ask for tasks again. Nothing said is as soon as may be.
pub(super) fn poll_wait(said: Option<&prost_types::Duration>) -> Duration {
    read(said).clamp(SHORTEST_POLL, LONGEST)
}

/// When to send the next heartbeat.
pub(super) fn beat_wait(said: Option<&prost_types::Duration>) -> Duration {
    match read(said) {
        Duration::ZERO => USUAL_BEAT,
        wait => wait.clamp(SHORTEST_BEAT, LONGEST),
    }
}

/// Zero for what is absent, negative or no duration.
fn read(said: Option<&prost_types::Duration>) -> Duration {
    said.and_then(|said| Duration::try_from(*said).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn said(seconds: i64, nanos: i32) -> prost_types::Duration {
        prost_types::Duration { seconds, nanos }
    }

    // rule: baton P-12
    // rule: baton P-13
    #[rstest]
    #[case(None, 100)]
    #[case(Some(said(0, 0)), 100)]
    #[case(Some(said(-5, 0)), 100)]
    #[case(Some(said(0, 300_000_000)), 300)]
    #[case(Some(said(7, 0)), 7_000)]
    #[case(Some(said(301, 0)), 300_000)]
    #[case(Some(said(i64::MAX, 0)), 300_000)]
    fn polls_are_apart(#[case] said: Option<prost_types::Duration>, #[case] wait_ms: u64) {
        assert_eq!(poll_wait(said.as_ref()), Duration::from_millis(wait_ms));
    }

    // rule: baton P-25
    #[rstest]
    #[case(None, 30_000)]
    #[case(Some(said(0, 0)), 30_000)]
    #[case(Some(said(-1, 0)), 30_000)]
    #[case(Some(said(0, 1)), 1_000)]
    #[case(Some(said(1, 0)), 1_000)]
    #[case(Some(said(45, 0)), 45_000)]
    #[case(Some(said(3_600, 0)), 300_000)]
    fn heartbeats_are_apart(#[case] said: Option<prost_types::Duration>, #[case] wait_ms: u64) {
        assert_eq!(beat_wait(said.as_ref()), Duration::from_millis(wait_ms));
    }
}
