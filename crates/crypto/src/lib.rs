//! Secrets in memory, hashes, sealed records, keys and signatures: every use of cryptography in one place.
//!
//! For: keeping secrets out of logs ([`Secret`]), hashing with and without a key, sealing pages of
//! personal data on disk ([`PageKey`], [`RunKey`]) and records under the master key ([`KeyRing`]),
//! statements that others can check without us ([`SigningKey`], [`Envelope`], [`canonical_json`],
//! [`merkle`]), what is kept of passwords and tokens ([`PasswordHash`], [`AccessToken`]), and the one
//! signature that an application asks for ([`sign_rs256`]). Not for: TLS (`egress`), or deciding what
//! is secret. The primitives are those of aws-lc-rs and argon2; nothing here is a cipher of our own.
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

mod access_token;
mod canonical;
mod envelope;
mod hash;
mod key_ring;
mod key_source;
mod mask;
pub mod merkle;
mod page;
mod password;
mod run_key;
mod secret;
mod sign;
mod signing_key;
mod text_key;
mod web_key;

pub use access_token::AccessToken;
pub use canonical::canonical_json;
pub use envelope::{Envelope, EnvelopeError, Signature};
pub use hash::{HashKey, PartsHash, constant_time_eq, hex, sha256, sha256_of};
pub use key_ring::{KeyId, KeyRing, MasterKey, UnsealError};
pub use key_source::{KeyError, KeySource};
pub use mask::{MaskDigest, MaskSecrets, random_digits, random_text};
pub use page::{OpenError, PageKey};
pub use password::{PasswordHash, PasswordHashError};
pub use run_key::RunKey;
pub use secret::Secret;
pub use sign::{SignError, sign_rs256};
pub use signing_key::{PublicKey, PublicKeyError, SigningKey};
pub use text_key::{EncryptedText, TextKey, TextKeyError};
pub use web_key::WebKey;
