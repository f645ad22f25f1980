use model::RowLines;
use serde_json::Value;

/// The items of a page in the form in which they came with the least work.
pub enum ItemText {
    /// As values.
    Values(Vec<Value>),
    /// As text; then each is an object.
    Lines(RowLines),
}

impl ItemText {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Values(items) => items.len(),
            Self::Lines(items) => items.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The items as values: for text the larger part of the work of reading a page.
    ///
    /// # Panics
    /// Never: what became a line was sound.
    pub fn into_values(self) -> Vec<Value> {
        match self {
            Self::Values(items) => items,
            Self::Lines(items) => {
                let item = |line| serde_json::from_slice(line).expect("a line is a copy of sound JSON");
                items.lines().map(item).collect()
            }
        }
    }
}

impl Default for ItemText {
    fn default() -> Self {
        Self::Values(Vec::new())
    }
}

/// Counts only: items may be personal data.
impl std::fmt::Debug for ItemText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ItemText").field("items", &self.len()).finish_non_exhaustive()
    }
}
