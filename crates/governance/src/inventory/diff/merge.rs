//! Two sorted lists side by side.

use std::cmp::Ordering;

/// What stands at one place of either list, or of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pair<T> {
    Old(T),
    New(T),
    Both(T, T),
}

impl<T: Copy> Pair<T> {
    /// The newest of what there is, and where it is from.
    pub(super) fn newest<'a, I>(&self, old: &'a I, new: &'a I) -> (&'a I, T) {
        match self {
            Self::Old(item) => (old, *item),
            Self::New(item) | Self::Both(_, item) => (new, *item),
        }
    }
}

/// Goes through both lists, each sorted by the same order as `order` compares them.
pub(super) fn merge<T: Copy>(
    old: &[T],
    new: &[T],
    order: impl Fn(&T, &T) -> Ordering,
    mut each: impl FnMut(Pair<T>),
) {
    let (mut old, mut new) = (old.iter().copied().peekable(), new.iter().copied().peekable());
    loop {
        let found = match (old.peek(), new.peek()) {
            (None, None) => return,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => order(one, other),
        };
        let pair = match found {
            Ordering::Less => old.next().map(Pair::Old),
            Ordering::Greater => new.next().map(Pair::New),
            Ordering::Equal => old.next().zip(new.next()).map(|(one, other)| Pair::Both(one, other)),
        };
        pair.into_iter().for_each(&mut each);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_either_list_comes_once_and_in_order() {
        let mut found = Vec::new();

        merge(&[1, 3, 5], &[0, 3, 4, 6], Ord::cmp, |pair| found.push(pair));

        let expected =
            [Pair::New(0), Pair::Old(1), Pair::Both(3, 3), Pair::New(4), Pair::Old(5), Pair::New(6)];
        assert_eq!(found, expected);
    }
}
