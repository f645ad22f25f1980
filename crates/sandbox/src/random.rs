/// A small deterministic random source (SplitMix64): the same seed gives the same sequence on
/// every machine. Not for secrets.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

impl Random {
    /// A sequence that follows from `seed` alone.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A sequence that follows from `seed` and a name, independent of other names.
    pub fn named(seed: u64, name: &str) -> Self {
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        for byte in name.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Self::new(mix(seed ^ hash))
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// A number from 0 up to, not including, `end`; 0 if `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.next_u64() % end }
    }

    /// A number from 0 up to, not including, 1.
    pub fn fraction(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// One of the choices.
    ///
    /// # Panics
    /// There are no choices.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let index = self.below(choices.len() as u64) as usize;
        choices.get(index).expect("the caller gives at least one choice")
    }

    /// Letters and digits, as vendors use for ids.
    pub fn letters(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(*self.pick(LETTERS))).collect()
    }

    /// A text in the form of a UUID v4.
    pub fn uuid(&mut self) -> String {
        let high = self.next_u64();
        let low = self.next_u64();
        let bits = (u128::from(high) << 64) | u128::from(low);
        uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid().to_string()
    }
}

fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_gives_the_same_sequence_and_names_are_independent() {
        let first: Vec<u64> = std::iter::repeat_with({
            let mut random = Random::named(7, "users");
            move || random.next_u64()
        })
        .take(4)
        .collect();

        let mut again = Random::named(7, "users");
        let mut other = Random::named(7, "groups");

        assert!(first.iter().all(|value| *value == again.next_u64()));
        assert_ne!(first[0], other.next_u64());
    }

    #[test]
    fn fractions_stay_below_one() {
        let mut random = Random::new(1);

        assert!((0..10_000).map(|_| random.fraction()).all(|value| (0.0..1.0).contains(&value)));
    }
}
