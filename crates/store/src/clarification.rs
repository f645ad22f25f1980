//! What people were asked because nobody knows what they mean, and when they said it.

use crypto::Secret;
use jiff::Timestamp;
use model::PrivacyRequestId;

use crate::manual_task::takes_input;
use crate::sql::{Row, query};
use crate::store::{Tx, time, time_or_none};
use crate::{Actor, NewMessage, NewRequestLog, PrivacyRequest, PrivacyRequestChange, Store, StoreError};

/// One question to a person.
#[derive(Debug)]
pub struct Clarification {
    /// What they were asked.
    pub question: Secret<String>,
    /// Who asked.
    pub asked_by: String,
    /// When they were asked.
    pub asked_at: Timestamp,
    /// What they said.
    pub answer: Option<Secret<String>>,
    /// Who entered it.
    pub answered_by: Option<String>,
    /// When they had said it; none: they did not yet.
    pub answered_at: Option<Timestamp>,
}

/// What is written with a question or an answer, in one transaction.
#[derive(Debug)]
pub struct ClarificationChange {
    /// The deadline from now on; none while the clock stands still.
    pub due_at: Option<Timestamp>,
    /// What is entered in the request's log.
    pub logs: Vec<NewRequestLog>,
    /// Messages that tell of it.
    pub messages: Vec<NewMessage>,
}

impl Store {
    /// Keeps a question to the person of a request.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] of a `clarification` while another one is not answered.
    pub async fn clarification_ask(
        &self,
        request: &PrivacyRequestId,
        (question, change, by): (&Secret<String>, ClarificationChange, &str),
        actor: Actor,
    ) -> Result<PrivacyRequest, StoreError> {
        const OPEN: &str = "SELECT id FROM clarification WHERE request = $1 AND answered_at IS NULL";
        const PUT: &str = "INSERT INTO clarification (id, request, sealed_question, asked_by, asked_at) VALUES ($1, $2, $3, $4, $5)";
        let mut locked = self.request_lock(request).await?;
        takes_input(&locked.request)?;
        let open = query(OPEN).bind(request.as_str()).fetch_optional(locked.tx.connection()).await?;
        if open.is_some() {
            return Err(StoreError::Conflict {
                what: "clarification",
                id: request.to_string(),
                state: "asked already".to_owned(),
                needs: "the person answers one question first",
            });
        }
        let id = format!("clr_{}", self.inner.ids.next_uuid());
        query(PUT)
            .bind(id.as_str())
            .bind(request.as_str())
            .bind(self.inner.keys.seal(&place(&id, "question"), question.expose().as_bytes()))
            .bind(by)
            .bind(self.now())
            .execute(locked.tx.connection())
            .await?;
        let written = written(&locked.request, change);
        self.request_change(locked, written, (actor, "privacy_request.clarification_asked")).await
    }

    /// Keeps what a person said to the question that is open.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no open question.
    pub async fn clarification_answer(
        &self,
        request: &PrivacyRequestId,
        (answer, change, by): (&Secret<String>, ClarificationChange, &str),
        actor: Actor,
    ) -> Result<PrivacyRequest, StoreError> {
        const OPEN: &str = "SELECT id FROM clarification WHERE request = $1 AND answered_at IS NULL";
        const PUT: &str =
            "UPDATE clarification SET sealed_answer = $2, answered_by = $3, answered_at = $4 WHERE id = $1";
        let mut locked = self.request_lock(request).await?;
        takes_input(&locked.request)?;
        let open = query(OPEN).bind(request.as_str()).fetch_optional(locked.tx.connection()).await?;
        let missing =
            || StoreError::NotFound { what: "open question to the person", id: request.to_string() };
        let id: String = open.ok_or_else(missing)?.try_get(0)?;
        query(PUT)
            .bind(id.as_str())
            .bind(self.inner.keys.seal(&place(&id, "answer"), answer.expose().as_bytes()))
            .bind(by)
            .bind(self.now())
            .execute(locked.tx.connection())
            .await?;
        let written = written(&locked.request, change);
        self.request_change(locked, written, (actor, "privacy_request.clarified")).await
    }

    /// What the person of a request was asked, the oldest first.
    pub async fn clarification_list(
        &self,
        request: &PrivacyRequestId,
    ) -> Result<Vec<Clarification>, StoreError> {
        const LIST: &str = "SELECT id, sealed_question, asked_by, asked_at, sealed_answer, answered_by, answered_at FROM clarification WHERE request = $1 ORDER BY asked_at, id";
        let rows = query(LIST).bind(request.as_str()).fetch_all(&self.inner.reader).await?;
        rows.iter().map(|row| self.clarification_of(row)).collect()
    }

    /// Destroys what the person of a request was asked and said.
    pub(crate) async fn clarification_forget_in(
        &self,
        tx: &mut Tx,
        request: &PrivacyRequestId,
    ) -> Result<(), StoreError> {
        const FORGET: &str = "DELETE FROM clarification WHERE request = $1";
        query(FORGET).bind(request.as_str()).execute(tx.connection()).await?;
        Ok(())
    }

    /// Brings questions and answers under the current master key.
    pub(crate) async fn reseal_clarifications(&self, tx: &mut Tx) -> Result<u64, StoreError> {
        const LIST: &str = "SELECT id, sealed_question, sealed_answer FROM clarification";
        const PUT: &str = "UPDATE clarification SET sealed_question = $2, sealed_answer = $3 WHERE id = $1";
        let keys = &self.inner.keys;
        let mut changed = 0;
        for row in query(LIST).fetch_all(tx.connection()).await? {
            let (id, question): (String, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
            let answer: Option<Vec<u8>> = row.try_get(2)?;
            let new_question = keys.reseal(&place(&id, "question"), &question)?;
            let new_answer = match &answer {
                Some(answer) => keys.reseal(&place(&id, "answer"), answer)?,
                None => None,
            };
            if new_question.is_some() || new_answer.is_some() {
                let put = query(PUT).bind(id).bind(new_question.unwrap_or(question));
                put.bind(new_answer.or(answer)).execute(tx.connection()).await?;
                changed += 1;
            }
        }
        Ok(changed)
    }

    fn clarification_of(&self, row: &Row) -> Result<Clarification, StoreError> {
        let id: String = row.try_get(0)?;
        let open = |part: &str, sealed: &[u8]| {
            let opened = self.inner.keys.open(&place(&id, part), sealed);
            let bytes = opened.map_err(|source| StoreError::Sealed { what: "a clarification", source })?;
            let text = String::from_utf8(bytes.expose().clone());
            text.map(Secret::new).map_err(|_| StoreError::Damaged { what: "a clarification" })
        };
        let answer: Option<Vec<u8>> = row.try_get(4)?;
        Ok(Clarification {
            question: open("question", &row.try_get::<Vec<u8>>(1)?)?,
            asked_by: row.try_get(2)?,
            asked_at: time(row.try_get(3)?)?,
            answer: answer.map(|sealed| open("answer", &sealed)).transpose()?,
            answered_by: row.try_get(5)?,
            answered_at: time_or_none(row.try_get(6)?)?,
        })
    }
}

fn written(request: &PrivacyRequest, new: ClarificationChange) -> PrivacyRequestChange {
    let mut change = PrivacyRequestChange::of(request);
    change.request.due_at = new.due_at;
    change.logs = new.logs;
    change.messages = new.messages;
    change
}

/// The place that a part of it is bound to.
fn place(id: &str, part: &str) -> Vec<u8> {
    format!("clarification|{id}|{part}").into_bytes()
}
