//! What a worker does to the status of the request that it holds.

use jiff::Timestamp;
use model::{Identities, RunId};
use store::{
    ClaimEnd, ClaimedRequest, Download, MessageKind, NewMessage, NewRequestLog, Policy, PrivacyRequest,
    PrivacyRequestChange, PrivacyRequestStatus, RequestLease, RequestStep, RuleAction,
};

use super::duplicate::Standing;
use super::evaluate::duplicate_log;
use super::review::audit;
use super::status::{Event, next};
use super::{By, PrivacyRequests, RequestError, RequestSettings, message};
use crate::configuration::Configuration;
use crate::policy_book;

/// Whether a worker may go on with the request that it took.
#[derive(Debug)]
pub enum Begun {
    /// It may; the request is `in_processing`.
    Go {
        /// The request as it is now.
        request: Box<PrivacyRequest>,
        /// Who it is about: identities that were shown to be theirs, and no others.
        subject: Identities,
    },
    /// Webhooks have to be asked whether it may be approved; then it is released.
    AskBeforeApproval(Box<PrivacyRequest>),
    /// There is nothing to do; the hold is over.
    Stop,
}

/// How a request waits that a worker lets go of.
#[derive(Debug)]
pub struct Waits {
    /// How far it is.
    pub status: PrivacyRequestStatus,
    /// Where it goes on.
    pub step: RequestStep,
    /// What for: a fixed word.
    pub attention: Option<&'static str>,
    /// From when on a worker is to take it; none: once somebody else did something.
    pub until: Option<Timestamp>,
}

/// How a request ends whose steps are all done.
#[derive(Debug)]
pub(crate) struct Ending {
    /// Whether something stays that no program can deal with.
    pub(crate) something_stays: bool,
    /// What is entered in its log.
    pub(crate) logs: Vec<NewRequestLog>,
    /// A run of it that is over, too.
    pub(crate) run_over: Option<RunId>,
}

impl PrivacyRequests {
    /// Begins or goes on with a request that a worker took (privacy-requests L-14): looks once more
    /// whether it is the same as another.
    ///
    /// # Errors
    /// [`RequestError::Store`] with `Fenced` if the worker lost it.
    pub async fn begin(&self, claimed: &ClaimedRequest) -> Result<Begun, RequestError> {
        let request = self.get(&claimed.lease.request).await?;
        let claimed = ClaimedRequest { request, lease: claimed.lease.clone() };
        self.begin_at(&*self.configuration().await?, &claimed).await
    }

    /// The same with what is configured, of a request that was taken just now: whatever takes it away from
    /// the worker ends the hold.
    pub(crate) async fn begin_at(
        &self,
        configuration: &Configuration,
        claimed: &ClaimedRequest,
    ) -> Result<Begun, RequestError> {
        let request = claimed.request.clone();
        if request.status == PrivacyRequestStatus::AwaitingPreApproval && request.deleted_at.is_none() {
            return Ok(Begun::AskBeforeApproval(Box::new(request)));
        }
        if request.status == PrivacyRequestStatus::Paused && request.deleted_at.is_none() {
            return self.expire(&claimed.lease).await;
        }
        let Some(status) = next(request.status, Event::Start).ok().filter(|_| request.deleted_at.is_none())
        else {
            return self.let_go(&claimed.lease).await;
        };
        let identities = match self.identities(&request.id).await {
            Ok(identities) => identities,
            Err(RequestError::Forgotten { .. }) => return self.let_go(&claimed.lease).await,
            Err(error) => return Err(error),
        };
        if request.status == PrivacyRequestStatus::Pending {
            let settings = self.settings_at(configuration).await?;
            if let Standing::Duplicate { group, of } = self.standing(&request, &identities, &settings).await?
            {
                self.held(&claimed.lease, "privacy_request.found_duplicate", |change| {
                    change.request.status = PrivacyRequestStatus::Duplicate;
                    change.request.duplicate_group = Some(group);
                    change.request.work_at = None;
                    change.claim = ClaimEnd::End;
                    change.logs.push(duplicate_log(of.as_ref()));
                })
                .await?;
                return Ok(Begun::Stop);
            }
        }
        let subject = identities.verified();
        if status == request.status && request.started_at.is_some() {
            return Ok(Begun::Go { request: Box::new(request), subject });
        }
        let now = self.now();
        let by = (store::Actor::system(), "privacy_request.started");
        let started = self.store().privacy_request_step_held(&claimed.lease, by, |change| {
            change.request.status = status;
            change.request.started_at.get_or_insert(now);
            change.request.attention = None;
        });
        let request = started.await?;
        Ok(Begun::Go { request: Box::new(request), subject })
    }

