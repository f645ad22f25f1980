//! Requests that start a job, whose result is fetched once it is done (saas-config 23.8 to 23.15).

use std::time::Duration;

use jiff::Timestamp;
use model::{CallStats, Clock, Completeness, Effect, IncompleteReason, Row};
use spec::connector_file::{ParamSource, Polling, Request};

use super::{Answers, Plan, ReadError, Reading, Sequence, choice};
use crate::build::{Build, BuildError};
use crate::combination::Combination;
use crate::polling::{PolledResult, PollingLook, name_job, result, started_job};
use crate::send::{Answer, CallError};
use crate::values::{Origin, ValueMap};

/// How the job of a unit is followed.
#[derive(Debug, Clone, Copy)]
pub struct PolledUnit<'a> {
    /// Where its request stands in the file.
    pub place: &'a str,
    /// Longest time between two looks.
    pub interval: Duration,
    /// How long it may take.
    pub deadline: Duration,
}

/// What starting a job came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobStart {
    /// The application has begun; this is its id of the job.
    Begun(String),
    /// There is no job; this is how complete a reading without rows is.
    Over(Completeness),
}

/// What a job brought.
#[derive(Debug)]
pub struct JobRows {
    /// Its rows.
    pub rows: Vec<Row>,
    /// Whether they are all.
    pub completeness: Completeness,
}

impl Reading {
    /// How the job of unit `unit` is followed, if it starts one.
    pub fn polled(&self, unit: usize) -> Option<PolledUnit<'_>> {
        let (sequence, _) = self.plan.find(unit)?;
        let polling = polling(sequence)?;
        let place = sequence.defined.request.place.as_str();
        Some(PolledUnit { place, interval: polling.interval, deadline: polling.deadline })
    }

    /// Where time comes from.
    pub fn clock(&self) -> &dyn Clock {
        self.plan.connector.clock()
    }

    /// Starts the job of unit `unit`. `stats` counts every attempt.
    ///
    /// # Errors
    /// [`ReadError`] if it cannot be sent, or the application does not take it.
    ///
    /// # Cancel safety
    /// Dropping the future leaves open whether a job was started; another may be: it only reads.
    pub async fn start_job(&self, unit: usize, stats: &mut CallStats) -> Result<JobStart, ReadError> {
        let plan = &self.plan;
        let over = JobStart::Over(Completeness::Complete);
        let Some((sequence, combination)) = plan.find(unit) else { return Ok(over) };
        let Some(polling) = polling(sequence) else { return Ok(over) };
        let request = &sequence.defined.request;
        let call = plan.prepare_now(sequence, &combination)?;
        let accept = |reply| started_job(polling, &reply);
        Ok(match plan.connector.call(&call, stats, accept).await? {
            Answer::Accepted(job) => JobStart::Begun(job),
            Answer::Gone => over,
            Answer::Ignored(code) => JobStart::Over(ignored(request, code)),
        })
    }

    /// Asks once how far the job of unit `unit` is.
    ///
    /// # Errors
    /// [`ReadError`] if nothing could be learned; the job may still go on.
    pub async fn look_at_job(
        &self,
        unit: usize,
        job: &str,
        stats: &mut CallStats,
    ) -> Result<PollingLook, ReadError> {
        let plan = &self.plan;
        let Some((sequence, combination)) = plan.find(unit) else { return Ok(PollingLook::Gone) };
        let Some(polling) = polling(sequence) else { return Ok(PollingLook::Gone) };
        let values = plan.job_values((sequence, &combination), &polling.status_request, job);
        Ok(plan.connector.look(polling, (&plan.collection, &values), stats).await?)
    }

    /// Fetches what the job of unit `unit` brought, which is done.
    ///
    /// # Errors
    /// [`ReadError`] if it cannot be fetched, or is not what the file says.
    pub async fn fetch_result(
        &self,
        unit: usize,
        job: &str,
        stats: &mut CallStats,
    ) -> Result<JobRows, ReadError> {
        let plan = &self.plan;
        let of = |rows| JobRows { rows, completeness: Completeness::Complete };
        let Some((sequence, combination)) = plan.find(unit) else { return Ok(of(Vec::new())) };
        let fetches = polling(sequence).and_then(|polling| Some((polling, polling.result_request.as_ref()?)));
        let Some((polling, request)) = fetches else { return Err(lacks_result(&sequence.defined.request)) };
        let values = plan.job_values((sequence, &combination), request, job);
        let call = Build {
            connection: plan.connector.connection(),
            endpoint: &plan.collection,
            request,
            params: &request.param_values,
            values: &values,
        }
        .prepare()?;
        let path = call.url().path().to_owned();
        let accept = |reply| result(polling, &path, &reply);
        Ok(match plan.connector.call(&call, stats, accept).await? {
            Answer::Accepted(PolledResult::Rows(rows)) => of(plan.processed(request, rows)?),
            Answer::Accepted(PolledResult::File(file)) => of(vec![file.row()]),
            Answer::Accepted(PolledResult::Nothing) | Answer::Gone => of(Vec::new()),
            Answer::Ignored(code) => JobRows { rows: Vec::new(), completeness: ignored(request, code) },
        })
    }
}

