//! How calls of a web hook get their access token (fides-api 3.6).

use crypto::Secret;
use model::ConnectionKey;
use serde_json::{Map, Value};
use store::{Actor, StoreError, StoredConnection};
use thiserror::Error;
use url::Url;

use crate::{ConnectionType, Connections, PlaceStep, Problem};

/// Members of the document, and whether each has to be there.
const MEMBERS: [(&str, bool); 5] = [
    ("grant_type", false),
    ("token_url", true),
    ("scope", false),
    ("client_id", true),
    ("client_secret", true),
];
/// The one way there is; also what holds where nothing is said.
const GRANT_TYPE: &str = "client_credentials";

/// What becomes of members that are not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantMode {
    /// They go.
    Replace,
    /// They stay.
    Merge,
}

/// Why it was not kept or removed; then nothing was changed.
#[derive(Debug, Error)]
pub enum GrantRefused {
    /// No such connection.
    #[error("No connection configuration found with key '{key}'.")]
    NoConnection {
        /// The key asked for.
        key: String,
    },
    /// It is no web hook.
    #[error("OAuth2 configuration can only be set for HTTPS connections.")]
    NoWebHook,
    /// There is none to be removed.
    #[error("No OAuth2 configuration found to delete.")]
    NoGrant,
    /// The members do not fit.
    #[error("the OAuth2 configuration has {} mistakes", .0.len())]
    Invalid(Vec<Problem>),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Connections {
    /// Keeps how calls of a web hook get their access token, after a check.
    ///
    /// # Errors
    /// [`GrantRefused`]; nothing was changed.
    pub async fn grant_put(
        &self,
        key: &str,
        (sent, mode): (Map<String, Value>, GrantMode),
        actor: Actor,
    ) -> Result<ConnectionKey, GrantRefused> {
        let connection = self.web_hook(key).await?;
        let kept = match mode {
            GrantMode::Replace => Map::new(),
            GrantMode::Merge => self.kept_grant(&connection.key).await?,
        };
        let document = checked(kept, &sent).map_err(GrantRefused::Invalid)?;
        let text = Secret::new(Value::Object(document).to_string());
        match self.store().connection_oauth_put(&connection.key, &text, actor).await {
            Ok(()) => Ok(connection.key),
            Err(StoreError::NotFound { .. }) => Err(GrantRefused::NoConnection { key: key.to_owned() }),
            Err(error) => Err(error.into()),
        }
    }

    /// Forgets it.
    ///
    /// # Errors
    /// [`GrantRefused`]; nothing was changed.
    pub async fn grant_remove(&self, key: &str, actor: Actor) -> Result<(), GrantRefused> {
        let connection = self.web_hook(key).await?;
        if self.store().connection_oauth_remove(&connection.key, actor).await? {
            return Ok(());
        }
        Err(GrantRefused::NoGrant)
    }

    async fn web_hook(&self, key: &str) -> Result<StoredConnection, GrantRefused> {
        let absent = || GrantRefused::NoConnection { key: key.to_owned() };
        let parsed: ConnectionKey = key.parse().map_err(|_| absent())?;
        let connection = self.store().connection_find(&parsed).await?.ok_or_else(absent)?;
        if connection.connection_type != ConnectionType::Https.as_str() {
            return Err(GrantRefused::NoWebHook);
        }
        Ok(connection)
    }

    async fn kept_grant(&self, key: &ConnectionKey) -> Result<Map<String, Value>, StoreError> {
        let Some(text) = self.store().connection_oauth_find(key).await? else { return Ok(Map::new()) };
        let document = serde_json::from_str(text.expose());
        document.map_err(|_| StoreError::Damaged { what: "how a web hook gets its token" })
    }
}

/// What is kept with what was sent over it: whole, and nothing else.
fn checked(kept: Map<String, Value>, sent: &Map<String, Value>) -> Result<Map<String, Value>, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut document = Map::new();
    let mut kept = kept;
    if leads_elsewhere(&kept, sent) {
        // It was given for the other host (architecture §13.19).
        kept.remove("client_secret");
    }
    for (name, needed) in MEMBERS {
        let value = sent.get(name).filter(|value| !value.is_null()).or_else(|| kept.get(name));
        match value {
            Some(Value::String(text)) if !text.is_empty() => {
                document.insert(name.to_owned(), Value::String(text.clone()));
            }
            None if !needed => {}
            None => problems.push(problem("missing", name, "Field required")),
            Some(Value::String(_)) => problems.push(problem("value_error", name, "a text is needed")),
            Some(_) => problems.push(problem("string_type", name, "Input should be a valid string")),
        }
    }
    let grant_type = document.entry("grant_type").or_insert_with(|| GRANT_TYPE.into());
    if grant_type != GRANT_TYPE {
        problems.push(problem("enum", "grant_type", "Input should be 'client_credentials'"));
    }
    let url = document.get("token_url").and_then(Value::as_str).map(Url::parse);
    let is_usable = |url: &Url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some();
    if url.is_some_and(|url| !url.as_ref().is_ok_and(is_usable)) {
        problems.push(problem("value_error", "token_url", "an address with `https://` is needed"));
    }
    if problems.is_empty() { Ok(document) } else { Err(problems) }
}

