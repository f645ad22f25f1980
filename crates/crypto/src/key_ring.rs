use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;
use zeroize::Zeroize;

use crate::hash::{random_bytes, sha256};
use crate::{KeyError, OpenError, PageKey, Secret};

/// First byte of every record sealed under a master key; a later form gets the next number.
const FORM: u8 = 1;
const ID_LENGTH: usize = 8;
const HEADER_LENGTH: usize = 1 + ID_LENGTH;

/// Which master key sealed a record; says nothing about the key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; ID_LENGTH]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The key everything else hangs on (architecture §13.8). Whoever loses it loses every sealed record.
pub struct MasterKey {
    id: KeyId,
    bytes: Secret<[u8; 32]>,
    seal: PageKey,
}

impl MasterKey {
    /// A fresh key from the system's random source.
    pub fn random() -> Self {
        Self::from_bytes(random_bytes())
    }

    /// Reads 32 bytes in base64, as `TUTELA_KEY` holds them; spaces around are ignored.
    pub fn from_base64(text: &str) -> Result<Self, KeyError> {
        let mut decoded = STANDARD.decode(text.trim()).map_err(|_| KeyError::NotBase64)?;
        let length = decoded.len();
        let bytes: Option<[u8; 32]> = decoded.as_slice().try_into().ok();
        decoded.zeroize();
        bytes.map(Self::from_bytes).ok_or(KeyError::WrongLength { length })
    }

    /// The key as `TUTELA_KEY` takes it, to be written to a file of mode 0600 and nowhere else.
    pub fn to_base64(&self) -> Secret<String> {
        Secret::new(STANDARD.encode(self.bytes.expose()))
    }

    /// Which key this is.
    pub fn id(&self) -> KeyId {
        self.id
    }

    fn from_bytes(mut bytes: [u8; 32]) -> Self {
        let mut labelled = b"tutela master key id".to_vec();
        labelled.extend_from_slice(&bytes);
        let hash = sha256(&labelled);
        labelled.zeroize();
        let mut id = [0; ID_LENGTH];
        id.copy_from_slice(hash.first_chunk::<ID_LENGTH>().expect("a SHA-256 has more than 8 bytes"));
        let key = Self { id: KeyId(id), bytes: Secret::new(bytes), seal: PageKey::from_bytes(&bytes) };
        bytes.zeroize();
        key
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}

/// Seals small records (secrets, data keys, identities) under the current master key and opens what
/// older ones sealed, so that a key can be changed while old records wait for their turn.
///
/// A sealed record starts with a form byte and the id of its key; both are bound to the content, and
/// so is the record's own identity (`associated`): a record moved to another place does not open.
#[derive(Debug)]
pub struct KeyRing {
    current: MasterKey,
    older: Vec<MasterKey>,
}

impl KeyRing {
    /// A ring with one key.
    pub fn new(current: MasterKey) -> Self {
        Self { current, older: Vec::new() }
    }

    /// The ring that still opens what `older` sealed.
    #[must_use]
    pub fn with_older(mut self, older: MasterKey) -> Self {
        self.older.push(older);
        self
    }

    /// The key that new records are sealed with.
    pub fn current(&self) -> KeyId {
        self.current.id
    }

    /// Seals `plain` for the place that `associated` names.
    pub fn seal(&self, associated: &[u8], plain: &[u8]) -> Vec<u8> {
        let header = header(self.current.id);
        let mut sealed = header.to_vec();
        sealed.extend(self.current.seal.seal(&bound(&header, associated), plain));
        sealed
    }

    /// Opens what [`KeyRing::seal`] made for the same place.
    pub fn open(&self, associated: &[u8], sealed: &[u8]) -> Result<Secret<Vec<u8>>, UnsealError> {
        let id = Self::sealed_by(sealed).ok_or(UnsealError::Changed(OpenError))?;
        let key = std::iter::once(&self.current)
            .chain(&self.older)
            .find(|key| key.id == id)
            .ok_or(UnsealError::UnknownKey { id, current: self.current.id })?;
        let body = sealed.get(HEADER_LENGTH..).unwrap_or_default();
        Ok(Secret::new(key.seal.open(&bound(&header(id), associated), body)?))
    }

