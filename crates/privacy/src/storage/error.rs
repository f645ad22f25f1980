use std::io;
use std::path::PathBuf;

use egress::{DoorError, Retry, SendError};
use thiserror::Error;

use crate::package::PackageError;

/// Why a package is not in its place, or could not be removed from it.
///
/// Texts name storage, bucket and object; never a secret, a link or what the server answered.
#[derive(Debug, Error)]
pub enum StorageError {
    /// The program cannot speak to buckets.
    #[error(
        "storage `{storage}` is a bucket, and this program was built without the feature `s3`; use one that has it"
    )]
    NoS3 {
        /// Key of the storage.
        storage: String,
    },
    /// A secret is missing.
    #[error(
        "storage `{storage}` has no `{secret}`; add it to its `secrets`, as in `{secret}: \"${{NAME}}\"`"
    )]
    Secret {
        /// Key of the storage.
        storage: String,
        /// Name of the secret.
        secret: &'static str,
    },
    /// A setting cannot be used.
    #[error("`{setting}` of storage `{storage}` cannot be used; {help}")]
    Setting {
        /// Key of the storage.
        storage: String,
        /// Key of the setting.
        setting: &'static str,
        /// What to write.
        help: &'static str,
    },
    /// The way out cannot be opened.
    #[error(transparent)]
    Door(#[from] DoorError),
    /// A name that holds more than ids and keys.
    #[error(
        "a package for storage `{storage}` has a name with other characters than letters, digits, `_`, `.` and `-`"
    )]
    Name {
        /// Key of the storage.
        storage: String,
    },
    /// A file or folder of this machine.
    #[error("cannot use {}; check that it may be read and written and the disk is not full", .path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The package could not be made.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// An upload did not come to its end.
    #[error("package `{object}` is not in bucket `{bucket}` of storage `{storage}`: {problem}; {left}")]
    Upload {
        /// Key of the storage.
        storage: String,
        /// The bucket.
        bucket: String,
        /// The object that would have been made.
        object: String,
        /// Why not.
        #[source]
        problem: Box<BucketProblem>,
        /// What lies there now.
        left: Left,
    },
    /// Another call to a bucket.
    #[error("cannot {work} in bucket `{bucket}` of storage `{storage}`: {problem}")]
    Bucket {
        /// Key of the storage.
        storage: String,
        /// The bucket.
        bucket: String,
        /// What was to be done.
        work: &'static str,
        /// Why it could not be.
        #[source]
        problem: Box<BucketProblem>,
    },
    /// The program is stopping.
    #[error("the work on a package was stopped; run again")]
    Stopped,
}

/// What a bucket's server has against a call.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BucketProblem {
    /// The call did not arrive, or brought no answer.
    #[error(transparent)]
    Call(SendError),
    /// The account may not do this.
    #[error("the server refuses with {status} {code}; check the secrets and what their account may do")]
    Denied {
        /// HTTP status.
        status: u16,
        /// The server's word for it.
        code: String,
    },
    /// There is no such bucket.
    #[error("there is no such bucket; create it, or correct `bucket`")]
    NoBucket,
    /// Another answer than success.
    #[error("the server answers {status} {code}")]
    Status {
        /// HTTP status.
        status: u16,
        /// The server's word for it.
        code: String,
    },
    /// An answer that makes no sense.
    #[error("the server's answer is not one of S3; check `endpoint`")]
    Answer,
    /// More than a bucket takes in one object.
    #[error("the package is larger than {most_bytes} bytes")]
    TooLarge {
        /// How much is taken.
        most_bytes: u64,
    },
}

/// What a failed upload leaves in the bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Nothing.
    Nothing,
    /// Parts of an object that is not visible. They are noted, and removed when the next package is
    /// delivered there.
    Parts,
    /// Perhaps the object itself: neither its arrival nor its removal was answered.
    Object,
}

impl std::fmt::Display for Left {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Nothing => "nothing was left there",
            Self::Parts => {
                "parts of it may lie there, invisible; they are removed with the next delivery to this storage"
            }
            Self::Object => "it may lie there all the same; look, and remove it",
        })
    }
}

impl StorageError {
    /// Whether trying again can help.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Upload { problem, .. } | Self::Bucket { problem, .. } => problem.retry(),
            Self::Stopped => Retry::Yes,
            Self::NoS3 { .. }
            | Self::Secret { .. }
            | Self::Setting { .. }
            | Self::Door(_)
            | Self::Name { .. }
            | Self::Folder { .. }
            | Self::Package(_) => Retry::No,
        }
    }
}

impl BucketProblem {
    /// Whether trying again can help.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Call(error) => error.retry(),
            Self::Status { status, .. } if *status >= 500 || *status == 429 => Retry::Yes,
            Self::Status { .. }
            | Self::Denied { .. }
            | Self::NoBucket
            | Self::Answer
            | Self::TooLarge { .. } => Retry::No,
        }
    }
}
