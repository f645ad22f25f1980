use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use jiff::Timestamp;
use object_store::aws::AmazonS3;
use object_store::path::Path as ObjectPath;
use object_store::{Attribute, GetOptions, GetResult, ObjectStore as _};

use super::{Bucket, EXPIRES_AT};
use crate::storage::service::Service;
use crate::storage::{BucketProblem, StorageError};

/// Bytes that are asked for at once.
const BLOCK_BYTES: u64 = 4 * 1024 * 1024;

/// A package in a bucket, as it was when it was found.
pub(in crate::storage) struct Object {
    client: AmazonS3,
    /// Knows why a call of the client failed.
    service: Service,
    path: ObjectPath,
    /// What tells this content from another one under the same name.
    e_tag: Option<String>,
    storage: String,
    bucket: String,
    block_bytes: u64,
}

/// What a bucket says of a package.
#[derive(Debug)]
pub(in crate::storage) struct Found {
    pub(in crate::storage) object: Object,
    pub(in crate::storage) bytes: u64,
    pub(in crate::storage) expires_at: Timestamp,
}

impl Bucket {
    /// The object `name`, if it is there and carries the mark of a package.
    pub(in crate::storage) async fn find(&self, name: &str) -> Result<Option<Found>, StorageError> {
        let (client, service) = self.client()?;
        let path = self.path(name);
        let head = GetOptions { head: true, ..GetOptions::default() };
        let found = match client.get_opts(&path, head).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(_) => return Err(self.failed("look for a package", service.problem())),
        };
        let Some(expires_at) = expires_at(&found) else { return Ok(None) };
        let object = Object {
            client,
            service,
            path,
            e_tag: found.meta.e_tag,
            storage: self.storage.clone(),
            bucket: self.bucket.clone(),
            block_bytes: BLOCK_BYTES.min(self.most_bytes).max(1),
        };
        Ok(Some(Found { object, bytes: found.meta.size, expires_at }))
    }
}

/// When an object is to be removed; `None` for one that is no package.
pub(super) fn expires_at(found: &GetResult) -> Option<Timestamp> {
    let mark = found.attributes.get(&Attribute::Metadata(EXPIRES_AT.into()))?;
    Timestamp::from_second(mark.parse().ok()?).ok()
}

impl Object {
    /// How much is asked for at once: what one answer may hold, and no more than memory has for it.
    pub(in crate::storage) fn block_bytes(&self) -> u64 {
        self.block_bytes
    }

    /// A part of its content; fails if the object is another one by now.
    pub(in crate::storage) async fn read(&self, range: Range<u64>) -> Result<Bytes, StorageError> {
        let wanted = range.end.saturating_sub(range.start);
        let options =
            GetOptions { range: Some(range.into()), if_match: self.e_tag.clone(), ..GetOptions::default() };
        let failed = |_| self.failed(self.service.problem());
        let result = self.client.get_opts(&self.path, options).await.map_err(failed)?;
        let bytes = result.bytes().await.map_err(failed)?;
        if bytes.len() as u64 == wanted { Ok(bytes) } else { Err(self.failed(BucketProblem::Answer)) }
    }

    fn failed(&self, problem: BucketProblem) -> StorageError {
        StorageError::Bucket {
            storage: self.storage.clone(),
            bucket: self.bucket.clone(),
            work: "read a package",
            problem: Box::new(problem),
        }
    }
}

/// Shows where it lies; the client would show the account.
impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object")
            .field("bucket", &self.bucket)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
