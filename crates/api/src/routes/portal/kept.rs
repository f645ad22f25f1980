//! The packages of a request, wherever they lie: in files that this server wrote, or in buckets that any
//! process of the installation may have written to.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crypto::Secret;
use jiff::Timestamp;
use model::PrivacyRequestId;
use privacy::access::Package;
use privacy::package::{LockError, Unlocked, lock};
use privacy::policy_book::{PolicyBook, PolicyError};
use privacy::storage::{RecordedPlace, StoredPackage};
use privacy::storage_book::{RuleStorageError, StorageBook, StorageBookError};
use spec::Rule;
use store::{PrivacyRequest, PrivacyRequestStatus};
use tokio::runtime::Handle;

use crate::ApiError;
use crate::error::chain;
use crate::package_record::package_records;
use crate::state::ApiState;

/// How long a bucket may take to say whether it has a package: somebody waits for a page.
const LOOK: Duration = Duration::from_secs(10);

/// The packages of a request that can still be fetched.
pub(super) enum Found {
    /// All of them: perhaps none.
    Packages(Vec<Kept>),
    /// A bucket does not say whether it has one.
    Unreachable,
}

/// A package that can be fetched.
pub(super) struct Kept {
    /// Without suffix.
    name: String,
    place: Place,
    /// Until when it is kept.
    pub(super) expires_at: Timestamp,
}

enum Place {
    File(PathBuf),
    Bucket(StoredPackage),
}

/// The packages of a request that can still be fetched: the newest of each of its access rules, or of
/// one of them.
pub(super) async fn packages_of(
    state: &ApiState,
    request: &PrivacyRequest,
    rule: Option<&str>,
) -> Result<Found, ApiError> {
    let mut packages = Vec::new();
    if request.status != PrivacyRequestStatus::Complete {
        return Ok(Found::Packages(packages));
    }
    let document = match PolicyBook::new(state.store().clone()).document(&request.policy).await {
        Ok(document) => document,
        Err(PolicyError::Store(error)) => return Err(error.into()),
        // It delivers nothing any more.
        Err(_) => return Ok(Found::Packages(packages)),
    };
    let records = package_records(state).await?;
    let now = state.clock().now();
    for one in Package::access_rules(&document.policy).filter(|one| rule.is_none_or(|rule| one.key == rule)) {
        let name = format!("{}-{}", request.id, one.key);
        let file = format!("{name}.zip");
        let noted = records.iter().rev().find(|noted| noted.name == file);
        let place = match noted.map(|noted| (&noted.place, noted.expires_at)) {
            Some((RecordedPlace::File { file }, expires_at)) => {
                (expires_at > now).then(|| (Place::File(file.clone()), expires_at))
            }
            // What is in a bucket is asked of the bucket: another process may have put it there.
            Some((RecordedPlace::Object { .. }, _)) | None => match stored(state, one, &file).await? {
                Stored::There(stored) => {
                    let expires_at = stored.expires_at();
                    Some((Place::Bucket(stored), expires_at))
                }
                Stored::Absent => None,
                Stored::Unknown => return Ok(Found::Unreachable),
            },
        };
        packages.extend(place.map(|(place, expires_at)| Kept { name, place, expires_at }));
    }
    Ok(Found::Packages(packages))
}

/// What a bucket says.
enum Stored {
    There(StoredPackage),
    Absent,
    /// Nothing, or not in time.
    Unknown,
}

/// The package of a rule in the bucket of that rule, as it is set up now.
async fn stored(state: &ApiState, rule: &Rule, name: &str) -> Result<Stored, ApiError> {
    let book = StorageBook::new(state.store().clone());
    let found = match book.of_rule(rule, state.packages(), state.clock()).await {
        Ok(storage) => tokio::time::timeout(LOOK, storage.find(name)).await,
        Err(RuleStorageError::Store(error) | RuleStorageError::Book(StorageBookError::Store(error))) => {
            return Err(error.into());
        }
        Err(error) => {
            tracing::warn!(rule = rule.key, %error, "somebody's package cannot be looked for");
            return Ok(Stored::Unknown);
        }
    };
    Ok(match found {
        Ok(Ok(found)) => found.map_or(Stored::Absent, Stored::There),
        Ok(Err(error)) => {
            tracing::warn!(rule = rule.key, %error, "somebody's package cannot be looked for");
            Stored::Unknown
        }
        Err(_) => {
            tracing::warn!(rule = rule.key, "a bucket does not say in time whether it has a package");
            Stored::Unknown
        }
    })
}

/// Packages, locked with a password: read where they lie, block by block. The locked copy is a file
/// without a name; nothing else of them comes to a disk. `None` if one of them cannot be read now.
///
/// # Cancel safety
/// Dropping the future ends the reading with the next block.
pub(super) async fn locked(
    request: &PrivacyRequestId,
    packages: Vec<Kept>,
    password: Secret<String>,
) -> Result<Option<std::fs::File>, ApiError> {
    let handle = Handle::current();
    let wanted = Arc::new(());
    let is_wanted = Arc::downgrade(&wanted);
    let work = move || {
        let open = |kept: Kept| match kept.place {
            Place::File(file) => Unlocked::file(&file),
            Place::Bucket(stored) => {
                Ok(Unlocked::new(&kept.name, stored.reader(handle.clone(), is_wanted.clone())))
            }
        };
        let opened: io::Result<Vec<Unlocked>> = packages.into_iter().map(open).collect();
        lock(opened?, &password)
    };
    let locked: Result<Result<_, LockError>, _> = tokio::task::spawn_blocking(work).await;
    drop(wanted);
    match locked.map_err(|error| ApiError::Private(Box::new(error)))? {
        Ok(file) => Ok(Some(file)),
        Err(error) => {
            tracing::error!(%request, error = %chain(&error), "a package was not given out");
            Ok(None)
        }
    }
}
