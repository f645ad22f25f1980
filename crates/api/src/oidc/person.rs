use serde_json::{Map, Value};
use spec::server_file::OidcSettings;
use store::LoginPerson;

use super::OidcError;

/// A person as a provider states them, and what they may do here.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OidcPerson {
    /// What the provider calls them, for ever.
    pub(crate) subject: String,
    /// Username of a new account.
    pub(crate) username: String,
    /// Who they are; an address only if the provider says that it is theirs.
    pub(crate) person: LoginPerson,
    /// Roles by their groups; none: roles are given here.
    pub(crate) roles: Option<Vec<String>>,
}

impl OidcPerson {
    /// Reads the claims.
    pub(super) fn of(claims: &Map<String, Value>, settings: &OidcSettings) -> Result<Self, OidcError> {
        let text = |name: &str| claim(claims, name).and_then(Value::as_str).map(str::to_owned);
        let subject = text("sub").ok_or(OidcError::Statement("it is about nobody"))?;
        let verified = matches!(claims.get("email_verified"), Some(Value::Bool(true)));
        let username = text(&settings.username_claim).map(|name| username(&name)).unwrap_or_default();
        if username.len() < 3 {
            return Err(OidcError::Person(
                "the provider does not tell a username for you; an operator has to set `oidc.username_claim`",
            ));
        }
        Ok(Self {
            subject,
            username,
            person: LoginPerson {
                email_address: text("email").filter(|_| verified),
                first_name: text("given_name"),
                last_name: text("family_name"),
            },
            roles: roles(claims, settings)?,
        })
    }
}

/// A claim by its name; what lies deeper is named by the way to it, as in `realm_access.roles`.
pub(super) fn claim<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let found = claims.get(name).or_else(|| {
        let (first, rest) = name.split_once('.')?;
        claim(claims.get(first)?.as_object()?, rest)
    });
    found.filter(|value| !value.is_null())
}

/// The roles of all their groups.
fn roles(claims: &Map<String, Value>, settings: &OidcSettings) -> Result<Option<Vec<String>>, OidcError> {
    if settings.roles.is_empty() {
        return Ok(None);
    }
    let groups: Vec<&str> = match claim(claims, &settings.groups_claim) {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let mut roles = Vec::new();
    for (group, role) in &settings.roles {
        if groups.contains(&group.as_str()) && !roles.contains(role) {
            roles.push(role.clone());
        }
    }
    if roles.is_empty() {
        roles.extend(settings.default_role.clone());
    }
    if roles.is_empty() {
        return Err(OidcError::Person("none of your groups may sign in here; ask an owner for access"));
    }
    Ok(Some(roles))
}

/// What a claim says, in the characters of usernames.
fn username(text: &str) -> String {
    let fits = |one: char| one.is_ascii_alphanumeric() || ".@+_-".contains(one);
    text.chars().take(100).map(|one| if fits(one) { one } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings(roles: &[(&str, &str)], default: Option<&str>) -> OidcSettings {
        OidcSettings {
            issuer: "https://id.example.com".to_owned(),
            client_id: "tutela".to_owned(),
            label: "Sign in".to_owned(),
            scopes: Vec::new(),
            username_claim: "preferred_username".to_owned(),
            groups_claim: "realm_access.roles".to_owned(),
            roles: roles.iter().map(|(group, role)| ((*group).to_owned(), (*role).to_owned())).collect(),
            default_role: default.map(str::to_owned),
            link_accounts: false,
        }
    }

    fn person(claims: &Value, settings: &OidcSettings) -> Result<OidcPerson, OidcError> {
        OidcPerson::of(claims.as_object().unwrap(), settings)
    }

    fn ana(groups: &Value) -> Value {
        json!({
            "sub": "1", "preferred_username": "ana maría", "email": "ana@example.com", "email_verified": true,
            "given_name": "Ana", "realm_access": {"roles": groups},
        })
    }

    #[test]
    fn a_person_has_the_roles_of_all_their_groups_else_the_default_else_none() {
        let map = [("a-team", "approver"), ("b-team", "viewer"), ("c-team", "viewer")];
        let roles =
            |groups: &Value, default| person(&ana(groups), &settings(&map, default)).map(|one| one.roles);

        let all = roles(&json!(["c-team", "b-team", "x", 7, "a-team"]), None).unwrap().unwrap();
        let one = roles(&json!("a-team"), Some("viewer")).unwrap().unwrap();
        let default = roles(&json!([]), Some("respondent")).unwrap().unwrap();
        let nothing = roles(&json!({"a-team": true}), None);
        let given_here = person(&ana(&json!([])), &settings(&[], None)).unwrap().roles;

        assert_eq!(all, ["approver", "viewer"]);
        assert_eq!((one, default), (vec!["approver".to_owned()], vec!["respondent".to_owned()]));
        assert!(matches!(nothing, Err(OidcError::Person(_))), "{nothing:?}");
        assert_eq!(given_here, None);
    }

    #[test]
    fn an_address_that_is_not_said_to_be_theirs_is_none_and_a_name_is_made_to_fit() {
        let mut claims = ana(&json!([]));
        let known = person(&claims, &settings(&[], None)).unwrap();
        claims["email_verified"] = json!("true");
        let unknown = person(&claims, &settings(&[], None)).unwrap();
        claims["preferred_username"] = json!("x");
        let nameless = person(&claims, &settings(&[], None));

        assert_eq!(known.username, "ana-mar-a");
        assert_eq!(known.person.email_address.as_deref(), Some("ana@example.com"));
        assert_eq!(unknown.person.email_address, None);
        assert!(matches!(nameless, Err(OidcError::Person(_))), "{nameless:?}");
    }
}
