//! What conditions may ask of a request, and of the rows that were read for it (privacy-requests POL-14).

use std::collections::HashMap;

use engine::{RowsError, RunOutcome, SealedRows, Status};
use graph::{ConditionTree, DistinctValues, Found, collect_values};
use model::{CollectionAddress, Row};
use serde_json::Value;

use crate::request::HeldIdentities;

/// What addresses about the request itself begin with.
const REQUEST: &str = "privacy_request.";
const IDENTITY: &str = "identity.";
const CUSTOM_FIELD: &str = "custom_privacy_request_fields.";
/// What there is of a request besides identities and custom fields.
const MEMBERS: [&str; 9] = [
    "external_id",
    "location",
    "location_country",
    "policy",
    "property_id",
    "requested_at",
    "reviewed_by",
    "source",
    "submitted_by",
];
/// How many values of a field are compared; with more, others may be there.
const MOST_VALUES: usize = 10_000;

/// What is known of a request.
#[derive(Clone)]
pub(crate) struct ConditionFacts {
    /// Its members, as connector files have them; null where there is none.
    pub(crate) members: Row,
    /// Whose it is.
    pub(crate) identities: HeldIdentities,
    /// What else the person wrote, name → `{label, value}`; `None` as long as nobody approved its use.
    pub(crate) custom_fields: Option<Row>,
}

/// Whether an address is one of the request itself.
pub fn is_known(address: &str) -> bool {
    let Some(member) = address.strip_prefix(REQUEST) else { return false };
    let names_one = |prefix: &str| member.strip_prefix(prefix).is_some_and(|name| !name.is_empty());
    MEMBERS.contains(&member) || names_one(IDENTITY) || names_one(CUSTOM_FIELD)
}

/// Whether an address is one of a field that is read: `dataset:collection:field`.
pub fn is_collected(address: &str) -> bool {
    collected(address).is_some()
}

/// The addresses of the request itself, in words.
pub fn known() -> String {
    let members: Vec<String> = MEMBERS.iter().map(|member| format!("`{REQUEST}{member}`")).collect();
    format!("{}, `{REQUEST}{IDENTITY}KIND`, `{REQUEST}{CUSTOM_FIELD}NAME`", members.join(", "))
}

fn collected(address: &str) -> Option<(CollectionAddress, Vec<String>)> {
    let (dataset, rest) = address.split_once(':')?;
    let (collection, path) = rest.split_once(':')?;
    let path: Vec<String> = path.split('.').map(str::to_owned).collect();
    if path.iter().any(String::is_empty) {
        return None;
    }
    Some((format!("{dataset}:{collection}").parse().ok()?, path))
}

impl ConditionFacts {
    /// What is known at an address of the request. What the person only claims is not known.
    pub(crate) fn find(&self, address: &str) -> Found {
        let Some(member) = address.strip_prefix(REQUEST) else { return Found::unknown() };
        if let Some(kind) = member.strip_prefix(IDENTITY) {
            return match self.identities.get(kind) {
                None => Found::whole([]),
                Some(held) if held.verified.is_some() => Found::whole(&held.values),
                Some(_) => Found::unknown(),
            };
        }
        if let Some(name) = member.strip_prefix(CUSTOM_FIELD) {
            let Some(fields) = &self.custom_fields else { return Found::unknown() };
            return Found::whole(fields.get(name).map(|field| field.get("value").unwrap_or(field)));
        }
        let text = |name: &str| self.members.get(name);
        match member {
            "location_country" => {
                let location = text("location").and_then(Value::as_str);
                let country = location.and_then(|code| code.split('-').next()).map(Value::from);
                Found::whole(&country)
            }
            member if MEMBERS.contains(&member) => Found::whole(text(member)),
            _ => Found::unknown(),
        }
    }
}

/// What is known of the fields that a condition names, out of what was read.
///
/// # Errors
/// [`RowsError`] if the rows cannot be read back.
pub(crate) async fn collect(
    condition: &ConditionTree,
    outcome: &RunOutcome,
) -> Result<HashMap<String, Found>, RowsError> {
    let mut found = HashMap::new();
    for address in condition.addresses() {
        let Some((collection, path)) = collected(address) else { continue };
        // What was not read is not known.
        let Some(read) = outcome.collections.get(&collection) else { continue };
        let is_read = match read.status {
            Status::Complete | Status::Incomplete => true,
            Status::Failed | Status::Skipped => false,
        };
        if found.contains_key(address) || !is_read {
            continue;
        }
        let is_whole = read.status == Status::Complete && read.completeness.is_complete();
        let sealed = read.sealed.clone();
        let gathered = tokio::task::spawn_blocking(move || gather(&sealed, &path)).await;
        let values = gathered.unwrap_or_else(|_| Ok(None))?;
        let values = match values {
            Some(values) => Found { values, is_whole },
            None => Found::unknown(),
        };
        found.insert(address.to_owned(), values);
    }
    Ok(found)
}

/// The distinct values at a path; `None` if there are too many to be compared.
fn gather(sealed: &SealedRows, path: &[String]) -> Result<Option<Vec<Value>>, RowsError> {
    let mut values = DistinctValues::default();
    let mut seen = 0_usize;
    for page in sealed.pages() {
        for row in page? {
            collect_values(&Value::Object(row), path, &mut |value| {
                seen += 1;
                if seen <= MOST_VALUES {
                    values.add(value);
                }
            });
        }
        if seen > MOST_VALUES {
            return Ok(None);
        }
    }
    Ok(Some(values.into_values()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use model::Identities;
    use serde_json::json;

    use super::*;
    use crate::request::VerifiedBy;

    fn facts(verified: Option<VerifiedBy>, approved: bool) -> ConditionFacts {
        let mut identities = Identities::default();
        identities.insert("email", "ana@example.com".into()).unwrap();
        let members: Row = serde_json::from_value(json!({"location": "US-CA", "source": null})).unwrap();
        let fields: Row =
            serde_json::from_value(json!({"plan": {"label": "Plan", "value": "gold"}})).unwrap();
        ConditionFacts {
            members,
            identities: HeldIdentities::new(&identities, &BTreeMap::new(), verified),
            custom_fields: approved.then_some(fields),
        }
    }

    #[test]
    fn what_a_person_only_claims_is_not_known() {
        let (shown, claimed) = (facts(Some(VerifiedBy::Code), true), facts(None, false));
        let email = "privacy_request.identity.email";
        let plan = "privacy_request.custom_privacy_request_fields.plan";

        assert_eq!(shown.find(email), Found::whole([&json!("ana@example.com")]));
        assert_eq!(claimed.find(email), Found::unknown());
        assert_eq!(shown.find(plan), Found::whole([&json!("gold")]));
        assert_eq!(claimed.find(plan), Found::unknown());
        assert_eq!(claimed.find("privacy_request.identity.phone_number"), Found::whole([]));
    }

    #[test]
    fn members_are_known_and_others_are_not() {
        let facts = facts(None, false);

        assert_eq!(facts.find("privacy_request.location_country"), Found::whole([&json!("US")]));
        assert_eq!(facts.find("privacy_request.location"), Found::whole([&json!("US-CA")]));
        assert_eq!(facts.find("privacy_request.source"), Found::whole([]));
        assert_eq!(facts.find("privacy_request.status"), Found::unknown());
        assert!(!is_known("privacy_request.status") && !is_known("privacy_request.identity."));
        assert!(is_collected("a:b:c.d") && !is_collected("a:b") && !is_collected("a:b:c..d"));
    }
}
