use std::fmt;

use crypto::Secret;
use model::{CollectionAddress, PrivacyRequestId, Row};
use serde_json::{Value, json};
use store::{
    AttachmentLimits, AttachmentOwner, ManualAction, ManualAttachment, ManualForm, ManualTask,
    ManualTaskState, Store, StoreError,
};
use thiserror::Error;

use super::{Ended, FieldKind, NOT_MET, TaskSnapshot, address, collection};
use crate::manual;

/// How much people may bring for one request: all of it is in memory while its package is written.
pub const LIMITS: AttachmentLimits = AttachmentLimits { files: 20, bytes: 32 << 20 };
/// The longest name of a file, in characters.
const LONGEST_NAME: usize = 200;

/// All that people brought for the package of a request.
#[derive(Debug)]
pub struct Brought {
    /// Rows, each under a key of its own.
    pub rows: Vec<(String, Row)>,
    /// The tasks of which there is no row.
    pub not_brought: Vec<NotBrought>,
    files: Vec<NamedFile>,
}

/// A task of which a package has no row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotBrought {
    /// Where its row would stand.
    pub address: CollectionAddress,
    /// Why there is none.
    pub why: String,
    /// Whether there may be something that the package should have.
    pub is_missing: bool,
}

/// A file that rows name.
struct NamedFile {
    id: String,
    path: String,
}

/// A file on its way into a package.
pub struct BroughtFile {
    /// Its place in the package.
    pub(crate) path: String,
    /// What is in it.
    pub(crate) contents: Secret<Vec<u8>>,
}

/// A name that no file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a file has a name of 1 to 200 characters, without folders and control characters")]
pub struct FileFault;

impl fmt::Debug for BroughtFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BroughtFile({} bytes)", self.contents.expose().len())
    }
}

impl fmt::Debug for NamedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NamedFile({})", self.id)
    }
}

impl NotBrought {
    /// Of a task for a package that was not done.
    fn of(task: &ManualTask) -> Self {
        let note = task.note.clone().unwrap_or_else(|| "nobody did it".to_owned());
        let is_missing = !note.starts_with(NOT_MET);
        Self { address: collection(&task.connection), why: note, is_missing }
    }

    /// Of a task that was done and cannot be read.
    fn unreadable(task: &ManualTask) -> Self {
        let why = "the task was made by another version, so what a person brought cannot be read".to_owned();
        Self { address: collection(&task.connection), why, is_missing: true }
    }
}

impl Brought {
    /// The files, each in memory.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn open(
        &self,
        store: &Store,
        request: &PrivacyRequestId,
    ) -> Result<Vec<BroughtFile>, StoreError> {
        let mut opened = Vec::new();
        for NamedFile { id, path } in &self.files {
            if let Some(contents) = store.manual_attachment_open(request, id).await? {
                opened.push(BroughtFile { path: path.clone(), contents });
            }
        }
        Ok(opened)
    }

    /// The one row of a task: all its fields, those without a value as null.
    fn row(&mut self, snapshot: TaskSnapshot, (mut written, files): (Row, Vec<&ManualAttachment>)) -> Row {
        let mut row = Row::new();
        for field in snapshot.asked.fields {
            let value = match field.kind {
                FieldKind::Text | FieldKind::Checkbox => {
                    written.shift_remove(&field.name).unwrap_or_default()
                }
                FieldKind::Attachment => {
                    let of_field = files.iter().filter(|file| file.field == field.name);
                    of_field.map(|file| Value::Object(self.name(file))).collect()
                }
            };
            row.insert(field.name, value);
        }
        row
    }

    /// Gives a file its place in the package; how rows name it (privacy-requests R-5).
    fn name(&mut self, file: &ManualAttachment) -> Row {
        let path = format!("attachments/{}-{}", self.files.len() + 1, plain(&file.name));
        let members = [
            ("file_name", json!(file.name)),
            ("file_size", json!(file.bytes)),
            ("content_type", json!(file.content_type)),
            ("path", json!(path)),
        ];
        self.files.push(NamedFile { id: file.id.clone(), path });
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// The name of a file, if it is one.
///
/// # Errors
/// [`FileFault`].
pub fn checked_name(name: &str) -> Result<&str, FileFault> {
    let name = name.trim();
    let is_part = |letter: char| letter == '/' || letter == '\\' || letter.is_control();
    let fits = !name.is_empty() && name.chars().count() <= LONGEST_NAME && name != "." && name != "..";
    if fits && !name.contains(is_part) { Ok(name) } else { Err(FileFault) }
}

/// All that people brought for the package of a request; no file of it is opened yet.
///
/// # Errors
/// [`StoreError`].
pub async fn brought(store: &Store, request: &PrivacyRequestId) -> Result<Brought, StoreError> {
    let (forms, tasks) = (store.manual_form_list().await?, store.manual_task_list_of(request).await?);
    brought_by(store, request, (&forms, &tasks)).await
}

/// The same by forms and tasks that were read before.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn brought_by(
    store: &Store,
    request: &PrivacyRequestId,
    (forms, tasks): (&[ManualForm], &[ManualTask]),
) -> Result<Brought, StoreError> {
    let mut brought = Brought { rows: Vec::new(), not_brought: Vec::new(), files: Vec::new() };
    let rows = manual::rows(store, request, forms).await?;
    if rows.is_empty() && tasks.is_empty() {
        return Ok(brought);
    }
    let kept = store.manual_attachment_list(request).await?;
    for (connection, mut row) in rows {
        let owner = AttachmentOwner::Form(connection.clone());
        let mut shown = Vec::new();
        for file in kept.iter().filter(|file| file.owner == owner) {
            let mut one = brought.name(file);
            one.insert("field".to_owned(), json!(file.field));
            shown.push(Value::Object(one));
        }
        if !shown.is_empty() {
            let name = if row.contains_key("attachments") { "attachments_brought" } else { "attachments" };
            row.insert(name.to_owned(), Value::Array(shown));
        }
        brought.rows.push((connection.as_str().to_owned(), row));
    }
    for task in tasks.iter().filter(|task| task.action == ManualAction::Access) {
        match (task.state, TaskSnapshot::of(task)) {
            (ManualTaskState::Complete, Some(snapshot)) => {
                let written = Ended::of(store, task).await?.fields;
                let owner = AttachmentOwner::Task(task.id.clone());
                let files = kept.iter().filter(|file| file.owner == owner).collect();
                let row = brought.row(snapshot, (written, files));
                brought.rows.push((address(&task.connection), row));
            }
            (ManualTaskState::Complete, None) => brought.not_brought.push(NotBrought::unreadable(task)),
            (ManualTaskState::Open | ManualTaskState::Skipped, _) => {
                brought.not_brought.push(NotBrought::of(task));
            }
        }
    }
    Ok(brought)
}

/// A name that every system can unpack.
fn plain(name: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let letters = name.chars().take(80).map(|letter| if is_plain(letter) { letter } else { '_' });
    let plain: String = letters.collect();
    plain.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_lead_nowhere() {
        for name in ["", " ", ".", "..", "../a", "a/b", "a\\b", "a\0", "a\nb"] {
            assert_eq!(checked_name(name), Err(FileFault), "{name:?}");
        }
        assert_eq!(checked_name(" Brief an Ana.pdf "), Ok("Brief an Ana.pdf"));
        assert_eq!(plain("Brief an Änne..pdf."), "Brief_an__nne..pdf");
    }
}
