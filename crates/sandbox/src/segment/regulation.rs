use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::audit::Subject;
use super::suppression::Suppression;
use super::world::{START, World};

/// A request to delete or suppress, on its way through the destinations (segment-api A12).
#[derive(Debug, Clone)]
pub(super) struct Regulation {
    pub(super) id: String,
    pub(super) scope: Scope,
    pub(super) kind: RegulationKind,
    pub(super) subject_type: SubjectType,
    pub(super) subjects: Vec<String>,
    pub(super) created_at: Timestamp,
    /// When it was made by the clock of callers, who compare it with their own.
    pub(super) stamp: Timestamp,
    pub(super) streams: Vec<Stream>,
    /// Time of one destination; the k-th ends k times later.
    pub(super) step: SignedDuration,
    /// Set if the regulation as a whole cannot succeed (A84).
    pub(super) doomed: bool,
    /// Whether Segment's own data has been dealt with.
    pub(super) settled: bool,
}

/// Where a regulation applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    Workspace,
    Source(String),
    CloudSource(String),
}

/// A source and the destinations it feeds.
#[derive(Debug, Clone)]
pub(super) struct Stream {
    pub(super) id: String,
    pub(super) destinations: Vec<Destination>,
}

/// A destination and how it will end.
#[derive(Debug, Clone)]
pub(super) struct Destination {
    pub(super) id: String,
    pub(super) name: &'static str,
    pub(super) outcome: RegulationStatus,
}

/// What a regulation does (A73).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum RegulationKind {
    SuppressOnly,
    Unsuppress,
    SuppressWithDelete,
    DeleteOnly,
    SuppressWithDeleteInternal,
    DeleteInternal,
    DeleteArchiveOnly,
}

/// What the ids of a regulation are (A74).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum SubjectType {
    #[serde(rename = "USER_ID")]
    User,
    #[serde(rename = "OBJECT_ID")]
    Object,
    #[serde(rename = "ANONYMOUS_ID")]
    Anonymous,
}

/// Where a regulation, or one destination of it, stands (A79).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RegulationStatus {
    /// Taken, not begun.
    Initialized,
    /// At work.
    Running,
    /// Done.
    Finished,
    /// Ended without success.
    Failed,
    /// Some destinations succeeded.
    PartialSuccess,
    /// The destination cannot do it.
    NotSupported,
    /// The request made no sense to the destination.
    Invalid,
}

/// The destinations fed by the first and by the second source.
const DESTINATIONS: [&[&str]; 2] = [&["Amplitude", "Braze"], &["Snowflake"]];

impl RegulationKind {
    pub(super) fn suppresses(self) -> bool {
        matches!(self, Self::SuppressOnly | Self::SuppressWithDelete | Self::SuppressWithDeleteInternal)
    }

    pub(super) fn deletes(self) -> bool {
        match self {
            Self::SuppressWithDelete
            | Self::DeleteOnly
            | Self::SuppressWithDeleteInternal
            | Self::DeleteInternal => true,
            Self::SuppressOnly | Self::Unsuppress | Self::DeleteArchiveOnly => false,
        }
    }

    /// Whether it is forwarded to destinations; also the kind of its monthly quota.
    pub(super) fn reaches_destinations(self) -> bool {
        matches!(self, Self::SuppressWithDelete | Self::DeleteOnly)
    }
}

impl Regulation {
    /// The end of work in Segment's own stores.
    fn own_end(&self) -> Timestamp {
        self.created_at + self.step
    }

    fn destinations(&self) -> impl Iterator<Item = &Destination> {
        self.streams.iter().flat_map(|stream| &stream.destinations)
    }

    /// The end of the destination at `position`, counted over all streams.
    fn end_of(&self, position: usize) -> Timestamp {
        self.created_at + self.step.saturating_mul(i32::try_from(position + 2).unwrap_or(i32::MAX))
    }

    fn end(&self) -> Timestamp {
        let count = self.destinations().count();
        if count == 0 { self.own_end() } else { self.end_of(count - 1) }
    }

    /// When everything was over, if it is, by the clock of callers.
    pub(super) fn finished_at(&self, now: Timestamp) -> Option<Timestamp> {
        (now >= self.end()).then(|| self.stamp + self.end().duration_since(self.created_at))
    }

    /// A tenth of the first step passes before anything begins.
    fn has_begun(&self, now: Timestamp) -> bool {
        now >= self.created_at + self.step / 10
    }

    pub(super) fn status(&self, now: Timestamp) -> RegulationStatus {
        use RegulationStatus as S;
        if !self.has_begun(now) {
            return S::Initialized;
        }
        if self.finished_at(now).is_none() {
            return S::Running;
        }
        if self.doomed {
            return S::Failed;
        }
        let outcomes: Vec<S> = self.destinations().map(|destination| destination.outcome).collect();
        let all = |status| !outcomes.is_empty() && outcomes.iter().all(|outcome| *outcome == status);
        match () {
            () if outcomes.iter().all(|outcome| *outcome == S::Finished) => S::Finished,
            () if all(S::NotSupported) => S::NotSupported,
            () if all(S::Invalid) => S::Invalid,
            // One unsupported destination fails the whole, with Segment's own deletion done (A80).
            () if all(S::Failed) || outcomes.contains(&S::NotSupported) => S::Failed,
            () => S::PartialSuccess,
        }
    }