    /// Which key sealed a record, or `None` if it is no sealed record.
    pub fn sealed_by(sealed: &[u8]) -> Option<KeyId> {
        let (form, rest) = sealed.split_first()?;
        let id = rest.first_chunk::<ID_LENGTH>()?;
        (*form == FORM).then_some(KeyId(*id))
    }

    /// The same record under the current key; unchanged (`None`) if it is already.
    pub fn reseal(&self, associated: &[u8], sealed: &[u8]) -> Result<Option<Vec<u8>>, UnsealError> {
        if Self::sealed_by(sealed) == Some(self.current.id) {
            return Ok(None);
        }
        let plain = self.open(associated, sealed)?;
        Ok(Some(self.seal(associated, plain.expose())))
    }
}

fn header(id: KeyId) -> [u8; HEADER_LENGTH] {
    let mut header = [FORM; HEADER_LENGTH];
    if let Some(rest) = header.last_chunk_mut::<ID_LENGTH>() {
        *rest = id.0;
    }
    header
}

fn bound(header: &[u8; HEADER_LENGTH], associated: &[u8]) -> Vec<u8> {
    [header, associated].concat()
}

/// A sealed record that does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UnsealError {
    /// Sealed with a key that is not here.
    #[error(
        "a record was sealed with master key {id}, and the key given is {current}; give the old key as well"
    )]
    UnknownKey {
        /// The key it needs.
        id: KeyId,
        /// The key that is here.
        current: KeyId,
    },
    /// Changed, cut, or taken from another place.
    #[error(transparent)]
    Changed(#[from] OpenError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_opens_at_its_own_place_only() {
        let ring = KeyRing::new(MasterKey::random());

        let sealed = ring.seal(b"vault|segment|access_token", b"canary");

        assert_eq!(ring.open(b"vault|segment|access_token", &sealed).unwrap().expose(), b"canary");
        assert!(ring.open(b"vault|stripe|access_token", &sealed).is_err());
        assert!(!sealed.windows(6).any(|window| window == b"canary"));
    }

    #[test]
    fn every_changed_byte_of_a_record_is_noticed() {
        let ring = KeyRing::new(MasterKey::random());
        let sealed = ring.seal(b"a", b"secret");

        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(ring.open(b"a", &changed).is_err(), "byte {at}");
            assert!(ring.open(b"a", &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn old_records_open_and_are_resealed_under_the_new_key() {
        let (old, new) = (MasterKey::random(), MasterKey::random());
        let again = MasterKey::from_base64(old.to_base64().expose()).unwrap();
        let old_id = old.id();
        let sealed = KeyRing::new(old).seal(b"a", b"secret");

        let ring = KeyRing::new(new).with_older(again);
        let resealed = ring.reseal(b"a", &sealed).unwrap().unwrap();

        assert_eq!(KeyRing::sealed_by(&sealed), Some(old_id));
        assert_eq!(KeyRing::sealed_by(&resealed), Some(ring.current()));
        assert_eq!(ring.open(b"a", &resealed).unwrap().expose(), b"secret");
        assert_eq!(ring.reseal(b"a", &resealed).unwrap(), None);
        let only_new = KeyRing::new(MasterKey::random());
        assert!(
            matches!(only_new.open(b"a", &sealed), Err(UnsealError::UnknownKey { id, .. }) if id == old_id)
        );
    }

    #[test]
    fn a_key_never_shows_itself() {
        let key = MasterKey::random();
        let text = key.to_base64();

        let shown = format!("{key:?} {:?}", KeyRing::new(MasterKey::random()));

        assert!(!shown.contains(text.expose().as_str()));
        assert!(matches!(MasterKey::from_base64("c2hvcnQ="), Err(KeyError::WrongLength { length: 5 })));
        assert!(matches!(MasterKey::from_base64("?"), Err(KeyError::NotBase64)));
    }
}