    /// Says how far a request is that a worker holds, before the step begins: its runs and its plan
    /// stand in it, so that another worker can go on.
    ///
    /// # Errors
    /// [`RequestError::Store`] with `Fenced` if the worker lost it.
    pub async fn progress(
        &self,
        lease: &RequestLease,
        step: RequestStep,
        edit: impl FnOnce(&mut PrivacyRequest) + Send,
    ) -> Result<PrivacyRequest, RequestError> {
        self.held(lease, "privacy_request.step", |change| {
            change.request.step = Some(step);
            edit(&mut change.request);
        })
        .await
    }

    /// Lets go of a request that waits: for a time, for a person, or for somebody outside.
    ///
    /// # Errors
    /// [`RequestError::Store`] with `Fenced` if the worker lost it.
    pub async fn wait(
        &self,
        lease: &RequestLease,
        waits: Waits,
        logs: Vec<NewRequestLog>,
    ) -> Result<PrivacyRequest, RequestError> {
        let Waits { status, step, attention, until } = waits;
        let action = if until.is_some() { "privacy_request.put_off" } else { "privacy_request.waits" };
        let needs_approval =
            status == PrivacyRequestStatus::RequiresInput && step == RequestStep::ApprovePlan;
        self.held(lease, action, |change| {
            change.request.status = status;
            change.request.step = Some(step);
            change.request.attention = attention.map(str::to_owned);
            change.request.work_at = until;
            change.claim = ClaimEnd::End;
            change.logs.extend(logs);
            if needs_approval {
                change.messages.push(message::to_staff(MessageKind::ApprovalNeeded, &change.request));
            } else if matches!(
                status,
                PrivacyRequestStatus::RequiresInput | PrivacyRequestStatus::PendingExternal
            ) {
                change.messages.push(message::to_staff(MessageKind::InputNeeded, &change.request));
            }
        })
        .await
    }

    /// Puts a request down in error, at the step that failed. `attention` is a fixed word.
    ///
    /// # Errors
    /// [`RequestError::Store`] with `Fenced` if the worker lost it.
    pub async fn fail(
        &self,
        lease: &RequestLease,
        (step, attention): (RequestStep, &str),
        logs: Vec<NewRequestLog>,
    ) -> Result<PrivacyRequest, RequestError> {
        self.held(lease, "privacy_request.failed", |change| {
            if let Ok(status) = next(change.request.status, Event::Fail) {
                change.request.status = status;
            }
            change.request.step = Some(step);
            change.request.attention = Some(attention.to_owned());
            change.request.work_at = None;
            change.claim = ClaimEnd::End;
            change.logs.extend(logs);
            change.messages.push(message::to_staff(MessageKind::Failed, &change.request));
        })
        .await
    }

    /// Ends a request whose steps are all done, or leaves it to a person: where something stays that no
    /// program can deal with, and where the settings want that (privacy-requests L-19).
    ///
    /// # Errors
    /// [`RequestError::Store`] with `Fenced` if the worker lost it.
    pub async fn finish(
        &self,
        lease: &RequestLease,
        something_stays: bool,
        logs: Vec<NewRequestLog>,
    ) -> Result<PrivacyRequest, RequestError> {
        let ending = Ending { something_stays, logs, run_over: None };
        self.finish_at(&*self.configuration().await?, lease, ending).await
    }

