use aws_lc_rs::{constant_time, digest, hmac, rand};
use zeroize::Zeroize;

/// SHA-256 of `data`.
pub fn sha256(data: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, data).as_ref());
    out
}

/// SHA-256 of all that `reader` gives, without holding it.
///
/// # Errors
/// What the reader says.
pub fn sha256_of(reader: &mut dyn std::io::Read) -> std::io::Result<[u8; 32]> {
    let mut context = digest::Context::new(&digest::SHA256);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let length = reader.read(&mut buffer)?;
        let Some(part) = buffer.get(..length).filter(|part| !part.is_empty()) else { break };
        context.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    Ok(out)
}

/// SHA-256 over several parts, each with its length in front: no two lists of parts look the same.
pub struct PartsHash(digest::Context);

impl PartsHash {
    /// Without parts.
    pub fn new() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }

    /// Takes one more part.
    pub fn add(&mut self, part: impl AsRef<[u8]>) {
        let part = part.as_ref();
        self.0.update(&(part.len() as u64).to_be_bytes());
        self.0.update(part);
    }

    /// The hash of all parts.
    pub fn finish(self) -> [u8; 32] {
        let mut out = [0; 32];
        out.copy_from_slice(self.0.finish().as_ref());
        out
    }
}

impl Default for PartsHash {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for PartsHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PartsHash(…)")
    }
}

/// A key for hashes that only its holder can make or compare (HMAC-SHA-256).
///
/// Used where a plain hash would give the value away to anyone who can guess it: an e-mail address
/// is guessed from its SHA-256 in minutes.
pub struct HashKey(hmac::Key);

impl HashKey {
    /// A fresh key from the system's random source.
    ///
    /// # Panics
    /// If the system gives no random bytes: nothing that needs a key may go on then.
    pub fn random() -> Self {
        let mut bytes = random_bytes::<32>();
        let key = Self::from_bytes(&bytes);
        bytes.zeroize();
        key
    }

    /// The key made of `bytes`, which the caller wipes.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The keyed hash of `data`.
    pub fn keyed_hash(&self, data: &[u8]) -> [u8; 32] {
        let mut out = [0; 32];
        out.copy_from_slice(hmac::sign(&self.0, data).as_ref());
        out
    }
}

impl std::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashKey(…)")
    }
}

/// Whether two secrets are the same; takes equally long wherever they differ.
pub fn constant_time_eq(one: &[u8], two: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(one, two).is_ok()
}

/// `bytes` as lower-case hexadecimal digits, the form in which digests are shown.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS.get(usize::from(nibble)).copied().unwrap_or_default());
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// `N` bytes nobody can guess.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("the operating system's random source works");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha256_of_abc_is_the_published_value() {
        let published = 0xba78_16bf_8f01_cfea_4141_40de_5dae_2223_u128.to_be_bytes();

        assert_eq!(sha256(b"abc")[..16], published);
    }

    #[test]
    fn keyed_hashes_agree_under_one_key_and_differ_under_two() {
        let (one, two) = (HashKey::random(), HashKey::random());

        assert_eq!(one.keyed_hash(b"ana@example.com"), one.keyed_hash(b"ana@example.com"));
        assert_ne!(one.keyed_hash(b"ana@example.com"), two.keyed_hash(b"ana@example.com"));
    }

    #[test]
    fn what_is_read_hashes_like_what_is_held() {
        let bytes = vec![7; 200_000];

        assert_eq!(sha256_of(&mut bytes.as_slice()).unwrap(), sha256(&bytes));
        assert_eq!(sha256_of(&mut [].as_slice()).unwrap(), sha256(b""));
    }

    #[test]
    fn parts_count_one_by_one() {
        let of = |parts: &[&str]| {
            let mut hash = PartsHash::new();
            for part in parts {
                hash.add(part);
            }
            hash.finish()
        };

        assert_eq!(of(&["ab", "c"]), of(&["ab", "c"]));
        let lists: [&[&str]; 5] = [&["ab", "c"], &["a", "bc"], &["abc"], &["ab", "c", ""], &["c", "ab"]];
        let hashes: std::collections::HashSet<_> = lists.into_iter().map(of).collect();
        assert_eq!(hashes.len(), lists.len());
    }
}
