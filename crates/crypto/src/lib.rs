//! Secrets in memory, hashes, sealed pages and signatures: every use of cryptography in one place.
//!
//! For: keeping secrets out of logs ([`Secret`]), hashing with and without a key, sealing pages of
//! personal data on disk ([`PageKey`]), and the one signature that an application asks for
//! ([`sign_rs256`]). Not for: TLS (`egress`), or deciding what is secret. The primitives are those
//! of aws-lc-rs; nothing here is a cipher of our own.
//!
//! ```
//! use crypto::{PageKey, Secret};
//!
//! let token = Secret::new("sk_live_1".to_owned());
//! assert_eq!(format!("{token:?}"), "Secret(…)");
//!
//! let key = PageKey::random();
//! let sealed = key.seal(b"run_1|shop:orders|0|0", b"rows");
//! assert_eq!(key.open(b"run_1|shop:orders|0|0", &sealed)?, b"rows");
//! assert!(key.open(b"run_1|shop:orders|0|1", &sealed).is_err());
//! # Ok::<(), crypto::OpenError>(())
//! ```

mod hash;
mod mask;
mod page;
mod secret;
mod sign;

pub use hash::{HashKey, sha256};
pub use mask::{MaskDigest, MaskSecrets, random_text};
pub use page::{OpenError, PageKey};
pub use secret::Secret;
pub use sign::{SignError, sign_rs256};
