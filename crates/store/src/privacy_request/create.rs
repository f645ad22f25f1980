use crypto::Secret;
use jiff::Timestamp;
use model::PrivacyRequestId;
use serde_json::json;

use super::sealed::Sealed;
use super::{NewCode, NewRequestLog, PrivacyRequest, PrivacyRequestStatus, RequestStep, columns, request_at};
use crate::sql::{query, query_made};
use crate::store::Tx;
use crate::values::{parts, values};
use crate::{Actor, AuditEvent, NewMessage, Store, StoreError};

/// Who made a request, as far as that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intake {
    /// Anybody: identities have to be shown to be theirs.
    Public,
    /// A caller that was let in, and vouches for the identities.
    Authenticated,
}

/// What a request can be found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupField {
    /// A value of an identity.
    Identity,
    /// A value of a custom field.
    CustomField,
}

/// One value that a request can be found by; kept as keyed hashes only. Letter case does not count.
#[derive(Clone)]
pub struct Lookup {
    /// What it is a value of.
    pub field: LookupField,
    /// Name of the identity or the custom field.
    pub name: String,
    /// The value's text.
    pub value: String,
}

impl std::fmt::Debug for Lookup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lookup(…)")
    }
}

/// A request to be kept.
#[derive(Debug)]
pub struct NewPrivacyRequest {
    /// Its id.
    pub id: PrivacyRequestId,
    /// Key of its policy.
    pub policy: String,
    /// How far it is from the beginning.
    pub status: PrivacyRequestStatus,
    /// Where it begins.
    pub step: Option<RequestStep>,
    /// Who made it, as far as that counts.
    pub intake: Intake,
    /// Where it came from.
    pub source: Option<String>,
    /// The caller's own id for it.
    pub external_id: Option<String>,
    /// Where the person lives.
    pub location: Option<String>,
    /// The property it was made on.
    pub property_id: Option<String>,
    /// When the person asked.
    pub requested_at: Timestamp,
    /// Its deadline.
    pub due_at: Option<Timestamp>,
    /// When its identities were shown to be theirs.
    pub identity_verified_at: Option<Timestamp>,
    /// When it was approved, by whom.
    pub reviewed: Option<(Timestamp, String)>,
    /// Who made it on behalf of the person.
    pub submitted_by: Option<String>,
    /// Who asks for its plan by making it, where somebody else has to approve that.
    pub planned_by: Option<String>,
    /// The group of requests that are the same.
    pub duplicate_group: Option<String>,
    /// Why it waits: a fixed word.
    pub attention: Option<String>,
    /// From when on a worker is to take it.
    pub work_at: Option<Timestamp>,
    /// Who it is about, as bytes that only the caller reads; kept sealed.
    pub identities: Secret<Vec<u8>>,
    /// What else was given, likewise.
    pub custom_fields: Option<Secret<Vec<u8>>>,
    /// The key that the person wants the packages under.
    pub encryption_key: Option<Secret<String>>,
    /// Fields with their right values, likewise; then its data are corrected, not erased.
    pub corrections: Option<Secret<Vec<u8>>>,
    /// Limits that are raised for its plan, as text; they say nothing of a person.
    pub raised_limits: Option<String>,
    /// What it can be found by.
    pub lookups: Vec<Lookup>,
    /// Codes that were sent to its identities.
    pub codes: Vec<NewCode>,
    /// What is entered in its log.
    pub logs: Vec<NewRequestLog>,
    /// Messages that tell of it.
    pub messages: Vec<NewMessage>,
    /// Who makes it.
    pub actor: Actor,
}

/// Sources that lists leave out unless they are asked for.
const UNLISTED_SOURCES: [&str; 2] = ["Consent Webhook", "Dataset Test"];

/// Whether lists show requests of this source.
pub(crate) fn is_listed(source: Option<&str>) -> bool {
    source.is_none_or(|source| !UNLISTED_SOURCES.contains(&source))
}

impl Store {
    /// Keeps a request with all that belongs to it, all or nothing; gives it as it is kept.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if its policy is not there.
    pub async fn privacy_request_create(&self, new: NewPrivacyRequest) -> Result<PrivacyRequest, StoreError> {
        let (is_due, tells) = (new.work_at.is_some(), !new.messages.is_empty());
        let mut tx = self.begin().await?;
        let made = self.privacy_request_create_in(&mut tx, new).await?;
        if is_due {
            self.wake_in(&mut tx).await?;
        }
        tx.commit().await?;
        if is_due || tells {
            self.wake();
        }
        Ok(made)
    }

