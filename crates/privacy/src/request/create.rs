use std::collections::BTreeMap;
use std::time::Duration;

use crypto::Secret;
use jiff::{SignedDuration, Timestamp};
use model::{Identities, PrivacyRequestId, Row};
use serde_json::Value;
use store::{
    Intake, Lookup, MessageKind, NewCode, NewMessage, NewPrivacyRequest, NewRequestLog, PrivacyRequest,
    PrivacyRequestFilter, PrivacyRequestStatus, RuleAction, TimeRange, Window,
};

use super::correct::{corrections_text, limits_text};
use super::evaluate::Evaluated;
use super::identity::{HeldIdentities, KNOWN_IDENTITIES, VerifiedBy, custom_field_lookup, identity_lookup};
use super::repeat::Again;
use super::{By, PrivacyRequests, RequestError, RequestSettings, message};
use crate::configuration::Configuration;
use crate::planning::RaisedLimits;
use crate::policy_book::{self, PolicyError};

/// A request as it is made.
#[derive(Debug, Default)]
pub struct NewRequest {
    /// Key of its policy.
    pub policy: String,
    /// Who it is about.
    pub identities: Identities,
    /// Labels of the identities that are not known to everybody, by kind.
    pub labels: BTreeMap<String, String>,
    /// What else is given: name → `{label, value}`.
    pub custom_fields: Row,
    /// The caller's own id for it.
    pub external_id: Option<String>,
    /// When the person asked; now if it is not said.
    pub requested_at: Option<Timestamp>,
    /// The key that the person wants the packages under.
    pub encryption_key: Option<Secret<String>>,
    /// Where it comes from (`Privacy Center`).
    pub source: Option<String>,
    /// Where the person lives, ISO 3166.
    pub location: Option<String>,
    /// The property it is made on.
    pub property_id: Option<String>,
    /// Whether a caller that was let in wants to see what is planned: the plan then waits for approval,
    /// whatever its policy says.
    pub asks_for_plan: bool,
    /// What a caller that was let in names this very call by: made again with it, the request that is
    /// there is given, and no second one made.
    pub repeat_key: Option<String>,
    /// Fields with their right values: data are corrected under the policy's rectification rules, and nothing
    /// is erased. Only of a caller that was let in.
    pub corrections: Vec<(String, Value)>,
    /// Limits that are raised for the plan, which then waits for approval. Only of a caller that was let in.
    pub raised: RaisedLimits,
}

/// Who makes a request.
#[derive(Debug, Clone, Default)]
pub struct Submitter {
    /// A caller that was let in, and vouches for the identities; `None`: anybody.
    pub caller: Option<By>,
}

/// The source whose requests are made by a person on behalf of another.
const REQUEST_MANAGER: &str = "Request Manager";

/// The most characters of a text that is kept as it is.
const MOST_CHARACTERS: usize = 255;

/// To how many requests of one day codes are sent at the same mailbox or number.
const MOST_CODED: usize = 5;

/// The most requests with the same identity that are looked at for that.
const MOST_LOOKED_AT: u32 = 1_000;

/// Why a request whose identities nobody can be asked about waits.
pub(super) const NO_CHANNEL: &str = "no_way_to_verify";

impl PrivacyRequests {
    /// Takes a request in: checks it, sends codes if nobody vouches for it, else decides whether it may
    /// be carried out at once (privacy-requests 14.2).
    ///
    /// # Errors
    /// [`RequestError`]; nothing was kept.
    pub async fn create(
        &self,
        new: NewRequest,
        submitter: Submitter,
    ) -> Result<PrivacyRequest, RequestError> {
        // It has a large state, which callers need not carry along.
        Box::pin(self.take_in(new, submitter)).await
    }

