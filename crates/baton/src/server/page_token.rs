use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crypto::{HashKey, constant_time_eq};
use tonic::Status;

use super::row_file::ListId;

/// Bytes of the name of a snapshot, of a place in a list, and of the seal over both.
const STAMP: usize = 8;
const PLACE: usize = 8;
const SEAL: usize = 16;
const BYTES: usize = STAMP + PLACE + SEAL;
/// Length of a token as a text.
const LENGTH: usize = (BYTES * 4).div_ceil(3);

/// A snapshot in a few bytes.
pub(super) type Stamp = [u8; STAMP];

/// Makes page tokens and takes them back (baton M-5): a place in one list of one snapshot, under a seal that no
/// other list has.
///
/// A token of an earlier snapshot means the beginning of the list: the driver takes rows that come again for what
/// they are, and a list that was read anew may have another order.
pub(super) struct PageTokens(HashKey);

impl PageTokens {
    pub(super) fn new(key: HashKey) -> Self {
        Self(key)
    }

    /// The token of the page that begins at `place`.
    pub(super) fn make(&self, list: &ListId, stamp: Stamp, place: usize) -> String {
        let place = (place as u64).to_be_bytes();
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.extend_from_slice(&stamp);
        bytes.extend_from_slice(&place);
        bytes.extend_from_slice(&self.seal(list, stamp, place));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Where the page begins that a token asks for.
    ///
    /// # Errors
    /// `InvalidArgument` if it was not made for this list.
    pub(super) fn place(&self, list: &ListId, stamp: Stamp, token: &str) -> Result<usize, Status> {
        if token.is_empty() {
            return Ok(0);
        }
        let refused =
            || Status::invalid_argument("the page token is not one of this list; begin the list without one");
        let bytes = if token.len() == LENGTH { URL_SAFE_NO_PAD.decode(token).ok() } else { None };
        let bytes = bytes.filter(|bytes| bytes.len() == BYTES).ok_or_else(refused)?;
        let (made_of, rest) = bytes.split_first_chunk::<STAMP>().ok_or_else(refused)?;
        let (place, seal) = rest.split_first_chunk::<PLACE>().ok_or_else(refused)?;
        if !constant_time_eq(seal, &self.seal(list, *made_of, *place)) {
            return Err(refused());
        }
        if *made_of != stamp {
            return Ok(0);
        }
        usize::try_from(u64::from_be_bytes(*place)).map_err(|_| refused())
    }

    fn seal(&self, list: &ListId, stamp: Stamp, place: [u8; PLACE]) -> Vec<u8> {
        let sealed = [list.as_bytes().as_slice(), &stamp, &place].concat();
        let mut seal = self.0.keyed_hash(&sealed).to_vec();
        seal.truncate(SEAL);
        seal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMPS: [Stamp; 2] = [[1; STAMP], [2; STAMP]];

    // rule: baton M-5
    #[test]
    fn a_token_leads_to_its_place_in_its_list_and_nowhere_else() {
        let (tokens, others) = (PageTokens::new(HashKey::random()), PageTokens::new(HashKey::random()));
        let (list, other) = (ListId::grants("group", "g1"), ListId::grants("group", "g2"));
        let token = tokens.make(&list, STAMPS[0], 250);

        let place =
            |list, stamp, token: &str| tokens.place(list, stamp, token).map_err(|status| status.code());

        assert_eq!(token.len(), LENGTH);
        assert_eq!(place(&list, STAMPS[0], &token), Ok(250));
        assert_eq!(place(&list, STAMPS[0], ""), Ok(0));
        // Read anew: from the beginning.
        assert_eq!(place(&list, STAMPS[1], &token), Ok(0));
        assert_eq!(place(&other, STAMPS[0], &token), Err(tonic::Code::InvalidArgument));
        assert!(others.place(&list, STAMPS[0], &token).is_err());
    }

    #[test]
    fn no_token_with_another_character_or_length_is_taken() {
        let tokens = PageTokens::new(HashKey::random());
        let list = ListId::types();
        let token = tokens.make(&list, STAMPS[0], 7);
        let refused = |token: &str| tokens.place(&list, STAMPS[0], token).is_err();

        for at in 0..token.len() {
            for replacement in ["A", "b", "-", "=", " ", "\0", "é"] {
                let mut other = token.clone();
                other.replace_range(at..=at, replacement);
                assert!(other == token || refused(&other), "{other}");
            }
            assert!(at == 0 || refused(&token[..at]));
        }
        assert!(refused(&format!("{token}A")) && refused(&token.repeat(20_000)));
    }
}
