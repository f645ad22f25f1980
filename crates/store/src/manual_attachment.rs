//! Files that people brought for a request.

use crypto::Secret;
use jiff::Timestamp;
use model::{ConnectionKey, PrivacyRequestId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::manual_task::{ManualTaskId, ManualTaskState, takes_input};
use crate::sql::{Row, query};
use crate::store::{Tx, count, signed, time};
use crate::{Actor, AuditEvent, PrivacyRequest, PrivacyRequestStatus, RequestStep, Store, StoreError};

/// What a file was brought for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttachmentOwner {
    /// A task.
    Task(ManualTaskId),
    /// The form of a connection.
    Form(ConnectionKey),
}

/// A file that somebody brings. `Debug` shows what for, never the file.
pub struct NewManualAttachment<'a> {
    /// For which request.
    pub request: &'a PrivacyRequestId,
    /// For which of its tasks or forms.
    pub owner: &'a AttachmentOwner,
    /// For which field.
    pub field: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its kind.
    pub content_type: &'a str,
    /// What is in it; kept sealed.
    pub contents: &'a Secret<Vec<u8>>,
    /// Who brings it.
    pub actor: Actor,
}

/// How much people may bring for one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttachmentLimits {
    /// Files.
    pub files: u64,
    /// Bytes of all of them.
    pub bytes: u64,
}

/// A file that somebody brought. `Debug` does not show its name.
#[derive(Clone, PartialEq, Eq)]
pub struct ManualAttachment {
    /// Its id, `att_` + UUID v7.
    pub id: String,
    /// For what.
    pub owner: AttachmentOwner,
    /// For which field.
    pub field: String,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub content_type: String,
    /// How long it is.
    pub bytes: u64,
    /// Who brought it.
    pub entered_by: String,
    /// When.
    pub entered_at: Timestamp,
}

/// What is kept sealed beside the contents.
#[derive(Serialize, Deserialize)]
struct Head {
    name: String,
    content_type: String,
}

impl std::fmt::Debug for NewManualAttachment<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (request, owner) = (&self.request, &self.owner);
        f.debug_struct("NewManualAttachment")
            .field("request", request)
            .field("owner", owner)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ManualAttachment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ManualAttachment")
            .field("id", &self.id)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

impl AttachmentOwner {
    fn text(&self) -> String {
        match self {
            Self::Task(id) => format!("task|{id}"),
            Self::Form(connection) => format!("form|{connection}"),
        }
    }

    fn of(text: &str) -> Option<Self> {
        match text.split_once('|')? {
            ("task", id) => id.parse().ok().map(Self::Task),
            ("form", connection) => connection.parse().ok().map(Self::Form),
            (_, _) => None,
        }
    }
}

