//! Vendors that erase by hand: which of them a request concerns, and what they are told
//! (privacy-requests 15.6). Whether they erase, nobody here can know: they were asked, no more.

mod lookup;

pub(crate) use self::lookup::{LookupFault, OpenLookup, VendorLookup};

use model::{ConnectionKey, Identities};
use serde_json::{Map, Value};
use store::{ConnectionFilter, Store, StoreError, StoredConnection, Window};

/// Types of connections whose vendors are written to.
pub(crate) const TYPES: [&str; 3] = ["generic_erasure_email", "attentive_email", IN_DATASET];

/// The type of connections whose vendors stand in a dataset.
const IN_DATASET: &str = "dynamic_erasure_email";

/// The secrets that say what a vendor is called and where it is written to.
const NAME: &str = "third_party_vendor_name";
const ADDRESS: &str = "recipient_email_address";

/// Kinds of identities that a vendor may want.
const KINDS: [&str; 2] = ["email", "phone_number"];

/// A vendor that is written to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Vendor {
    /// What it is called.
    pub(crate) name: String,
    /// Where it is written to.
    pub(crate) address: String,
}

/// Whom a connection writes to.
#[derive(Debug)]
pub(crate) struct VendorConnection {
    /// The vendors.
    pub(crate) whom: Whom,
    /// The kinds of identities that they want.
    kinds: Vec<&'static str>,
}

/// Which vendors a connection leads to.
#[derive(Debug)]
pub(crate) enum Whom {
    /// The same one for every request.
    One(Vendor),
    /// Those that a dataset names for each request.
    InDataset(VendorLookup),
}

/// The connections of vendors that are to be told of an erasure of these identities.
pub(crate) async fn concerned(
    store: &Store,
    identities: &Identities,
) -> Result<Vec<ConnectionKey>, StoreError> {
    let filter = ConnectionFilter {
        disabled: Some(false),
        among: Some(TYPES.iter().map(|&one| one.to_owned()).collect()),
        ..ConnectionFilter::default()
    };
    let found = store.connection_list(&filter, Window::ALL).await?.items;
    let mut concerned = Vec::new();
    for connection in found.into_iter().filter(serves_erasure) {
        let wanted = wanted_kinds(&secrets(store, &connection.key).await?);
        if wanted.iter().any(|kind| !identities.values(kind).is_empty()) {
            concerned.push(connection.key);
        }
    }
    concerned.sort();
    Ok(concerned)
}

/// Whom a connection writes to as it is now; `None` if it is gone, switched off, or none of these.
pub(crate) async fn vendor_of(
    store: &Store,
    connection: &str,
) -> Result<Option<VendorConnection>, StoreError> {
    let Ok(key) = connection.parse::<ConnectionKey>() else { return Ok(None) };
    let Some(connection) = store.connection_find(&key).await? else { return Ok(None) };
    let type_of = connection.connection_type.as_str();
    if connection.disabled || !serves_erasure(&connection) || !TYPES.contains(&type_of) {
        return Ok(None);
    }
    let secrets = secrets(store, &key).await?;
    let kinds = wanted_kinds(&secrets);
    if type_of == IN_DATASET {
        return Ok(Some(VendorConnection { whom: Whom::InDataset(VendorLookup::of(&secrets)), kinds }));
    }
    let text = |name: &str| secrets.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let (default_name, default_address) = match type_of {
        "attentive_email" => (Some("Attentive"), Some("privacy@attentive.com")),
        _ => (None, None),
    };
    let vendor = Vendor {
        name: text(NAME).or(default_name).unwrap_or_default().to_owned(),
        address: text(ADDRESS).or(default_address).unwrap_or_default().to_owned(),
    };
    Ok(Some(VendorConnection { whom: Whom::One(vendor), kinds }))
}

/// Says nothing of it: where rows of a dataset name it, it may be a person.
impl std::fmt::Debug for Vendor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vendor(…)")
    }
}

impl VendorConnection {
    /// One line about a person, with what the vendors want to know of them; `None` if nothing of that is
    /// there.
    pub(crate) fn line(&self, identities: &Identities) -> Option<String> {
        let mut parts = Vec::new();
        for kind in &self.kinds {
            for value in identities.values(kind) {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                // A value with an end of line would look like another person.
                let text: String = text.chars().filter(|one| !one.is_control()).collect();
                parts.push(format!("{kind} {text}"));
            }
        }
        (!parts.is_empty()).then(|| format!("- {}", parts.join(", ")))
    }
}

fn serves_erasure(connection: &StoredConnection) -> bool {
    let actions = connection.enabled_actions.as_ref();
    actions.is_none_or(|actions| actions.iter().any(|action| action == "erasure"))
}

/// `advanced_settings.identity_types`; without it the address.
fn wanted_kinds(secrets: &Map<String, Value>) -> Vec<&'static str> {
    let types = secrets.get("advanced_settings").and_then(|settings| settings.get("identity_types"));
    let Some(types) = types.and_then(Value::as_object) else { return vec!["email"] };
    KINDS.into_iter().filter(|kind| types.get(*kind) == Some(&Value::Bool(true))).collect()
}

async fn secrets(store: &Store, key: &ConnectionKey) -> Result<Map<String, Value>, StoreError> {
    let kept = store.vault_open(key).await?;
    let value = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
    Ok(kept.into_iter().map(|(name, secret)| (name, value(secret.expose()))).collect())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn identities() -> Identities {
        let mut identities = Identities::default();
        identities.insert("email", "ana@example.com".into()).unwrap();
        identities.insert("phone_number", "+49301234567".into()).unwrap();
        identities
    }

    #[rstest]
    #[case::unsaid(json!({}), Some("- email ana@example.com"))]
    #[case::number(json!({"identity_types": {"email": false, "phone_number": true}}), Some("- phone_number +49301234567"))]
    #[case::nothing(json!({"identity_types": {"email": false}}), None)]
    fn a_vendor_is_told_what_it_wants_and_no_more(#[case] settings: Value, #[case] expected: Option<&str>) {
        let mut secrets = Map::new();
        secrets.insert("advanced_settings".to_owned(), settings);
        let vendor = Vendor { name: String::new(), address: String::new() };
        let connection = VendorConnection { whom: Whom::One(vendor), kinds: wanted_kinds(&secrets) };

        assert_eq!(connection.line(&identities()).as_deref(), expected);
    }
}