/// Whether the token would be asked for at another host than before.
fn leads_elsewhere(kept: &Map<String, Value>, sent: &Map<String, Value>) -> bool {
    let origin = |document: &Map<String, Value>| {
        let url = Url::parse(document.get("token_url")?.as_str()?).ok()?;
        Some(url.origin().ascii_serialization())
    };
    origin(sent).is_some_and(|new| origin(kept) != Some(new))
}

fn problem(kind: &str, name: &str, message: &str) -> Problem {
    Problem { kind: kind.to_owned(), place: vec![PlaceStep::from(name)], message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn map(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    fn whole() -> Map<String, Value> {
        map(&json!({"token_url": "https://auth.example.com/token", "client_id": "c", "client_secret": "s"}))
    }

    #[test]
    fn what_is_sent_goes_over_what_is_kept_and_unknown_members_are_left_out() {
        let sent = map(&json!({"scope": "write", "client_secret": "new", "other": 1}));

        let document = checked(whole(), &sent).unwrap();

        assert_eq!(
            Value::Object(document),
            json!({
                "grant_type": "client_credentials", "token_url": "https://auth.example.com/token",
                "scope": "write", "client_id": "c", "client_secret": "new"
            })
        );
    }

    #[test]
    fn secret_does_not_go_along_to_another_host() {
        let other_path = json!({"token_url": "https://auth.example.com/v2/token"});
        let other_host = json!({"token_url": "https://evil.test/token"});

        assert!(checked(whole(), &map(&other_path)).is_ok());
        let problems = checked(whole(), &map(&other_host)).unwrap_err();
        assert_eq!(problems[0].place, [PlaceStep::from("client_secret")]);
    }

    #[rstest]
    #[case(json!({"client_id": "c"}), &["token_url", "client_secret"])]
    #[case(json!({"token_url": "file:///etc/passwd", "client_id": "c", "client_secret": "s"}), &["token_url"])]
    #[case(json!({"token_url": "https://a.test", "client_id": 1, "client_secret": ""}), &["client_id", "client_secret"])]
    #[case(json!({"grant_type": "password", "token_url": "https://a.test", "client_id": "c", "client_secret": "s"}), &["grant_type"])]
    fn what_does_not_fit_is_named(#[case] sent: Value, #[case] names: &[&str]) {
        let problems = checked(Map::new(), &map(&sent)).unwrap_err();

        let places: Vec<PlaceStep> = problems.into_iter().flat_map(|problem| problem.place).collect();
        assert_eq!(places, names.iter().map(|name| PlaceStep::from(*name)).collect::<Vec<_>>());
    }
}
