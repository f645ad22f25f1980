//! `query_param` (saas-config 6.14), and the query params of `api_key` (6.11).

use spec::template::Template;

use super::{AuthError, Draft, credential};
use crate::fill::Place;
use crate::secrets::Secrets;

/// Sets one param: pairs with an empty value fall away, earlier values of the name are replaced.
pub(super) fn apply(
    name: &str,
    value: &Template,
    secrets: &Secrets,
    draft: &mut Draft,
) -> Result<(), AuthError> {
    let value = credential(value, Place::Query, secrets)?;
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut placed = false;
    for (key, old) in draft.url.query_pairs().filter(|(_, old)| !old.is_empty()) {
        if key != name {
            pairs.push((key.into_owned(), old.into_owned()));
        } else if !placed {
            placed = true;
            pairs.push((name.to_owned(), value.clone()));
        }
    }
    if !placed {
        pairs.push((name.to_owned(), value.clone()));
    }
    draft.url.query_pairs_mut().clear().extend_pairs(pairs);
    draft.redact.push(value);
    Ok(())
}
