//! A set of numbers that is emptied without touching its members.

/// A set of numbers below a bound. Numbers beyond it are never members.
#[derive(Debug)]
pub(crate) struct Marks {
    round: u32,
    /// The round in which each number was set last.
    rounds: Vec<u32>,
}

impl Marks {
    /// An empty set for numbers below `count`.
    pub(crate) fn new(count: usize) -> Marks {
        Marks { round: 1, rounds: vec![0; count] }
    }

    /// Adds `number`; `true` if it was not a member yet.
    pub(crate) fn set(&mut self, number: u32) -> bool {
        let slot = self.rounds.get_mut(number as usize);
        slot.is_some_and(|slot| std::mem::replace(slot, self.round) != self.round)
    }

    /// Whether `number` is a member.
    pub(crate) fn has(&self, number: u32) -> bool {
        self.rounds.get(number as usize).is_some_and(|round| *round == self.round)
    }

    /// Takes all members out.
    pub(crate) fn clear(&mut self) {
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.rounds.fill(0);
            self.round = 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cleared_set_is_empty_even_after_the_last_round() {
        let mut marks = Marks::new(2);
        marks.set(0);
        marks.round = u32::MAX;
        marks.set(1);

        marks.clear();

        assert!(!marks.has(0) && !marks.has(1));
        assert!(marks.set(1) && !marks.set(1));
        assert!(!marks.set(2));
    }
}
