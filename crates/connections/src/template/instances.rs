//! Connections whose template changed (saas-config 24.12, 24.13).

use std::collections::HashSet;

use model::ConnectionKey;
use serde_json::{Value, json};
use store::{
    ConnectionFilter, ConnectionStep, InstanceChange, PutMode, StoreError, StoredConnection, StoredConnector,
    Window,
};

use super::merge::{Versions, merged};
use crate::{Categories, Connections, DatasetDocument, Template};

impl Connections {
    /// What brings the connections of a template's type from the template of before up to it. One that
    /// cannot be brought up is left out, with a line in the log.
    pub(crate) async fn instance_changes(
        &self,
        before: Option<&Template>,
        template: &Template,
    ) -> Result<Vec<InstanceChange>, StoreError> {
        let types = Some(vec![template.connector_type().to_owned()]);
        let filter = ConnectionFilter { types, ..ConnectionFilter::default() };
        let mut changes = Vec::new();
        for connection in self.store().connection_list(&filter, Window::ALL).await?.items {
            let Some(kept) = connection.connector.as_ref().filter(|_| connection.is_saas()) else { continue };
            let key = kept.fides_key.parse::<ConnectionKey>().ok();
            let base =
                before.zip(key).and_then(|(before, key)| before.instance(&key, self.domain_validation()));
            let base = base.map(|base| base.dataset.document);
            if let Some(steps) = self.instance_steps(&connection, kept, (base, template)).await? {
                changes.push(InstanceChange { key: connection.key.clone(), steps });
            } else {
                tracing::warn!(
                    connection = %connection.key,
                    "connection not brought up to its template, which does not work with its key"
                );
            }
        }
        Ok(changes)
    }

    /// What gives a connection the template's file, and a dataset with what people changed in theirs
    /// since it was `base`; `None` if the template does not work with its key.
    pub(super) async fn instance_steps(
        &self,
        connection: &StoredConnection,
        kept: &StoredConnector,
        (base, template): (Option<Value>, &Template),
    ) -> Result<Option<Vec<ConnectionStep>>, StoreError> {
        let mode = self.domain_validation();
        let key = kept.fides_key.parse::<ConnectionKey>().ok();
        let Some(instance) = key.and_then(|key| template.instance(&key, mode)) else { return Ok(None) };
        let links = self.store().dataset_link_list(&connection.key).await?;
        let mine = links.into_iter().find(|(_, dataset)| dataset.key == kept.fides_key);
        let mine: Option<Value> = mine.and_then(|(_, dataset)| serde_json::from_str(&dataset.body).ok());
        let new = &instance.dataset.document;
        let document = match (&base, &mine) {
            (Some(base), Some(mine)) => {
                let protected: HashSet<(String, String)> = crate::datasets::protected_fields(&instance.file)
                    .into_iter()
                    .map(|field| {
                        let top = field.field.split('.').next().unwrap_or_default().to_owned();
                        (field.collection, top)
                    })
                    .collect();
                merged(Versions { base, mine, new }, &protected)
            }
            (None, _) | (_, None) => new.clone(),
        };
        let Ok(dataset) = DatasetDocument::check(&document, &Categories::Any) else { return Ok(None) };
        let datasets = Some(json!([dataset.document]));
        let file = (std::sync::Arc::new(instance.file), instance.connector);
        let mut steps = self.replacing_steps(connection, file, datasets).await?;
        steps.push(ConnectionStep::PutDataset { dataset: dataset.to_kept(), mode: PutMode::Upsert });
        Ok(Some(steps))
    }
}
