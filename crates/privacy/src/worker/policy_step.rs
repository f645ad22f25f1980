//! Whether the rules of a request's policy apply to it (privacy-requests POL-14).

use graph::{Evaluation, Truth};
use store::NewRequestLog;

use super::halt::Halt;
use super::journey::Journey;
use super::means::Means;
use crate::request::{By, audit};

impl Journey<'_> {
    /// The rules of a policy apply only where its conditions are met; a request that nothing applies to
    /// is left to a person (privacy-requests POL-14).
    pub(super) async fn policy_applies(&self, means: &Means) -> Result<(), Halt> {
        let Some(conditions) = &means.policy.conditions else { return Ok(()) };
        let facts = self.condition_facts().await?;
        let Evaluation { truth, text } = conditions.evaluate(&|address| facts.find(address));
        let verb = match truth {
            Truth::Met => {
                if self.request.step.is_none() {
                    self.hold.tell(audit("policy_evaluated", &By::system(), &text));
                }
                return Ok(());
            }
            Truth::NotMet => "are not met",
            Truth::Unknown => "cannot be told",
        };
        let key = &self.request.policy;
        let text = format!("The conditions of policy {key} {verb}, so none of its rules applies: {text}");
        let log = NewRequestLog::of_work("Policy validation", "error", &text);
        Err(Halt::failed_with(self.step(), "policy_conditions", log))
    }
}
