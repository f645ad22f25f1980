use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use model::Clock;

/// Longest record of one task, in bytes.
const MOST: usize = 1024 * 1024;

/// What is recorded of a task that the control plane wants to look into (baton P-28); nothing of the others.
///
/// It leaves the machine: keys and counts may stand in it, and neither values of rows nor secrets. Clones
/// write into one record.
#[derive(Clone, Default)]
pub struct TaskLog(Option<Arc<Kept>>);

struct Kept {
    clock: Arc<dyn Clock>,
    text: Mutex<String>,
}

impl TaskLog {
    /// A record of a task.
    pub(super) fn kept(clock: Arc<dyn Clock>) -> Self {
        Self(Some(Arc::new(Kept { clock, text: Mutex::default() })))
    }

    /// Adds a line, with its time. A record that is full takes no more.
    pub fn note(&self, line: fmt::Arguments<'_>) {
        let Some(kept) = &self.0 else { return };
        let line = format!("{} {line}\n", kept.clock.now());
        let mut text = kept.text.lock().unwrap_or_else(PoisonError::into_inner);
        if text.len().saturating_add(line.len()) <= MOST {
            text.push_str(&line);
        }
    }

    /// The record, if there is one.
    pub(super) fn text(&self) -> Option<String> {
        self.0.as_ref().map(|kept| kept.text.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// Shows whether it is kept.
impl fmt::Debug for TaskLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TaskLog").field(&self.0.is_some()).finish()
    }
}
