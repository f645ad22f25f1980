//! A change that has to be carried out, and who does it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use connector::Person;
use engine::{TaskHold, Writer, WriterParts};
use model::{Identities, PrivacyRequestId, Row, RunId};

use super::live::Live;
use super::plan::AccessPlan;
use super::prepare::Prepared;
use super::settle::Settled;
use super::target::Need;
use super::through_source::{self, PreparedJob};
use super::{AccessChange, AccessChanges, ChangeError, FileHand, Hand};
use crate::aside::aside;
use crate::source::Provision;

/// A change that has to be carried out, with its plan.
pub(super) enum Ready<'a> {
    /// By a call of a connector file.
    Call(Box<ReadyCall<'a>>),
    /// By a job.
    Job(Box<PreparedJob<'a>>),
}

pub(super) struct ReadyCall<'a> {
    hand: &'a FileHand,
    live: Live<'a>,
    prepared: Prepared<'a>,
}

impl Ready<'_> {
    pub(super) fn plan(&self) -> &AccessPlan {
        match self {
            Self::Call(call) => &call.prepared.plan,
            Self::Job(job) => &job.plan,
        }
    }

    pub(super) fn into_plan(self) -> AccessPlan {
        match self {
            Self::Call(call) => call.prepared.plan,
            Self::Job(job) => job.plan,
        }
    }
}

impl AccessChanges {
    /// Reads what is held now, and plans the change; `None` if it is so already.
    pub(super) async fn ready(
        &self,
        change: &AccessChange,
        run: &RunId,
    ) -> Result<Option<Ready<'_>>, ChangeError> {
        match &self.hand {
            Hand::File(hand) => {
                let live = Live::new(&hand.parts, &hand.mapper);
                let prepared = live.prepare(change, run).await?;
                let call = |prepared| Ready::Call(Box::new(ReadyCall { hand, live, prepared }));
                Ok(prepared.map(call))
            }
            Hand::Source(source) => {
                let prepared = through_source::prepare(&**source, (change, run)).await?;
                Ok(prepared.map(|prepared| Ready::Job(Box::new(prepared))))
            }
        }
    }

    /// Carries it out, by an approved plan, and reads it back.
    pub(super) async fn settle(&self, ready: &Ready<'_>, hold: &TaskHold) -> Result<Settled, ChangeError> {
        match ready {
            Ready::Call(call) => {
                let writer = self.writer(call.hand, &call.prepared.plan.contents().run);
                call.live.settle(&writer, hold, &call.prepared).await
            }
            Ready::Job(job) => job.settle(&self.place, hold).await,
        }
    }

    /// Whether a change is so.
    pub(super) async fn is_done(&self, change: &AccessChange) -> Result<bool, ChangeError> {
        match &self.hand {
            Hand::File(hand) => {
                let live = Live::new(&hand.parts, &hand.mapper);
                Ok(matches!(live.need(change).await?, Need::Nothing))
            }
            Hand::Source(source) => through_source::is_so(&**source, change).await,
        }
    }

    /// For how long something that was sent may still take effect when nobody waits for its answer any more.
    pub(super) fn late(&self) -> Duration {
        match &self.hand {
            Hand::File(hand) => hand.parts.connector.read_timeout(),
            Hand::Source(source) => source.provision().map(Provision::late).unwrap_or_default(),
        }
    }

    /// Ends what a process that is gone left running for a run.
    pub(super) async fn end_left_behind(&self, run: &RunId) {
        if let Hand::Source(source) = &self.hand {
            let (source, run) = (Arc::clone(source), run.clone());
            aside(move || {
                if let Ok(hand) = source.provision() {
                    hand.end_left_behind(&run);
                }
            })
            .await;
        }
    }

    fn writer(&self, hand: &FileHand, run: &RunId) -> Writer {
        let nobody = Person {
            identities: Identities::default(),
            privacy_request_id: PrivacyRequestId::of_run(run),
            privacy_request: Row::new(),
            custom_fields: Row::new(),
        };
        let source = engine::Source::Connector(hand.parts.connector.clone());
        Writer::new(WriterParts {
            store: self.place.store.clone(),
            sources: HashMap::from([(self.connection.clone(), source)]),
            person: Arc::new(nobody),
            limits: hand.parts.limits.clone(),
            clock: Arc::clone(&self.place.clock),
        })
    }
}