    async fn privacy_request_create_in(
        &self,
        tx: &mut Tx,
        new: NewPrivacyRequest,
    ) -> Result<PrivacyRequest, StoreError> {
        const POLICY: &str = "SELECT key FROM policy WHERE key = $1";
        const INSERT: &str = concat!(
            "INSERT INTO privacy_request (id, policy, status, step, listed, authenticated, source, external_id, location, property_id, sealed_identities, sealed_custom_fields, sealed_encryption_key, created_at, updated_at, requested_at, due_at, identity_verified_at, reviewed_at, reviewed_by, submitted_by, duplicate_group, attention, version, work_at, planned_by, corrects, sealed_corrections, raised_limits, fence, attempts) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14, $15, $16, $17, $18, $19, $20, $21, $22, 1, $23, $24, $25, $26, $27, 0, 0) RETURNING ",
            columns!()
        );
        let id = new.id.as_str();
        let policy = query(POLICY).bind(new.policy.as_str()).fetch_optional(tx.connection()).await?;
        if policy.is_none() {
            return Err(StoreError::NotFound { what: "policy", id: new.policy });
        }
        let (listed, now) = (is_listed(new.source.as_deref()), self.now());
        let fields = new.custom_fields.as_ref();
        let key = new.encryption_key.as_ref();
        let corrections = new.corrections.as_ref();
        let (reviewed_at, reviewed_by) = new.reviewed.clone().unzip();
        let micro = |at: Option<Timestamp>| at.map(Timestamp::as_microsecond);
        let made = query(INSERT)
            .bind(id)
            .bind(new.policy.as_str())
            .bind(new.status.as_str())
            .bind(new.step.map(RequestStep::as_str))
            .bind(i64::from(listed))
            .bind(i64::from(new.intake == Intake::Authenticated))
            .bind(new.source.as_deref())
            .bind(new.external_id.as_deref())
            .bind(new.location.as_deref())
            .bind(new.property_id.as_deref())
            .bind(self.seal_value(Sealed::Identities, id, new.identities.expose()))
            .bind(fields.map(|fields| self.seal_value(Sealed::CustomFields, id, fields.expose())))
            .bind(key.map(|key| self.seal_value(Sealed::EncryptionKey, id, key.expose().as_bytes())))
            .bind(now)
            .bind(new.requested_at.as_microsecond())
            .bind(micro(new.due_at))
            .bind(micro(new.identity_verified_at))
            .bind(micro(reviewed_at))
            .bind(reviewed_by)
            .bind(new.submitted_by.as_deref())
            .bind(new.duplicate_group.as_deref())
            .bind(new.attention.as_deref())
            .bind(micro(new.work_at))
            .bind(new.planned_by.as_deref())
            .bind(i64::from(new.corrections.is_some()))
            .bind(corrections.map(|values| self.seal_value(Sealed::Corrections, id, values.expose())))
            .bind(new.raised_limits.as_deref())
            .fetch_one(tx.connection())
            .await?;
        self.lookups_put(tx, &new.id, &new.lookups).await?;
        for code in &new.codes {
            self.code_put(tx, &new.id, code).await?;
        }
        self.request_logs_put(tx, &new.id, &new.logs).await?;
        for message in &new.messages {
            self.message_put_in(tx, message).await?;
        }
        if listed {
            self.request_counted(tx, (&new.id, now), (None, Some(new.status))).await?;
        }
        let mut details = json!({"policy": new.policy, "status": new.status.as_str(), "source": new.source});
        let wishes = corrections.map(|_| ("corrects".to_owned(), json!(true)));
        let raised = new.raised_limits.as_ref().map(|raised| ("raised_limits".to_owned(), json!(raised)));
        if let Some(details) = details.as_object_mut() {
            details.extend(wishes.into_iter().chain(raised));
        }
        let event = AuditEvent::new(new.actor, "privacy_request.created", id).with(details);
        self.audit_enter_in(tx, &event).await?;
        request_at(&made, 0)
    }

    pub(crate) async fn lookups_put(
        &self,
        tx: &mut Tx,
        id: &PrivacyRequestId,
        lookups: &[Lookup],
    ) -> Result<(), StoreError> {
        let hashes: Vec<_> = lookups.iter().flat_map(|lookup| self.lookup_hashes(lookup)).collect();
        for part in parts(&hashes) {
            let values = values::<3>(part.len());
            let insert = format!(
                "INSERT INTO privacy_request_lookup (field, hash, request) VALUES {values} ON CONFLICT DO NOTHING"
            );
            let mut query = query_made(insert);
            for (field, hash) in part {
                query = query.bind(*field).bind(hash.to_vec()).bind(id.as_str());
            }
            query.execute(tx.connection()).await?;
        }
        Ok(())
    }

    /// The hashes that a value is kept under: with its name, and for identities without it, too.
    fn lookup_hashes(&self, lookup: &Lookup) -> Vec<(&'static str, [u8; 32])> {
        let named = (lookup_field(lookup.field), self.lookup_hash(lookup));
        match lookup.field {
            LookupField::Identity => vec![named, (ANY_IDENTITY, self.value_hash(&lookup.value))],
            LookupField::CustomField => vec![named],
        }
    }

    pub(crate) fn lookup_hash(&self, lookup: &Lookup) -> [u8; 32] {
        let field = lookup_field(lookup.field);
        // The length keeps names and values apart.
        let (name, value) = (&lookup.name, folded(&lookup.value));
        self.keyed_hash(format!("lookup|{field}|{}|{name}|{value}", name.len()).as_bytes())
    }

    /// The hash of a value of whichever identity.
    pub(crate) fn value_hash(&self, value: &str) -> [u8; 32] {
        self.keyed_hash(format!("lookup|{ANY_IDENTITY}|{}", folded(value)).as_bytes())
    }
}

/// The field under which values of identities stand, whatever their name.
pub(crate) const ANY_IDENTITY: &str = "any_identity";

pub(crate) fn lookup_field(field: LookupField) -> &'static str {
    match field {
        LookupField::Identity => "identity",
        LookupField::CustomField => "custom_field",
    }
}

fn folded(value: &str) -> String {
    value.trim().to_lowercase()
}
