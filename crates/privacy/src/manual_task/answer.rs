use crypto::Secret;
use model::{Outcome, Row};
use serde_json::{Value, json};
use store::{
    AttachmentOwner, ManualAction, ManualAttachment, ManualTask, ManualTaskEnd, ManualTaskState,
    NewRequestLog, PrivacyRequest, RequestLogKind, Store, StoreError,
};
use thiserror::Error;

use super::{FieldKind, TaskSnapshot, address};
use crate::request::By;

/// The longest text, in characters.
const LONGEST: usize = 100_000;

/// What a person says about a task.
#[derive(Clone, Default, PartialEq)]
pub struct Answer {
    /// Field → value; files are brought before.
    pub fields: Row,
    /// What became of the data; for an erasure.
    pub outcome: Option<Outcome>,
    /// Why it is not gone.
    pub reason: Option<String>,
}

/// What does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AnswerFault {
    /// The task has no such field.
    #[error("the task has no field of this name")]
    Unknown,
    /// It cannot be ended without.
    #[error("this field has to be filled in")]
    Missing,
    /// The field is a text.
    #[error("expected a text")]
    NoText,
    /// A text that cannot be kept.
    #[error("at most 100,000 characters, and none of them U+0000")]
    TooLong,
    /// The field is a checkbox.
    #[error("expected `true` or `false`")]
    NoFlag,
    /// Files come by themselves.
    #[error("files are brought with `POST …/attachment`, before the task is completed")]
    IsFile,
    /// Nobody knows what became of the data.
    #[error(
        "say what became of the data: `erased`, `masked`, `already_absent`, `not_found`, `exempt` or `unsupported`"
    )]
    NoOutcome,
    /// There is nothing to say.
    #[error("only erasures have an outcome")]
    OutcomeOfAccess,
    /// Data that stay need a word.
    #[error("say why it stays")]
    NoReason,
}

/// A task that was not ended.
#[derive(Debug, Error)]
pub enum TaskError {
    /// What does not fit, by the name of the member: of `fields`, or of the answer itself.
    #[error("the answer does not fit the task")]
    Answer(Vec<(AnswerPlace, AnswerFault)>),
    /// It was made by another version.
    #[error("the task was made by another version; skip it with a reason")]
    OtherVersion,
    /// The state.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Which part of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerPlace {
    /// A field.
    Field(String),
    /// `outcome`.
    Outcome,
    /// `reason`.
    Reason,
}

/// What a person wrote when they ended a task.
#[derive(Clone, Default, PartialEq)]
pub struct Ended {
    /// Field → value.
    pub fields: Row,
    /// Why the data stay, or the task was skipped.
    pub reason: Option<String>,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answer({} fields, {:?})", self.fields.len(), self.outcome)
    }
}

impl std::fmt::Debug for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ended({} fields)", self.fields.len())
    }
}

impl Ended {
    /// What was written when a task was ended; nothing if it is open, or forgotten.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn of(store: &Store, task: &ManualTask) -> Result<Self, StoreError> {
        let Some(kept) = store.manual_task_answer(&task.id).await? else { return Ok(Self::default()) };
        let damaged = || StoreError::Damaged { what: "the answer to a manual task" };
        let mut members: Row = serde_json::from_slice(kept.expose()).map_err(|_| damaged())?;
        let fields = match members.shift_remove("fields") {
            Some(Value::Object(fields)) => fields,
            Some(_) | None => Row::new(),
        };
        let reason = members.get("reason").and_then(Value::as_str).map(str::to_owned);
        Ok(Self { fields, reason })
    }

    fn bytes(&self) -> Secret<Vec<u8>> {
        Secret::new(json!({"fields": self.fields, "reason": self.reason}).to_string().into_bytes())
    }
}

/// Ends a task with what a person says. The last one puts its request in line again.
///
/// # Errors
/// [`TaskError`]; nothing was changed.
pub async fn complete(
    store: &Store,
    task: &ManualTask,
    (answer, by): (Answer, &By),
) -> Result<PrivacyRequest, TaskError> {
    let snapshot = TaskSnapshot::of(task).ok_or(TaskError::OtherVersion)?;
    let owner = AttachmentOwner::Task(task.id.clone());
    let files = store.manual_attachment_list(&task.request).await?;
    let files: Vec<ManualAttachment> = files.into_iter().filter(|file| file.owner == owner).collect();
    let faults = faults(&snapshot, task.action, (&answer, &files));
    if !faults.is_empty() {
        return Err(TaskError::Answer(faults));
    }
    let (status, message) = match (task.action, answer.outcome) {
        (ManualAction::Access, _) => ("complete", "success - retrieved 1 records".to_owned()),
        (ManualAction::Erasure, outcome) => said(outcome),
    };
    let kept = Ended { fields: answer.fields, reason: answer.reason };
    let end = ManualTaskEnd {
        id: &task.id,
        state: ManualTaskState::Complete,
        note: Some(message.clone()),
        outcome: answer.outcome,
        answer: Some(kept.bytes()),
        log: entry(task, (status, message), by),
        by: Some(by.name()),
    };
    Ok(store.manual_task_end(end, by.actor.clone()).await?)
}

