//! Whether policy and files are still those that the plan was made with: what is looked for, and how,
//! follows from them.

use store::StoreError;

use crate::PrivacyService;
use crate::plan::{Plan, PlannedConnection};
use crate::planning::observe_settings;

impl PrivacyService {
    /// What is no longer as it was when `plan` was made, in sentences; nothing can be proven then.
    pub(super) async fn changed_since(&self, plan: &Plan) -> Result<Vec<String>, StoreError> {
        let now = observe_settings(self, plan).await?;
        let planned = plan.contents();
        let mut changed = Vec::new();
        if now.policy_sha256 != planned.policy_sha256 {
            changed.push(format!(
                "the policy `{}`, or what the project lets it do with its connections, is not what it was when \
                 the plan was made; {ADVICE}",
                planned.policy
            ));
        }
        let file = |one: &PlannedConnection| (one.connector.clone(), one.version.clone(), one.sha256.clone());
        for connection in &planned.connections {
            let found = now.connections.iter().find(|found| found.key == connection.key);
            if found.map(file) != Some(file(connection)) {
                changed.push(format!(
                    "the connector or dataset file of `{}` is not what it was when the plan was made; {ADVICE}",
                    connection.key
                ));
            }
        }
        Ok(changed)
    }
}

const ADVICE: &str =
    "so nothing was checked: put it back and verify again, or make a new plan and see what it finds";
