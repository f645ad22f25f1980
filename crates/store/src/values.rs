//! Statements that take several rows at once. They are made for a few sizes only, so that the database
//! prepares few of them.

/// Most rows that one statement takes.
pub(crate) const MOST_AT_ONCE: usize = 16;

/// How many of so many one statement takes: a power of two.
pub(crate) fn at_once(count: usize) -> usize {
    match count {
        0 => 0,
        count => MOST_AT_ONCE.min(1 << count.ilog2()),
    }
}

/// The parts of a list that one statement takes each, in their order.
pub(crate) fn parts<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let (part, rest) = rows.split_at_checked(at_once(rows.len()))?;
        rows = rest;
        (!part.is_empty()).then_some(part)
    })
}

/// The numbers of the values of one row of `WIDTH` values.
pub(crate) fn places<const WIDTH: usize>(row: usize) -> [usize; WIDTH] {
    std::array::from_fn(|column| row * WIDTH + column + 1)
}

/// `($1, $2), ($3, $4)`: so many rows of `WIDTH` values.
pub(crate) fn values<const WIDTH: usize>(rows: usize) -> String {
    let row = |row| {
        let places = places::<WIDTH>(row).map(|place| format!("${place}"));
        format!("({})", places.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_one_part_and_sizes_are_few() {
        let rows: Vec<usize> = (0..45).collect();

        let sizes: Vec<usize> = parts(&rows).map(<[usize]>::len).collect();
        let all: Vec<usize> = parts(&rows).flatten().copied().collect();

        assert_eq!((sizes, all), (vec![16, 16, 8, 4, 1], rows));
        assert_eq!(parts::<usize>(&[]).count(), 0);
        assert_eq!(values::<2>(2), "($1, $2), ($3, $4)");
    }
}