/// Ends a task that nobody does. Data that were to be erased by it stay, as far as anybody knows.
///
/// # Errors
/// [`TaskError::Store`].
pub async fn skip(
    store: &Store,
    task: &ManualTask,
    (reason, by): (String, &By),
) -> Result<PrivacyRequest, TaskError> {
    let message = "a person says that it is not done by hand; the task has the reason".to_owned();
    let kept = Ended { fields: Row::new(), reason: Some(reason) };
    let end = ManualTaskEnd {
        id: &task.id,
        state: ManualTaskState::Skipped,
        note: Some(message.clone()),
        outcome: (task.action == ManualAction::Erasure).then_some(Outcome::Unsupported),
        answer: Some(kept.bytes()),
        log: entry(task, ("skipped", message), by),
        by: Some(by.name()),
    };
    Ok(store.manual_task_end(end, by.actor.clone()).await?)
}

/// Everything about an answer that does not fit its task.
fn faults(
    snapshot: &TaskSnapshot,
    action: ManualAction,
    (answer, files): (&Answer, &[ManualAttachment]),
) -> Vec<(AnswerPlace, AnswerFault)> {
    let mut faults = Vec::new();
    let fields = &snapshot.asked.fields;
    for name in answer.fields.keys().filter(|name| !fields.iter().any(|field| field.name == **name)) {
        faults.push((AnswerPlace::Field(name.clone()), AnswerFault::Unknown));
    }
    for field in fields {
        let value = answer.fields.get(&field.name).filter(|value| !value.is_null());
        let has_file = files.iter().any(|file| file.field == field.name);
        let fault = match (field.kind, value) {
            (FieldKind::Attachment, Some(_)) => Some(AnswerFault::IsFile),
            (FieldKind::Attachment, None) => (field.required && !has_file).then_some(AnswerFault::Missing),
            (FieldKind::Text | FieldKind::Checkbox, None) => field.required.then_some(AnswerFault::Missing),
            (FieldKind::Text, Some(Value::String(text))) => {
                let fits = text.chars().count() <= LONGEST && !text.contains('\0');
                let is_empty = field.required && text.trim().is_empty();
                match (fits, is_empty) {
                    (false, _) => Some(AnswerFault::TooLong),
                    (true, true) => Some(AnswerFault::Missing),
                    (true, false) => None,
                }
            }
            (FieldKind::Text, Some(_)) => Some(AnswerFault::NoText),
            (FieldKind::Checkbox, Some(value)) => (!value.is_boolean()).then_some(AnswerFault::NoFlag),
        };
        faults.extend(fault.map(|fault| (AnswerPlace::Field(field.name.clone()), fault)));
    }
    let stays = matches!(answer.outcome, Some(Outcome::Exempt | Outcome::Unsupported));
    let has_reason = answer.reason.as_ref().is_some_and(|reason| !reason.trim().is_empty());
    match (action, answer.outcome) {
        (ManualAction::Access, Some(_)) => faults.push((AnswerPlace::Outcome, AnswerFault::OutcomeOfAccess)),
        (
            ManualAction::Erasure,
            None | Some(Outcome::Failed | Outcome::Unknown | Outcome::Accepted | Outcome::Suppressed),
        ) => {
            faults.push((AnswerPlace::Outcome, AnswerFault::NoOutcome));
        }
        (ManualAction::Erasure, Some(_)) if stays && !has_reason => {
            faults.push((AnswerPlace::Reason, AnswerFault::NoReason));
        }
        (ManualAction::Access, None) | (ManualAction::Erasure, Some(_)) => {}
    }
    faults
}

/// What a person says became of the data, in words.
fn said(outcome: Option<Outcome>) -> (&'static str, String) {
    let (status, word) = match outcome {
        Some(Outcome::Erased) => ("complete", "erased"),
        Some(Outcome::Masked) => ("complete", "masked"),
        Some(Outcome::AlreadyAbsent) => ("complete", "it was gone already"),
        Some(Outcome::NotFound) => ("complete", "nothing was found"),
        Some(Outcome::Exempt) => ("skipped", "it has to stay"),
        Some(
            Outcome::Unsupported
            | Outcome::Failed
            | Outcome::Unknown
            | Outcome::Accepted
            | Outcome::Suppressed,
        )
        | None => ("skipped", "it stays"),
    };
    (status, format!("a person says: {word}"))
}

