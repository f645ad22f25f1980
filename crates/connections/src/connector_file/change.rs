use std::sync::Arc;

use model::{ConnectionKey, is_falsy};
use serde_json::Value;
use spec::ConnectorFile;
use store::StoredConnector;

use crate::SecretValues;
use crate::hosts::Hosts;

/// What a connector file is compared with when another takes its place.
enum Base {
    /// The file of the connection.
    Own,
    /// The template of its type, where the connection has no file yet.
    Template,
}

/// Refuses a file that loosens what keeps secrets where they belong: `type` and `allowed_values` of
/// params (saas-config 4.11).
///
/// A first file is compared with the template of its type, if there is one. It may leave `type` and
/// `allowed_values` out, as the published example does, but not say something else.
pub(super) fn check_fixed(
    (old, template): (Option<&StoredConnector>, Option<Value>),
    new: &StoredConnector,
) -> Result<(), String> {
    let (base, old) = match old {
        Some(old) => (Base::Own, old.document.clone()),
        None => match template {
            Some(document) => (Base::Template, document),
            None => return Ok(()),
        },
    };
    for param in params(&new.document) {
        let name = text(param, "name");
        let known = params(&old).find(|known| text(known, "name") == name);
        for key in ["type", "allowed_values"] {
            let is = part(param, key);
            let was = known.and_then(|known| part(known, key));
            let left_out = matches!(base, Base::Template) && is.is_none();
            if is == was || left_out {
                continue;
            }
            return Err(match known {
                Some(_) => format!("Cannot modify {key} of connector param '{name}'; it must stay as it is"),
                None => format!("Cannot set {key} on the new connector param '{name}'; leave it out"),
            });
        }
    }
    let removed = params(&old).find(|known| {
        let restricted = part(known, "type").is_some() || part(known, "allowed_values").is_some();
        restricted && !params(&new.document).any(|param| text(param, "name") == text(known, "name"))
    });
    match (base, removed) {
        (Base::Own, Some(param)) => Err(format!(
            "Cannot remove connector param '{}', because it has `type` or `allowed_values`",
            text(param, "name")
        )),
        (Base::Own | Base::Template, _) => Ok(()),
    }
}

/// Defaults of params that have no secret yet (saas-config 4.5).
pub(super) fn defaults(file: &ConnectorFile, secrets: &SecretValues) -> SecretValues {
    let missing = file.connector_params.iter().filter(|param| secrets.find(&param.name).is_none());
    SecretValues::new(missing.filter_map(|param| {
        let default = param.default_value.clone().filter(|value| !is_falsy(value))?;
        Some((param.name.clone(), default))
    }))
}

/// Whether the new file sends something to a host that the old one did not.
pub(super) fn leads_elsewhere(
    key: &ConnectionKey,
    (old, new): (Option<&Arc<ConnectorFile>>, &Arc<ConnectorFile>),
    (secrets, defaults): (&SecretValues, &SecretValues),
) -> bool {
    let before = old.map(|old| Hosts::of_connector(key, old, secrets)).unwrap_or_default();
    Hosts::of_connector(key, new, &secrets.clone().merged(defaults)).add_to(&before)
}

/// Names of the secrets that were given for the old hosts only: those that either file keeps from view,
/// and those that neither knows.
pub(super) fn unbound(
    (old, new): (Option<&Arc<ConnectorFile>>, &Arc<ConnectorFile>),
    secrets: &SecretValues,
) -> Vec<String> {
    let shown = |file: &ConnectorFile, name: &str| file.find_param(name).is_some() && !file.is_secret(name);
    let may_stay = |name: &str| {
        let hidden = new.is_secret(name) || old.is_some_and(|old| old.is_secret(name));
        !hidden && (shown(new, name) || old.is_some_and(|old| shown(old, name)))
    };
    secrets.iter().map(|(name, _)| name).filter(|name| !may_stay(name)).map(str::to_owned).collect()
}

fn params(document: &Value) -> impl Iterator<Item = &Value> {
    document.get("connector_params").and_then(Value::as_array).into_iter().flatten()
}

/// A member that says something.
fn part<'a>(param: &'a Value, key: &str) -> Option<&'a Value> {
    param.get(key).filter(|value| !value.is_null())
}

fn text<'a>(param: &'a Value, key: &str) -> &'a str {
    param.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn kept(connector_type: &str, params: &Value) -> StoredConnector {
        StoredConnector {
            fides_key: "a".to_owned(),
            name: "A".to_owned(),
            connector_type: connector_type.to_owned(),
            version: "1".to_owned(),
            document: json!({ "connector_params": params }),
            scripts: BTreeMap::new(),
        }
    }

    fn restricted() -> Value {
        json!([{"name": "domain", "type": "endpoint", "allowed_values": ["a.test"]}, {"name": "key"}])
    }

    // rule: saas-config 4.11
    // rule: saas-config A14
    // rule: saas-config A15
    // rule: saas-config A16
    // rule: saas-config A17
    #[rstest]
    #[case::type_taken_away(json!([{"name": "domain", "allowed_values": ["a.test"]}]), "Cannot modify type")]
    #[case::hosts_changed(
        json!([{"name": "domain", "type": "endpoint", "allowed_values": ["b.test"]}]),
        "Cannot modify allowed_values"
    )]
    #[case::param_removed(json!([{"name": "key"}]), "Cannot remove connector param")]
    #[case::new_endpoint(
        json!([{"name": "domain", "type": "endpoint", "allowed_values": ["a.test"]}, {"name": "b", "type": "endpoint"}]),
        "Cannot set type"
    )]
    #[case::new_hosts(
        json!([{"name": "domain", "type": "endpoint", "allowed_values": ["a.test"]}, {"name": "b", "allowed_values": ["b.test"]}]),
        "Cannot set allowed_values"
    )]
    fn what_binds_secrets_to_hosts_stays(#[case] params: Value, #[case] fragment: &str) {
        let refused =
            check_fixed((Some(&kept("shop", &restricted())), None), &kept("shop", &params)).unwrap_err();

        assert!(refused.contains(fragment), "{refused}");
    }

    #[test]
    fn other_changes_are_free() {
        let params = json!([
            {"name": "domain", "type": "endpoint", "allowed_values": ["a.test"], "label": "Host"},
            {"name": "new"}
        ]);

        assert_eq!(check_fixed((Some(&kept("shop", &restricted())), None), &kept("shop", &params)), Ok(()));
    }

    #[test]
    fn first_file_may_say_less_than_the_template_but_nothing_else() {
        let plain = json!([{"name": "domain"}, {"name": "username"}, {"name": "api_key"}]);
        let other = json!([{"name": "domain", "type": "endpoint", "allowed_values": ["evil.test"]}]);

        let template = || crate::Template::find("mailchimp").and_then(crate::Template::document);

        assert_eq!(check_fixed((None, template()), &kept("mailchimp", &plain)), Ok(()));
        assert!(check_fixed((None, template()), &kept("mailchimp", &other)).is_err());
        assert_eq!(check_fixed((None, None), &kept("of_nobody", &other)), Ok(()));
    }
}
