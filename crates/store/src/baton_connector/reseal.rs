use super::task::place;
use crate::sql::query;
use crate::store::Tx;
use crate::{Store, StoreError};

impl Store {
    /// Brings what tasks of self-hosted connectors seal under the current master key.
    pub(crate) async fn reseal_baton_tasks(&self, tx: &mut Tx) -> Result<u64, StoreError> {
        const LIST: &str = "SELECT id, sealed, result FROM baton_task";
        const PUT: &str = "UPDATE baton_task SET sealed = $2, result = $3 WHERE id = $1";
        let mut changed = 0;
        for row in query(LIST).fetch_all(tx.connection()).await? {
            let id: String = row.try_get(0)?;
            let (sealed, result): (Vec<u8>, Option<Vec<u8>>) = (row.try_get(1)?, row.try_get(2)?);
            let new = self.inner.keys.reseal(&place(&id, "payload"), &sealed)?;
            let new_result = match &result {
                Some(result) => self.inner.keys.reseal(&place(&id, "result"), result)?,
                None => None,
            };
            if new.is_some() || new_result.is_some() {
                query(PUT)
                    .bind(id)
                    .bind(new.unwrap_or(sealed))
                    .bind(new_result.or(result))
                    .execute(tx.connection())
                    .await?;
                changed += 1;
            }
        }
        Ok(changed)
    }
}
