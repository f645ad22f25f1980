//! The words every other crate speaks: ids, addresses, rows, completeness, outcomes, and time.
//!
//! For: types that cross crate borders and rules about them that need no context.
//! Not for: input or output of any kind; nothing here opens a file, a socket or reads the clock
//! except through [`Clock`].
//!
//! ```
//! use model::{CollectionAddress, Completeness, IncompleteReason};
//!
//! let address: CollectionAddress = "segment:traits".parse()?;
//! assert_eq!(address.collection(), "traits");
//!
//! let reading = Completeness::incomplete(IncompleteReason::PageLoop, "cursor `abc` came twice");
//! assert!(!reading.is_complete());
//! # Ok::<(), model::AddressError>(())
//! ```

mod address;
mod call_stats;
mod clock;
mod completeness;
mod effect;
mod fides_key;
mod host_pattern;
mod id;
mod identity;
mod json_text;
mod kill_point;
mod outcome;
mod page;
mod path;
mod row;
mod row_lines;
mod visible;

pub use address::{AddressError, CollectionAddress, FieldAddress};
pub use call_stats::CallStats;
pub use clock::{Clock, SystemClock};
pub use completeness::{Completeness, IncompleteReason};
pub use effect::Effect;
pub use fides_key::FidesKey;
pub use host_pattern::{host_allowed, host_matches};
pub use id::{
    ConnectionKey, ConnectorType, IdSource, KeyError, PrivacyRequestId, PrivacyRequestIdError, RandomIds,
    RunId, RunIdError,
};
pub use identity::{Identities, IdentityError};
pub use json_text::{JsonKind, JsonText};
#[cfg(feature = "kill-points")]
#[doc(hidden)]
pub use kill_point::on::pass_kill_point;
pub use outcome::Outcome;
pub use page::Page;
pub use path::{Path, PathError};
pub use row::{Row, is_falsy, loosely_equal, text_form};
pub use row_lines::RowLines;
pub use visible::visible;
