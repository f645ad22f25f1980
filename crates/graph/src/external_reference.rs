use std::collections::HashMap;

use serde_json::Value;
use spec::connector_file::ConnectorFile;
use spec::reference::{Direction, FieldReference};

use crate::GraphError;

/// Reads the fields that the operator chose out of the secrets (saas-config 4.12, 16.5).
///
/// `find_secret` gives the secret of a name. Declared references without a secret are left out
/// here; whether one is missed is known when a param uses it ([`merge`](crate::merge)).
///
/// # Errors
/// [`GraphError::ExternalReferenceMalformed`] for a secret that is no reference object, or one that
/// points the wrong way.
pub fn external_references<'a>(
    connector: &ConnectorFile,
    find_secret: impl Fn(&str) -> Option<&'a Value>,
) -> Result<HashMap<String, FieldReference>, GraphError> {
    let mut references = HashMap::new();
    for declared in &connector.external_references {
        if let Some(secret) = find_secret(&declared.name) {
            let reference = parse(secret).ok_or_else(|| GraphError::ExternalReferenceMalformed {
                connector: connector.fides_key.clone(),
                reference: declared.name.clone(),
            })?;
            references.insert(declared.name.clone(), reference);
        }
    }
    Ok(references)
}

/// `{dataset, field: "collection.path", direction}`; `None` for anything else.
fn parse(secret: &Value) -> Option<FieldReference> {
    let direction = match secret.get("direction") {
        None | Some(Value::Null) => Direction::Either,
        Some(Value::String(text)) if text == "from" => Direction::From,
        Some(_) => return None,
    };
    let mut levels = secret.get("field")?.as_str()?.split('.').map(str::to_owned);
    let collection = levels.next().filter(|name| !name.is_empty())?;
    let path: Vec<String> = levels.collect();
    if path.is_empty() || path.iter().any(String::is_empty) {
        return None;
    }
    Some(FieldReference { dataset: secret.get("dataset")?.as_str()?.to_owned(), collection, path, direction })
}
