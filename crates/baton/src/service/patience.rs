//! How long is waited after calls that failed.

use std::time::Duration;

use model::IdSource;

/// Longest wait between questions for tasks (baton P-14).
const LONGEST_POLL_S: u64 = 60;
/// Longest wait between hellos (baton P-11).
const LONGEST_HELLO: Duration = Duration::from_mins(5);

/// After the `errors`-th question for tasks that failed in a row: n² seconds, at most 60.
pub(super) fn after_poll(errors: u32, ids: &dyn IdSource) -> Duration {
    let errors = u64::from(errors);
    shortened(Duration::from_secs(errors.saturating_mul(errors).min(LONGEST_POLL_S)), ids)
}

/// After the `errors`-th hello that failed: a second, and twice as long each time, at most 5 minutes.
pub(super) fn after_hello(errors: u32, ids: &dyn IdSource) -> Duration {
    let doubled = 1_u64.checked_shl(errors.saturating_sub(1)).unwrap_or(u64::MAX);
    shortened(Duration::from_secs(doubled).min(LONGEST_HELLO), ids)
}

/// Shorter by up to a fifth: connectors that one outage stopped do not come back at once.
fn shortened(wait: Duration, ids: &dyn IdSource) -> Duration {
    let chance = (ids.random_uuid().as_u128() % 1000) as u32;
    wait.saturating_sub(wait / 5_000 * chance)
}

#[cfg(test)]
mod tests {
    use model::RandomIds;
    use rstest::rstest;

    use super::*;

    // rule: baton P-14
    #[rstest]
    #[case(1, 1)]
    #[case(2, 4)]
    #[case(7, 49)]
    #[case(8, 60)]
    #[case(u32::MAX, 60)]
    fn waits_for_tasks_grow_to_a_minute(#[case] errors: u32, #[case] most_s: u64) {
        let (wait, most) = (after_poll(errors, &RandomIds), Duration::from_secs(most_s));

        assert!(wait <= most && wait >= most * 4 / 5, "{wait:?}");
    }

    // rule: baton P-11
    #[rstest]
    #[case(1, 1)]
    #[case(2, 2)]
    #[case(9, 256)]
    #[case(10, 300)]
    #[case(u32::MAX, 300)]
    fn waits_for_hello_double_to_five_minutes(#[case] errors: u32, #[case] most_s: u64) {
        let (wait, most) = (after_hello(errors, &RandomIds), Duration::from_secs(most_s));

        assert!(wait <= most && wait >= most * 4 / 5, "{wait:?}");
    }
}