    async fn take_in(
        &self,
        mut new: NewRequest,
        submitter: Submitter,
    ) -> Result<PrivacyRequest, RequestError> {
        let configuration = self.configuration().await?;
        let settings = self.settings_at(&configuration).await?;
        if !settings.allow_custom_fields {
            new.custom_fields.clear();
        }
        let timeframe = self.check(&new, &submitter, &configuration).await?;
        let verified = submitter.caller.as_ref().map(|_| VerifiedBy::Caller);
        let identities = HeldIdentities::new(&new.identities, &new.labels, verified);
        let repeated = match (&new.repeat_key, &submitter.caller) {
            (Some(key), Some(by)) => Some(self.repeated_id(key, by)),
            // Who may be anybody cannot be told from somebody who guessed the key.
            (Some(_), None) | (None, _) => None,
        };
        let again = Again::of(&new);
        if let Some(id) = &repeated
            && let Some(made) = self.made_before(id, (&again, &identities)).await?
        {
            return Ok(made);
        }
        let id = repeated.clone().unwrap_or_else(|| PrivacyRequestId::new(&*self.parts.ids));
        let mut made = blank(id.clone(), &new, &submitter, self.now());
        made.due_at = settings.deadlines.due_at(&made, timeframe, self.now());
        // Who makes a request asks for what is planned for it.
        made.planned_by =
            submitter.caller.as_ref().filter(|_| settings.dual_control || new.asks_for_plan()).map(By::name);
        let (codes, evaluated) = if submitter.caller.is_none() {
            let codes = self.codes(&identities, &settings);
            let has_channel = !codes.is_empty();
            // Whoever asked sees no difference.
            let codes = self.within_cap(codes, &identities, made.created_at).await?;
            let mut messages = message::codes(&made.id, &identities, &codes, &settings);
            if !has_channel {
                made.attention = Some(NO_CHANNEL.to_owned());
                messages.push(message::to_staff(MessageKind::ApprovalNeeded, &made));
            }
            (codes, Evaluated { messages, ..Evaluated::default() })
        } else {
            made.status = PrivacyRequestStatus::Pending;
            (Vec::new(), self.evaluate(&mut made, &identities, &settings).await?)
        };
        let by = submitter.caller.unwrap_or_else(By::system);
        let kept = Kept { codes, logs: evaluated.logs, messages: evaluated.messages, by };
        let new = to_keep(new, made, &identities, kept);
        let made = match self.store().privacy_request_create(new).await {
            Ok(made) => made,
            Err(error) => {
                // Asked twice at the same time: the other call may have made it.
                let made = match &repeated {
                    Some(id) => self.made_before(id, (&again, &identities)).await?,
                    None => None,
                };
                return made.ok_or_else(|| error.into());
            }
        };
        self.demote(&evaluated.losers).await?;
        Ok(made)
    }

    /// What has to hold before anything is kept (privacy-requests L-4); the days that the policy gives.
    async fn check(
        &self,
        new: &NewRequest,
        submitter: &Submitter,
        configuration: &Configuration,
    ) -> Result<Option<u32>, RequestError> {
        if new.identities.is_empty() {
            return Err(RequestError::NoIdentity);
        }
        let is_unlabelled = |kind: &&str| !KNOWN_IDENTITIES.contains(kind) && !new.labels.contains_key(*kind);
        if let Some(kind) = new.identities.kinds().find(is_unlabelled) {
            return Err(RequestError::Unlabelled { kind: kind.to_owned() });
        }
        for (what, text) in
            [("external_id", &new.external_id), ("source", &new.source), ("location", &new.location)]
        {
            if text.as_ref().is_some_and(|text| text.chars().count() > MOST_CHARACTERS) {
                return Err(RequestError::TooLong { what, most: MOST_CHARACTERS });
            }
        }
        // There are no properties here, so that none of these ids can be one.
        if new.property_id.is_some() {
            return Err(RequestError::NoProperty);
        }
        let policy = policy_book::configured(configuration, &new.policy).await;
        let policy = policy.map_err(|error| match error {
            PolicyError::NoPolicy { key } => RequestError::NoPolicy { key },
            other => RequestError::Policy(other),
        })?;
        let is_consent = |rule: &store::PolicyRule| rule.action == RuleAction::Consent;
        if !policy.rules.is_empty() && policy.rules.iter().all(is_consent) {
            return Err(RequestError::ConsentOnly { key: policy.key.clone() });
        }
        new.check_change(&policy, submitter)?;
        Ok(policy.execution_timeframe)
    }

    /// A code for each identity that can be written to (privacy-requests W-10).
    pub(super) fn codes(&self, identities: &HeldIdentities, settings: &RequestSettings) -> Vec<NewCode> {
        if !settings.identity_verification {
            return Vec::new();
        }
        let reachable = |kind: &&str| match *kind {
            "email" => settings.channels.email,
            "phone_number" => settings.channels.sms,
            _ => false,
        };
        // A code proves one mailbox: with several values nobody knows which one.
        let single = |kind: &&str| identities.get(kind).is_some_and(|held| held.values.len() == 1);
        let expires_at = later(self.now(), settings.code_ttl);
        let code = |kind: &str| NewCode { kind: kind.to_owned(), code: crypto::random_digits(6), expires_at };
        identities.unverified().filter(reachable).filter(single).map(code).collect()
    }

    /// Those of the codes of a request made at `made_at` that are sent: none to a mailbox or number that
    /// enough earlier requests of anybody named within the last day. Nobody can flood it, nor guess
    /// again and again in request after request.
    pub(super) async fn within_cap(
        &self,
        codes: Vec<NewCode>,
        identities: &HeldIdentities,
        made_at: Timestamp,
    ) -> Result<Vec<NewCode>, RequestError> {
        let window = Window { offset: 0, limit: MOST_LOOKED_AT };
        let day_ago = self.now().checked_sub(SignedDuration::from_hours(24)).ok();
        let mut sent = Vec::with_capacity(codes.len());
        for code in codes {
            let values = identities.get(&code.kind).into_iter().flat_map(|held| &held.values);
            let filter = PrivacyRequestFilter {
                identities: values.map(|value| identity_lookup(&code.kind, value)).collect(),
                created: TimeRange { after: day_ago, before: Some(made_at) },
                with_deleted: true,
                with_unlisted: true,
                ..PrivacyRequestFilter::default()
            };
            let earlier = self.store().privacy_request_list(&filter, window).await?.items;
            let public = earlier.iter().filter(|one| one.intake == Intake::Public).count();
            if public < MOST_CODED {
                sent.push(code);
            } else {
                tracing::warn!(kind = code.kind, "no code is sent: too many requests name this identity");
            }
        }
        Ok(sent)
    }
}