    /// Status and end of each destination, in the order of [`Regulation::streams`].
    pub(super) fn progress(&self, now: Timestamp) -> Vec<(RegulationStatus, Option<Timestamp>)> {
        let each = self.destinations().enumerate().map(|(position, destination)| {
            let end = self.end_of(position);
            match (self.has_begun(now), now >= end) {
                (false, _) => (RegulationStatus::Initialized, None),
                (true, false) => (RegulationStatus::Running, None),
                (true, true) => (destination.outcome, Some(end)),
            }
        });
        each.collect()
    }
}

/// What a caller asks for, checked.
#[derive(Debug)]
pub(super) struct NewRegulation {
    pub(super) scope: Scope,
    pub(super) kind: RegulationKind,
    pub(super) subject_type: SubjectType,
    pub(super) subjects: Vec<String>,
}

impl World {
    /// Takes a regulation and returns its id; its effect comes when its time has passed.
    pub(super) fn create_regulation(&mut self, new: NewRegulation) -> String {
        let id = format!("reg_{}", self.random.letters(27));
        let streams = self.streams_of(&new);
        let at_workspace = |id: &String| {
            self.suppressions.iter().any(|found| found.scope == Scope::Workspace && found.id == *id)
        };
        let doomed = new.kind == RegulationKind::Unsuppress
            && new.scope != Scope::Workspace
            && new.subjects.iter().any(at_workspace);
        self.regulations.push(Regulation {
            id: id.clone(),
            scope: new.scope,
            kind: new.kind,
            subject_type: new.subject_type,
            subjects: new.subjects,
            created_at: self.now,
            stamp: self.stamp(),
            streams,
            step: SignedDuration::try_from(self.regulation_time).unwrap_or(SignedDuration::ZERO),
            doomed,
            settled: false,
        });
        self.audit("Regulation Created", Subject { id: &id, kind: "REGULATION", name: &id });
        self.settle();
        id
    }

    fn streams_of(&mut self, new: &NewRegulation) -> Vec<Stream> {
        let sources: Vec<String> = match &new.scope {
            Scope::Workspace => self.sources.iter().take(2).map(|source| source.id.clone()).collect(),
            Scope::Source(id) | Scope::CloudSource(id) => vec![id.clone()],
        };
        let mut streams = Vec::new();
        for (id, names) in sources.into_iter().zip(DESTINATIONS) {
            let names = if new.kind.reaches_destinations() { names } else { &[] };
            let destination = |name: &&'static str| Destination {
                id: self.random.letters(24),
                name,
                outcome: self.destination_outcomes.get(*name).copied().unwrap_or(RegulationStatus::Finished),
            };
            streams.push(Stream { id, destinations: names.iter().map(destination).collect() });
        }
        streams
    }

    /// Lets every regulation whose time has passed take its effect.
    pub(super) fn settle(&mut self) {
        let now = self.now;
        let mut due = Vec::new();
        for regulation in &mut self.regulations {
            if !regulation.settled && now >= regulation.own_end() {
                regulation.settled = true;
                due.push(regulation.clone());
            }
        }
        for regulation in due.iter().filter(|regulation| !regulation.doomed) {
            self.take_effect(regulation);
        }
    }

    fn take_effect(&mut self, regulation: &Regulation) {
        for id in &regulation.subjects {
            if regulation.kind.deletes() && regulation.subject_type == SubjectType::User {
                self.gone.extend(self.people.with_user_id(id));
            }
            let suppression = Suppression {
                scope: regulation.scope.clone(),
                subject_type: regulation.subject_type,
                id: id.clone(),
            };
            if regulation.kind == RegulationKind::Unsuppress {
                self.suppressions.retain(|found| *found != suppression);
            } else if regulation.kind.suppresses() && !self.suppressions.contains(&suppression) {
                self.suppressions.push(suppression);
            }
        }
    }

    /// Regulations of the last 90 days (A78).
    pub(super) fn recent_regulations(&self) -> impl DoubleEndedIterator<Item = &Regulation> {
        let oldest = self.now - super::audit::KEPT;
        self.regulations.iter().filter(move |regulation| regulation.created_at >= oldest)
    }

    /// The present of callers, moved as far as the simulation's time was.
    fn stamp(&self) -> Timestamp {
        let moved = START.parse().map_or(SignedDuration::ZERO, |start| self.now.duration_since(start));
        self.clock.now().checked_add(moved).unwrap_or(Timestamp::MAX)
    }

    /// Moves the simulation's time.
    pub(super) fn advance(&mut self, by: Duration) {
        let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        self.now = self.now.checked_add(by).unwrap_or(Timestamp::MAX);
        self.settle();
    }
}
