//! How a sync ended as it is told, wherever it was made.

use governance::inventory::Kept;
use governance::{KindStatus, SyncOutcome, SyncReport};
use serde::{Deserialize, Serialize};

use crate::arguments::Format;
use crate::exit::Exit;
use crate::output::{self, Output};
use crate::table::table;

/// How a sync ended, as a program gets it.
#[derive(Debug, Serialize)]
pub(super) struct Told<'a> {
    /// Key of the connection.
    pub(super) connection: &'a str,
    #[serde(flatten)]
    pub(super) report: &'a SyncReport,
    /// What was written.
    pub(super) file: Option<String>,
    /// What became of the inventory; nothing if there is no result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) inventory: Option<InventoryReply>,
    /// Why there is no result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<&'a str>,
}

/// What became of the inventory.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct InventoryReply {
    /// The state that is in force now, or is held back.
    state: String,
    /// Parts that are others than they were.
    changed_parts: usize,
    /// Why it is held back.
    pub(super) held: Option<String>,
}

impl InventoryReply {
    pub(super) fn of(kept: &Kept) -> Self {
        Self {
            state: kept.state.to_string(),
            changed_parts: kept.changed.len(),
            held: kept.held.as_ref().map(ToString::to_string),
        }
    }
}

impl Told<'_> {
    /// Tells it, and what that means for the command.
    pub(super) fn print(&self, output: Output) -> Exit {
        match output.format() {
            Format::Json => output::json(self),
            Format::Table => {
                output::text(&kinds(self.report));
                if let Some(error) = self.error {
                    output::complain(&model::visible(&format!("error: {error}")));
                }
                if let Some(file) = &self.file {
                    output::text(&format!("{file} written, {} calls", self.report.requests));
                }
            }
        }
        if let Some(inventory) = &self.inventory {
            self.say(inventory, output);
        }
        self.exit()
    }

    fn exit(&self) -> Exit {
        let is_held = self.inventory.as_ref().is_some_and(|inventory| inventory.held.is_some());
        match self.report.outcome {
            SyncOutcome::Unfinished => Exit::Failed,
            SyncOutcome::Incomplete | SyncOutcome::Complete if is_held => Exit::Refused,
            SyncOutcome::Incomplete => Exit::Incomplete,
            SyncOutcome::Complete => Exit::Done,
        }
    }

    /// What became of the inventory, for a person; a refusal in every format.
    fn say(&self, inventory: &InventoryReply, output: Output) {
        let connection = model::visible(self.connection);
        if let Some(held) = &inventory.held {
            output::complain(&format!(
                "refused: {}; the inventory of `{connection}` stays what it was until the same command is given with \
                 `--accept-shrink`",
                model::visible(held)
            ));
            return;
        }
        if output.format() == Format::Table {
            let what = match inventory.changed_parts {
                0 => "as it was".to_owned(),
                1 => "1 part of it changed".to_owned(),
                count => format!("{count} parts of it changed"),
            };
            output::text(&format!(
                "the inventory of `{connection}` is up to date, {what}, {} calls",
                self.report.requests
            ));
        }
    }
}

/// What is said about each kind, for a person.
pub(crate) fn kinds(report: &SyncReport) -> String {
    let rows = report.kinds.iter().map(|kind| {
        let status = match kind.status {
            KindStatus::Complete => "complete",
            KindStatus::Incomplete => "incomplete",
            KindStatus::Unavailable => "unavailable",
        };
        // A file of somebody else may hold any text; it has no lines of its own.
        let shown = |text: &str| model::visible(text).into_owned();
        [
            shown(&kind.kind),
            status.to_owned(),
            kind.resources.to_string(),
            kind.entitlements.to_string(),
            kind.grants.to_string(),
            kind.reason.as_deref().map(shown).unwrap_or_default(),
        ]
    });
    table(["Kind", "Status", "Resources", "Entitlements", "Grants", "Note"], rows, &[2, 3, 4])
}
