//! What became of an erasure as the status of its request (architecture §13.6). Pure.

use model::Outcome;

use crate::plan::NotCovered;

/// The reason of data that stays because the connection may only be read.
pub(super) const NO_WRITE_ACCESS: &str = "no_write_access";

/// The reason of data that stay because the connection serves no erasures.
pub(super) const ACTION_DISABLED: &str = "action_disabled";

/// The reasons of data that may be there although no rows of it were seen.
const UNSEEN: [&str; 2] = ["not_asked", "not_resolved"];

/// What an erasure amounts to for its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Everything ended well, or nothing was there.
    Good,
    /// An application goes on by itself.
    Open,
    /// Something stays that only a person can deal with.
    ByHand,
    /// Nobody knows whether a write took effect.
    Unknown,
    /// Something went wrong.
    Failed,
}

/// What these outcomes of operations, and what no operation covers, amount to: the worst counts. An
/// operation without outcome was not sent, because one before it went wrong.
pub(super) fn ending(
    operations: impl IntoIterator<Item = Option<Outcome>>,
    not_covered: &[NotCovered],
) -> Ending {
    let operations = operations.into_iter().map(of_operation);
    operations
        .chain(not_covered.iter().map(of_rest))
        .max_by_key(|ending| rank(*ending))
        .unwrap_or(Ending::Good)
}

fn of_operation(outcome: Option<Outcome>) -> Ending {
    match outcome {
        // What is in its way has an outcome of its own.
        None | Some(Outcome::Accepted) => Ending::Open,
        Some(Outcome::Failed) => Ending::Failed,
        Some(Outcome::Unknown) => Ending::Unknown,
        Some(Outcome::Unsupported) => Ending::ByHand,
        Some(
            Outcome::Exempt
            | Outcome::Suppressed
            | Outcome::Masked
            | Outcome::Erased
            | Outcome::AlreadyAbsent
            | Outcome::NotFound,
        ) => Ending::Good,
    }
}

fn of_rest(one: &NotCovered) -> Ending {
    match one.outcome {
        Outcome::Failed | Outcome::Unknown => Ending::Failed,
        Outcome::Accepted => Ending::Open,
        // What is not there needs nobody's hand; where nobody could be asked, nobody knows that.
        Outcome::Unsupported if one.rows > 0 || UNSEEN.contains(&one.reason.as_str()) => Ending::ByHand,
        Outcome::Unsupported
        | Outcome::Exempt
        | Outcome::Suppressed
        | Outcome::Masked
        | Outcome::Erased
        | Outcome::AlreadyAbsent
        | Outcome::NotFound => Ending::Good,
    }
}

fn rank(ending: Ending) -> u8 {
    match ending {
        Ending::Good => 0,
        Ending::ByHand => 1,
        Ending::Open => 2,
        Ending::Unknown => 3,
        Ending::Failed => 4,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn rest(outcome: Outcome, rows: u64) -> NotCovered {
        NotCovered {
            collection: "crm:notes".parse().unwrap(),
            fields: Vec::new(),
            rows,
            outcome,
            reason: String::new(),
            explanation: String::new(),
        }
    }

    #[rstest]
    #[case::nothing_to_do(&[], &[], Ending::Good)]
    #[case::all_gone(&[Some(Outcome::Erased), Some(Outcome::AlreadyAbsent)], &[(Outcome::Exempt, 3)], Ending::Good)]
    #[case::nobody_found(&[], &[(Outcome::NotFound, 0)], Ending::Good)]
    #[case::a_job_goes_on(&[Some(Outcome::Erased), Some(Outcome::Accepted)], &[], Ending::Open)]
    #[case::something_waits_for_a_job(&[Some(Outcome::Accepted), None], &[], Ending::Open)]
    #[case::rows_stay(&[Some(Outcome::Erased)], &[(Outcome::Unsupported, 1)], Ending::ByHand)]
    #[case::no_rows_stay(&[Some(Outcome::Erased)], &[(Outcome::Unsupported, 0)], Ending::Good)]
    #[case::nobody_knows(&[Some(Outcome::Unknown), Some(Outcome::Accepted)], &[], Ending::Unknown)]
    #[case::went_wrong(&[Some(Outcome::Failed), None, Some(Outcome::Unknown)], &[], Ending::Failed)]
    #[case::may_not_be_written(&[], &[(Outcome::Failed, 0)], Ending::Failed)]
    fn the_worst_outcome_is_the_ending(
        #[case] operations: &[Option<Outcome>],
        #[case] stays: &[(Outcome, u64)],
        #[case] expected: Ending,
    ) {
        let stays: Vec<NotCovered> = stays.iter().map(|(outcome, rows)| rest(*outcome, *rows)).collect();

        assert_eq!(ending(operations.iter().copied(), &stays), expected);
    }

    #[rstest]
    #[case::nobody_was_asked("not_asked", Outcome::Unsupported, Ending::ByHand)]
    #[case::the_person_cannot_be_named("not_resolved", Outcome::Unsupported, Ending::ByHand)]
    #[case::nothing_is_there("not_resolved", Outcome::NotFound, Ending::Good)]
    #[case::no_rows_of_it("no_request", Outcome::Unsupported, Ending::Good)]
    fn what_nobody_could_look_for_is_left_to_a_person(
        #[case] reason: &str,
        #[case] outcome: Outcome,
        #[case] expected: Ending,
    ) {
        let stays = NotCovered { reason: reason.to_owned(), ..rest(outcome, 0) };

        assert_eq!(ending([], &[stays]), expected);
    }

    const OUTCOMES: [Outcome; 10] = [
        Outcome::Failed,
        Outcome::Unknown,
        Outcome::Accepted,
        Outcome::Unsupported,
        Outcome::Exempt,
        Outcome::Suppressed,
        Outcome::Masked,
        Outcome::Erased,
        Outcome::AlreadyAbsent,
        Outcome::NotFound,
    ];

    proptest! {
        /// One more thing that went wrong never makes a request look better.
        #[test]
        fn more_to_answer_for_is_never_better(
            operations in proptest::collection::vec(proptest::option::of(0..10_usize), 0..6),
            more in proptest::option::of(0..10_usize),
        ) {
            let outcome = |index: Option<usize>| index.map(|index| OUTCOMES[index]);
            let before = ending(operations.iter().copied().map(outcome), &[]);

            let after = ending(operations.iter().copied().chain([more]).map(outcome), &[]);

            prop_assert!(rank(after) >= rank(before));
        }

        /// Nothing passes for done while anything failed, is unknown or goes on.
        #[test]
        fn what_is_open_is_never_done(operations in proptest::collection::vec(0..10_usize, 1..6)) {
            let outcomes: Vec<Outcome> = operations.iter().map(|index| OUTCOMES[*index]).collect();

            let ending = ending(outcomes.iter().copied().map(Some), &[]);

            let is_open = |one: &Outcome| {
                matches!(one, Outcome::Failed | Outcome::Unknown | Outcome::Accepted | Outcome::Unsupported)
            };
            prop_assert_eq!(ending == Ending::Good, !outcomes.iter().any(is_open));
        }
    }
}
