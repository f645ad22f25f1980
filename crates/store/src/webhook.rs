//! Calls around the life of a request: before and after a policy is carried out, and before a request
//! is approved.

use serde_json::json;

use crate::sql::{Row, query};
use crate::store::{Tx, signed};
use crate::words::text_enum;
use crate::{Actor, AuditEvent, Store, StoreError};

text_enum! {
    /// Whether a webhook's answer counts.
    WebhookDirection "the direction of a webhook" {
        /// It is told, and no more.
        OneWay = "one_way",
        /// It may add identities, and hold the request.
        TwoWay = "two_way",
    }
}

/// Which list of webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookList<'a> {
    /// Those before a policy is carried out.
    PreExecution(&'a str),
    /// Those after it.
    PostExecution(&'a str),
    /// Those before a request is approved, of whichever policy.
    PreApproval,
}

/// One webhook; its place in its list is the order in which it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its key, unique in its stage.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Key of the connection that is called; it may be gone.
    pub connection: String,
    /// Whether its answer counts.
    pub direction: WebhookDirection,
}

impl WebhookList<'_> {
    fn stage(self) -> &'static str {
        match self {
            Self::PreExecution(_) => "pre_execution",
            Self::PostExecution(_) => "post_execution",
            Self::PreApproval => "pre_approval",
        }
    }

    fn policy(&self) -> &str {
        match self {
            Self::PreExecution(policy) | Self::PostExecution(policy) => policy,
            Self::PreApproval => "",
        }
    }
}

const LIST: &str = "SELECT key, name, connection, direction FROM policy_webhook WHERE stage = $1 AND policy = $2 ORDER BY position";

impl Store {
    /// The webhooks of a list, in the order in which they are called.
    pub async fn webhook_list(&self, list: WebhookList<'_>) -> Result<Vec<Webhook>, StoreError> {
        let query = query(LIST).bind(list.stage()).bind(list.policy());
        query.fetch_all(&self.inner.reader).await?.iter().map(webhook).collect()
    }

    /// Replaces a list as a whole. `before` is the list that the change was made from, if it was made
    /// from one.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a list of a policy that is not there, [`StoreError::Conflict`] if a
    /// key stands in another list of the stage, or the list is not `before` any more.
    pub async fn webhook_replace(
        &self,
        list: WebhookList<'_>,
        (before, after): (Option<&[Webhook]>, &[Webhook]),
        actor: Actor,
    ) -> Result<(), StoreError> {
        const REMOVE: &str = "DELETE FROM policy_webhook WHERE stage = $1 AND policy = $2";
        const INSERT: &str = "INSERT INTO policy_webhook (stage, key, policy, name, connection, direction, position) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
        let (stage, policy) = (list.stage(), list.policy());
        let mut tx = self.begin().await?;
        self.policy_gate(&mut tx).await?;
        is_as_before(&mut tx, list, before).await?;
        query(REMOVE).bind(stage).bind(policy).execute(tx.connection()).await?;
        for (position, webhook) in (0..).zip(after) {
            let written = query(INSERT)
                .bind(stage)
                .bind(webhook.key.as_str())
                .bind(policy)
                .bind(webhook.name.as_str())
                .bind(webhook.connection.as_str())
                .bind(webhook.direction.as_str())
                .bind(signed(position))
                .execute(tx.connection())
                .await?;
            if written.rows_affected() == 0 {
                return Err(StoreError::Conflict {
                    what: "webhook",
                    id: webhook.key.clone(),
                    state: "there already".to_owned(),
                    needs: "webhooks of one stage have keys of their own over all policies",
                });
            }
        }
        let keys: Vec<&str> = after.iter().map(|webhook| webhook.key.as_str()).collect();
        let object = if policy.is_empty() { stage } else { policy };
        let event = AuditEvent::new(actor, "webhook.put", object);
        self.audit_enter_in(&mut tx, &event.with(json!({"stage": stage, "webhooks": keys}))).await?;
        tx.commit().await
    }
}

/// Whether the policy is there and nobody has changed the list since.
async fn is_as_before(
    tx: &mut Tx,
    list: WebhookList<'_>,
    before: Option<&[Webhook]>,
) -> Result<(), StoreError> {
    const POLICY: &str = "SELECT key FROM policy WHERE key = $1";
    let (stage, policy) = (list.stage(), list.policy());
    let is_there = match list {
        WebhookList::PreApproval => true,
        WebhookList::PreExecution(_) | WebhookList::PostExecution(_) => {
            query(POLICY).bind(policy).fetch_optional(tx.connection()).await?.is_some()
        }
    };
    if !is_there {
        return Err(StoreError::NotFound { what: "policy", id: policy.to_owned() });
    }
    let Some(before) = before else { return Ok(()) };
    let rows = query(LIST).bind(stage).bind(policy).fetch_all(tx.connection()).await?;
    let found: Vec<Webhook> = rows.iter().map(webhook).collect::<Result<_, _>>()?;
    if found == before {
        return Ok(());
    }
    Err(StoreError::Conflict {
        what: "webhook list",
        id: policy.to_owned(),
        state: "changed since it was read".to_owned(),
        needs: "read it again",
    })
}

fn webhook(row: &Row) -> Result<Webhook, StoreError> {
    let direction: String = row.try_get(3)?;
    Ok(Webhook {
        key: row.try_get(0)?,
        name: row.try_get(1)?,
        connection: row.try_get(2)?,
        direction: WebhookDirection::parse(&direction)?,
    })
}
