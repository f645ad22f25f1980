use model::PrivacyRequestId;
use store::{PrivacyRequestStatus, StoreError};
use thiserror::Error;

use super::status::Refused;
use crate::deadline::DeadlineError;
use crate::policy_book::PolicyError;
use crate::resolve::ResolveError;

/// Why a request was not made or not changed. Texts that clients know are theirs.
#[derive(Debug, Error)]
pub enum RequestError {
    /// No such request.
    #[error("No privacy request found with id '{id}'.")]
    NotFound {
        /// Its id, as it was asked for.
        id: String,
    },
    /// It was deleted.
    #[error("Privacy request with id {id} has been deleted.")]
    Deleted {
        /// Its id.
        id: PrivacyRequestId,
    },
    /// It has to be about somebody.
    #[error("You must provide at least one identity to process")]
    NoIdentity,
    /// Custom identities have labels.
    #[error(
        "the identity `{kind}` is none that everybody knows; give it as an object of `label` and `value`"
    )]
    Unlabelled {
        /// Its kind.
        kind: String,
    },
    /// Longer than anybody needs.
    #[error("`{what}` has more than {most} characters")]
    TooLong {
        /// Which text.
        what: &'static str,
        /// How many it may have.
        most: usize,
    },
    /// No such property.
    #[error("Property ID must be valid to process")]
    NoProperty,
    /// Another request was made with this key.
    #[error(
        "the key of this call was used before, for privacy request {id}, which has another policy or other identities; \
         give each call a key of its own"
    )]
    KeyReused {
        /// The request that was made with it.
        id: PrivacyRequestId,
    },
    /// No such policy.
    #[error("Policy with key {key} does not exist")]
    NoPolicy {
        /// Its key.
        key: String,
    },
    /// Nothing would be done.
    #[error(
        "Policy with key {key} has consent rules only, which are not carried out; name a policy with access or erasure rules"
    )]
    ConsentOnly {
        /// Its key.
        key: String,
    },
    /// Nothing says what is wrong.
    #[error(
        "Policy with key {key} corrects data and does nothing else; say which fields are wrong and what is right, in `corrections`"
    )]
    NothingToCorrect {
        /// Its key.
        key: String,
    },
    /// Nothing may be corrected.
    #[error(
        "Policy with key {key} has no rectification rules, so that nothing is corrected under it; name one that has, or leave `corrections` out"
    )]
    NoRectification {
        /// Its key.
        key: String,
    },
    /// There will be no plan.
    #[error(
        "Policy with key {key} changes nothing, so that there is no plan whose limits could be raised; leave `limits` out"
    )]
    NothingToLimit {
        /// Its key.
        key: String,
    },
    /// Anybody may ask, but not for this.
    #[error(
        "`{what}` is taken from callers with a token alone; leave it out, or use `POST …/privacy-request/authenticated`"
    )]
    OfCallers {
        /// What of the request.
        what: &'static str,
    },
    /// The event does not fit the status.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Somebody would have to show first that it is theirs.
    #[error("Cannot approve unverified duplicate request")]
    UnverifiedDuplicate,
    /// It is over, or went wrong.
    #[error("Cannot cancel privacy request in {} status", .status.as_str())]
    NotCancelable {
        /// How far it is.
        status: PrivacyRequestStatus,
    },
    /// It did not go wrong.
    #[error("Cannot restart privacy request from failure: privacy request '{id}' status = {}.", .status.as_str())]
    NotFailed {
        /// Its id.
        id: PrivacyRequestId,
        /// How far it is.
        status: PrivacyRequestStatus,
    },
    /// It is not to be worked on.
    #[error("Cannot re-queue privacy request {id} with status {}", .status.as_str())]
    NotQueueable {
        /// Its id.
        id: PrivacyRequestId,
        /// How far it is.
        status: PrivacyRequestStatus,
    },
    /// It is done.
    #[error("Cannot resubmit a complete privacy request")]
    Complete,
    /// It does not wait for input.
    #[error("Cannot resume privacy request from 'requires_input': privacy request '{id}' status = {}.", .status.as_str())]
    NotWaiting {
        /// Its id.
        id: PrivacyRequestId,
        /// How far it is.
        status: PrivacyRequestStatus,
    },
    /// It waits for something else than the call brings.
    #[error("Cannot resume privacy request. {reason}")]
    StillWaits {
        /// What for, and what to do.
        reason: &'static str,
    },
    /// It is not held.
    #[error("Invalid resume request: privacy request '{id}' status = {}.", .status.as_str())]
    NotPaused {
        /// Its id.
        id: PrivacyRequestId,
        /// How far it is.
        status: PrivacyRequestStatus,
    },
    /// It does not wait to be finalized.
    #[error("Cannot manually finalize privacy request '{id}': status is {}, not requires_manual_finalization.", .status.as_str())]
    NotFinalizable {
        /// Its id.
        id: PrivacyRequestId,
        /// How far it is.
        status: PrivacyRequestStatus,
    },
    /// No identity of it is to be shown.
    #[error("Invalid identity verification request. Privacy request '{id}' status = {}.", .status.as_str())]
    NotToVerify {
        /// Its id.
        id: PrivacyRequestId,
        /// How far it is.
        status: PrivacyRequestStatus,
    },
    /// There is no code any more.
    #[error("Identification code expired for {id}.")]
    CodeExpired {
        /// The request.
        id: PrivacyRequestId,
    },
    /// It is another code.
    #[error("Incorrect identification code for '{id}'")]
    CodeWrong {
        /// The request.
        id: PrivacyRequestId,
    },
    /// There were too many attempts.
    #[error("Attempt limit hit for '{id}'")]
    CodeSpent {
        /// The request.
        id: PrivacyRequestId,
    },
    /// No code can be sent.
    #[error("no code can be sent: there is no way to reach an identity of the request, or all are verified")]
    NoChannel,
    /// Enough codes were sent for it within a day.
    #[error("enough codes were sent for privacy request '{id}' today; try again tomorrow")]
    EnoughCodes {
        /// The request.
        id: PrivacyRequestId,
    },
    /// What is about the person was destroyed.
    #[error(
        "the identities of privacy request {id} were destroyed at the end of their time; make a new request"
    )]
    Forgotten {
        /// Its id.
        id: PrivacyRequestId,
    },
    /// It has no plan that waits.
    #[error("privacy request {id} has no plan that waits for approval")]
    NoPlan {
        /// Its id.
        id: PrivacyRequestId,
    },
    /// Nothing can be planned for it now.
    #[error("privacy request {id} cannot be planned: {reason}")]
    NotPlannable {
        /// Its id.
        id: PrivacyRequestId,
        /// Why.
        reason: &'static str,
    },
    /// Its plan is another one by now.
    #[error("the plan of privacy request {id} is another one by now; look at it and approve its digest")]
    OtherPlan {
        /// Its id.
        id: PrivacyRequestId,
    },
    /// Nothing was sent for it.
    #[error("nothing was written for privacy request {id}; there is nothing to decide")]
    NothingSent {
        /// Its id.
        id: PrivacyRequestId,
    },
    /// No word is wanted about the write.
    #[error(transparent)]
    Resolve(Box<ResolveError>),
    /// Somebody else has to approve it.
    #[error("who asked for a plan may not approve it; somebody else has to")]
    SamePerson,
    /// It is over.
    #[error("privacy request {id} is {}: nothing is left to be done for it", .status.as_str())]
    Over {
        /// Its id.
        id: PrivacyRequestId,
        /// How far it is.
        status: PrivacyRequestStatus,
    },
    /// Nothing says by when it is to be answered.
    #[error(
        "no law that is known here says by when this request is to be answered; set `deadlines.jurisdiction`"
    )]
    NoLaw,
    /// The law does not allow it.
    #[error(transparent)]
    Deadline(#[from] DeadlineError),
    /// Others changed it again and again.
    #[error("others are changing this privacy request at the same time; send the call again")]
    Busy,
    /// The policy cannot be used.
    #[error(transparent)]
    Policy(PolicyError),
    /// The state could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}