    /// The same with what is configured.
    pub(crate) async fn finish_at(
        &self,
        configuration: &Configuration,
        lease: &RequestLease,
        ending: Ending,
    ) -> Result<PrivacyRequest, RequestError> {
        let Ending { something_stays, logs, run_over } = ending;
        let settings = self.settings_at(configuration).await?;
        let request = self.get(&lease.request).await?;
        let policy = policy_book::configured(configuration, &request.policy).await;
        let policy = policy.map_err(RequestError::Policy)?;
        let erases = !request.corrects && policy.rules.iter().any(|rule| rule.action == RuleAction::Erasure);
        let is_wanted = something_stays || (erases && settings.finalization_required);
        let by_hand = is_wanted && request.finalized_at.is_none();
        let (event, action) = if by_hand {
            (Event::NeedFinalization, "privacy_request.awaits_finalization")
        } else {
            (Event::Finish, "privacy_request.finished")
        };
        let (status, now) = (next(request.status, event)?, self.now());
        let not_done = if request.corrects { RuleAction::Erasure } else { RuleAction::Rectification };
        let done = policy.rules.iter().map(|rule| rule.action).filter(|action| *action != not_done);
        let types: Vec<&str> = done.map(RuleAction::as_str).collect();
        let listened = !by_hand && self.is_listened_for(MessageKind::Finished);
        let told = if settings.notices.completion && !by_hand {
            let told = match self.identities(&request.id).await {
                Ok(identities) => message::to_person(MessageKind::Finished, &request, &identities),
                Err(RequestError::Forgotten { .. }) => None,
                Err(error) => return Err(error),
            };
            match told.map(|told| told.with("request_types", types.clone())) {
                Some(told) => Some(self.with_link(told, (&request, &policy), &settings).await?),
                None => None,
            }
        } else {
            None
        };
        self.held(lease, action, |change| {
            change.request.status = status;
            change.request.step = Some(RequestStep::Finalization);
            change.request.work_at = None;
            change.claim = ClaimEnd::End;
            change.request.attention = (by_hand && something_stays).then(|| "something_stays".to_owned());
            change.run_over = run_over;
            change.logs.extend(logs);
            if !by_hand {
                change.request.finished_at = Some(now);
                change.logs.push(audit("finished", &By::system(), ""));
                change.messages.extend(told);
                if listened {
                    let told = message::to_staff(MessageKind::Finished, &change.request);
                    change.messages.push(told.with("request_types", types));
                }
            }
        })
        .await
    }

    /// With a link to the person's data, good once, if they get any and there is a page to fetch them on
    /// (privacy-requests L-19, MSG-4).
    async fn with_link(
        &self,
        told: NewMessage,
        (request, policy): (&PrivacyRequest, &Policy),
        settings: &RequestSettings,
    ) -> Result<NewMessage, RequestError> {
        let delivers = policy.rules.iter().any(|rule| rule.action == RuleAction::Access);
        let Some(links) = settings.download.as_ref().filter(|_| delivers) else { return Ok(told) };
        let download = Download { request: request.id.clone(), rule: None };
        let issued = self.store().download_issue(&download, links.life, store::Actor::system()).await?;
        let link = format!("{}{}", links.page, issued.token.text().expose());
        let days = links.life.as_secs().div_ceil(24 * 60 * 60);
        Ok(told.with("download_link", link).with("days", days).until(issued.expires_at))
    }

    /// Whether a program listens for messages of this kind, which nobody else gets.
    fn is_listened_for(&self, kind: MessageKind) -> bool {
        let configured = self.parts.configured.as_ref();
        configured.is_some_and(|configured| configured.server.listens_for(kind.as_str()))
    }

    /// A request that was held for too long (privacy-requests W-4).
    async fn expire(&self, lease: &RequestLease) -> Result<Begun, RequestError> {
        const EXPIRED: &str = "Privacy request has expired. Please resubmit information.";
        let log = NewRequestLog::of_work("Privacy request processing", "error", EXPIRED);
        self.held(lease, "privacy_request.expired", |change| {
            change.request.status = PrivacyRequestStatus::Error;
            change.request.attention = Some("paused_too_long".to_owned());
            change.request.work_at = None;
            change.claim = ClaimEnd::End;
            change.logs.push(log);
        })
        .await?;
        Ok(Begun::Stop)
    }

    async fn let_go(&self, lease: &RequestLease) -> Result<Begun, RequestError> {
        self.held(lease, "privacy_request.left", |change| {
            change.request.work_at = None;
            change.claim = ClaimEnd::End;
        })
        .await?;
        Ok(Begun::Stop)
    }

    async fn held(
        &self,
        lease: &RequestLease,
        action: &'static str,
        edit: impl FnOnce(&mut PrivacyRequestChange) + Send,
    ) -> Result<PrivacyRequest, RequestError> {
        let by = (store::Actor::system(), action);
        Ok(self.store().privacy_request_change_held(lease, by, edit).await?)
    }
}
