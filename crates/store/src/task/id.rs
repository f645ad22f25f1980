use std::fmt;

use model::IdSource;

/// Id of one task, `tsk_` + UUID v7.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(String);

impl TaskId {
    /// A fresh id.
    pub fn new(ids: &dyn IdSource) -> Self {
        Self(format!("tsk_{}", ids.next_uuid()))
    }

    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(crate) fn task_id(text: String) -> TaskId {
    TaskId(text)
}
