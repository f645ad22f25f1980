use serde_json::{Value, json};

use super::{Policy, PolicyRule, PolicyTarget, RuleMasking};
use crate::sql::query;
use crate::store::{Tx, signed};
use crate::{Actor, AuditEvent, Store, StoreError};

impl Store {
    /// Writes a policy as a whole: a new one if its version is 0, else over the one of that version.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if a key, name or data rights action belongs to another one, a rule's
    /// storage is not there, or the policy was changed or removed since it was read.
    pub async fn policy_put(&self, policy: &Policy, actor: Actor) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        self.policy_gate(&mut tx).await?;
        policy_is_unique(&mut tx, policy).await?;
        self.policy_head_put(&mut tx, policy).await?;
        self.policy_rules_clear(&mut tx, &policy.key).await?;
        for (position, rule) in policy.rules.iter().enumerate() {
            rule_put(&mut tx, &policy.key, position, rule).await?;
            for (position, target) in rule.targets.iter().enumerate() {
                target_put(&mut tx, &rule.key, position, target).await?;
            }
        }
        let event = AuditEvent::new(actor, "policy.put", &policy.key).with(outline(policy));
        self.audit_enter_in(&mut tx, &event).await?;
        tx.commit().await
    }

    /// Waits until no other process changes policies or storage.
    pub(crate) async fn policy_gate(&self, tx: &mut Tx) -> Result<(), StoreError> {
        const PASS: &str = "UPDATE policy_gate SET changes = changes + 1 WHERE id = 1";
        query(PASS).execute(tx.connection()).await?;
        Ok(())
    }

    pub(super) async fn policy_rules_clear(&self, tx: &mut Tx, policy: &str) -> Result<(), StoreError> {
        const TARGETS: &str =
            "DELETE FROM policy_target WHERE rule IN (SELECT key FROM policy_rule WHERE policy = $1)";
        const RULES: &str = "DELETE FROM policy_rule WHERE policy = $1";
        for statement in [TARGETS, RULES] {
            query(statement).bind(policy).execute(tx.connection()).await?;
        }
        Ok(())
    }

    async fn policy_head_put(&self, tx: &mut Tx, policy: &Policy) -> Result<(), StoreError> {
        const INSERT: &str = "INSERT INTO policy (key, name, drp_action, execution_timeframe, approval, version, created_at, conditions) VALUES ($1, $2, $3, $4, $5, $6 + 1, $7, $8) ON CONFLICT DO NOTHING";
        // The time stays as it was; it is named so that both statements take the same values.
        const UPDATE: &str = "UPDATE policy SET name = $2, drp_action = $3, execution_timeframe = $4, approval = $5, version = $6 + 1, created_at = COALESCE(created_at, $7), conditions = $8 WHERE key = $1 AND version = $6";
        let written = query(if policy.version == 0 { INSERT } else { UPDATE })
            .bind(policy.key.as_str())
            .bind(policy.name.as_str())
            .bind(policy.drp_action.map(super::DrpAction::as_str))
            .bind(policy.execution_timeframe.map(i64::from))
            .bind(policy.approval.as_str())
            .bind(signed(policy.version))
            .bind(self.now())
            .bind(policy.conditions.as_ref().map(Value::to_string))
            .execute(tx.connection())
            .await?;
        match written.rows_affected() {
            0 => {
                Err(conflict("policy", &policy.key, "changed or removed since it was read", "read it again"))
            }
            _ => Ok(()),
        }
    }
}

/// Whether name and data rights action are of no other policy.
async fn policy_is_unique(tx: &mut Tx, policy: &Policy) -> Result<(), StoreError> {
    const NAME: &str = "SELECT key FROM policy WHERE name = $2 AND key <> $1";
    const DRP: &str = "SELECT key FROM policy WHERE drp_action = $2 AND key <> $1";
    let drp_action = policy.drp_action.map(super::DrpAction::as_str);
    for (statement, value, what) in
        [(NAME, Some(policy.name.as_str()), "policy name"), (DRP, drp_action, "data rights action")]
    {
        let query = query(statement).bind(policy.key.as_str()).bind(value);
        if let Some(row) = query.fetch_optional(tx.connection()).await? {
            let other: String = row.try_get(0)?;
            let state = format!("that of policy `{other}`");
            return Err(conflict(what, value.unwrap_or_default(), &state, "choose another one"));
        }
    }
    Ok(())
}

async fn rule_put(tx: &mut Tx, policy: &str, position: usize, rule: &PolicyRule) -> Result<(), StoreError> {
    const INSERT: &str = "INSERT INTO policy_rule (key, policy, position, name, action, storage, strategy, configuration) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
    const STORAGE: &str = "SELECT key FROM storage WHERE key = $1";
    if let Some(storage) = &rule.storage
        && query(STORAGE).bind(storage.as_str()).fetch_optional(tx.connection()).await?.is_none()
    {
        return Err(conflict("storage", storage, "not there", "make it first"));
    }
    let RuleMasking { strategy, configuration } = match &rule.masking {
        Some(masking) => masking.clone(),
        None => RuleMasking { strategy: String::new(), configuration: Value::Null },
    };
    let masks = rule.masking.is_some();
    let written = query(INSERT)
        .bind(rule.key.as_str())
        .bind(policy)
        .bind(at(position))
        .bind(rule.name.as_str())
        .bind(rule.action.as_str())
        .bind(rule.storage.as_deref())
        .bind(masks.then_some(strategy))
        .bind(masks.then(|| configuration.to_string()))
        .execute(tx.connection())
        .await?;
    match written.rows_affected() {
        0 => Err(conflict(
            "rule",
            &rule.key,
            "there already",
            "rules have keys of their own over all policies",
        )),
        _ => Ok(()),
    }
}

async fn target_put(
    tx: &mut Tx,
    rule: &str,
    position: usize,
    target: &PolicyTarget,
) -> Result<(), StoreError> {
    const INSERT: &str = "INSERT INTO policy_target (key, rule, position, name, data_category) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
    let written = query(INSERT)
        .bind(target.key.as_str())
        .bind(rule)
        .bind(at(position))
        .bind(target.name.as_str())
        .bind(target.data_category.as_str())
        .execute(tx.connection())
        .await?;
    match written.rows_affected() {
        0 => Err(conflict("target", &target.key, "there already", "a rule has each category once")),
        _ => Ok(()),
    }
}

fn at(position: usize) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

fn conflict(what: &'static str, id: &str, state: &str, needs: &'static str) -> StoreError {
    StoreError::Conflict { what, id: id.to_owned(), state: state.to_owned(), needs }
}

/// What an auditor needs of a policy: what happens to which data.
fn outline(policy: &Policy) -> Value {
    let rule = |rule: &PolicyRule| {
        let targets: Vec<&str> = rule.targets.iter().map(|target| target.data_category.as_str()).collect();
        json!({
            "key": rule.key,
            "action": rule.action.as_str(),
            "storage": rule.storage,
            "strategy": rule.masking.as_ref().map(|masking| masking.strategy.as_str()),
            "targets": targets,
        })
    };
    json!({
        "approval": policy.approval.as_str(),
        "execution_timeframe": policy.execution_timeframe,
        "conditions": policy.conditions,
        "rules": policy.rules.iter().map(rule).collect::<Vec<_>>(),
    })
}
