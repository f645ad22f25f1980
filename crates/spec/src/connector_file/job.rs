//! What follows a write: its proof, and the job that it may start (architecture §5).

use std::time::Duration;

use model::{Outcome, Path};

use super::Request;
use crate::condition::Condition;

/// The read that proves a write.
#[derive(Debug, Clone)]
pub enum Verify {
    /// The endpoint of this name is read again; it exists and has a read request.
    Endpoint(String),
    /// This request is sent; its rows must be gone.
    Request(Box<Request>),
}

/// How to follow a job that goes on after the answer to a write.
#[derive(Debug, Clone)]
pub struct Track {
    /// Where the job's id is in the answer to the write.
    pub id_path: Option<Path>,
    /// Asks for the state; `<job_id>` stands for the id.
    pub request: Box<Request>,
    /// Where the state is in the answer.
    pub status_path: Path,
    /// What each state means; [`Outcome::Accepted`] = not finished. Never empty.
    pub states: Vec<(String, Outcome)>,
    /// The job's parts, if they are reported one by one.
    pub destinations: Option<Destinations>,
    /// How to find an equal job before one of unknown fate is made again.
    pub same: Option<Same>,
    /// Time between two looks.
    pub interval: Duration,
    /// The job is given up this long after it was started.
    pub deadline: Duration,
}

impl Track {
    /// What `state` means; `None` for a state that the file does not name.
    pub fn outcome(&self, state: &str) -> Option<Outcome> {
        self.states.iter().find(|(name, _)| name == state).map(|(_, outcome)| *outcome)
    }
}

/// Parts of a job that are reported one by one.
#[derive(Debug, Clone)]
pub struct Destinations {
    /// Where the list is in the answer; lists on the way are entered, as in `streams.parts`.
    pub path: Path,
    /// Where the name is in each entry.
    pub name_path: Option<Path>,
    /// Where the state is in each entry.
    pub status_path: Path,
    /// Where the application's own words are in each entry.
    pub message_path: Option<Path>,
}

/// How to find an equal job.
#[derive(Debug, Clone)]
pub struct Same {
    /// Lists recent jobs.
    pub request: Box<Request>,
    /// Whether a listed job is the same, over `item`, `sent` (the body of the write, as JSON) and
    /// `since` (UTC text, some minutes before the write).
    pub when: Condition,
    /// Where the job's id is in a listed job.
    pub id_path: Path,
}

/// How to correct a field of a row.
#[derive(Debug, Clone)]
pub struct Rectify {
    /// Writes the corrected values: variants, of which the first whose `when` holds is sent.
    pub requests: Vec<Request>,
    /// Fields that it can correct, dotted; `None` = all.
    pub fields: Option<Vec<String>>,
}
