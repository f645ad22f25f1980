//! The states of a request and what leads from one to another (privacy-requests 14.1). Pure.

use store::PrivacyRequestStatus as Status;
use thiserror::Error;

/// Something that happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The right code was given back, or a person vouched for an identity.
    IdentityVerified,
    /// Webhooks are asked whether it may be approved.
    AskBeforeApproval,
    /// One of them says no.
    FoundIneligible,
    /// It is approved: by a person, by all webhooks, or because nobody has to.
    Approve,
    /// It is denied.
    Deny,
    /// It is the same as another that counts.
    FoundDuplicate,
    /// A worker begins, or goes on.
    Start,
    /// A person's input or approval is missing.
    NeedInput,
    /// Somebody outside has to act.
    WaitOutside,
    /// A webhook holds it.
    Pause,
    /// What it waited for is there.
    Resume,
    /// It was held for too long.
    Expire,
    /// E-mails have to be sent.
    AwaitEmail,
    /// They were sent.
    EmailsSent,
    /// A person has to finish it by hand.
    NeedFinalization,
    /// They did.
    Finalize,
    /// All steps are done.
    Finish,
    /// A step went wrong.
    Fail,
    /// It is to be tried again from where it failed.
    Retry,
    /// It is to be put in line again.
    Requeue,
    /// It is to be done again from the beginning; its identity was shown or vouched for.
    Resubmit,
    /// The same, and nobody has shown whose it is.
    ResubmitUnshown,
    /// A person stops it.
    Cancel,
}

impl Event {
    /// Everything that happens to requests.
    pub const ALL: [Self; 23] = [
        Self::IdentityVerified,
        Self::AskBeforeApproval,
        Self::FoundIneligible,
        Self::Approve,
        Self::Deny,
        Self::FoundDuplicate,
        Self::Start,
        Self::NeedInput,
        Self::WaitOutside,
        Self::Pause,
        Self::Resume,
        Self::Expire,
        Self::AwaitEmail,
        Self::EmailsSent,
        Self::NeedFinalization,
        Self::Finalize,
        Self::Finish,
        Self::Fail,
        Self::Retry,
        Self::Requeue,
        Self::Resubmit,
        Self::ResubmitUnshown,
        Self::Cancel,
    ];
}

/// An event that does not fit the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("Cannot transition status")]
pub struct Refused {
    /// How far the request is.
    pub status: Status,
    /// What should have happened to it.
    pub event: Event,
}

/// The status after an event.
///
/// # Errors
/// [`Refused`] if the event cannot happen in this status.
pub fn next(status: Status, event: Event) -> Result<Status, Refused> {
    use Status as S;
    let reviewable =
        matches!(status, S::Pending | S::Duplicate | S::AwaitingPreApproval | S::PreApprovalNotEligible);
    // Nobody's identity is shown yet, and no code can show it: a person decides.
    let decidable = reviewable || status == S::IdentityUnverified;
    let to = match event {
        Event::IdentityVerified if matches!(status, S::IdentityUnverified | S::Duplicate) => Some(S::Pending),
        // A further identity of a request that waits for a decision: it goes on waiting.
        Event::IdentityVerified => reviewable.then_some(status),
        Event::AskBeforeApproval => (status == S::Pending).then_some(S::AwaitingPreApproval),
        Event::FoundIneligible => {
            matches!(status, S::Pending | S::AwaitingPreApproval).then_some(S::PreApprovalNotEligible)
        }
        Event::Approve => decidable.then_some(S::Approved),
        Event::Deny => decidable.then_some(S::Denied),
        Event::FoundDuplicate => (!is_over(status)).then_some(S::Duplicate),
        Event::Start => {
            matches!(status, S::Pending | S::Approved | S::InProcessing).then_some(S::InProcessing)
        }
        Event::NeedInput => (status == S::InProcessing).then_some(S::RequiresInput),
        Event::WaitOutside => (status == S::InProcessing).then_some(S::PendingExternal),
        Event::Pause => (status == S::InProcessing).then_some(S::Paused),
        Event::Resume => {
            matches!(status, S::RequiresInput | S::PendingExternal | S::Paused).then_some(S::InProcessing)
        }
        Event::Expire => (status == S::Paused).then_some(S::Error),
        Event::AwaitEmail => (status == S::InProcessing).then_some(S::AwaitingEmailSend),
        Event::EmailsSent => (status == S::AwaitingEmailSend).then_some(S::InProcessing),
        Event::NeedFinalization => (status == S::InProcessing).then_some(S::RequiresManualFinalization),
        Event::Finalize => (status == S::RequiresManualFinalization).then_some(S::InProcessing),
        Event::Finish => (status == S::InProcessing).then_some(S::Complete),
        Event::Fail => is_under_way(status).then_some(S::Error),
        Event::Retry => (status == S::Error).then_some(S::InProcessing),
        Event::Requeue => matches!(status, S::Approved | S::InProcessing).then_some(status),
        Event::Resubmit => (status != S::Complete).then_some(S::Pending),
        Event::ResubmitUnshown => (status != S::Complete).then_some(S::IdentityUnverified),
        Event::Cancel => (!is_over(status) && status != S::Error).then_some(S::Canceled),
    };
    to.ok_or(Refused { status, event })
}

