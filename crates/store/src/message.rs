//! Messages on their way: put in the transaction of the change that they tell of, sent afterwards.

mod claim;
mod end;
mod find;

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::sql::query;
use crate::store::Tx;
use crate::words::text_enum;
use crate::{Store, StoreError};

pub use claim::ClaimedMessage;
pub use find::{MessageFilter, StoredMessage};

text_enum! {
    /// What a message is about.
    MessageKind "the kind of a message" {
        /// The code that proves whose request it is.
        VerificationCode = "verification_code",
        /// A request has arrived.
        Receipt = "receipt",
        /// A request was approved.
        Approved = "approved",
        /// A request was denied.
        Denied = "denied",
        /// A request, or its plan, waits for somebody to approve it.
        ApprovalNeeded = "approval_needed",
        /// A request waits for somebody to enter data.
        InputNeeded = "input_needed",
        /// A request is done.
        Finished = "finished",
        /// A request failed.
        Failed = "failed",
        /// A request will be late.
        DeadlineNear = "deadline_near",
        /// A request takes longer, and the person is told why.
        DeadlineExtended = "deadline_extended",
        /// Nobody knows what a person means: they are asked.
        ClarificationNeeded = "clarification_needed",
        /// A connection does not work any more.
        ConnectionBroken = "connection_broken",
        /// Who has access to an application could not be read several times in a row.
        SyncFailing = "sync_failing",
        /// A reading of who has access lost so much that a person has to look at it.
        SyncHeld = "sync_held",
        /// Access whose time is over could not be taken.
        AccessStays = "access_stays",
        /// Somebody is an owner of an application or connection now.
        OwnerNamed = "owner_named",
        /// An account was made for somebody.
        Invitation = "invitation",
        /// Somebody forgot their password.
        PasswordReset = "password_reset",
        /// What a vendor is asked to erase.
        VendorErasure = "vendor_erasure",
        /// Whether messages arrive.
        Test = "test",
    }
}

impl MessageKind {
    /// All kinds.
    pub const ALL: [Self; 20] = [
        Self::VerificationCode,
        Self::Receipt,
        Self::Approved,
        Self::Denied,
        Self::ApprovalNeeded,
        Self::InputNeeded,
        Self::Finished,
        Self::Failed,
        Self::DeadlineNear,
        Self::DeadlineExtended,
        Self::ClarificationNeeded,
        Self::ConnectionBroken,
        Self::SyncFailing,
        Self::SyncHeld,
        Self::AccessStays,
        Self::OwnerNamed,
        Self::Invitation,
        Self::PasswordReset,
        Self::VendorErasure,
        Self::Test,
    ];

    /// The kind of this text.
    pub fn find(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

text_enum! {
    /// How far a message is.
    MessageState "the state of a message" {
        /// Waits for its time, or for somebody to send it.
        Waiting = "waiting",
        /// Somebody is sending it.
        Sending = "sending",
        /// It left.
        Sent = "sent",
        /// It did not leave, and will not.
        Failed = "failed",
    }
}

text_enum! {
    /// Which way a message goes.
    MessageChannel "the way of a message" {
        /// Still to be decided: it becomes one message for each way.
        Open = "open",
        /// To one mailbox.
        Email = "email",
        /// To one telephone.
        Text = "text",
        /// To one webhook.
        Webhook = "webhook",
    }
}

/// Id of a message, `msg_` + UUID v7. It stays the same however often the message is sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MessageId(String);

impl MessageId {
    pub(crate) fn of_kept(text: String) -> Self {
        Self(text)
    }

    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A person who is written to: by which ways they can be reached.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagePerson {
    /// Their e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Their telephone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
}

/// Whom a message is for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageTo {
    /// A person, by whichever way the settings have.
    Person(MessagePerson),
    /// Those who run the installation, and the webhooks that listen for the kind. What such a message
    /// says is never about a person: ids and counts only.
    Staff,
    /// One mailbox.
    Mailbox(String),
    /// One telephone, by its number.
    Telephone(String),
    /// One webhook of the settings, by its name; with the person, if the message is for one.
    Webhook {
        /// Its name.
        name: String,
        /// For whom.
        person: Option<MessagePerson>,
    },
}

impl MessageTo {
    pub(crate) fn channel(&self) -> MessageChannel {
        match self {
            Self::Person(_) | Self::Staff => MessageChannel::Open,
            Self::Mailbox(_) => MessageChannel::Email,
            Self::Telephone(_) => MessageChannel::Text,
            Self::Webhook { .. } => MessageChannel::Webhook,
        }
    }
}

impl fmt::Debug for MessagePerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MessagePerson(…)")
    }
}

impl fmt::Debug for MessageTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(_) => f.write_str("Person(…)"),
            Self::Staff => f.write_str("Staff"),
            Self::Mailbox(_) => f.write_str("Mailbox(…)"),
            Self::Telephone(_) => f.write_str("Telephone(…)"),
            Self::Webhook { name, .. } => write!(f, "Webhook({name})"),
        }
    }
}

