//! Looking at the jobs of a run that still go on.

mod sent_values;

use std::collections::BTreeSet;

use engine::{JobPoll, Jobs};
use model::{RunId, text_form};
use store::{JobFilter, JobState, StoreError};

use crate::PrivacyService;
use crate::outline::parse;
use crate::plan::{Call, Plan};
use sent_values::sent_values;

/// Jobs of one run that are looked at; there is one for each tracked operation.
pub(crate) const MOST_JOBS: u32 = 100_000;

impl PrivacyService {
    /// Looks once at the open jobs of a run. What could not be learned comes back as sentences.
    pub(crate) async fn look_at_jobs(&self, run: &RunId, which: Jobs) -> Result<Vec<String>, StoreError> {
        let parts = self.parts();
        let jobs = parts.store.job_list(JobFilter::Run(run), MOST_JOBS).await?;
        let Some(open) = jobs.iter().find(|job| job.state == JobState::Open) else { return Ok(Vec::new()) };
        let kept = match parts.store.plan_find(&open.plan).await {
            Err(error @ StoreError::Forgotten { .. }) => return Ok(vec![error.to_string()]),
            kept => kept?.ok_or(StoreError::Damaged { what: "the plan of a job" })?,
        };
        let plan = parse(kept.body.expose())?;
        let subject = self.subject(run).await?;
        let known_values: Vec<String> = self.known_values(&plan).into_iter().collect();
        let operations = plan.contents().operations.iter().enumerate();
        let expected =
            operations.filter_map(|(number, one)| Some((u32::try_from(number).ok()?, one.expected)));
        let expected = expected.collect();
        let poll = JobPoll {
            store: &parts.store,
            sources: &parts.sources,
            person: &subject.person,
            known_values: &known_values,
            expected: &expected,
            limits: &parts.concurrency,
            clock: &*parts.clock,
        };
        match engine::poll_jobs(poll, run, which).await {
            Ok(_) => Ok(Vec::new()),
            Err(engine::JobError::Store(error)) => Err(error),
        }
    }

    /// Values that were sent and may name the person: what stands neither in the connector file nor in the
    /// connection's settings.
    fn known_values(&self, plan: &Plan) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for operation in plan.contents().operations.iter().filter(|operation| operation.tracked) {
            let Call::Http { place, .. } = &operation.call else { continue };
            let facts = self.find_facts(&operation.connection);
            let file = facts.and_then(|facts| facts.file.as_ref());
            let request =
                file.and_then(|file| file.requests().into_iter().find(|request| request.place == *place));
            // What a script returns follows no template.
            let request = request.filter(|request| request.script.is_none());
            let is_setting = |text: &str| {
                facts.is_some_and(|facts| {
                    let mut values = facts.secrets.names().filter_map(|name| facts.secrets.find(name));
                    values.any(|value| text_form(value).as_deref() == Some(text))
                })
            };
            found.extend(sent_values(&operation.call, request).into_iter().filter(|text| !is_setting(text)));
        }
        found
    }
}
