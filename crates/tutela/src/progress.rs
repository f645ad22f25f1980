use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use engine::Progress;
use governance::SyncProgress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use privacy::ApplyProgress;

use crate::output::Output;

/// One line on a terminal that tells how far a data request is; nothing anywhere else.
#[derive(Debug)]
pub(crate) struct ProgressLine {
    bar: ProgressBar,
    rows: AtomicU64,
    ended: AtomicU64,
}

impl ProgressLine {
    /// A line for one person.
    pub(crate) fn of_person(output: Output) -> Self {
        Self::new(output, ProgressBar::new_spinner(), "{spinner} {elapsed_precise} {msg}")
    }

    /// No line: others tell how far it is.
    pub(crate) fn silent() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        Self { bar, rows: AtomicU64::new(0), ended: AtomicU64::new(0) }
    }

    /// A line for many people.
    pub(crate) fn of_people(people: u64, output: Output) -> Self {
        Self::new(output, ProgressBar::new(people), "{bar:30} {pos}/{len} people, {eta} left, {msg}")
    }

    fn new(output: Output, bar: ProgressBar, template: &str) -> Self {
        if output.watched() {
            let style = ProgressStyle::with_template(template).expect("the templates above are well formed");
            bar.set_style(style);
            bar.enable_steady_tick(Duration::from_millis(100));
        } else {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        Self { bar, rows: AtomicU64::new(0), ended: AtomicU64::new(0) }
    }

    /// Notes what the engine tells.
    pub(crate) fn note(&self, progress: &Progress) {
        let (rows, ended) = match progress {
            Progress::Started { .. } => (0, 0),
            Progress::Page { rows, .. } => (*rows, 0),
            Progress::Ended { .. } => (0, 1),
            Progress::Waits { jobs, until, .. } => {
                if !self.bar.is_hidden() {
                    let text = format!("waiting for {jobs} jobs of an application, next look at {until:.0}");
                    self.bar.set_message(text);
                }
                return;
            }
        };
        let rows = self.rows.fetch_add(rows, Ordering::Relaxed) + rows;
        let ended = self.ended.fetch_add(ended, Ordering::Relaxed) + ended;
        if !self.bar.is_hidden() {
            self.bar.set_message(format!("{ended} collections done, {rows} rows"));
        }
    }

    /// Notes what a sync tells.
    pub(crate) fn note_sync(&self, progress: &SyncProgress) {
        let (items, ended) = match progress {
            SyncProgress::Started { .. } => (0, 0),
            SyncProgress::Page { items, .. } => (*items, 0),
            SyncProgress::Ended { .. } => (0, 1),
        };
        let items = self.rows.fetch_add(items, Ordering::Relaxed) + items;
        let ended = self.ended.fetch_add(ended, Ordering::Relaxed) + ended;
        if !self.bar.is_hidden() {
            self.bar.set_message(format!("{ended} lists read, {items} entries"));
        }
    }

    /// Notes what carrying out a plan tells.
    pub(crate) fn note_apply(&self, progress: &ApplyProgress) {
        let text = match progress {
            ApplyProgress::Reading(progress) => return self.note(progress),
            ApplyProgress::Checked { operations } => {
                format!("nothing changed, {operations} operations to settle")
            }
            ApplyProgress::Settled { order, of, connection, .. } => {
                format!("{order} of {of} settled ({connection})")
            }
            ApplyProgress::Following { jobs, next } => {
                format!("following {jobs} jobs, next look in {} s", next.as_secs())
            }
        };
        if !self.bar.is_hidden() {
            self.bar.set_message(text);
        }
    }

    /// Notes what a server tells of a request.
    pub(crate) fn note_request(&self, text: &str) {
        if !self.bar.is_hidden() {
            self.bar.set_message(text.to_owned());
        }
    }

    /// One more person is done.
    pub(crate) fn person_done(&self) {
        self.bar.inc(1);
    }

    /// Takes the line away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
