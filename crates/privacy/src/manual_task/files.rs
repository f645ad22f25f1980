use std::fmt;

use crypto::Secret;
use model::{PrivacyRequestId, Row};
use serde_json::{Value, json};
use store::{
    AttachmentLimits, AttachmentOwner, ManualAction, ManualAttachment, ManualTask, ManualTaskState, Store,
    StoreError,
};
use thiserror::Error;

use super::{Ended, FieldKind, TaskSnapshot, address};
use crate::manual;

/// How much people may bring for one request: all of it is in memory while its package is written.
pub const LIMITS: AttachmentLimits = AttachmentLimits { files: 20, bytes: 32 << 20 };
/// The longest name of a file, in characters.
const LONGEST_NAME: usize = 200;

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

/// All that people brought for the package of a request: rows, each under a key of its own, and files.
///
/// # Errors
/// [`StoreError`].
pub async fn brought(
    store: &Store,
    request: &PrivacyRequestId,
) -> Result<(Vec<(String, Row)>, Vec<BroughtFile>), StoreError> {
    let kept = store.manual_attachment_list(request).await?;
    let mut packed = Packed { store, request, files: Vec::new() };
    let mut rows = Vec::new();
    for (connection, mut row) in manual::rows(store, request).await? {
        let owner = AttachmentOwner::Form(connection.clone());
        let files: Vec<&ManualAttachment> = kept.iter().filter(|file| file.owner == owner).collect();
        if !files.is_empty() {
            let mut shown = Vec::new();
            for file in files {
                let mut one = packed.put(file).await?;
                one.insert("field".to_owned(), json!(file.field));
                shown.push(Value::Object(one));
            }
            let name = if row.contains_key("attachments") { "attachments_brought" } else { "attachments" };
            row.insert(name.to_owned(), Value::Array(shown));
        }
        rows.push((connection.as_str().to_owned(), row));
    }
    for task in store.manual_task_list_of(request).await? {
        let is_brought = task.action == ManualAction::Access && task.state == ManualTaskState::Complete;
        if is_brought && let Some(row) = packed.row(&task, &kept).await? {
            rows.push((address(&task.connection), row));
        }
    }
    Ok((rows, packed.files))
}

/// Files as they are put into a package.
struct Packed<'a> {
    store: &'a Store,
    request: &'a PrivacyRequestId,
    files: Vec<BroughtFile>,
}

impl Packed<'_> {
    /// The one row of a task: all its fields, those without a value as null.
    async fn row(&mut self, task: &ManualTask, kept: &[ManualAttachment]) -> Result<Option<Row>, StoreError> {
        let Some(snapshot) = TaskSnapshot::of(task) else { return Ok(None) };
        let mut written = Ended::of(self.store, task).await?.fields;
        let owner = AttachmentOwner::Task(task.id.clone());
        let mut row = Row::new();
        for field in snapshot.asked.fields {
            let value = match field.kind {
                FieldKind::Text | FieldKind::Checkbox => {
                    written.shift_remove(&field.name).unwrap_or_default()
                }
                FieldKind::Attachment => {
                    let mut shown = Vec::new();
                    for file in kept.iter().filter(|file| file.owner == owner && file.field == field.name) {
                        shown.push(Value::Object(self.put(file).await?));
                    }
                    Value::Array(shown)
                }
            };
            row.insert(field.name, value);
        }
        Ok(Some(row))
    }

    /// Puts a file into the package; how rows name it (privacy-requests R-5).
    async fn put(&mut self, file: &ManualAttachment) -> Result<Row, StoreError> {
        let path = format!("attachments/{}-{}", self.files.len() + 1, plain(&file.name));
        let contents = self.store.manual_attachment_open(self.request, &file.id).await?;
        if let Some(contents) = contents {
            self.files.push(BroughtFile { path: path.clone(), contents });
        }
        let members = [
            ("file_name", json!(file.name)),
            ("file_size", json!(file.bytes)),
            ("content_type", json!(file.content_type)),
            ("path", json!(path)),
        ];
        Ok(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }
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
