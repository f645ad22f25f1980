use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::description::{Description, PersonDescription, Tokens};
use super::limits::{LimitRule, Limiter, Usage};
use super::meanwhile::Others;
use super::options::{CursorShape, Limits, PageBorders, SegmentOptions};
use super::people::People;
use super::plan::{PlanLimits, RefusedWith};
use super::profile::Paging;
use super::service::Service;
use super::world::{WORKSPACE_SLUG, World};
use super::{config_api, inspection, profile, public, truth};
use crate::faults::spoil;
use crate::governance::GovernanceTruth;
use crate::log::{CallLog, LogEffect, LogEntry};
use crate::rules::FaultRules;
use crate::server::{Answer, Call, Handler};
use crate::{Fault, Faults, Random};

/// The running simulation: the world, and what happens to calls on their way to it.
#[derive(Debug)]
pub(super) struct Simulation {
    options: SegmentOptions,
    people: Arc<People>,
    world: Mutex<World>,
    settings: Mutex<Settings>,
    faults: Mutex<Random>,
    rules: FaultRules,
    others: Others,
    limiter: Mutex<Limiter>,
    log: Mutex<CallLog>,
    answered: AtomicU64,
}

/// What may be changed while the simulation runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) latency: Duration,
    pub(super) limits: Limits,
    pub(super) cursors: CursorShape,
    pub(super) faults: Faults,
    pub(super) hide_permissions_every: usize,
    pub(super) hide_group_permissions_every: usize,
    pub(super) page_borders: PageBorders,
    pub(super) plan: PlanLimits,
    pub(super) member_refused_with: RefusedWith,
}

impl Settings {
    pub(super) fn new(options: &SegmentOptions) -> Self {
        Self {
            latency: options.latency,
            limits: options.limits,
            cursors: options.cursors,
            faults: options.faults,
            hide_permissions_every: options.hide_permissions_every,
            hide_group_permissions_every: options.hide_group_permissions_every,
            page_borders: options.page_borders,
            plan: options.plan,
            member_refused_with: options.member_refused_with,
        }
    }
}

impl Simulation {
    pub(super) fn new(options: SegmentOptions) -> Self {
        let world = World::new(&options);
        Self {
            people: Arc::clone(&world.people),
            world: Mutex::new(world),
            settings: Mutex::new(Settings::new(&options)),
            faults: Mutex::new(Random::named(options.seed, "faults")),
            rules: FaultRules::default(),
            others: Others::default(),
            limiter: Mutex::new(Limiter::default()),
            log: Mutex::new(CallLog::default()),
            answered: AtomicU64::new(0),
            options,
        }
    }

    /// Back to the start: world, settings, faults, limits and log.
    pub(super) fn reset(&self) {
        *self.world() = World::new(&self.options);
        *self.settings() = Settings::new(&self.options);
        *lock(&self.faults) = Random::named(self.options.seed, "faults");
        self.rules.set(Vec::new());
        self.others.set(Vec::new());
        *lock(&self.limiter) = Limiter::default();
        *self.log() = CallLog::default();
        self.answered.store(0, Ordering::Relaxed);
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    pub(super) fn settings(&self) -> MutexGuard<'_, Settings> {
        lock(&self.settings)
    }

