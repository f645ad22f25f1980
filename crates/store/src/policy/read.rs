use serde_json::Value;

use super::{Approval, DrpAction, Policy, PolicyRule, PolicyTarget, RuleAction, RuleMasking};
use crate::sql::{Row, query};
use crate::store::{count, signed, time};
use crate::{Listed, Store, StoreError, Window};

const DAMAGED: StoreError = StoreError::Damaged { what: "a policy" };

// One statement each: rules of one writing and targets of another would be no policy at all.
const FIND: &str = "SELECT p.key, p.name, p.drp_action, p.execution_timeframe, p.approval, p.version, p.created_at, r.key, r.name, r.action, r.storage, r.strategy, r.configuration, t.key, t.name, t.data_category, p.conditions FROM policy p LEFT JOIN policy_rule r ON r.policy = p.key LEFT JOIN policy_target t ON t.rule = r.key WHERE p.key = $1 ORDER BY r.position, t.position";
const LIST: &str = "SELECT p.key, p.name, p.drp_action, p.execution_timeframe, p.approval, p.version, p.created_at, r.key, r.name, r.action, r.storage, r.strategy, r.configuration, t.key, t.name, t.data_category, p.conditions FROM (SELECT * FROM policy ORDER BY created_at DESC, key LIMIT $2 OFFSET $1) p LEFT JOIN policy_rule r ON r.policy = p.key LEFT JOIN policy_target t ON t.rule = r.key ORDER BY p.created_at DESC, p.key, r.position, t.position";

impl Store {
    /// The policy, if there is one.
    pub async fn policy_find(&self, key: &str) -> Result<Option<Policy>, StoreError> {
        let rows = query(FIND).bind(key).fetch_all(&self.inner.reader).await?;
        Ok(assemble(&rows)?.pop())
    }

    /// Policies, the newest first.
    pub async fn policy_list(&self, window: Window) -> Result<Listed<Policy>, StoreError> {
        const COUNT: &str = "SELECT COUNT(*) FROM policy";
        let reader = &self.inner.reader;
        let Window { offset, limit } = window;
        let rows = query(LIST).bind(signed(offset)).bind(i64::from(limit)).fetch_all(reader).await?;
        let total = count(query(COUNT).fetch_one(reader).await?.try_get(0)?)?;
        Ok(Listed { items: assemble(&rows)?, total })
    }

    /// Whether no policy and no storage was ever written or removed here.
    pub async fn policy_is_untouched(&self) -> Result<bool, StoreError> {
        const FIND: &str = "SELECT changes FROM policy_gate WHERE id = 1";
        Ok(query(FIND).fetch_one(&self.inner.reader).await?.try_get::<i64>(0)? == 0)
    }

    /// Key of the policy with this name.
    pub async fn policy_key_of_name(&self, name: &str) -> Result<Option<String>, StoreError> {
        const FIND: &str = "SELECT key FROM policy WHERE name = $1";
        self.policy_word(FIND, name).await
    }

    /// Key of the policy that a rule belongs to.
    pub async fn policy_key_of_rule(&self, rule: &str) -> Result<Option<String>, StoreError> {
        const FIND: &str = "SELECT policy FROM policy_rule WHERE key = $1";
        self.policy_word(FIND, rule).await
    }

    /// Key of the rule that a target belongs to.
    pub async fn policy_rule_of_target(&self, target: &str) -> Result<Option<String>, StoreError> {
        const FIND: &str = "SELECT rule FROM policy_target WHERE key = $1";
        self.policy_word(FIND, target).await
    }

    async fn policy_word(&self, statement: &'static str, value: &str) -> Result<Option<String>, StoreError> {
        let row = query(statement).bind(value).fetch_optional(&self.inner.reader).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }
}

/// Policies out of rows that each hold one target, in order.
fn assemble(rows: &[Row]) -> Result<Vec<Policy>, StoreError> {
    let mut policies: Vec<Policy> = Vec::new();
    for row in rows {
        let key: String = row.try_get(0)?;
        if policies.last().is_none_or(|last| last.key != key) {
            policies.push(head(row)?);
        }
        let Some(policy) = policies.last_mut() else { continue };
        let Some(key) = row.try_get::<Option<String>>(7)? else { continue };
        if policy.rules.last().is_none_or(|last| last.key != key) {
            policy.rules.push(rule(row, key)?);
        }
        let Some(rule) = policy.rules.last_mut() else { continue };
        let Some(key) = row.try_get::<Option<String>>(13)? else { continue };
        rule.targets.push(PolicyTarget { key, name: row.try_get(14)?, data_category: row.try_get(15)? });
    }
    Ok(policies)
}

fn head(row: &Row) -> Result<Policy, StoreError> {
    let drp_action: Option<String> = row.try_get(2)?;
    let days: Option<i64> = row.try_get(3)?;
    let approval: String = row.try_get(4)?;
    let conditions: Option<String> = row.try_get(16)?;
    let conditions = conditions.as_deref().map(serde_json::from_str).transpose();
    Ok(Policy {
        key: row.try_get(0)?,
        name: row.try_get(1)?,
        drp_action: drp_action.as_deref().map(DrpAction::parse).transpose()?,
        execution_timeframe: days.map(u32::try_from).transpose().map_err(|_| DAMAGED)?,
        approval: Approval::parse(&approval)?,
        conditions: conditions.map_err(|_| DAMAGED)?,
        rules: Vec::new(),
        version: count(row.try_get(5)?)?,
        created_at: time(row.try_get(6)?)?,
    })
}

fn rule(row: &Row, key: String) -> Result<PolicyRule, StoreError> {
    let action: String = row.try_get(9)?;
    let strategy: Option<String> = row.try_get(11)?;
    let configuration: Option<String> = row.try_get(12)?;
    let configuration: Option<Value> =
        configuration.as_deref().map(serde_json::from_str).transpose().map_err(|_| DAMAGED)?;
    Ok(PolicyRule {
        key,
        name: row.try_get(8)?,
        action: RuleAction::parse(&action)?,
        storage: row.try_get(10)?,
        masking: strategy
            .map(|strategy| RuleMasking { strategy, configuration: configuration.unwrap_or_default() }),
        targets: Vec::new(),
    })
}