fn to_keep(
    new: NewRequest,
    made: PrivacyRequest,
    identities: &HeldIdentities,
    kept: Kept,
) -> NewPrivacyRequest {
    let fields = Some(new.custom_fields).filter(|fields| !fields.is_empty());
    let mut lookups = identities.lookups();
    lookups.extend(fields.iter().flat_map(field_lookups));
    let text = |fields: Row| Secret::new(Value::Object(fields).to_string().into_bytes());
    NewPrivacyRequest {
        id: made.id,
        policy: made.policy,
        status: made.status,
        step: made.step,
        intake: made.intake,
        source: made.source,
        external_id: made.external_id,
        location: made.location,
        property_id: made.property_id,
        requested_at: made.requested_at,
        due_at: made.due_at,
        identity_verified_at: made.identity_verified_at,
        reviewed: None,
        submitted_by: made.submitted_by,
        planned_by: made.planned_by,
        duplicate_group: made.duplicate_group,
        attention: made.attention,
        work_at: made.work_at,
        identities: identities.to_bytes(),
        custom_fields: fields.map(text),
        encryption_key: new.encryption_key,
        corrections: corrections_text(&new.corrections),
        raised_limits: limits_text(new.raised),
        lookups,
        codes: kept.codes,
        logs: kept.logs,
        messages: kept.messages,
        actor: kept.by.actor,
    }
}

/// A request as it is before anything was decided about it.
fn blank(id: PrivacyRequestId, new: &NewRequest, submitter: &Submitter, now: Timestamp) -> PrivacyRequest {
    let by_hand = new.source.as_deref() == Some(REQUEST_MANAGER);
    PrivacyRequest {
        id,
        policy: new.policy.clone(),
        status: PrivacyRequestStatus::IdentityUnverified,
        step: None,
        intake: if submitter.caller.is_some() { Intake::Authenticated } else { Intake::Public },
        source: new.source.as_deref().map(storable),
        external_id: new.external_id.as_deref().map(storable),
        location: new.location.as_deref().map(storable),
        property_id: None,
        created_at: now,
        updated_at: now,
        requested_at: new.requested_at.unwrap_or(now),
        started_at: None,
        finished_at: None,
        reviewed_at: None,
        identity_verified_at: None,
        custom_fields_approved_at: None,
        paused_at: None,
        canceled_at: None,
        deleted_at: None,
        finalized_at: None,
        forgotten_at: None,
        due_at: None,
        reviewed_by: None,
        submitted_by: submitter.caller.as_ref().filter(|_| by_hand).map(By::name),
        custom_fields_approved_by: None,
        deleted_by: None,
        finalized_by: None,
        planned_by: None,
        corrects: !new.corrections.is_empty(),
        raised_limits: limits_text(new.raised),
        duplicate_group: None,
        access_run: None,
        change_run: None,
        plan: None,
        attention: None,
        version: 0,
        work_at: None,
        worker: None,
        attempts: 0,
    }
}

/// What is kept with a new request.
struct Kept {
    codes: Vec<NewCode>,
    logs: Vec<NewRequestLog>,
    messages: Vec<NewMessage>,
    by: By,
}

fn field_lookups(fields: &Row) -> Vec<Lookup> {
    let values = |field: &Value| match field.get("value") {
        Some(Value::Array(values)) => values.clone(),
        Some(value) => vec![value.clone()],
        None => Vec::new(),
    };
    let of = |(name, field): (&String, &Value)| -> Vec<Lookup> {
        values(field).iter().map(|value| custom_field_lookup(name, value)).collect()
    };
    fields.iter().flat_map(of).collect()
}

/// Without the one character that not every database keeps.
fn storable(text: &str) -> String {
    text.replace('\0', "")
}

pub(super) fn later(from: Timestamp, by: Duration) -> Timestamp {
    from.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
pub(super) mod tests {
    use model::RandomIds;
    use serde_json::json;

    use super::*;

    /// A pending request of which nothing more is known.
    pub(in crate::request) fn request() -> PrivacyRequest {
        let at = Timestamp::UNIX_EPOCH;
        let new = NewRequest { policy: "erase".to_owned(), ..NewRequest::default() };
        let id = PrivacyRequestId::new(&RandomIds);
        PrivacyRequest { status: PrivacyRequestStatus::Pending, ..blank(id, &new, &Submitter::default(), at) }
    }

    #[test]
    fn custom_fields_are_found_by_each_of_their_values() {
        let Value::Object(fields) =
            json!({"plan": {"label": "Plan", "value": ["gold", 7]}, "empty": {"label": "x"}})
        else {
            panic!("an object")
        };

        let values: Vec<String> = field_lookups(&fields).into_iter().map(|lookup| lookup.value).collect();

        assert_eq!(values, ["gold", "7"]);
    }
}
