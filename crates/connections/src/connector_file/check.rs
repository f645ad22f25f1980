use std::collections::BTreeMap;
use std::sync::Arc;

use model::ConnectionKey;
use serde_json::Value;
use spec::{CheckOptions, ConnectorFile, Severity, check_connector};
use store::{StoreError, StoredConnector};

use super::ConnectorFileError;
use crate::problem::problems_of;
use crate::template::{connector_document, stored};
use crate::{Connections, Problem, connector_source, read_connector};

/// A document that passed every check.
#[derive(Debug, Clone)]
pub struct CheckedConnector {
    /// The checked file.
    pub file: Arc<ConnectorFile>,
    /// The same as it is kept.
    pub connector: StoredConnector,
    /// What works, but not as its author may think.
    pub warnings: Vec<Problem>,
}

impl Connections {
    /// `existing` lends its scripts: a document that is sent has none.
    pub(super) async fn check_file(
        &self,
        key: &ConnectionKey,
        document: &Value,
        existing: Option<&StoredConnector>,
    ) -> Result<CheckedConnector, ConnectorFileError> {
        if !document.is_object() {
            let message = "send the content of `saas_config` as an object";
            return Err(ConnectorFileError::Invalid(vec![Problem::value_error(Vec::new(), message)]));
        }
        let sent = StoredConnector {
            fides_key: String::new(),
            name: String::new(),
            connector_type: String::new(),
            version: String::new(),
            document: document.clone(),
            scripts: self.scripts(document, existing).await?,
        };
        let source = connector_source(&sent);
        let options = CheckOptions {
            instance_key: Some(key.clone()),
            domain_validation: self.inner.outgoing.calls.domain_validation,
        };
        let checked = check_connector(&source, &options);
        let found = |severity| problems_of(&source, &checked.diagnostics, severity, "saas_config");
        let refused = || ConnectorFileError::Invalid(found(Severity::Error));
        let file = checked.value.as_ref().ok_or_else(refused)?;
        let document = connector_document(&source, &options, file).ok_or_else(refused)?;
        Ok(CheckedConnector {
            file: Arc::new(file.clone()),
            connector: stored(file, document, sent.scripts),
            warnings: found(Severity::Warning),
        })
    }

    /// A kept file; `None` if this version refuses it.
    pub(super) fn read_file(
        &self,
        key: &ConnectionKey,
        kept: &StoredConnector,
    ) -> Option<Arc<ConnectorFile>> {
        read_connector(key, kept, self.inner.outgoing.calls.domain_validation).ok().map(Arc::new)
    }

    /// The scripts of the file that is replaced, or of the template of the document's type.
    async fn scripts(
        &self,
        document: &Value,
        existing: Option<&StoredConnector>,
    ) -> Result<BTreeMap<String, String>, StoreError> {
        if let Some(existing) = existing {
            return Ok(existing.scripts.clone());
        }
        let named = document.get("type").and_then(Value::as_str).map(str::to_lowercase);
        let Some(named) = named else { return Ok(BTreeMap::new()) };
        let offered = self.template_find(&named).await?;
        Ok(offered.map(|offered| offered.template.scripts()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use spec::{DomainValidation, SourceFile};

    use super::*;

    /// The corpus lies beside the repository; without it there is nothing to say.
    fn corpus() -> Vec<PathBuf> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
        let published = folder.join("published/segment_connector_example.yml");
        let files = std::fs::read_dir(folder.join("fides/config"));
        let files = files.into_iter().flatten().map(|entry| entry.unwrap().path());
        files.chain(published.exists().then_some(published)).collect()
    }

    #[test]
    fn files_mean_the_same_when_they_are_sent_as_data_and_read_again() {
        let key: ConnectionKey = "shop".parse().unwrap();
        let options = CheckOptions { instance_key: Some(key.clone()), ..CheckOptions::default() };

        for path in corpus() {
            let name = path.display().to_string();
            let source = SourceFile::new(name.clone(), std::fs::read_to_string(&path).unwrap());
            let file = check_connector(&source, &options).value.unwrap();
            let document = connector_document(&source, &options, &file).unwrap();
            let kept = stored(&file, document, BTreeMap::new());

            let again = read_connector(&key, &kept, DomainValidation::Monitor).unwrap();

            assert_eq!(format!("{again:?}"), format!("{file:?}"), "{name}");
        }
    }
}
