//! Texts of messages that customers wrote.

use jiff::Timestamp;

use crate::sql::query;
use crate::store::time;
use crate::{Actor, AuditEvent, Store, StoreError};

/// A text that stands in place of the one that comes with the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageTemplate {
    /// Its name: of which messages.
    pub name: String,
    /// The subject.
    pub subject: String,
    /// The text.
    pub body: String,
    /// When it was put; of no account in one that is to be put.
    pub updated_at: Timestamp,
}

impl Store {
    /// Puts texts, all or none; others stay.
    pub async fn message_template_put(
        &self,
        templates: &[MessageTemplate],
        actor: &Actor,
    ) -> Result<(), StoreError> {
        const PUT: &str = "INSERT INTO message_template (name, subject, body, updated_at) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO UPDATE SET subject = excluded.subject, body = excluded.body, updated_at = excluded.updated_at";
        let mut tx = self.begin().await?;
        for template in templates {
            query(PUT)
                .bind(template.name.as_str())
                .bind(template.subject.as_str())
                .bind(template.body.as_str())
                .bind(self.now())
                .execute(tx.connection())
                .await?;
            let event = AuditEvent::new(actor.clone(), "message_template.put", &template.name);
            self.audit_enter_in(&mut tx, &event).await?;
        }
        tx.commit().await
    }

    /// All texts that were put.
    pub async fn message_template_list(&self) -> Result<Vec<MessageTemplate>, StoreError> {
        const LIST: &str = "SELECT name, subject, body, updated_at FROM message_template ORDER BY name";
        let rows = query(LIST).fetch_all(&self.inner.reader).await?;
        rows.iter()
            .map(|row| {
                Ok(MessageTemplate {
                    name: row.try_get(0)?,
                    subject: row.try_get(1)?,
                    body: row.try_get(2)?,
                    updated_at: time(row.try_get(3)?)?,
                })
            })
            .collect()
    }
}
