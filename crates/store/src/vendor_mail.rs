//! Vendors that are written to about requests: which ones, and whether the message left.

use std::collections::{BTreeSet, HashSet};

use jiff::Timestamp;
use model::{ConnectionKey, PrivacyRequestId};

use crate::message::MessageId;
use crate::sql::{query, query_made};
use crate::store::{Tx, time};
use crate::{Actor, NewMessage, NewRequestLog, PrivacyRequestChange, Store, StoreError};

/// A request that a vendor is to be told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorMail {
    /// Which request.
    pub request: PrivacyRequestId,
    /// Connection of the vendor; it may be gone.
    pub connection: String,
}

/// One of the vendors that a connection leads to: its address and name, keyed, so that neither stands in
/// the state.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct VendorRecipient(String);

impl VendorRecipient {
    /// The only vendor of a connection, or one that is not known yet.
    pub const ONLY: Self = Self(String::new());
}

/// What became of the message that told of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorMailEnd {
    /// Who was to be told of what.
    pub mail: VendorMail,
    /// Why it did not leave, a fixed word; none: it left.
    pub failure: Option<String>,
}

impl Store {
    /// Stands for a vendor with this address and name.
    pub fn vendor_recipient(&self, address: &str, name: &str) -> VendorRecipient {
        let whole = format!("vendor|{}|{address}|{name}", address.len());
        VendorRecipient(crypto::hex(&self.keyed_hash(whole.as_bytes())))
    }

    /// Notes that these vendors are to be told of a request; those that are noted already stay as they are.
    pub async fn vendor_mail_await(
        &self,
        request: &PrivacyRequestId,
        connections: &[ConnectionKey],
    ) -> Result<(), StoreError> {
        const PUT: &str = "INSERT INTO vendor_mail (request, connection, recipient, asked_at) SELECT $1, $2, '', $3 WHERE NOT EXISTS (SELECT 1 FROM vendor_mail WHERE request = $1 AND connection = $2) ON CONFLICT DO NOTHING";
        let mut tx = self.begin().await?;
        for connection in connections {
            query(PUT)
                .bind(request.as_str())
                .bind(connection.as_str())
                .bind(self.now())
                .execute(tx.connection())
                .await?;
        }
        tx.commit().await
    }

