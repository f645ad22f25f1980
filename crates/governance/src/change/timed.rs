//! Access that is given until a time, and taken at it (governance GRA-3).
//!
//! The end is kept before the access is given. After a crash in between it says itself whether there is anything to
//! be taken: the run that was to give it has sent something, or has not.

use std::sync::OnceLock;

use engine::TaskHold;
use jiff::Timestamp;
use model::RunId;
use store::{AccessEnd, AccessEndState, Actor, HeldAccess, NewAccessEnd};

use super::apply::Turn;
use super::ready::Ready;
use super::{AccessChange, AccessChanges, Approval, ChangeError, ChangeReport, ChangeResult, ResourceName};

/// What became of access that was to be given until a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimedGrant {
    /// How giving it ended.
    pub report: ChangeReport,
    /// When it ends. None if nothing was given: it failed, or the access was there before and has no end, which
    /// stays so.
    pub end: Option<AccessEnd>,
}

/// What became of access whose time had come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimedEnd {
    /// It was taken, as far as the report says, or was gone already.
    Taken(ChangeReport),
    /// Nothing had been given.
    NothingGiven,
    /// Its end is over by now, or got a later time: nothing was done.
    PutOff,
}

/// The end that goes with a change of access. It is looked at and written while nobody else changes the same.
#[derive(Clone, Copy)]
pub(super) enum Ending<'a> {
    /// What is given ends then.
    Until(&'a Until),
    /// What is taken is taken because this end has come.
    Of(&'a AccessEnd),
}

/// When access that is about to be given ends.
pub(super) struct Until {
    access: HeldAccess,
    at: Timestamp,
    /// Id of its end, once it has one.
    end: OnceLock<String>,
}

impl AccessChanges {
    /// Gives somebody an entitlement until a time; whoever works for this store takes it then. Access that is there
    /// already and has an end gets this one in its place; access that is there without an end stays without.
    ///
    /// # Errors
    /// As [`AccessChanges::apply`]. What may have been given by then has its end.
    ///
    /// # Cancel safety
    /// As [`AccessChanges::apply`]; what may have been given has its end.
    pub async fn grant_until(
        &self,
        (entitlement, principal): (&str, &ResourceName),
        (approval, until): (Approval<'_>, Timestamp),
        actor: &Actor,
    ) -> Result<TimedGrant, ChangeError> {
        let change =
            AccessChange::Grant { entitlement: entitlement.to_owned(), principal: principal.clone() };
        let until = Until { access: held(entitlement, principal), at: until, end: OnceLock::new() };
        let ending = Some(Ending::Until(&until));
        let report = Box::pin(self.carry((&change, ending), approval, actor)).await?;
        let end = match until.end.get() {
            Some(id) => self.place.store.access_end_find(id).await?,
            None => None,
        };
        Ok(TimedGrant { report, end })
    }

    /// Takes access whose time has come, and closes its end if that worked or there is nothing to be taken.
    ///
    /// # Errors
    /// As [`AccessChanges::apply`].
    pub async fn end(&self, end: &AccessEnd, actor: &Actor) -> Result<TimedEnd, ChangeError> {
        let store = &self.place.store;
        if self.is_put_off(end, actor).await? {
            return Ok(TimedEnd::PutOff);
        }
        if end.state == AccessEndState::Pending && !store.run_has_sent(&end.run).await? {
            store.access_end_close(&end.id, AccessEndState::Void, actor.clone()).await?;
            return Ok(TimedEnd::NothingGiven);
        }
        let HeldAccess { entitlement, principal_kind, principal_id } = end.access.clone();
        let principal = ResourceName::new(principal_kind, principal_id);
        let revoke = AccessChange::Revoke { entitlement, principal };
        let ending = Some(Ending::Of(end));
        let report = match Box::pin(self.carry((&revoke, ending), Approval::Given, actor)).await {
            // No plan was approved: only the end itself can have changed.
            Err(ChangeError::Drift) => return Ok(TimedEnd::PutOff),
            done => done?,
        };
        Ok(TimedEnd::Taken(report))
    }

    /// The end of a change that was so before, and of the end that goes with it.
    pub(super) async fn nothing_ending(
        &self,
        turn: &Turn<'_>,
        ending: Ending<'_>,
    ) -> Result<ChangeReport, ChangeError> {
        if let Ending::Until(until) = ending
            && let Some(end) = self.put_off(&until.access, until.at, turn.actor).await?
        {
            until.end.get_or_init(|| end.id);
        }
        self.nothing(turn.run, Some(turn.change)).await
    }

    /// Carries out a change with the end that goes with it.
    pub(super) async fn carry_out_ending(
        &self,
        (ready, hold): (&Ready<'_>, &TaskHold),
        (turn, ending): (&Turn<'_>, Ending<'_>),
    ) -> Result<ChangeReport, ChangeError> {
        match ending {
            Ending::Until(until) => self.give((ready, hold), (turn, until)).await,
            Ending::Of(end) => {
                // Somebody may have given it another time, or for good, while this waited for its turn.
                if self.is_put_off(end, turn.actor).await? {
                    return Err(ChangeError::Drift);
                }
                self.carry_out((ready, hold), turn).await
            }
        }
    }

    /// Gives access that ends: the end is kept before anything is sent.
    async fn give(
        &self,
        (ready, hold): (&Ready<'_>, &TaskHold),
        (turn, until): (&Turn<'_>, &Until),
    ) -> Result<ChangeReport, ChangeError> {
        let store = &self.place.store;
        // Of access that was given before, and is not shown yet or was taken elsewhere: its end becomes this one.
        let before = store.access_end_find_open(&self.connection, &until.access).await?;
        let before = before.filter(|end| end.state == AccessEndState::Open);
        let end = self.note(until, turn).await?;
        model::kill_point!("access_end.noted");
        let done = Box::pin(self.carry_out((ready, hold), turn)).await;
        model::kill_point!("access_end.given");
        let is_given = match &done {
            Ok(report) => match report.result {
                ChangeResult::Confirmed
                | ChangeResult::StillReachable
                | ChangeResult::DoneButNotVisible
                | ChangeResult::Unknown => true,
                ChangeResult::Failed => false,
                // Somebody else was quicker, unless it was an attempt of ours that got lost.
                ChangeResult::Already => store.run_has_sent(turn.run).await?,
            },
            // What was to do it was not begun: its intent stands in the ledger, and nothing was sent.
            Err(ChangeError::Source(_)) => false,
            Err(_) => store.run_has_sent(turn.run).await?,
        };
        if !is_given {
            match before {
                // What was given before may show yet; if it does not, there is nothing to be taken.
                Some(before) => {
                    store.access_end_open(&end.id, before.due_at, turn.actor.clone()).await?;
                }
                None => {
                    store.access_end_close(&end.id, AccessEndState::Void, turn.actor.clone()).await?;
                }
            }
            return done;
        }
        // One whose time came while it was given may be closed already.
        let id = if store.access_end_open(&end.id, until.at, turn.actor.clone()).await? {
            end.id
        } else {
            let again = self.note(until, turn).await?;
            store.access_end_open(&again.id, until.at, turn.actor.clone()).await?;
            again.id
        };
        until.end.get_or_init(|| id);
        done
    }

    /// Whether an end is over by now, or has not come any more.
    async fn is_put_off(&self, end: &AccessEnd, actor: &Actor) -> Result<bool, ChangeError> {
        let (store, now) = (&self.place.store, self.place.clock.now());
        let found = store.access_end_find(&end.id).await?.filter(|found| found.ended_at.is_none());
        let Some(found) = found else { return Ok(true) };
        if found.due_at <= now {
            return Ok(false);
        }
        // A try that failed after the end got its later time has planned the next one before that.
        if found.state == AccessEndState::Open && found.next_at < found.due_at {
            store.access_end_open(&found.id, found.due_at, actor.clone()).await?;
        }
        Ok(true)
    }

    /// Closes the end of what was taken, or given for good.
    pub(super) async fn close_end(
        &self,
        change: &AccessChange,
        result: ChangeResult,
        actor: &Actor,
    ) -> Result<(), ChangeError> {
        let (entitlement, principal, state) = match (change, result) {
            (
                AccessChange::Revoke { entitlement, principal },
                ChangeResult::Already | ChangeResult::Confirmed | ChangeResult::StillReachable,
            ) => (entitlement, principal, AccessEndState::Ended),
            (
                AccessChange::Grant { entitlement, principal },
                ChangeResult::Confirmed | ChangeResult::StillReachable | ChangeResult::DoneButNotVisible,
            ) => (entitlement, principal, AccessEndState::Void),
            _ => return Ok(()),
        };
        let connection = &self.connection;
        let access = held(entitlement, principal);
        self.place.store.access_end_close_of(connection, &access, (state, actor.clone())).await?;
        Ok(())
    }

    /// Voids the end of access that a run gave for good, if whoever carried it out was killed before they did.
    pub(super) async fn close_end_left_behind(
        &self,
        run: &RunId,
        change: &AccessChange,
    ) -> Result<(), ChangeError> {
        let AccessChange::Grant { entitlement, principal } = change else { return Ok(()) };
        let store = &self.place.store;
        let end = store.access_end_find_open(&self.connection, &held(entitlement, principal)).await?;
        // Access that was given for a time has the end of its own run.
        if let Some(end) = end.filter(|end| end.state == AccessEndState::Open && end.run != *run) {
            store.access_end_close(&end.id, AccessEndState::Void, Actor::system()).await?;
        }
        Ok(())
    }

    async fn note(&self, until: &Until, turn: &Turn<'_>) -> Result<AccessEnd, ChangeError> {
        let new = NewAccessEnd {
            connection: &self.connection,
            access: &until.access,
            run: turn.run,
            due_at: until.at,
            actor: turn.actor.clone(),
        };
        Ok(self.place.store.access_end_put(&new).await?)
    }

    /// Another time for access that is there and has an end of ours.
    async fn put_off(
        &self,
        access: &HeldAccess,
        until: Timestamp,
        actor: &Actor,
    ) -> Result<Option<AccessEnd>, ChangeError> {
        let (store, connection) = (&self.place.store, &self.connection);
        let Some(end) = store.access_end_find_open(connection, access).await? else { return Ok(None) };
        let is_ours = end.state == AccessEndState::Open || store.run_has_sent(&end.run).await?;
        if is_ours && store.access_end_open(&end.id, until, actor.clone()).await? {
            return Ok(store.access_end_find(&end.id).await?);
        }
        store.access_end_close(&end.id, AccessEndState::Void, actor.clone()).await?;
        Ok(None)
    }
}

fn held(entitlement: &str, principal: &ResourceName) -> HeldAccess {
    HeldAccess {
        entitlement: entitlement.to_owned(),
        principal_kind: principal.kind.clone(),
        principal_id: principal.id.clone(),
    }
}
