//! Rows of values by number, in two arrays: no allocation per row.

/// For each number its values, sorted and without repetition.
#[derive(Clone, Debug)]
pub(crate) struct Adjacency<V> {
    /// Where each row begins, and where the last one ends.
    offsets: Vec<u32>,
    values: Vec<V>,
}

impl<V: Copy + Ord> Adjacency<V> {
    /// Sorts `pairs` into at least `rows` rows.
    pub(crate) fn build(rows: usize, mut pairs: Vec<(u32, V)>) -> Adjacency<V> {
        pairs.sort_unstable();
        pairs.dedup();
        let rows = pairs.last().map_or(rows, |(row, _)| rows.max(*row as usize + 1));
        let mut offsets = Vec::with_capacity(rows + 1);
        let mut values = Vec::with_capacity(pairs.len());
        for (row, value) in pairs {
            while offsets.len() <= row as usize {
                offsets.push(values.len() as u32);
            }
            values.push(value);
        }
        offsets.resize(rows + 1, values.len() as u32);
        Adjacency { offsets, values }
    }

    /// The values of one row; none for a number that was never given.
    pub(crate) fn row(&self, number: u32) -> &[V] {
        let offset = |at: usize| self.offsets.get(at).map_or(self.values.len(), |offset| *offset as usize);
        let number = number as usize;
        self.values.get(offset(number)..offset(number + 1)).unwrap_or_default()
    }

    /// What it takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.offsets.capacity() * size_of::<u32>() + self.values.capacity() * size_of::<V>()
    }

    /// How many rows there are.
    pub(crate) fn rows(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_and_without_repetition() {
        let pairs = vec![(2, 9), (0, 4), (2, 3), (2, 9)];

        let rows = Adjacency::build(5, pairs);

        assert_eq!(rows.row(0), [4]);
        assert_eq!(rows.row(1), [0; 0]);
        assert_eq!(rows.row(2), [3, 9]);
        assert_eq!(rows.row(4), [0; 0]);
        assert_eq!(rows.row(u32::MAX), [0; 0]);
        assert_eq!(rows.rows(), 5);
    }
}
