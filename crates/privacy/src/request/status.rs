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
    /// It is to be done again from the beginning.
    Resubmit,
    /// A person stops it.
    Cancel,
}

impl Event {
    /// Everything that happens to requests.
    pub const ALL: [Self; 22] = [
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
        Event::Start => matches!(status, S::Pending | S::Approved | S::InProcessing).then_some(S::InProcessing),
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
        Event::Resubmit if status == S::IdentityUnverified => Some(status),
        Event::Resubmit => (status != S::Complete).then_some(S::Pending),
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
