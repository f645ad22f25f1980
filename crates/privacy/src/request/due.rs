//! Until when a request is to be answered.

use std::time::Duration;

use crypto::Secret;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use model::PrivacyRequestId;
use store::{
    DeadlineExtension, Intake, JobFilter, JobState, MessageKind, NewMessage, PrivacyRequest,
    PrivacyRequestFilter, PrivacyRequestOrder, PrivacyRequestStatus, Window,
};

use super::create::later;
use super::status::is_over;
use super::{By, PrivacyRequests, RequestError, RequestSettings, clarify, message};
use crate::deadline::{
    Calendar, Circumstances, Deadline, Extended, Forecast, Jurisdiction, Pause, PauseReason, VendorClock,
    deadline, forecast,
};

/// By which law deadlines are counted, and in whose days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadlines {
    /// The law that counts where the place of the person says nothing.
    pub jurisdiction: Option<Jurisdiction>,
    /// The controller's days.
    pub calendar: Calendar,
}

/// How many requests are told of at once.
const MOST_REMINDED: u32 = 1_000;
/// How many jobs of a request are looked at.
const MOST_JOBS: u32 = 10_000;

/// The deadline of a request, and what stands against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestDeadline {
    /// The law that counts.
    pub jurisdiction: Jurisdiction,
    /// Until when.
    pub deadline: Deadline,
    /// When the person was told that it takes longer.
    pub extended_at: Option<Timestamp>,
    /// Whether it will be answered in time, as far as it can be foreseen.
    pub forecast: Forecast,
}

/// A longer time that the person is told about.
#[derive(Debug)]
pub struct Longer {
    /// Why, as they are told.
    pub why: Secret<String>,
    /// The last day, where the law leaves it to the controller.
    pub named_day: Option<Date>,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { jurisdiction: None, calendar: Calendar::utc() }
    }
}

impl Deadlines {
    /// The law for somebody at this place.
    fn law_at(&self, location: Option<&str>) -> Option<Jurisdiction> {
        location.and_then(Jurisdiction::at).or(self.jurisdiction)
    }

    /// The last moment for an answer, as things stand at `now`; none while the clock stands still, or
    /// where no law and no policy says anything. `own_days` are those of the policy.
    pub(super) fn due_at(
        &self,
        request: &PrivacyRequest,
        own_days: Option<u32>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let own = own_days.and_then(|days| {
            let days = SignedDuration::from_hours(24 * i64::from(days));
            request.requested_at.checked_add(days).ok()
        });
        self.due_after(request, own, (pauses(request), None, now))
    }

    /// The same after these pauses, and with the longer time that the person was told of.
    fn due_after(
        &self,
        request: &PrivacyRequest,
        own: Option<Timestamp>,
        (pauses, extended, now): (Vec<Pause>, Option<Extended>, Timestamp),
    ) -> Option<Timestamp> {
        // The longer time is what the person was told, whatever the policy aims at.
        let own = own.filter(|_| extended.is_none());
        let lawful = self.law_at(request.location.as_deref()).map(|jurisdiction| {
            let circumstances = Circumstances {
                jurisdiction,
                received: request.requested_at,
                pauses: &pauses,
                extended,
                own_days: None,
            };
            deadline(&circumstances, &self.calendar, now)
        });
        match lawful {
            // The date that cannot be counted stands in no calendar.
            None | Some(Err(_)) => own,
            Some(Ok(lawful)) if lawful.is_paused => None,
            Some(Ok(lawful)) => {
                let lawful = last_moment(&lawful);
                Some(own.map_or(lawful, |own| own.min(lawful)))
            }
        }
    }
}

impl PrivacyRequests {
    /// The deadline of a request under the law that counts; none if no law is known to.
    ///
    /// # Errors
    /// [`RequestError::Deadline`] for times outside of the calendar.
    pub async fn deadline(&self, request: &PrivacyRequest) -> Result<Option<RequestDeadline>, RequestError> {
        let settings = self.settings().await?;
        let extension = self.store().deadline_extension_find(&request.id).await?;
        let extended =
            extension.as_ref().map(|one| Extended { announced: one.announced_at, named: one.named_day });
        let Some((jurisdiction, deadline)) = self.counted(request, &settings, extended).await? else {
            return Ok(None);
        };
        let clocks = if is_over(request.status) { Vec::new() } else { self.vendor_clocks(request).await? };
        let forecast = if is_over(request.status) {
            let in_time = request.finished_at.is_none_or(|at| at < deadline.due_at);
            if in_time { Forecast::InTime } else { Forecast::Late }
        } else {
            forecast(&deadline, &clocks, self.now())
        };
        let extended_at = extended.map(|one| one.announced);
        Ok(Some(RequestDeadline { jurisdiction, deadline, extended_at, forecast }))
    }

    /// Gives a request the longer time that its law allows, and enters what the person is told.
    ///
    /// # Errors
    /// [`RequestError::NoLaw`], [`RequestError::Deadline`], [`RequestError::Over`].
    pub async fn extend(
        &self,
        id: &PrivacyRequestId,
        longer: Longer,
        by: &By,
    ) -> Result<RequestDeadline, RequestError> {
        let request = self.get_live(id).await?;
        if is_over(request.status) {
            return Err(RequestError::Over { id: id.clone(), status: request.status });
        }
        let settings = self.settings().await?;
        let extended = Extended { announced: self.now(), named: longer.named_day };
        let counted = self.counted(&request, &settings, Some(extended)).await?;
        let (_, deadline) = counted.ok_or(RequestError::NoLaw)?;
        let extension = DeadlineExtension {
            announced_at: extended.announced,
            named_day: longer.named_day,
            why: longer.why,
            extended_by: by.name(),
        };
        let due_at = last_moment(&deadline);
        // Told with the change: the law wants the person to know before the first time is over.
        let told = match self.identities(id).await {
            Ok(identities) => {
                let later = PrivacyRequest { due_at: Some(due_at), ..request };
                message::to_person(MessageKind::DeadlineExtended, &later, &identities)
                    .map(|told| told.with("reason", extension.why.expose().as_str()))
            }
            Err(RequestError::Forgotten { .. }) => None,
            Err(error) => return Err(error),
        };
        let due_at = (!deadline.is_paused).then_some(due_at);
        let extended = (&extension, due_at, told.as_slice());
        self.store().deadline_extend(id, extended, by.actor.clone()).await?;
        self.deadline(&self.get(id).await?).await?.ok_or(RequestError::NoLaw)
    }