    /// The vendors that were not told of a request yet, and were to be.
    pub async fn vendor_mail_unsent(&self, request: &PrivacyRequestId) -> Result<Vec<String>, StoreError> {
        const LIST: &str = "SELECT DISTINCT connection FROM vendor_mail WHERE request = $1 AND sent_at IS NULL ORDER BY connection";
        let rows = query(LIST).bind(request.as_str()).fetch_all(&self.inner.reader).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// The vendors that are to be told of a request.
    pub async fn vendor_mail_vendors(&self) -> Result<Vec<String>, StoreError> {
        const LIST: &str = "SELECT DISTINCT connection FROM vendor_mail WHERE sent_at IS NULL AND message IS NULL ORDER BY connection";
        let rows = query(LIST).fetch_all(&self.inner.reader).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// What a vendor is to be told with the next batch: of requests after this one that wait for it, in
    /// their order, without a message on its way.
    pub async fn vendor_mail_waiting(
        &self,
        connection: &str,
        after: Option<&PrivacyRequestId>,
        most: u32,
    ) -> Result<Vec<VendorMail>, StoreError> {
        const LIST: &str = "SELECT DISTINCT vendor_mail.request, connection FROM vendor_mail JOIN privacy_request ON privacy_request.id = request WHERE connection = $1 AND request > $2 AND sent_at IS NULL AND message IS NULL AND status = 'awaiting_email_send' AND deleted_at IS NULL ORDER BY request LIMIT $3";
        let after = after.map_or("", PrivacyRequestId::as_str);
        let query = query(LIST).bind(connection).bind(after).bind(i64::from(most));
        let rows = query.fetch_all(&self.inner.reader).await?;
        rows.iter().map(|row| mail(row.try_get(0)?, row.try_get(1)?)).collect()
    }

    /// Notes which vendors a connection leads to for a request, in place of those of whom it was not told
    /// yet. The only one, if it is among them, stands for those that nobody could make out.
    pub async fn vendor_mail_address(
        &self,
        mail: &VendorMail,
        recipients: &BTreeSet<VendorRecipient>,
    ) -> Result<(), StoreError> {
        const CLEAR: &str = "DELETE FROM vendor_mail WHERE request = $1 AND connection = $2 AND message IS NULL AND sent_at IS NULL";
        const PUT: &str = "INSERT INTO vendor_mail (request, connection, recipient, asked_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
        let mut tx = self.begin().await?;
        let clear = query(CLEAR).bind(mail.request.as_str()).bind(mail.connection.as_str());
        if clear.execute(tx.connection()).await?.rows_affected() == 0 {
            // Somebody else told all of them, or left them out.
            return Ok(());
        }
        for recipient in recipients {
            query(PUT)
                .bind(mail.request.as_str())
                .bind(mail.connection.as_str())
                .bind(recipient.0.as_str())
                .bind(self.now())
                .execute(tx.connection())
                .await?;
        }
        tx.commit().await
    }

    /// Which of these requests a vendor is still to be told of, without a message on its way.
    pub async fn vendor_mail_open(
        &self,
        (connection, recipient): (&str, &VendorRecipient),
        requests: &[PrivacyRequestId],
    ) -> Result<Vec<PrivacyRequestId>, StoreError> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        let marks: Vec<String> = (0..requests.len()).map(|at| format!("${}", at + 3)).collect();
        let mut find = query_made(format!(
            "SELECT request FROM vendor_mail WHERE connection = $1 AND recipient = $2 AND message IS NULL AND sent_at IS NULL AND request IN ({})",
            marks.join(", ")
        ));
        find = find.bind(connection).bind(recipient.0.as_str());
        for request in requests {
            find = find.bind(request.as_str());
        }
        let open: Result<HashSet<String>, StoreError> =
            find.fetch_all(&self.inner.reader).await?.iter().map(|row| Ok(row.try_get(0)?)).collect();
        let open = open?;
        Ok(requests.iter().filter(|request| open.contains(request.as_str())).cloned().collect())
    }

    /// Puts the message on its way that tells a vendor of these requests; `false`, and nothing is put, if
    /// one of them is told already.
    pub async fn vendor_mail_send(
        &self,
        (connection, recipient): (&str, &VendorRecipient),
        requests: &[PrivacyRequestId],
        message: &NewMessage,
    ) -> Result<bool, StoreError> {
        const TAKE: &str = "UPDATE vendor_mail SET message = $4 WHERE request = $1 AND connection = $2 AND recipient = $3 AND message IS NULL AND sent_at IS NULL";
        let mut tx = self.begin().await?;
        let Some(id) = self.message_put_in(&mut tx, message).await? else { return Ok(false) };
        for request in requests {
            let taken = query(TAKE)
                .bind(request.as_str())
                .bind(connection)
                .bind(recipient.0.as_str())
                .bind(id.as_str())
                .execute(tx.connection())
                .await?;
            if taken.rows_affected() == 0 {
                return Ok(false);
            }
        }
        tx.commit().await?;
        self.wake();
        Ok(true)
    }

    /// Notes which messages left, and which did not: what these told of is sent with the next batch. What
    /// `logs` says of each is entered in the log of its request with it, or neither is.
    pub async fn vendor_mail_settle(
        &self,
        logs: impl Fn(&VendorMailEnd) -> Vec<NewRequestLog> + Send + Sync,
    ) -> Result<Vec<VendorMailEnd>, StoreError> {
        const LIST: &str = "SELECT vendor_mail.request, connection, vendor_mail.message, state, failure FROM vendor_mail LEFT JOIN message ON message.id = vendor_mail.message WHERE sent_at IS NULL AND vendor_mail.message IS NOT NULL AND COALESCE(state, 'failed') IN ('sent', 'failed') ORDER BY connection, vendor_mail.request";
        const SENT: &str = "UPDATE vendor_mail SET sent_at = $4 WHERE request = $1 AND connection = $2 AND message = $3 AND sent_at IS NULL";
        const AGAIN: &str = "UPDATE vendor_mail SET message = NULL WHERE request = $1 AND connection = $2 AND message = $3 AND sent_at IS NULL";
        let mut ends = Vec::new();
        for row in query(LIST).fetch_all(&self.inner.reader).await? {
            let mail = mail(row.try_get(0)?, row.try_get(1)?)?;
            let id = MessageId::of_kept(row.try_get(2)?);
            let left = row.try_get::<Option<String>>(3)?.as_deref() == Some("sent");
            let failure: Option<String> = row.try_get(4)?;
            let failure = (!left).then(|| failure.unwrap_or_else(|| "lost".to_owned()));
            let mut locked = self.request_lock(&mail.request).await?;
            let query = query(if left { SENT } else { AGAIN })
                .bind(mail.request.as_str())
                .bind(mail.connection.as_str())
                .bind(id.as_str());
            let query = if left { query.bind(self.now()) } else { query };
            // Another process may have noted it.
            if query.execute(locked.tx.connection()).await?.rows_affected() == 0 {
                continue;
            }
            let end = VendorMailEnd { mail, failure };
            let mut change = PrivacyRequestChange::of(&locked.request);
            change.logs = logs(&end);
            self.request_change(locked, change, (Actor::system(), "privacy_request.vendor_mail")).await?;
            ends.push(end);
        }
        Ok(ends)
    }

    /// Requests that wait for messages to vendors and have none outstanding.
    pub async fn vendor_mail_done(&self) -> Result<Vec<PrivacyRequestId>, StoreError> {
        const LIST: &str = "SELECT id FROM privacy_request WHERE status = 'awaiting_email_send' AND listed = 1 AND NOT EXISTS (SELECT 1 FROM vendor_mail WHERE vendor_mail.request = privacy_request.id AND sent_at IS NULL) ORDER BY id LIMIT 1000";
        let rows = query(LIST).fetch_all(&self.inner.reader).await?;
        rows.iter().map(|row| request(row.try_get(0)?)).collect()
    }

    /// Leaves out that a vendor is told of a request.
    pub async fn vendor_mail_skip(&self, mail: &VendorMail) -> Result<(), StoreError> {
        const SKIP: &str = "DELETE FROM vendor_mail WHERE request = $1 AND connection = $2 AND message IS NULL AND sent_at IS NULL";
        let mut tx = self.begin().await?;
        let skip = query(SKIP).bind(mail.request.as_str()).bind(mail.connection.as_str());
        skip.execute(tx.connection()).await?;
        tx.commit().await
    }

    /// Until when what has this name was done; from now on, if it is new.
    pub async fn scheduled_since(&self, name: &str) -> Result<Timestamp, StoreError> {
        const PUT: &str =
            "INSERT INTO scheduled (name, done_at) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
        const FIND: &str = "SELECT done_at FROM scheduled WHERE name = $1";
        if let Some(row) = query(FIND).bind(name).fetch_optional(&self.inner.reader).await? {
            return time(row.try_get(0)?);
        }
        let mut tx = self.begin().await?;
        query(PUT).bind(name).bind(self.now()).execute(tx.connection()).await?;
        let row = query(FIND).bind(name).fetch_one(tx.connection()).await?;
        tx.commit().await?;
        time(row.try_get(0)?)
    }

    /// What has this name was done for all times up to `until`.
    pub async fn scheduled_done(&self, name: &str, until: Timestamp) -> Result<(), StoreError> {
        const DONE: &str = "UPDATE scheduled SET done_at = $2 WHERE name = $1 AND done_at < $2";
        let mut tx = self.begin().await?;
        query(DONE).bind(name).bind(until.as_microsecond()).execute(tx.connection()).await?;
        tx.commit().await
    }

    /// Forgets which vendors were told of a request, as part of the change that begins it anew.
    pub(crate) async fn vendor_mail_forget_in(
        &self,
        tx: &mut Tx,
        request: &PrivacyRequestId,
    ) -> Result<(), StoreError> {
        const FORGET: &str = "DELETE FROM vendor_mail WHERE request = $1";
        query(FORGET).bind(request.as_str()).execute(tx.connection()).await?;
        Ok(())
    }
}

fn mail(id: &str, connection: String) -> Result<VendorMail, StoreError> {
    Ok(VendorMail { request: request(id)?, connection })
}

fn request(id: &str) -> Result<PrivacyRequestId, StoreError> {
    id.parse().map_err(|_| StoreError::Damaged { what: "a message to a vendor" })
}
