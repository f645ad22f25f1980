//! Who a request is about, identity by identity: each has to be shown to be theirs by itself.

use std::collections::BTreeMap;

use crypto::Secret;
use model::Identities;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Lookup, LookupField};

/// Kinds of identities that everybody knows; all others are custom and have a label.
pub const KNOWN_IDENTITIES: [&str; 6] =
    ["email", "phone_number", "ga_client_id", "ljt_readerID", "fides_user_device_id", "external_id"];

/// The identities of a request, by kind.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HeldIdentities(BTreeMap<String, HeldIdentity>);

/// One identity of a request.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct HeldIdentity {
    /// What people call it; for custom ones.
    pub label: Option<String>,
    /// Its value, or several.
    pub values: Vec<Value>,
    /// Who showed or vouched that it is theirs.
    pub verified: Option<VerifiedBy>,
}

/// How an identity was shown to be the person's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerifiedBy {
    /// A caller that was let in made the request.
    Caller,
    /// The code that was sent to it was given back.
    Code,
    /// Somebody who reviews requests vouched for it.
    Person,
    /// A webhook that was asked added it.
    Webhook,
}

impl std::fmt::Debug for HeldIdentities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HeldIdentities({})", self.0.len())
    }
}

impl std::fmt::Debug for HeldIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HeldIdentity({:?})", self.verified)
    }
}

impl HeldIdentities {
    /// These identities with their labels, all verified the same way or not at all.
    pub fn new(
        identities: &Identities,
        labels: &BTreeMap<String, String>,
        verified: Option<VerifiedBy>,
    ) -> Self {
        let held = |kind: &str| HeldIdentity {
            label: labels.get(kind).cloned(),
            values: identities.values(kind).to_vec(),
            verified,
        };
        Self(identities.kinds().map(|kind| (kind.to_owned(), held(kind))).collect())
    }

    /// Each kind with what is known of it.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &HeldIdentity)> {
        self.0.iter().map(|(kind, held)| (kind.as_str(), held))
    }

    /// What is known of one kind.
    pub fn get(&self, kind: &str) -> Option<&HeldIdentity> {
        self.0.get(kind)
    }

    /// Those that were shown to be theirs: only they seed the graph and go to vendors.
    pub fn verified(&self) -> Identities {
        self.identities(|held| held.verified.is_some())
    }

    /// All of them, shown or not.
    pub fn all(&self) -> Identities {
        self.identities(|_| true)
    }

    /// Kinds that nobody has shown yet.
    pub fn unverified(&self) -> impl Iterator<Item = &str> {
        self.iter().filter(|(_, held)| held.verified.is_none()).map(|(kind, _)| kind)
    }

    /// Takes one kind as shown; says whether there is one that was not.
    pub fn verify(&mut self, kind: &str, by: VerifiedBy) -> bool {
        match self.0.get_mut(kind) {
            Some(held) if held.verified.is_none() => {
                held.verified = Some(by);
                true
            }
            Some(_) | None => false,
        }
    }

    /// Adds identities that a webhook derived; those of kinds that are there already stay as they are.
    pub fn derive(&mut self, identities: &Identities) {
        for kind in identities.kinds() {
            let derived = || HeldIdentity {
                label: None,
                values: identities.values(kind).to_vec(),
                verified: Some(VerifiedBy::Webhook),
            };
            self.0.entry(kind.to_owned()).or_insert_with(derived);
        }
    }

    /// What the request can be found by.
    pub fn lookups(&self) -> Vec<Lookup> {
        let of = |(kind, held): (&str, &HeldIdentity)| {
            let lookup = |value: &Value| identity_lookup(kind, value);
            held.values.iter().map(lookup).collect::<Vec<_>>()
        };
        self.iter().flat_map(of).collect()
    }

    /// As the store keeps them.
    #[expect(clippy::missing_panics_doc, reason = "texts and JSON values are always JSON")]
    pub fn to_bytes(&self) -> Secret<Vec<u8>> {
        Secret::new(serde_json::to_vec(self).expect("texts and JSON values are always JSON"))
    }

    /// Out of those bytes; `None` if they are not ours.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    fn identities(&self, fits: impl Fn(&HeldIdentity) -> bool) -> Identities {
        let mut identities = Identities::default();
        for (kind, held) in self.iter().filter(|(_, held)| fits(held)) {
            for value in &held.values {
                // They were insertable when they were taken in.
                let _ = identities.insert(kind, value.clone());
            }
        }
        identities
    }
}

/// By which a request with this value of an identity is found.
pub fn identity_lookup(kind: &str, value: &Value) -> Lookup {
    Lookup { field: LookupField::Identity, name: kind.to_owned(), value: value_text(value) }
}

/// By which a request with this value of a custom field is found.
pub fn custom_field_lookup(name: &str, value: &Value) -> Lookup {
    Lookup { field: LookupField::CustomField, name: name.to_owned(), value: value_text(value) }
}

/// One `@` with something on each side, and nothing that could not stand in a header.
pub fn is_email(text: &str) -> bool {
    let plain = text.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"<>(),;:\"\\[]".contains(c));
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let labels = || domain.split('.');
    let label = |label: &str| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-');
    plain
        && text.len() <= 254
        && !local.is_empty()
        && !local.contains('@')
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && labels().count() >= 2
        && labels().all(label)
}

fn value_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
