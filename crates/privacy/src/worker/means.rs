//! What the requests of people are carried out with.

use std::sync::Arc;

use spec::ActionType;

use crate::PrivacyService;
use crate::configuration::Configuration;
use crate::policy_book::PolicyDocument;

/// What a request is carried out with, and under which policy.
pub(super) struct Means {
    pub(super) service: PrivacyService,
    pub(super) policy: PolicyDocument,
    /// What else is configured; looked at again after steps that take long.
    pub(super) configuration: Arc<Configuration>,
}

impl Means {
    /// Whether the policy has a rule of this action.
    pub(super) fn has(&self, action: ActionType) -> bool {
        self.policy.policy.rules.iter().any(|rule| rule.action == action)
    }
}