/// Whether nothing happens to a request any more by itself, whatever else.
pub fn is_over(status: Status) -> bool {
    matches!(status, Status::Complete | Status::Denied | Status::Canceled)
}

/// Whether a request is being carried out, or waits in the middle of it.
pub fn is_under_way(status: Status) -> bool {
    matches!(
        status,
        Status::Approved
            | Status::InProcessing
            | Status::RequiresInput
            | Status::PendingExternal
            | Status::Paused
            | Status::AwaitingEmailSend
            | Status::RequiresManualFinalization
    )
}

/// Whether a request counts as active where it is asked which are late (privacy-requests L-1).
pub fn is_active(status: Status) -> bool {
    matches!(
        status,
        Status::InProcessing
            | Status::Pending
            | Status::Approved
            | Status::Paused
            | Status::RequiresInput
            | Status::RequiresManualFinalization
            | Status::PendingExternal
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use store::PrivacyRequestStatus as S;

    use super::*;

    // rule: privacy-requests 14.1
    #[rstest]
    #[case(S::IdentityUnverified, Event::IdentityVerified, S::Pending)]
    #[case(S::Duplicate, Event::IdentityVerified, S::Pending)]
    #[case(S::Pending, Event::AskBeforeApproval, S::AwaitingPreApproval)]
    #[case(S::Pending, Event::Start, S::InProcessing)]
    #[case(S::Pending, Event::FoundIneligible, S::PreApprovalNotEligible)]
    #[case(S::AwaitingPreApproval, Event::FoundIneligible, S::PreApprovalNotEligible)]
    #[case(S::AwaitingPreApproval, Event::Approve, S::Approved)]
    #[case(S::Pending, Event::Approve, S::Approved)]
    #[case(S::Duplicate, Event::Approve, S::Approved)]
    #[case(S::PreApprovalNotEligible, Event::Approve, S::Approved)]
    #[case(S::Pending, Event::Deny, S::Denied)]
    #[case(S::Duplicate, Event::Deny, S::Denied)]
    #[case(S::AwaitingPreApproval, Event::Deny, S::Denied)]
    #[case(S::PreApprovalNotEligible, Event::Deny, S::Denied)]
    #[case(S::Approved, Event::Start, S::InProcessing)]
    #[case(S::InProcessing, Event::NeedInput, S::RequiresInput)]
    #[case(S::InProcessing, Event::WaitOutside, S::PendingExternal)]
    #[case(S::InProcessing, Event::Pause, S::Paused)]
    #[case(S::Paused, Event::Resume, S::InProcessing)]
    #[case(S::Paused, Event::Expire, S::Error)]
    #[case(S::RequiresInput, Event::Resume, S::InProcessing)]
    #[case(S::InProcessing, Event::AwaitEmail, S::AwaitingEmailSend)]
    #[case(S::AwaitingEmailSend, Event::EmailsSent, S::InProcessing)]
    #[case(S::InProcessing, Event::NeedFinalization, S::RequiresManualFinalization)]
    #[case(S::InProcessing, Event::Finish, S::Complete)]
    #[case(S::InProcessing, Event::Fail, S::Error)]
    #[case(S::RequiresInput, Event::Fail, S::Error)]
    #[case(S::Error, Event::Retry, S::InProcessing)]
    #[case(S::Error, Event::Resubmit, S::Pending)]
    #[case(S::Pending, Event::Cancel, S::Canceled)]
    #[case(S::InProcessing, Event::Cancel, S::Canceled)]
    fn each_row_of_the_table_leads_where_it_says(#[case] from: S, #[case] event: Event, #[case] to: S) {
        assert_eq!(next(from, event), Ok(to));
    }

    #[rstest]
    #[case(S::Complete, Event::Cancel)]
    #[case(S::Denied, Event::Cancel)]
    #[case(S::Canceled, Event::Cancel)]
    #[case(S::Error, Event::Cancel)]
    #[case(S::Denied, Event::Approve)]
    #[case(S::Complete, Event::Resubmit)]
    #[case(S::IdentityUnverified, Event::Start)]
    #[case(S::Duplicate, Event::Start)]
    #[case(S::Complete, Event::Retry)]
    #[case(S::InProcessing, Event::Finalize)]
    #[case(S::Pending, Event::Fail)]
    fn what_the_table_does_not_have_is_refused(#[case] from: S, #[case] event: Event) {
        assert_eq!(next(from, event), Err(Refused { status: from, event }));
    }

    fn anything() -> impl Strategy<Value = Vec<Event>> {
        proptest::collection::vec(proptest::sample::select(Event::ALL.to_vec()), 0..60)
    }

    /// Where a request is after these events; what is refused changes nothing.
    fn after(begin: S, events: &[Event]) -> Vec<(S, Event, S)> {
        let mut status = begin;
        let mut steps = Vec::new();
        for event in events {
            if let Ok(to) = next(status, *event) {
                steps.push((status, *event, to));
                status = to;
            }
        }
        steps
    }

    proptest! {
        #[test]
        fn nobody_is_carried_out_who_was_not_shown_or_approved(mut events in anything()) {
            // Said of requests that were shown, and of no others.
            events.retain(|event| *event != Event::Resubmit);
            let steps = after(S::IdentityUnverified, &events);

            let work = steps.iter().position(|(_, _, to)| *to == S::InProcessing);
            let decided = |(_, event, _): &(S, Event, S)| {
                matches!(event, Event::IdentityVerified | Event::Approve)
            };
            if let Some(work) = work {
                prop_assert!(steps.iter().take(work).any(decided), "{steps:?}");
            }
        }

        #[test]
        fn what_is_over_stays_so_unless_it_is_begun_again(
            begin in proptest::sample::select(vec![S::Complete, S::Denied, S::Canceled]),
            events in anything(),
        ) {
            let steps = after(begin, &events);

            if let Some((_, event, _)) = steps.first() {
                prop_assert!(matches!(event, Event::Resubmit | Event::ResubmitUnshown));
                prop_assert_ne!(begin, S::Complete);
            }
        }

        #[test]
        fn only_work_ends_in_complete(events in anything()) {
            for (from, event, to) in after(S::Pending, &events) {
                if to == S::Complete {
                    prop_assert_eq!((from, event), (S::InProcessing, Event::Finish));
                }
                if event == Event::Fail {
                    prop_assert!(is_under_way(from));
                }
            }
        }
    }
}
