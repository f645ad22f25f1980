use model::{Row, RowLines};

/// The rows of a page in the form in which they came with the least work.
pub enum PageRows {
    /// As values.
    Values(Vec<Row>),
    /// As text.
    Lines(RowLines),
}

impl PageRows {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Values(rows) => rows.len(),
            Self::Lines(rows) => rows.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Counts only: rows are personal data.
impl std::fmt::Debug for PageRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PageRows").field("rows", &self.len()).finish_non_exhaustive()
    }
}
