/// Which keys an object may have had: most are known for new ones without being compared with the others.
#[derive(Default)]
pub(super) struct Seen(u64);

impl Seen {
    /// Whether `key` may have come before; now it has.
    pub(super) fn may_hold(&mut self, key: &[u8]) -> bool {
        let at = |place: usize| key.get(place).map_or(0, |byte| usize::from(*byte));
        let length = key.len();
        let sum = length + 7 * at(1) + 13 * at(length / 2) + 31 * at(length.saturating_sub(2));
        let bit = 1_u64 << (sum % 64);
        let may = self.0 & bit != 0;
        self.0 |= bit;
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_that_came_before_is_taken_for_a_new_one() {
        let mut seen = Seen::default();

        let first: Vec<bool> =
            ["", "a", "ab", "userId", "größe"].map(|key| seen.may_hold(key.as_bytes())).into();

        assert_eq!(first, [false; 5]);
        for key in ["größe", "", "ab", "userId", "a"] {
            assert!(seen.may_hold(key.as_bytes()), "{key}");
        }
    }
}
