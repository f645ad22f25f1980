use crypto::Secret;
use jiff::Timestamp;
use model::PrivacyRequestId;
use serde_json::Value;

use super::sealed::{Sealed, text};
use crate::sql::{Row, query, query_made};
use crate::store::{Tx, count, signed, time};
use crate::values::{parts, values};
use crate::words::text_enum;
use crate::{Listed, Store, StoreError, Window};

text_enum! {
    /// What kind of entry of a request's log.
    RequestLogKind "the kind of an entry of a privacy request's log" {
        /// Something was carried out, or is (privacy-requests LOG-1).
        Execution = "execution",
        /// Somebody decided something (privacy-requests LOG-4).
        Audit = "audit",
        /// Somebody noted something.
        Note = "note",
    }
}

/// An entry to be made. Texts are fixed or names of things, but for `words`.
#[derive(Debug)]
pub struct NewRequestLog {
    /// What kind.
    pub kind: RequestLogKind,
    /// Status of what is carried out (`complete`), or what was decided (`approved`).
    pub status: String,
    /// What it is about: a dataset, or a part of the work.
    pub dataset_name: Option<String>,
    /// The connection.
    pub connection_key: Option<String>,
    /// The collection.
    pub collection_name: Option<String>,
    /// Fields that it is about, as a JSON list.
    pub fields_affected: Value,
    /// Which action (`access`).
    pub action_type: Option<String>,
    /// A fixed text.
    pub message: Option<String>,
    /// A person's own words; kept sealed, shown in place of the message.
    pub words: Option<Secret<String>>,
    /// Version of the connector.
    pub saas_version: Option<String>,
    /// Who decided.
    pub user_id: Option<String>,
    /// The webhook that it is about.
    pub webhook_id: Option<String>,
}

impl NewRequestLog {
    /// An entry of this kind with nothing but a status.
    pub fn new(kind: RequestLogKind, status: &str) -> Self {
        Self {
            kind,
            status: status.to_owned(),
            dataset_name: None,
            connection_key: None,
            collection_name: None,
            fields_affected: Value::Array(Vec::new()),
            action_type: None,
            message: None,
            words: None,
            saas_version: None,
            user_id: None,
            webhook_id: None,
        }
    }

    /// An entry about the work as a whole (privacy-requests LOG-3).
    pub fn of_work(dataset_name: &str, status: &str, message: &str) -> Self {
        Self {
            dataset_name: Some(dataset_name.to_owned()),
            message: Some(message.to_owned()),
            ..Self::new(RequestLogKind::Execution, status)
        }
    }
}

/// An entry of a request's log.
#[derive(Debug)]
pub struct RequestLog {
    /// Its id.
    pub id: String,
    /// When it was made.
    pub at: Timestamp,
    /// What it says; its words are opened.
    pub entry: NewRequestLog,
}

impl Store {
    /// Enters what happened to a request; all or none.
    pub async fn privacy_request_log_add(
        &self,
        id: &PrivacyRequestId,
        logs: &[NewRequestLog],
    ) -> Result<(), StoreError> {
        if logs.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin_local().await?;
        self.request_logs_put(&mut tx, id, logs).await?;
        tx.commit().await
    }

    /// What happened to a request, oldest first; of one kind, or of all.
    pub async fn privacy_request_log_list(
        &self,
        id: &PrivacyRequestId,
        kind: Option<RequestLogKind>,
        window: Window,
    ) -> Result<Listed<RequestLog>, StoreError> {
        const LIST: &str = "SELECT id, kind, at, status, dataset_name, connection_key, collection_name, fields_affected, action_type, message, sealed_words, saas_version, user_id, webhook_id FROM privacy_request_log WHERE request = $1 AND kind = COALESCE(CAST($2 AS TEXT), kind) ORDER BY at, id LIMIT $3 OFFSET $4";
        const COUNT: &str = "SELECT COUNT(*) FROM privacy_request_log WHERE request = $1 AND kind = COALESCE(CAST($2 AS TEXT), kind)";
        let kind = kind.map(RequestLogKind::as_str);
        let total = query(COUNT).bind(id.as_str()).bind(kind).fetch_one(&self.inner.reader).await?;
        let rows = query(LIST)
            .bind(id.as_str())
            .bind(kind)
            .bind(i64::from(window.limit))
            .bind(signed(window.offset))
            .fetch_all(&self.inner.reader)
            .await?;
        let items: Result<Vec<_>, StoreError> = rows.iter().map(|row| self.request_log_of(row)).collect();
        Ok(Listed { items: items?, total: count(total.try_get(0)?)? })
    }

    pub(crate) async fn request_logs_put(
        &self,
        tx: &mut Tx,
        request: &PrivacyRequestId,
        logs: &[NewRequestLog],
    ) -> Result<(), StoreError> {
        for logs in parts(logs) {
            let values = values::<15>(logs.len());
            let insert = format!(
                "INSERT INTO privacy_request_log (id, request, kind, at, status, dataset_name, connection_key, collection_name, fields_affected, action_type, message, sealed_words, saas_version, user_id, webhook_id) VALUES {values}"
            );
            let mut query = query_made(insert);
            for log in logs {
                let id = format!("log_{}", self.inner.ids.next_uuid());
                let words = log.words.as_ref();
                let words = words.map(|words| self.seal_value(Sealed::Words, &id, words.expose().as_bytes()));
                query = query
                    .bind(id)
                    .bind(request.as_str())
                    .bind(log.kind.as_str())
                    .bind(self.now())
                    .bind(log.status.as_str())
                    .bind(log.dataset_name.as_deref())
                    .bind(log.connection_key.as_deref())
                    .bind(log.collection_name.as_deref())
                    .bind(log.fields_affected.to_string())
                    .bind(log.action_type.as_deref())
                    .bind(log.message.as_deref())
                    .bind(words)
                    .bind(log.saas_version.as_deref())
                    .bind(log.user_id.as_deref())
                    .bind(log.webhook_id.as_deref());
            }
            query.execute(tx.connection()).await?;
        }
        Ok(())
    }

    fn request_log_of(&self, row: &Row) -> Result<RequestLog, StoreError> {
        let id: String = row.try_get(0)?;
        let fields: String = row.try_get(7)?;
        let words: Option<Vec<u8>> = row.try_get(10)?;
        let words = words.map(|words| text(&self.unsealed(Sealed::Words, &id, &words)?)).transpose()?;
        let entry = NewRequestLog {
            kind: RequestLogKind::parse(&row.try_get::<String>(1)?)?,
            status: row.try_get(3)?,
            dataset_name: row.try_get(4)?,
            connection_key: row.try_get(5)?,
            collection_name: row.try_get(6)?,
            fields_affected: serde_json::from_str(&fields)
                .map_err(|_| StoreError::Damaged { what: "an entry of a privacy request's log" })?,
            action_type: row.try_get(8)?,
            message: row.try_get(9)?,
            words,
            saas_version: row.try_get(11)?,
            user_id: row.try_get(12)?,
            webhook_id: row.try_get(13)?,
        };
        Ok(RequestLog { id, at: time(row.try_get(2)?)?, entry })
    }
}
