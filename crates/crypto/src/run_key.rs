use zeroize::Zeroize;

use crate::hash::random_bytes;
use crate::{HashKey, KeyRing, OpenError, PageKey, Secret, UnsealError};

/// The data key of one run (architecture §13.7): seals its pages, wrapped by the master key at rest.
///
/// Destroying the wrapped form erases everything that was sealed with it.
pub struct RunKey {
    bytes: Secret<[u8; 32]>,
    seal: PageKey,
}

impl RunKey {
    /// A fresh key from the system's random source.
    pub fn random() -> Self {
        Self::from_bytes(random_bytes())
    }

    /// The key as it lies in the store, bound to the place `associated`.
    pub fn wrap(&self, ring: &KeyRing, associated: &[u8]) -> Vec<u8> {
        ring.seal(associated, self.bytes.expose())
    }

    /// Opens what [`RunKey::wrap`] made.
    pub fn unwrap(ring: &KeyRing, associated: &[u8], wrapped: &[u8]) -> Result<Self, UnsealError> {
        let plain = ring.open(associated, wrapped)?;
        let bytes: [u8; 32] = plain.expose().as_slice().try_into().map_err(|_| OpenError)?;
        Ok(Self::from_bytes(bytes))
    }

    /// Seals `plain` for the place that `associated` names.
    pub fn seal(&self, associated: &[u8], plain: &[u8]) -> Vec<u8> {
        self.seal.seal(associated, plain)
    }

    /// Opens what [`RunKey::seal`] made for the same place.
    pub fn open(&self, associated: &[u8], sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        self.seal.open(associated, sealed)
    }

    /// A key for hashes that belong to this run and to `purpose` only.
    pub fn hash_key(&self, purpose: &str) -> HashKey {
        let mut derived = HashKey::from_bytes(self.bytes.expose()).keyed_hash(purpose.as_bytes());
        let key = HashKey::from_bytes(&derived);
        derived.zeroize();
        key
    }

    fn from_bytes(mut bytes: [u8; 32]) -> Self {
        let key = Self { bytes: Secret::new(bytes), seal: PageKey::from_bytes(&bytes) };
        bytes.zeroize();
        key
    }
}

impl std::fmt::Debug for RunKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RunKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MasterKey;

    #[test]
    fn a_wrapped_key_comes_back_for_its_own_run_only() {
        let ring = KeyRing::new(MasterKey::random());
        let key = RunKey::random();
        let sealed = key.seal(b"run_1|tsk_1|0|1", b"rows");

        let wrapped = key.wrap(&ring, b"run|run_1");
        let back = RunKey::unwrap(&ring, b"run|run_1", &wrapped).unwrap();

        assert_eq!(back.open(b"run_1|tsk_1|0|1", &sealed).unwrap(), b"rows");
        assert_eq!(back.hash_key("rows").keyed_hash(b"a"), key.hash_key("rows").keyed_hash(b"a"));
        assert_ne!(key.hash_key("rows").keyed_hash(b"a"), key.hash_key("other").keyed_hash(b"a"));
        assert!(RunKey::unwrap(&ring, b"run|run_2", &wrapped).is_err());
    }
}
