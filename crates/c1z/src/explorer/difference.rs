use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use prost::Name;
use protos::baton::v1::{C1zDiffOutput, EntitlementDiff, GrantDiff, ResourceDiff};
use protos::c1::connector::v2::{Entitlement, Grant, Resource};
use serde_json::Value;

use crate::reader::find;
use crate::{Filter, ReadError, Reader, Stored, SyncRun};

/// What the newest finished run of everything in a file changed against the one before it.
///
/// Contents are compared as data, not as bytes: encodings of equal content differ (baton X-3). What was modified is
/// given as it is now. Ids of one run, and all that changed, are in memory meanwhile.
///
/// # Errors
/// If the file has fewer than two such runs.
pub fn difference(reader: &Reader) -> Result<C1zDiffOutput, ReadError> {
    let full = reader.full_runs();
    let [new, old, ..] = full.as_slice() else {
        return Err(ReadError::TooFewRuns { found: full.len() });
    };
    let resources: Changes<Resource> = Changes::between(reader, (old, new), |resource: &Resource| {
        let id = resource.id.clone().unwrap_or_default();
        format!("{}:{}", id.resource_type, id.resource)
    })?;
    let entitlements: Changes<Entitlement> =
        Changes::between(reader, (old, new), |entitlement: &Entitlement| entitlement.id.clone())?;
    let grants: Changes<Grant> = Changes::between(reader, (old, new), |grant: &Grant| grant.id.clone())?;
    Ok(C1zDiffOutput {
        resources: Some(ResourceDiff {
            created: resources.created,
            deleted: resources.deleted,
            modified: resources.modified,
        }),
        entitlements: Some(EntitlementDiff {
            created: entitlements.created,
            deleted: entitlements.deleted,
            modified: entitlements.modified,
        }),
        grants: Some(GrantDiff {
            created: grants.created,
            deleted: grants.deleted,
            modified: grants.modified,
        }),
    })
}

struct Changes<T> {
    created: Vec<T>,
    deleted: Vec<T>,
    modified: Vec<T>,
}

impl<T: Stored + Name> Changes<T> {
    fn between(
        reader: &Reader,
        (old, new): (&SyncRun, &SyncRun),
        id: impl Fn(&T) -> String,
    ) -> Result<Self, ReadError> {
        let all = Filter::default();
        let mut changes = Self { created: Vec::new(), deleted: Vec::new(), modified: Vec::new() };
        let mut before = HashMap::new();
        for row in reader.rows::<T>(old, &all) {
            let row = row?;
            before.insert(id(&row), encoded(&row));
        }
        for row in reader.rows::<T>(new, &all) {
            let row = row?;
            let id = id(&row);
            match before.remove(&id) {
                None => changes.created.push(row),
                Some(encoding) if encoding == encoded(&row) => {}
                Some(_) => {
                    let was = find::<T>(reader, &old.id, &id)?;
                    if was.as_ref().map(content) != Some(content(&row)) {
                        changes.modified.push(row);
                    }
                }
            }
        }
        for row in reader.rows::<T>(old, &all) {
            let row = row?;
            if before.contains_key(&id(&row)) {
                changes.deleted.push(row);
            }
        }
        Ok(changes)
    }
}

/// A number that equal encodings share. Different contents share one in one case of 2⁶⁴.
fn encoded(row: &impl Stored) -> u64 {
    let mut hasher = DefaultHasher::new();
    row.encode_to_vec().hash(&mut hasher);
    hasher.finish()
}

/// A content as data; where it has no form as JSON, by its bytes.
fn content<T: Stored + Name>(row: &T) -> Value {
    protos::json::to_value(row).unwrap_or_else(|_| Value::from(row.encode_to_vec()))
}