/// A message to be sent. `Debug` shows what it is about, never what it says or to whom.
///
/// ```
/// use store::{MessageKind, NewMessage};
///
/// let code = NewMessage::to_email(MessageKind::VerificationCode, "ana@example.com")
///     .about("pri_1")
///     .with("code", "123456")
///     .with("minutes", 10);
/// assert!(!format!("{code:?}").contains("ana"));
/// ```
#[derive(Clone)]
pub struct NewMessage {
    /// What it is about.
    pub kind: MessageKind,
    /// Whom it is for.
    pub to: MessageTo,
    /// What its text is made with.
    pub values: Map<String, Value>,
    /// Id or key of what it is about.
    pub about: Option<String>,
    /// No second message with this text is put.
    pub once: Option<String>,
    /// Not before; none: at once.
    pub due_at: Option<Timestamp>,
    /// Not after: what it says is of no use any more.
    pub expires_at: Option<Timestamp>,
}

impl NewMessage {
    /// A message for a person.
    pub fn to_person(kind: MessageKind, person: MessagePerson) -> Self {
        Self::new(kind, MessageTo::Person(person))
    }

    /// A message for a person with this address.
    pub fn to_email(kind: MessageKind, address: &str) -> Self {
        let person = MessagePerson { email: Some(address.to_owned()), phone_number: None };
        Self::to_person(kind, person)
    }

    /// A message for those who run the installation, and for webhooks. It must say nothing about a
    /// person.
    pub fn to_staff(kind: MessageKind) -> Self {
        Self::new(kind, MessageTo::Staff)
    }

    /// A message for whom it may concern.
    pub fn new(kind: MessageKind, to: MessageTo) -> Self {
        Self { kind, to, values: Map::new(), about: None, once: None, due_at: None, expires_at: None }
    }

    /// Adds a value that the text is made with.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.values.insert(name.to_owned(), value.into());
        self
    }

    /// Says what it is about: the id of a request, the key of a connection.
    #[must_use]
    pub fn about(mut self, id: &str) -> Self {
        self.about = Some(id.to_owned());
        self
    }

    /// Keeps the same message from being put twice. The text says nothing about a person.
    #[must_use]
    pub fn once(mut self, text: impl Into<String>) -> Self {
        self.once = Some(text.into());
        self
    }

    /// Not to be sent any more after this.
    #[must_use]
    pub fn until(mut self, time: Timestamp) -> Self {
        self.expires_at = Some(time);
        self
    }
}

impl fmt::Debug for NewMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewMessage")
            .field("kind", &self.kind)
            .field("about", &self.about)
            .finish_non_exhaustive()
    }
}

/// What is kept sealed of a message.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct MessageContent {
    pub(crate) to: MessageTo,
    pub(crate) values: Map<String, Value>,
}

impl Store {
    /// Puts messages on their way, all or none; those whose `once` is there already are left out.
    pub async fn message_put(&self, messages: &[NewMessage]) -> Result<Vec<MessageId>, StoreError> {
        let mut put = Vec::new();
        let mut tx = self.begin().await?;
        for message in messages {
            put.extend(self.message_put_in(&mut tx, message).await?);
        }
        tx.commit().await?;
        self.wake();
        Ok(put)
    }

    /// Puts a message on its way in the transaction of the change that it tells of; `None` if its `once`
    /// is there already. The caller wakes this process after the commit.
    pub(crate) async fn message_put_in(
        &self,
        tx: &mut Tx,
        new: &NewMessage,
    ) -> Result<Option<MessageId>, StoreError> {
        const PUT: &str = "INSERT INTO message (id, kind, channel, about, once, sealed, state, due_at, expires_at, attempts, fence, created_at) VALUES ($1, $2, $3, $4, $5, $6, 'waiting', $7, $8, 0, 0, $9) ON CONFLICT (once) DO NOTHING";
        let id = MessageId(format!("msg_{}", self.inner.ids.next_uuid()));
        let content = MessageContent { to: new.to.clone(), values: new.values.clone() };
        let plain = serde_json::to_vec(&content).expect("texts and JSON are always JSON");
        let now = self.now();
        let put = query(PUT)
            .bind(id.as_str())
            .bind(new.kind.as_str())
            .bind(new.to.channel().as_str())
            .bind(new.about.as_deref())
            .bind(new.once.as_deref())
            .bind(self.inner.keys.seal(&place(id.as_str()), &plain))
            .bind(new.due_at.map_or(now, Timestamp::as_microsecond))
            .bind(new.expires_at.map(Timestamp::as_microsecond))
            .bind(now)
            .execute(tx.connection())
            .await?;
        if put.rows_affected() == 0 {
            return Ok(None);
        }
        self.wake_in(tx).await?;
        Ok(Some(id))
    }

    fn message_open(&self, id: &MessageId, sealed: &[u8]) -> Result<MessageContent, StoreError> {
        let plain = self
            .inner
            .keys
            .open(&place(id.as_str()), sealed)
            .map_err(|source| StoreError::Sealed { what: "a message", source })?;
        serde_json::from_slice(plain.expose()).map_err(|_| StoreError::Damaged { what: "a message" })
    }
}

/// The place that a message is bound to.
pub(crate) fn place(id: &str) -> Vec<u8> {
    format!("message|{id}").into_bytes()
}