    /// Tells those who are responsible of requests whose deadline is nearer than `within`, once for each
    /// deadline; says how many were looked at.
    ///
    /// # Errors
    /// [`RequestError::Store`]; who was told stays told.
    pub async fn remind(&self, within: Duration) -> Result<usize, RequestError> {
        let near = PrivacyRequestFilter {
            overdue_at: Some(later(self.now(), within)),
            order: PrivacyRequestOrder::OldestFirst,
            ..PrivacyRequestFilter::default()
        };
        let found =
            self.store().privacy_request_list(&near, Window { offset: 0, limit: MOST_REMINDED }).await?;
        let messages = found.items.iter().map(|request| {
            let due = request.due_at.map(|due| due.to_string()).unwrap_or_default();
            message::to_staff(MessageKind::DeadlineNear, request)
                .once(format!("deadline_near|{}|{due}", request.id))
        });
        let messages: Vec<NewMessage> = messages.collect();
        if !messages.is_empty() {
            self.store().message_put(&messages).await?;
        }
        Ok(messages.len())
    }

    /// The deadline with one more pause.
    pub(super) async fn due_with(
        &self,
        request: &PrivacyRequest,
        more: Option<Pause>,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, RequestError> {
        let clarifications = self.store().clarification_list(&request.id).await?;
        let asked: Vec<Pause> = clarify::pauses(&clarifications).chain(more).collect();
        self.due_paused(request, asked, now).await
    }

    /// The deadline if the person says now what they mean.
    pub(super) async fn due_closed(
        &self,
        request: &PrivacyRequest,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, RequestError> {
        let clarifications = self.store().clarification_list(&request.id).await?;
        self.due_paused(request, clarify::closed(&clarifications, now), now).await
    }

    async fn due_paused(
        &self,
        request: &PrivacyRequest,
        asked: Vec<Pause>,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, RequestError> {
        let settings = self.settings().await?;
        let extension = self.store().deadline_extension_find(&request.id).await?;
        let extended = extension.map(|one| Extended { announced: one.announced_at, named: one.named_day });
        let own = self.store().policy_find(&request.policy).await?.and_then(|one| one.execution_timeframe);
        let own = own.and_then(|days| {
            let days = SignedDuration::from_hours(24 * i64::from(days));
            request.requested_at.checked_add(days).ok()
        });
        let pauses: Vec<Pause> = pauses(request).into_iter().chain(asked).collect();
        Ok(settings.deadlines.due_after(request, own, (pauses, extended, now)))
    }

    async fn counted(
        &self,
        request: &PrivacyRequest,
        settings: &RequestSettings,
        extended: Option<Extended>,
    ) -> Result<Option<(Jurisdiction, Deadline)>, RequestError> {
        let deadlines = &settings.deadlines;
        let Some(jurisdiction) = deadlines.law_at(request.location.as_deref()) else { return Ok(None) };
        let own_days = match extended {
            // The longer time is what the person was told, whatever the policy aims at.
            Some(_) => None,
            None => self.store().policy_find(&request.policy).await?.and_then(|one| one.execution_timeframe),
        };
        let mut pauses = pauses(request);
        pauses.extend(clarify::pauses(&self.store().clarification_list(&request.id).await?));
        let received = request.requested_at;
        let circumstances = Circumstances { jurisdiction, received, pauses: &pauses, extended, own_days };
        let counted = deadline(&circumstances, &deadlines.calendar, self.now())?;
        Ok(Some((jurisdiction, counted)))
    }

    /// By when the applications that still work on a request are given up.
    async fn vendor_clocks(&self, request: &PrivacyRequest) -> Result<Vec<VendorClock>, RequestError> {
        let Some(run) = &request.change_run else { return Ok(Vec::new()) };
        let jobs = self.store().job_list(JobFilter::Run(run), MOST_JOBS).await?;
        let open = jobs.into_iter().filter(|job| job.state == JobState::Open);
        Ok(open.map(|job| VendorClock { connection: job.connection, done_by: job.deadline_at }).collect())
    }
}

/// When the controller could not go on without the person: from when they were asked to show who they
/// are, until they did.
fn pauses(request: &PrivacyRequest) -> Vec<Pause> {
    let from = request.created_at.max(request.requested_at);
    let is_open = request.status == PrivacyRequestStatus::IdentityUnverified;
    match (request.intake, request.identity_verified_at) {
        (Intake::Public, Some(until)) => {
            vec![Pause { reason: PauseReason::Identity, from, until: Some(until) }]
        }
        (Intake::Public, None) if is_open => vec![Pause { reason: PauseReason::Identity, from, until: None }],
        (Intake::Public, None) | (Intake::Authenticated, _) => Vec::new(),
    }
}

/// The last moment that is in time.
fn last_moment(deadline: &Deadline) -> Timestamp {
    deadline.due_at.saturating_sub(SignedDuration::from_micros(1)).unwrap_or(deadline.due_at)
}