impl Store {
    /// Keeps a file, while its task is open, or the request waits for its form and its package was not
    /// delivered yet.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without request or task; [`StoreError::Conflict`] if it is not waited for,
    /// and of `attachments` if it is more than the limits allow.
    pub async fn manual_attachment_put(
        &self,
        new: NewManualAttachment<'_>,
        limits: AttachmentLimits,
    ) -> Result<ManualAttachment, StoreError> {
        const PUT: &str = "INSERT INTO manual_attachment (id, request, owner, field, bytes, sealed_name, sealed, entered_by, entered_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id, owner, field, bytes, sealed_name, entered_by, entered_at";
        const THERE: &str = "SELECT COUNT(*), CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM manual_attachment WHERE request = $1";
        let NewManualAttachment { request, owner, field, name, content_type, contents, actor } = new;
        let mut locked = self.request_lock(request).await?;
        takes_input(&locked.request)?;
        self.is_waited_for(&mut locked.tx, owner, &locked.request).await?;
        let row = query(THERE).bind(request.as_str()).fetch_one(locked.tx.connection()).await?;
        let (files, bytes) = (count(row.try_get(0)?)?, count(row.try_get(1)?)?);
        let size = contents.expose().len() as u64;
        if files >= limits.files || bytes.saturating_add(size) > limits.bytes {
            return Err(StoreError::Conflict {
                what: "attachments",
                id: request.to_string(),
                state: "full".to_owned(),
                needs: "bring fewer or smaller files, or take others away first",
            });
        }
        let id = format!("att_{}", self.inner.ids.next_uuid());
        let head = Head { name: name.to_owned(), content_type: content_type.to_owned() };
        let head =
            serde_json::to_vec(&head).map_err(|_| StoreError::Damaged { what: "the name of a file" })?;
        let row = query(PUT)
            .bind(id.as_str())
            .bind(request.as_str())
            .bind(owner.text())
            .bind(field)
            .bind(signed(size))
            .bind(self.inner.keys.seal(&place(&id, "name"), &head))
            .bind(self.inner.keys.seal(&place(&id, "contents"), contents.expose()))
            .bind(actor.as_str())
            .bind(self.now())
            .fetch_one(locked.tx.connection())
            .await?;
        let kept = self.attachment_of(&row)?;
        let details = json!({"owner": owner.text(), "bytes": size});
        let event = AuditEvent::new(actor, "manual_attachment.put", &id).with(details);
        self.audit_enter_in(&mut locked.tx, &event).await?;
        locked.tx.commit().await?;
        Ok(kept)
    }

    /// Fails unless the file is waited for.
    async fn is_waited_for(
        &self,
        tx: &mut Tx,
        owner: &AttachmentOwner,
        request: &PrivacyRequest,
    ) -> Result<(), StoreError> {
        const TASK: &str = "SELECT state FROM manual_task WHERE id = $1";
        let conflict = |what, id: String, state: &str, needs| StoreError::Conflict {
            what,
            id,
            state: state.to_owned(),
            needs,
        };
        match owner {
            AttachmentOwner::Task(id) => {
                let row = query(TASK).bind(id.as_str()).fetch_optional(tx.connection()).await?;
                let missing = || StoreError::NotFound { what: "manual task", id: id.to_string() };
                let state: String = row.ok_or_else(missing)?.try_get(0)?;
                if state != ManualTaskState::Open.as_str() {
                    return Err(conflict(
                        "manual task",
                        id.to_string(),
                        &state,
                        "files are taken while it is open",
                    ));
                }
            }
            AttachmentOwner::Form(connection) => {
                let (id, status) = (connection.to_string(), request.status);
                if status != PrivacyRequestStatus::RequiresInput {
                    let needs = "input is taken while it is requires_input";
                    return Err(conflict("privacy request", id, status.as_str(), needs));
                }
                if let Some(step) = request.step.filter(|step| RequestStep::UploadAccess.is_before(*step)) {
                    let needs = "files are taken until the package is delivered";
                    return Err(conflict("privacy request", id, step.as_str(), needs));
                }
            }
        }
        Ok(())
    }

    /// The files of a request, the oldest first.
    pub async fn manual_attachment_list(
        &self,
        request: &PrivacyRequestId,
    ) -> Result<Vec<ManualAttachment>, StoreError> {
        const LIST: &str = "SELECT id, owner, field, bytes, sealed_name, entered_by, entered_at FROM manual_attachment WHERE request = $1 ORDER BY owner, entered_at, id";
        let rows = query(LIST).bind(request.as_str()).fetch_all(&self.inner.reader).await?;
        rows.iter().map(|row| self.attachment_of(row)).collect()
    }

    /// What is in a file of a request; `None` if it has no such file.
    pub async fn manual_attachment_open(
        &self,
        request: &PrivacyRequestId,
        id: &str,
    ) -> Result<Option<Secret<Vec<u8>>>, StoreError> {
        const FIND: &str = "SELECT sealed FROM manual_attachment WHERE id = $1 AND request = $2";
        let row = query(FIND).bind(id).bind(request.as_str()).fetch_optional(&self.inner.reader).await?;
        let Some(row) = row else { return Ok(None) };
        let opened = self.inner.keys.open(&place(id, "contents"), &row.try_get::<Vec<u8>>(0)?);
        opened.map(Some).map_err(|source| StoreError::Sealed { what: "an attachment", source })
    }

