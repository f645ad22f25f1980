//! Whether so much is gone that a person is asked before it is believed (governance CON-24).

use std::fmt;

/// Below so many, half of them may go without a question.
const FEW: u64 = 10;

/// Whether a sync that lost much is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShrinkGuard {
    /// It is.
    On,
    /// It is not.
    Off,
}

/// How many of something there were, and are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// Of what, as in `grants on group`.
    pub what: String,
    /// How many there were.
    pub before: u64,
    /// How many there are.
    pub now: u64,
}

/// Something of which half or more is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shrink(Measured);

impl Measured {
    /// `what`, of which there were `before` and are `now`.
    pub fn new(what: impl Into<String>, before: u64, now: u64) -> Self {
        Self { what: what.into(), before, now }
    }

    /// What is gone, if it is half or more of something that was not little.
    pub fn shrink(self) -> Option<Shrink> {
        let half_is_gone = self.before >= FEW && self.now.saturating_mul(2) <= self.before;
        half_is_gone.then_some(Shrink(self))
    }
}

impl ShrinkGuard {
    /// The first that shrank, if that is looked at.
    pub fn judge(self, measured: impl IntoIterator<Item = Measured>) -> Option<Shrink> {
        match self {
            Self::On => measured.into_iter().find_map(Measured::shrink),
            Self::Off => None,
        }
    }
}

impl fmt::Display for Shrink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Measured { what, before, now } = &self.0;
        write!(
            f,
            "the sync has {now} {what} where the one before had {before}; confirm that this is so, or look at the connector's rights"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // rule: governance CON-24
    #[test]
    fn half_of_many_is_a_shrink_and_half_of_few_is_not() {
        let judge = |pairs: &[(u64, u64)], guard: ShrinkGuard| {
            guard.judge(pairs.iter().map(|(before, now)| Measured::new("grants", *before, *now)))
        };

        assert_eq!(judge(&[(9, 0)], ShrinkGuard::On), None);
        assert_eq!(judge(&[(10, 6), (11, 6)], ShrinkGuard::On), None);
        assert_eq!(judge(&[(100, 0)], ShrinkGuard::Off), None);
        let held = judge(&[(10, 10), (10, 5)], ShrinkGuard::On).unwrap();
        assert!(held.to_string().contains("5 grants where the one before had 10"), "{held}");
    }
}
