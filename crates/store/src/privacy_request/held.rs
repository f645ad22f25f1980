//! What a worker changes of the request that it holds.

use jiff::Timestamp;

use super::{
    ClaimEnd, NewRequestLog, PrivacyRequest, PrivacyRequestChange, PrivacyRequestStatus, RequestLease,
    RequestStep,
};
use crate::{Actor, NewRun, NewTask, Store, StoreError};

/// How a request goes on after a worker let go of it.
#[derive(Debug)]
pub struct Next {
    /// How far it is.
    pub status: PrivacyRequestStatus,
    /// Where it stands.
    pub step: Option<RequestStep>,
    /// Why it waits or failed: a fixed word.
    pub attention: Option<String>,
    /// From when on a worker is to take it again; none: it waits for somebody else.
    pub work_at: Option<Timestamp>,
    /// What is entered in its log.
    pub logs: Vec<NewRequestLog>,
}

impl Store {
    /// A worker's change of the request that it holds, made from how the request is now: nobody else's
    /// change gets in between, and whatever takes the request away from the worker ends its hold.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if the worker does not hold it any more.
    pub async fn privacy_request_change_held(
        &self,
        lease: &RequestLease,
        (actor, action): (Actor, &'static str),
        edit: impl FnOnce(&mut PrivacyRequestChange) + Send,
    ) -> Result<PrivacyRequest, StoreError> {
        let mut locked = self.request_lock(&lease.request).await?;
        locked.check(lease)?;
        let mut change = PrivacyRequestChange::of(&locked.request);
        edit(&mut change);
        self.people_may_have_answered(&mut locked.tx, &mut change).await?;
        self.callbacks_may_have_come(&mut locked.tx, &mut change).await?;
        self.request_change(locked, change, (actor, action)).await
    }

    /// The same for a step between the beginning and the end, which is taken anew if a power failure
    /// undoes it.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if the worker does not hold it any more.
    pub async fn privacy_request_step_held(
        &self,
        lease: &RequestLease,
        (actor, action): (Actor, &'static str),
        edit: impl FnOnce(&mut PrivacyRequestChange) + Send,
    ) -> Result<PrivacyRequest, StoreError> {
        let tx = self.begin_local().await?;
        let locked = Self::request_lock_in(tx, &lease.request).await?;
        locked.check(lease)?;
        let mut change = PrivacyRequestChange::of(&locked.request);
        edit(&mut change);
        self.request_change(locked, change, (actor, action)).await
    }

    /// The same for a step that begins a new run: it is made with its tasks, all or nothing. Nobody is
    /// woken: whoever holds the request takes them.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if the worker does not hold it any more.
    pub async fn privacy_request_run_held(
        &self,
        (lease, actor, action): (&RequestLease, Actor, &'static str),
        (run, tasks): (NewRun, &[NewTask]),
        edit: impl FnOnce(&mut PrivacyRequestChange) + Send,
    ) -> Result<PrivacyRequest, StoreError> {
        let id = run.id.clone();
        let mut locked = Self::request_lock_in(self.begin_local().await?, &lease.request).await?;
        locked.check(lease)?;
        let mut change = PrivacyRequestChange::of(&locked.request);
        edit(&mut change);
        let made = self.run_create_in(&mut locked.tx, run, tasks).await?;
        let changed = self.request_change(locked, change, (actor, action)).await?;
        if let Some(made) = made {
            self.run_key_keep(&id, &made.key);
        }
        Ok(changed)
    }

    /// Ends a worker's hold on a request and says how it goes on.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if the worker does not hold it any more.
    pub async fn privacy_request_release(
        &self,
        lease: &RequestLease,
        next: Next,
        action: &'static str,
    ) -> Result<PrivacyRequest, StoreError> {
        let edit = |change: &mut PrivacyRequestChange| {
            change.request.status = next.status;
            change.request.step = next.step;
            change.request.attention = next.attention;
            change.request.work_at = next.work_at;
            change.claim = ClaimEnd::End;
            change.logs.extend(next.logs);
        };
        self.privacy_request_change_held(lease, (Actor::system(), action), edit).await
    }
}