    pub(super) fn log(&self) -> MutexGuard<'_, CallLog> {
        lock(&self.log)
    }

    pub(super) fn rules(&self) -> &FaultRules {
        &self.rules
    }

    /// What others do between calls.
    pub(super) fn meanwhile(&self) -> &Others {
        &self.others
    }

    /// Lets others do what is due after a call. It stands in no log, since the client did not do it.
    fn let_others_act(&self, after: &Call) {
        for other in self.others.after(after) {
            let token = self.world().tokens.public.clone();
            if let Some(call) = other.call(&token) {
                let _answer = self.answer_for(Service::of(&call), &call);
            }
        }
    }

    /// Starts the sequence of faults anew, so that the same settings hit the same calls.
    pub(super) fn restart_faults(&self) {
        *lock(&self.faults) = Random::named(self.options.seed, "faults");
    }

    pub(super) fn people(&self) -> &People {
        &self.people
    }

    pub(super) fn paging(&self) -> Paging {
        Paging { shape: self.settings().cursors, page_entries: self.options.page_entries.max(1) }
    }

    /// Counts a call under a limit, if limits are enforced.
    pub(super) fn count(&self, rule: LimitRule, caller: &str) -> Option<Usage> {
        match self.settings().limits {
            Limits::Off => None,
            Limits::On => Some(lock(&self.limiter).count(rule, caller, self.options.clock.now())),
        }
    }

    /// What an inventory of the workspace has to contain.
    pub(super) fn governance_truth(&self) -> GovernanceTruth {
        let plan = self.settings().plan;
        truth::of(&self.world(), |kind| plan.allows(kind))
    }

    pub(super) fn describe(&self, url: &str) -> Description {
        let world = self.world();
        let space = world.spaces.first();
        let people = self.people.named().map(|(person, note)| PersonDescription {
            email: person.email.clone(),
            user_ids: person.user_ids.clone(),
            note: note.to_owned(),
        });
        Description {
            url: url.to_owned(),
            tokens: Tokens {
                access_token: world.tokens.public.clone(),
                access_secret: space.map(|space| space.secret.clone()).unwrap_or_default(),
                member_token: world.tokens.member.clone(),
                config_token: world.tokens.config.clone(),
                config_read_token: world.tokens.config_read.clone(),
            },
            space: space.map(|space| space.id.clone()).unwrap_or_default(),
            workspace: WORKSPACE_SLUG.to_owned(),
            people: people.collect(),
        }
    }

    fn answer_for(&self, service: Service, call: &Call) -> Answer {
        match service {
            Service::Public => public::answer(self, call),
            Service::Profile => self.profile_answer(call),
            Service::Config => self.config_answer(call),
            Service::Inspection => inspection::answer(self, call),
        }
    }

    fn profile_answer(&self, call: &Call) -> Answer {
        const RULE: LimitRule = LimitRule::new("profile", 100, 1);
        let space = call.path.split('/').nth(3).unwrap_or_default();
        match self.count(RULE, space).and_then(|usage| usage.wait) {
            Some(_) => profile::ProfileError::rate_limit().answer(),
            None => profile::answer(self, call),
        }
    }

    fn config_answer(&self, call: &Call) -> Answer {
        const RULE: LimitRule = LimitRule::new("config", 200, 60);
        match self.count(RULE, call.bearer_token().unwrap_or_default()).and_then(|usage| usage.wait) {
            Some(_) => config_api::ConfigError::rate_limit().answer(),
            None => config_api::answer(self, call),
        }
    }

    /// What a fault does in the place of the answer, before any effect; `None` if it comes later.
    fn answer_before(service: Service, fault: Fault) -> Option<Answer> {
        match (fault, service) {
            (Fault::Rate429, Service::Public) => Some(public::rate_limited(1000)),
            (Fault::Rate429Body, Service::Public) => Some(public::rate_limited_in_body(1000)),
            (Fault::Rate429Body | Fault::Rate429Bare, _) => Some(public::rate_limited_bare()),
            (Fault::Rate429, Service::Config) => Some(config_api::ConfigError::rate_limit().answer()),
            (Fault::Rate429, _) => Some(profile::ProfileError::rate_limit().answer()),
            (Fault::Rate500, _) => {
                Some(Answer::html(500, "<html><body><h1>500 Internal Server Error</h1></body></html>"))
            }
            (Fault::ResetBefore, _) => Some(Answer::reset()),
            (Fault::HoldBefore, _) => Some(Answer::status(200)),
            (
                Fault::ResetAfter
                | Fault::Truncated
                | Fault::Malformed
                | Fault::ErrorAfter
                | Fault::MissingKey
                | Fault::HoldAfter,
                _,
            ) => None,
        }
    }
}

impl Handler for Simulation {
    fn answer(&self, call: Call) -> Answer {
        let service = Service::of(&call);
        let settings = *self.settings();
        if service == Service::Inspection {
            let latency =
                if call.path.starts_with("/__sandbox/bench/") { settings.latency } else { Duration::ZERO };
            return self.answer_for(service, &call).after(latency);
        }
        let (extra, drawn) = settings.faults.draw(&mut lock(&self.faults), settings.latency);
        let fault = self.rules.meet(&call).or(drawn);
        let before = fault.and_then(|fault| Self::answer_before(service, fault));
        let reached = before.is_none();
        let answer = before.unwrap_or_else(|| self.answer_for(service, &call));
        let effect = LogEffect::of(&call, reached.then_some(&answer));
        let number = self.answered.fetch_add(1, Ordering::Relaxed);
        let answer = answer.header("request-id", format!("req-{number:012}"));
        let answer = spoil(answer.after(settings.latency + extra), fault);
        self.let_others_act(&call);
        self.log().push(LogEntry::new(service_name(service), &call, effect).answered(&answer, fault));
        answer
    }
}

fn service_name(service: Service) -> &'static str {
    match service {
        Service::Public => "public",
        Service::Profile => "profile",
        Service::Config => "config",
        Service::Inspection => "inspection",
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
