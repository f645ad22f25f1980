use std::collections::VecDeque;

/// Lines that are kept, the last ones.
const MOST_LINES: usize = 1000;

/// What a program printed on its error output, without secrets: its last lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProgramLog {
    lines: VecDeque<String>,
    dropped: u64,
}

impl ProgramLog {
    /// The lines, oldest first.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }

    /// Lines before these that are not kept.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    pub(super) fn add(&mut self, line: String) {
        if self.lines.len() >= MOST_LINES {
            self.lines.pop_front();
            self.dropped += 1;
        }
        self.lines.push_back(line);
    }

    /// Puts the lines of the next job behind these.
    pub(super) fn append(&mut self, other: Self) {
        self.dropped += other.dropped;
        other.lines.into_iter().for_each(|line| self.add(line));
    }
}
