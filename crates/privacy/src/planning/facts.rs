//! What a plan records of the world around it.

use crypto::{HashKey, canonical_json, hex, sha256};
use graph::MaskingMode;
use serde_json::{Value, json};
use spec::dataset_file::MaskingStrategy;
use spec::{Access, ActionType, Policy};

use crate::ConnectionFacts;
use crate::plan::{PlannedConnection, secrets_fingerprint};

/// A connection as a plan records it.
pub(super) fn planned(facts: &ConnectionFacts, key: &HashKey) -> PlannedConnection {
    let names: Vec<&str> = facts.secrets.names().collect();
    let secrets = names.into_iter().filter_map(|name| Some((name, facts.secrets.find(name)?)));
    PlannedConnection {
        key: facts.key.to_string(),
        connector: facts.connector.clone(),
        version: facts.version.clone(),
        sha256: facts.sha256.clone(),
        secrets_fingerprint: secrets_fingerprint(key, secrets),
    }
}

/// Digest of `policy` and of what the project lets it do with each connection: if either changes,
/// the plan is another one.
pub(super) fn policy_sha256<'a>(
    policy: &Policy,
    connections: impl IntoIterator<Item = &'a ConnectionFacts>,
) -> String {
    let rules: Vec<Value> = policy
        .rules
        .iter()
        .map(|rule| {
            let action = match rule.action {
                ActionType::Access => "access",
                ActionType::Erasure => "erasure",
                ActionType::Rectification => "rectification",
            };
            let strategy = rule.masking_strategy.as_ref().map(strategy);
            json!({"key": rule.key, "action": action, "targets": rule.targets, "strategy": strategy})
        })
        .collect();
    let mut allowed: Vec<(String, bool, bool)> = connections
        .into_iter()
        .map(|facts| {
            let strict = match facts.mode {
                MaskingMode::Strict => true,
                MaskingMode::Any => false,
            };
            let writes = match facts.access {
                Access::Read => false,
                Access::Write => facts.serves(ActionType::Erasure),
            };
            (facts.key.to_string(), strict, writes)
        })
        .collect();
    allowed.sort();
    hex(&sha256(&canonical_json(&json!({"key": policy.key, "rules": rules, "allowed": allowed}))))
}

fn strategy(strategy: &MaskingStrategy) -> Value {
    json!({"strategy": strategy.strategy, "configuration": strategy.configuration})
}
