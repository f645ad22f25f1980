use std::fmt;
use std::str::FromStr;

use crypto::{RunKey, Secret};
use jiff::Timestamp;
use model::RunId;
use serde_json::json;
use thiserror::Error;

use crate::run::run_id;
use crate::sql::{Row, query, query_made};
use crate::store::{Tx, time, time_or_none};
use crate::values::{parts, places};
use crate::{Actor, AuditEvent, AuditId, Store, StoreError};

/// The digest that names one plan and no other: `sha256:` and 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlanDigest(String);

impl PlanDigest {
    /// The digest of these bytes, which are the plan's canonical form.
    pub fn of(canonical: &[u8]) -> Self {
        Self(format!("sha256:{}", crypto::hex(&crypto::sha256(canonical))))
    }

    /// The digest's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PlanDigest {
    type Err = PlanDigestError;

    fn from_str(text: &str) -> Result<Self, PlanDigestError> {
        let digits = text.strip_prefix("sha256:").unwrap_or_default();
        let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if digits.len() == 64 && digits.bytes().all(lower) {
            Ok(Self(text.to_owned()))
        } else {
            Err(PlanDigestError { text: text.to_owned() })
        }
    }
}

impl fmt::Display for PlanDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that should have been the digest of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{text}` is not the digest of a plan; it is `sha256:` and 64 digits, as `tutela privacy plan` prints it"
)]
pub struct PlanDigestError {
    text: String,
}

/// A plan to be kept.
#[derive(Debug)]
pub struct NewPlan<'a> {
    /// Its digest, made by whoever made the plan.
    pub digest: PlanDigest,
    /// Its run.
    pub run: RunId,
    /// The plan; holds personal data and is kept sealed.
    pub body: &'a [u8],
    /// How many operations it has; each gets its line in the ledger.
    pub operations: u32,
    /// Who made it.
    pub actor: Actor,
}

/// A plan as the store knows it.
#[derive(Debug)]
pub struct Plan {
    /// Its digest.
    pub digest: PlanDigest,
    /// Its run.
    pub run: RunId,
    /// The plan.
    pub body: Secret<Vec<u8>>,
    /// When it was made.
    pub made_at: Timestamp,
    /// Who approved it, and when.
    pub approval: Option<(String, Timestamp)>,
}

/// What is known of a plan without opening it; stays when its personal data is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanHead {
    /// Its digest.
    pub digest: PlanDigest,
    /// Its run.
    pub run: RunId,
    /// When it was made.
    pub made_at: Timestamp,
    /// Who approved it, and when.
    pub approval: Option<(String, Timestamp)>,
}

impl Store {
    /// The plan of a run without its contents; if there are several, one that was approved, else the newest.
    pub async fn plan_of_run(&self, run: &RunId) -> Result<Option<PlanHead>, StoreError> {
        const FIND: &str = "SELECT digest, run_id, made_at, approved_by, approved_at FROM plan WHERE run_id = $1 ORDER BY approved_at IS NULL, made_at DESC, digest LIMIT 1";
        let row = query(FIND).bind(run.as_str()).fetch_optional(&self.inner.reader).await?;
        row.as_ref().map(head).transpose()
    }

    /// The plan with this digest without its contents, if there is one.
    pub async fn plan_head(&self, digest: &PlanDigest) -> Result<Option<PlanHead>, StoreError> {
        const FIND: &str =
            "SELECT digest, run_id, made_at, approved_by, approved_at FROM plan WHERE digest = $1";
        let row = query(FIND).bind(digest.as_str()).fetch_optional(&self.inner.reader).await?;
        row.as_ref().map(head).transpose()
    }

    /// Keeps a plan and opens a line in the ledger for each of its operations. Keeping the same plan
    /// again changes nothing.
    pub async fn plan_put(&self, plan: &NewPlan<'_>) -> Result<(), StoreError> {
        let key = self.run_key(&plan.run).await?;
        self.plan_put_in(self.begin().await?, &key, plan).await
    }

    /// The same for a run that has no plan: `false` if it has one, which stands. Two that plan the same run,
    /// because one was taken for dead, come to one plan: what one of them sends is never taken for unsent by the other.
    ///
    /// # Errors
    /// [`StoreError::Forgotten`] if the personal data of the run was destroyed.
    pub async fn plan_put_first(&self, plan: &NewPlan<'_>) -> Result<bool, StoreError> {
        // Nobody else keeps one between this look and our commit.
        const LOCK: &str = "UPDATE run SET state = state WHERE id = $1 AND forgotten_at IS NULL";
        const OTHER: &str = "SELECT digest FROM plan WHERE run_id = $1 LIMIT 1";
        let key = self.run_key(&plan.run).await?;
        let mut tx = self.begin().await?;
        let locked = query(LOCK).bind(plan.run.as_str()).execute(tx.connection()).await?;
        if locked.rows_affected() == 0 {
            // Another process destroyed it; its key may be kept in memory here.
            self.run_key_drop(&plan.run);
            return Err(StoreError::Forgotten { run: plan.run.clone() });
        }
        if query(OTHER).bind(plan.run.as_str()).fetch_optional(tx.connection()).await?.is_some() {
            return Ok(false);
        }
        self.plan_put_in(tx, &key, plan).await?;
        Ok(true)
    }

    async fn plan_put_in(&self, mut tx: Tx, key: &RunKey, plan: &NewPlan<'_>) -> Result<(), StoreError> {
        const INSERT: &str = "INSERT INTO plan (digest, run_id, sealed, made_at) VALUES ($1, $2, $3, $4) ON CONFLICT (digest) DO NOTHING";
        let inserted = query(INSERT)
            .bind(plan.digest.as_str())
            .bind(plan.run.as_str())
            .bind(key.seal(&place(&plan.run, &plan.digest), plan.body))
            .bind(self.now())
            .execute(tx.connection())
            .await?;
        if inserted.rows_affected() == 0 {
            return Ok(());
        }
        let operations: Vec<u32> = (0..plan.operations).collect();
        for part in parts(&operations) {
            self.lines_put(&mut tx, plan, part).await?;
        }
        let details = json!({"run": plan.run.as_str(), "operations": plan.operations});
        let event = AuditEvent::new(plan.actor.clone(), "plan.made", plan.digest.as_str()).with(details);
        self.audit_enter_in(&mut tx, &event).await?;
        tx.commit().await
    }

    /// Opens lines in the ledger for these operations.
    async fn lines_put(&self, tx: &mut Tx, plan: &NewPlan<'_>, operations: &[u32]) -> Result<(), StoreError> {
        let line = |number| {
            let [id, plan, operation, run] = places(number);
            format!("(${id}, ${plan}, ${operation}, 1, ${run}, 'planned')")
        };
        let lines = (0..operations.len()).map(line).collect::<Vec<_>>().join(", ");
        let mut query = query_made(format!(
            "INSERT INTO ledger (id, plan_digest, operation, attempt, run_id, state) VALUES {lines}"
        ));
        for operation in operations {
            query = query
                .bind(format!("led_{}", self.inner.ids.next_uuid()))
                .bind(plan.digest.as_str())
                .bind(i64::from(*operation))
                .bind(plan.run.as_str());
        }
        query.execute(tx.connection()).await?;
        Ok(())
    }

    /// The plan with this digest, if there is one.
    ///
    /// # Errors
    /// [`StoreError::Forgotten`] if its personal data was destroyed.
    pub async fn plan_find(&self, digest: &PlanDigest) -> Result<Option<Plan>, StoreError> {
        const FIND: &str =
            "SELECT run_id, sealed, made_at, approved_by, approved_at FROM plan WHERE digest = $1";
        let row = query(FIND).bind(digest.as_str()).fetch_optional(&self.inner.reader).await?;
        let Some(row) = row else { return Ok(None) };
        let run = run_id(&row, 0)?;
        let sealed: Option<Vec<u8>> = row.try_get(1)?;
        let sealed = sealed.ok_or_else(|| StoreError::Forgotten { run: run.clone() })?;
        let key = self.run_key(&run).await?;
        let body =
            key.open(&place(&run, digest), &sealed).map_err(|_| StoreError::Damaged { what: "a plan" })?;
        let approved_by: Option<String> = row.try_get(3)?;
        Ok(Some(Plan {
            digest: digest.clone(),
            run,
            body: Secret::new(body),
            made_at: time(row.try_get(2)?)?,
            approval: approved_by.zip(time_or_none(row.try_get(4)?)?),
        }))
    }

    /// Approves exactly the plan with this digest. The first approval stands; `None` says that there
    /// was one already.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if no plan has this digest.
    pub async fn plan_approve(
        &self,
        digest: &PlanDigest,
        approver: Actor,
    ) -> Result<Option<AuditId>, StoreError> {
        const APPROVE: &str =
            "UPDATE plan SET approved_by = $2, approved_at = $3 WHERE digest = $1 AND approved_at IS NULL";
        const FIND: &str = "SELECT digest FROM plan WHERE digest = $1";
        let mut tx = self.begin().await?;
        let changed = query(APPROVE)
            .bind(digest.as_str())
            .bind(approver.as_str())
            .bind(self.now())
            .execute(tx.connection())
            .await?;
        if changed.rows_affected() == 0 {
            let found = query(FIND).bind(digest.as_str()).fetch_optional(tx.connection()).await?;
            return match found {
                Some(_) => Ok(None),
                None => Err(StoreError::NotFound { what: "plan", id: digest.to_string() }),
            };
        }
        let entry = self
            .audit_enter_in(&mut tx, &AuditEvent::new(approver, "plan.approved", digest.as_str()))
            .await?;
        tx.commit().await?;
        Ok(Some(entry))
    }
}

fn head(row: &Row) -> Result<PlanHead, StoreError> {
    let digest: String = row.try_get(0)?;
    let approved_by: Option<String> = row.try_get(3)?;
    Ok(PlanHead {
        digest: digest.parse().map_err(|_| StoreError::Damaged { what: "the digest of a plan" })?,
        run: run_id(row, 1)?,
        made_at: time(row.try_get(2)?)?,
        approval: approved_by.zip(time_or_none(row.try_get(4)?)?),
    })
}

fn place(run: &RunId, digest: &PlanDigest) -> Vec<u8> {
    format!("{run}|plan|{digest}").into_bytes()
}