/// The entry of a task in its request's log.
pub(crate) fn entry(task: &ManualTask, (status, message): (&str, String), by: &By) -> NewRequestLog {
    NewRequestLog {
        dataset_name: Some(task.connection.to_string()),
        connection_key: Some(task.connection.to_string()),
        collection_name: address(&task.connection).split_once(':').map(|(_, name)| name.to_owned()),
        action_type: Some(task.action.as_str().to_owned()),
        message: Some(message),
        user_id: Some(by.user.clone().unwrap_or_else(|| "system".to_owned())),
        ..NewRequestLog::new(RequestLogKind::Execution, status)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::manual_task::{AskedAction, TaskField};

    fn snapshot() -> TaskSnapshot {
        let field = |name: &str, kind, required| TaskField {
            name: name.to_owned(),
            label: name.to_owned(),
            help: None,
            kind,
            required,
            data_categories: Vec::new(),
        };
        let fields = vec![
            field("note", FieldKind::Text, true),
            field("paper", FieldKind::Checkbox, false),
            field("scan", FieldKind::Attachment, true),
        ];
        TaskSnapshot { asked: AskedAction { fields, conditions: None }, identities: None }
    }

    fn file() -> ManualAttachment {
        ManualAttachment {
            id: "att_1".to_owned(),
            owner: AttachmentOwner::Form("desk".parse().unwrap()),
            field: "scan".to_owned(),
            name: "scan.pdf".to_owned(),
            content_type: "application/pdf".to_owned(),
            bytes: 1,
            entered_by: "pat".to_owned(),
            entered_at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    fn answer(fields: Value, outcome: Option<Outcome>) -> Answer {
        Answer { fields: serde_json::from_value(fields).unwrap(), outcome, reason: None }
    }

    // rule: privacy-requests W-18
    #[rstest]
    #[case::whole(json!({"note": "a", "paper": false}), &[])]
    #[case::without_what_may_be_missing(json!({"note": "a"}), &[])]
    #[case::without_what_must_be_there(json!({"note": null}), &[("note", AnswerFault::Missing)])]
    #[case::empty(json!({"note": " "}), &[("note", AnswerFault::Missing)])]
    #[case::no_text(json!({"note": 1}), &[("note", AnswerFault::NoText)])]
    #[case::no_flag(json!({"note": "a", "paper": "yes"}), &[("paper", AnswerFault::NoFlag)])]
    #[case::file_as_text(json!({"note": "a", "scan": "x"}), &[("scan", AnswerFault::IsFile)])]
    #[case::other(json!({"note": "a", "x": 1}), &[("x", AnswerFault::Unknown)])]
    fn answers_fill_in_the_fields_and_no_others(
        #[case] fields: Value,
        #[case] expected: &[(&str, AnswerFault)],
    ) {
        let answer = answer(fields, None);

        let found = faults(&snapshot(), ManualAction::Access, (&answer, &[file()]));

        let place = |name: &str| AnswerPlace::Field(name.to_owned());
        let expected: Vec<_> = expected.iter().map(|(name, fault)| (place(name), *fault)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_required_file_has_to_be_there() {
        let answer = answer(json!({"note": "a"}), None);

        let found = faults(&snapshot(), ManualAction::Access, (&answer, &[]));

        assert_eq!(found, [(AnswerPlace::Field("scan".to_owned()), AnswerFault::Missing)]);
    }

    // rule: privacy-requests E-17
    #[rstest]
    #[case::nothing_said(None, None, Some(AnswerFault::NoOutcome))]
    #[case::not_for_people(Some(Outcome::Accepted), None, Some(AnswerFault::NoOutcome))]
    #[case::gone(Some(Outcome::Erased), None, None)]
    #[case::stays_without_a_word(Some(Outcome::Unsupported), None, Some(AnswerFault::NoReason))]
    #[case::stays(Some(Outcome::Exempt), Some("tax law"), None)]
    fn an_erasure_by_hand_ends_with_what_a_person_says(
        #[case] outcome: Option<Outcome>,
        #[case] reason: Option<&str>,
        #[case] expected: Option<AnswerFault>,
    ) {
        let answer = Answer { reason: reason.map(str::to_owned), ..answer(json!({"note": "a"}), outcome) };

        let found = faults(&snapshot(), ManualAction::Erasure, (&answer, &[file()]));

        assert_eq!(found.into_iter().map(|(_, fault)| fault).next(), expected);
    }
}