impl Plan {
    /// What requests about the job of a unit are filled from (saas-config 23.10): the values that it was
    /// started with, the secrets under their own names, and the job's id.
    fn job_values(
        &self,
        (sequence, combination): (&Sequence, &Combination<'_>),
        request: &Request,
        job: &str,
    ) -> ValueMap {
        let mut values = ValueMap::new();
        let secrets = &self.connector.connection().secrets;
        for name in secrets.names() {
            if let Some(value) = secrets.find(name) {
                values.insert(name, value.clone(), Origin::Secret);
            }
        }
        for param in &request.param_values {
            let value = match &param.source {
                ParamSource::Identity(kind) => self.person.identities.values(kind).first(),
                ParamSource::ConnectorParam(name) => secrets.find(name),
                ParamSource::References(_) => None,
            };
            if let Some(value) = value {
                values.insert_param(param, value.clone());
            }
        }
        combination.fill(&sequence.defined.request, &mut values);
        let now: Timestamp = self.connector.clock().now();
        values.insert_special(self.special(), now, self.connector.ids());
        name_job(&mut values, job);
        values
    }
}

/// Whether a request starts a job that can be followed to its rows; found out before anything is sent.
pub(super) fn answers(request: &Request, polling: &Polling) -> Result<Answers, ReadError> {
    let not_supported = |key| ReadError::NotSupported { place: request.place.clone(), key };
    // Its row is made without a call.
    if choice::is_output_only(request) {
        return Ok(Answers::AtOnce);
    }
    if request.script.is_some() {
        return Err(not_supported("script"));
    }
    if request.output.is_some() {
        return Err(not_supported("output"));
    }
    let Some(result) = &polling.result_request else { return Err(lacks_result(request)) };
    if result.pagination.is_some() {
        // What comes after the first page would be missing without a word.
        return Err(ReadError::NotSupported { place: result.place.clone(), key: "pagination" });
    }
    for followed in [&polling.status_request, result] {
        let place = followed.place.clone();
        if followed.effect == Effect::Write {
            return Err(CallError::Write { place }.into());
        }
        if let Some(name) = &followed.request_override {
            return Err(BuildError::Override { place, name: name.clone() }.into());
        }
    }
    Ok(Answers::ByJob)
}

fn polling(sequence: &Sequence) -> Option<&Polling> {
    match sequence.answers {
        Answers::ByJob => sequence.defined.request.polling(),
        Answers::AtOnce | Answers::Later => None,
    }
}

fn lacks_result(request: &Request) -> ReadError {
    ReadError::NoResultRequest { place: request.place.clone() }
}

fn ignored(request: &Request, status: u16) -> Completeness {
    let detail = format!(
        "{} answered {status}, which `ignore_errors` lets pass; nothing is known about its rows",
        request.place
    );
    Completeness::incomplete(IncompleteReason::IgnoredError, detail)
}
