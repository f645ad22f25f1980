use crate::{CallStats, Row};

/// One page of rows, as a connector or a database gave it.
///
/// `Debug` shows counts only: rows are personal data.
#[derive(Default)]
pub struct Page {
    /// The rows.
    pub rows: Vec<Row>,
    /// What this page cost.
    pub stats: CallStats,
    /// Texts that a connector file takes out of answers for the log (saas-config 15.9); they may hold
    /// personal data. Databases have none.
    pub messages: Vec<String>,
}

impl Page {
    /// A page that cost nothing so far.
    pub fn of(rows: Vec<Row>) -> Self {
        Self { rows, ..Self::default() }
    }
}

impl std::fmt::Debug for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Page")
            .field("rows", &self.rows.len())
            .field("stats", &self.stats)
            .field("messages", &self.messages.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_messages_stay_out_of_debug() {
        let row = Row::from_iter([("email".to_owned(), "ana@example.com".into())]);
        let page = Page { messages: vec!["ana@example.com".to_owned()], ..Page::of(vec![row]) };

        assert!(!format!("{page:?}").contains("ana@"));
    }
}
