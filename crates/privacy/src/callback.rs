//! What applications bring by calls of their own, after they were asked (saas-config 23.7).

use model::{CollectionAddress, Row};
use store::{
    Callback, CallbackAction, CallbackAnswer, NewRequestLog, PackedRows, RequestLogKind, Store, StoreError,
};
use thiserror::Error;

/// Takes what applications bring. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Callbacks {
    store: Store,
}

/// What an application brings. `Debug` shows counts only.
#[derive(Default)]
pub struct Brought {
    /// Rows of the person.
    pub rows: Vec<Row>,
    /// How many rows it masked.
    pub rows_masked: Option<u64>,
}

impl std::fmt::Debug for Brought {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (rows, masked) = (self.rows.len(), self.rows_masked);
        f.debug_struct("Brought").field("rows", &rows).field("rows_masked", &masked).finish()
    }
}

/// Why what an application brings is not taken. The texts of the contract (fides-api 9).
#[derive(Debug, Error)]
pub enum CallbackError {
    /// The token is none of this installation, or of something that is not waited for any more.
    #[error("Not Authorized for this action")]
    Token,
    /// It was brought too late.
    #[error("Request Task token expired")]
    Expired,
    /// The request is not carried out now.
    #[error(
        "Callback failed. Cannot queue {} task '{task}' with privacy request status '{status}'",
        .action.as_str()
    )]
    Request {
        /// What it is about.
        action: CallbackAction,
        /// The task.
        task: String,
        /// How far the request is.
        status: String,
    },
    /// The task does not wait for it.
    #[error(
        "Callback failed. Cannot queue {} task '{task}' with request task status '{status}'",
        .action.as_str()
    )]
    Task {
        /// What it is about.
        action: CallbackAction,
        /// The task.
        task: String,
        /// How far it is.
        status: String,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Callbacks {
    /// Those of a store.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// What a token was made for, as long as it holds.
    ///
    /// # Errors
    /// [`CallbackError::Token`] or [`CallbackError::Expired`] if it does not.
    pub async fn find(&self, token: &str) -> Result<Callback, CallbackError> {
        let callback = self.store.callback_of_token(token).await?.ok_or(CallbackError::Token)?;
        if callback.expires_at <= self.store.clock().now() {
            return Err(CallbackError::Expired);
        }
        Ok(callback)
    }

    /// Keeps what was brought, once, and has its request go on.
    ///
    /// # Errors
    /// [`CallbackError`].
    pub async fn take(&self, callback: &Callback, brought: Brought) -> Result<(), CallbackError> {
        let Brought { rows, rows_masked } = brought;
        let count = rows.len();
        let packed = tokio::task::spawn_blocking(move || PackedRows::pack(&rows)).await;
        let packed = packed.map_err(|_| StoreError::Damaged { what: "a row to be kept" })??;
        let log = entry(callback, (count, rows_masked));
        let answer = CallbackAnswer { rows: &packed, rows_masked, log };
        match self.store.callback_answer(callback, answer).await {
            Ok(_) => {
                tracing::info!(request = %callback.request, callback = %callback.id, rows = count, "an application called back");
                Ok(())
            }
            Err(error) => Err(refused(callback, error)),
        }
    }
}

fn refused(callback: &Callback, error: StoreError) -> CallbackError {
    let (action, task) = (callback.action, callback.owner.clone());
    match error {
        StoreError::Conflict { what: "privacy request", state: status, .. } => {
            CallbackError::Request { action, task, status }
        }
        StoreError::Conflict { what: "request task", state: status, .. } => {
            CallbackError::Task { action, task, status }
        }
        StoreError::Forgotten { .. } => CallbackError::Task { action, task, status: "error".to_owned() },
        error => CallbackError::Store(error),
    }
}

fn entry(callback: &Callback, (rows, masked): (usize, Option<u64>)) -> NewRequestLog {
    let (address, message) = match callback.action {
        CallbackAction::Access => {
            (callback.name.parse::<CollectionAddress>().ok(), format!("called back with {rows} records"))
        }
        CallbackAction::Erasure => {
            let records = masked.map_or_else(
                || "done, without a number of records".to_owned(),
                |masked| format!("masked {masked} records"),
            );
            (None, format!("called back: {records}"))
        }
    };
    let dataset = address.as_ref().map(|address| address.dataset().to_owned());
    NewRequestLog {
        connection_key: dataset.clone(),
        dataset_name: dataset,
        collection_name: address.map(|address| address.collection().to_owned()),
        action_type: Some(callback.action.as_str().to_owned()),
        message: Some(message),
        ..NewRequestLog::new(RequestLogKind::Execution, "in_processing")
    }
}