    /// Takes a file away again, while it could be brought; says whether it was there.
    ///
    /// # Errors
    /// As [`Store::manual_attachment_put`].
    pub async fn manual_attachment_remove(
        &self,
        (request, owner, id): (&PrivacyRequestId, &AttachmentOwner, &str),
        actor: Actor,
    ) -> Result<bool, StoreError> {
        const REMOVE: &str = "DELETE FROM manual_attachment WHERE id = $1 AND request = $2 AND owner = $3";
        let mut locked = self.request_lock(request).await?;
        takes_input(&locked.request)?;
        self.is_waited_for(&mut locked.tx, owner, &locked.request).await?;
        let removed = query(REMOVE).bind(id).bind(request.as_str()).bind(owner.text());
        if removed.execute(locked.tx.connection()).await?.rows_affected() == 0 {
            return Ok(false);
        }
        let event = AuditEvent::new(actor, "manual_attachment.removed", id);
        self.audit_enter_in(&mut locked.tx, &event).await?;
        locked.tx.commit().await?;
        Ok(true)
    }

    /// Destroys the files of a request.
    pub(crate) async fn manual_attachment_forget_in(
        &self,
        tx: &mut Tx,
        request: &PrivacyRequestId,
    ) -> Result<(), StoreError> {
        const FORGET: &str = "DELETE FROM manual_attachment WHERE request = $1";
        query(FORGET).bind(request.as_str()).execute(tx.connection()).await?;
        Ok(())
    }

    /// Brings the files under the current master key, one after the other.
    pub(crate) async fn reseal_attachments(&self, tx: &mut Tx) -> Result<u64, StoreError> {
        const LIST: &str = "SELECT id FROM manual_attachment ORDER BY id";
        const FIND: &str = "SELECT sealed_name, sealed FROM manual_attachment WHERE id = $1";
        const PUT: &str = "UPDATE manual_attachment SET sealed_name = $2, sealed = $3 WHERE id = $1";
        let mut changed = 0;
        for row in query(LIST).fetch_all(tx.connection()).await? {
            let id: String = row.try_get(0)?;
            let row = query(FIND).bind(id.as_str()).fetch_one(tx.connection()).await?;
            let (name, contents): (Vec<u8>, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
            let new_name = self.inner.keys.reseal(&place(&id, "name"), &name)?;
            let new_contents = self.inner.keys.reseal(&place(&id, "contents"), &contents)?;
            if new_name.is_some() || new_contents.is_some() {
                let put = query(PUT).bind(id);
                let put = put.bind(new_name.unwrap_or(name)).bind(new_contents.unwrap_or(contents));
                put.execute(tx.connection()).await?;
                changed += 1;
            }
        }
        Ok(changed)
    }

    fn attachment_of(&self, row: &Row) -> Result<ManualAttachment, StoreError> {
        let damaged = || StoreError::Damaged { what: "an attachment" };
        let id: String = row.try_get(0)?;
        let head = self
            .inner
            .keys
            .open(&place(&id, "name"), &row.try_get::<Vec<u8>>(4)?)
            .map_err(|source| StoreError::Sealed { what: "the name of an attachment", source })?;
        let head: Head = serde_json::from_slice(head.expose()).map_err(|_| damaged())?;
        Ok(ManualAttachment {
            owner: AttachmentOwner::of(&row.try_get::<String>(1)?).ok_or_else(damaged)?,
            field: row.try_get(2)?,
            bytes: count(row.try_get(3)?)?,
            name: head.name,
            content_type: head.content_type,
            entered_by: row.try_get(5)?,
            entered_at: time(row.try_get(6)?)?,
            id,
        })
    }
}

/// The place that a part of a file is bound to.
fn place(id: &str, part: &str) -> Vec<u8> {
    format!("manual-attachment|{id}|{part}").into_bytes()
}
