use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// An id that sorts by time, to a second: the form of sync ids and task ids (ID-8).
///
/// 20 bytes, of which the first four are seconds since [`Ksuid::EPOCH`], written as 27 characters in base 62.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ksuid {
    /// Since the epoch. It stands first, so that ids sort by it.
    seconds: u32,
    payload: [u8; 16],
}

/// Why there is no such [`Ksuid`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KsuidError {
    /// The time does not fit into four bytes.
    #[error("an id of this form begins with a time from 2014 to 2150; {unix_seconds} s is outside")]
    Time {
        /// Seconds since 1970.
        unix_seconds: i64,
    },
    /// The text has another form.
    #[error("`{text}` is not 27 letters and digits of an id with a time in it")]
    Text {
        /// The text.
        text: String,
    },
}

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const LENGTH: usize = 27;

impl Ksuid {
    /// Where its time begins, in seconds since 1970.
    pub const EPOCH: i64 = 1_400_000_000;

    /// An id of the time and of 16 bytes, random ones as a rule.
    ///
    /// # Errors
    /// If the time does not fit.
    pub fn new(unix_seconds: i64, payload: [u8; 16]) -> Result<Self, KsuidError> {
        let seconds = unix_seconds.checked_sub(Self::EPOCH).and_then(|seconds| u32::try_from(seconds).ok());
        Ok(Self { seconds: seconds.ok_or(KsuidError::Time { unix_seconds })?, payload })
    }

    /// The id of a content at a time, from the content's digest: the same two always give the same id.
    ///
    /// # Errors
    /// If the time does not fit.
    pub fn of_digest(unix_seconds: i64, digest: &[u8; 32]) -> Result<Self, KsuidError> {
        let mut payload = [0; 16];
        payload.iter_mut().zip(digest).for_each(|(to, from)| *to = *from);
        Self::new(unix_seconds, payload)
    }

    /// Its time, in seconds since 1970.
    pub fn unix_seconds(self) -> i64 {
        Self::EPOCH + i64::from(self.seconds)
    }

    /// The 16 bytes after the time.
    pub fn payload(self) -> [u8; 16] {
        self.payload
    }
}

impl fmt::Display for Ksuid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut number: Vec<u8> = self.seconds.to_be_bytes().into_iter().chain(self.payload).collect();
        let mut text = [b'0'; LENGTH];
        for character in text.iter_mut().rev() {
            let mut rest = 0_u32;
            for byte in &mut number {
                let value = rest << 8 | u32::from(*byte);
                *byte = (value / 62) as u8;
                rest = value % 62;
            }
            if let Some(digit) = ALPHABET.get(rest as usize) {
                *character = *digit;
            }
        }
        formatter.write_str(str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Ksuid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Ksuid({self})")
    }
}

impl FromStr for Ksuid {
    type Err = KsuidError;

    fn from_str(text: &str) -> Result<Self, KsuidError> {
        let refused = || KsuidError::Text { text: text.to_owned() };
        if text.len() != LENGTH {
            return Err(refused());
        }
        let mut number = [0_u8; 20];
        for character in text.bytes() {
            let digit = ALPHABET.iter().position(|digit| *digit == character).ok_or_else(refused)?;
            let mut carry = digit as u32;
            for byte in number.iter_mut().rev() {
                let value = u32::from(*byte) * 62 + carry;
                *byte = value as u8;
                carry = value >> 8;
            }
            if carry != 0 {
                return Err(refused());
            }
        }
        let [first, second, third, fourth, payload @ ..] = number;
        Ok(Self { seconds: u32::from_be_bytes([first, second, third, fourth]), payload })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    // The run of the reference sample: it was started at 05:25:10 UTC on 2026-11-22.
    #[test]
    fn a_foreign_id_is_read() {
        let id: Ksuid = "3MRtGGH2nQlWkwulXiopoxBpLgw".parse().unwrap();

        assert_eq!(id.to_string(), "3MRtGGH2nQlWkwulXiopoxBpLgw");
        assert_eq!(id.unix_seconds(), 1_795_325_110);
    }

    #[test]
    fn the_smallest_and_the_largest_have_27_characters() {
        let largest = Ksuid::new(Ksuid::EPOCH + i64::from(u32::MAX), [0xff; 16]).unwrap();

        assert_eq!(Ksuid::new(Ksuid::EPOCH, [0; 16]).unwrap().to_string(), "0".repeat(27));
        assert_eq!(largest.to_string(), "aWgEPTl1tmebfsQzFP4bxwgy80V");
    }

    #[test]
    fn a_digest_gives_the_same_id_each_time() {
        let digest: [u8; 32] = std::array::from_fn(|index| index as u8);

        let id = Ksuid::of_digest(1_700_000_000, &digest).unwrap();

        assert_eq!(id, Ksuid::of_digest(1_700_000_000, &digest).unwrap());
        assert_eq!(id.payload(), std::array::from_fn(|index| index as u8));
    }

    #[rstest]
    #[case::before(Ksuid::EPOCH - 1)]
    #[case::after(Ksuid::EPOCH + (1 << 32))]
    #[case::far(i64::MIN)]
    fn a_time_that_does_not_fit_is_refused(#[case] unix_seconds: i64) {
        assert_eq!(Ksuid::new(unix_seconds, [0; 16]), Err(KsuidError::Time { unix_seconds }));
    }

    #[rstest]
    #[case::short("3MRtGGH2nQlWkwulXiopoxBpLg")]
    #[case::long("3MRtGGH2nQlWkwulXiopoxBpLgww")]
    #[case::other_character("3MRtGGH2nQlWkwulXiopoxBpLg-")]
    #[case::too_large("aWgEPTl1tmebfsQzFP4bxwgy80W")]
    #[case::not_ascii("3MRtGGH2nQlWkwulXiopoxBpLü")]
    fn other_texts_are_refused(#[case] text: &str) {
        assert!(text.parse::<Ksuid>().is_err());
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_again_and_sorts_alike(first: (u32, [u8; 16]), second: (u32, [u8; 16])) {
            let [first, second] = [first, second].map(|(seconds, payload)| Ksuid { seconds, payload });

            prop_assert_eq!(first.to_string().parse::<Ksuid>().unwrap(), first);
            prop_assert_eq!(first.to_string().cmp(&second.to_string()), first.cmp(&second));
            prop_assert_eq!(Ksuid::new(first.unix_seconds(), first.payload()).unwrap(), first);
        }
    }
}
