//! Making a request on a server.

use std::time::Duration;

use model::{FidesKey, IdSource as _, Identities, PrivacyRequestId, RandomIds, visible};
use privacy::RaisedLimits;
use privacy::request::KNOWN_IDENTITIES;
use serde_json::{Map, Value, json};
use tokio::time::sleep;

use super::OnServer;
use crate::failure::Failure;

/// How often a request is sent whose answer gets lost: under one key, so that it is made once.
const ATTEMPTS: u32 = 4;
const WAIT: Duration = Duration::from_millis(500);

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    /// Key of a policy of the server.
    pub(crate) policy: &'a str,
    /// About whom.
    pub(crate) identities: &'a Identities,
    /// For what.
    pub(crate) needs: Needs,
    /// Fields with their right values.
    pub(crate) corrections: &'a [(String, Value)],
    /// Limits that are raised for its plan.
    pub(crate) raised: RaisedLimits,
}

/// What a command needs of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// That it delivers, and does nothing else.
    Access,
    /// That it erases. What is planned waits for approval, whatever the policy says.
    Plan,
    /// That it allows to correct. What is planned waits for approval likewise.
    Correction,
    /// Nothing more than it did already: its packages are fetched.
    Packages,
}

/// A policy of the server, as far as commands care.
#[derive(Debug)]
pub(crate) struct ServerPolicy {
    /// Keys of the rules that deliver something.
    pub(crate) access_rules: Vec<FidesKey>,
}

impl OnServer {
    /// Finds a policy that does what a command is for, and nothing that it is not for.
    ///
    /// # Errors
    /// Bad input if the server has none of this key, or it does something else.
    pub(crate) async fn policy(&self, key: &str, needs: Needs) -> Result<ServerPolicy, Failure> {
        let parsed = key.parse().ok().filter(|_| !matches!(key, "." | ".."));
        let key: FidesKey =
            parsed.ok_or_else(|| Failure::BadInput(format!("`{key}` is no key of a policy")))?;
        let Some(found) = self.client.find(&format!("dsr/policy/{key}")).await? else {
            let all = self.client.list("dsr/policy").await?;
            let keys: Vec<&str> = all.iter().filter_map(|policy| policy.get("key")?.as_str()).collect();
            return Err(Failure::BadInput(format!(
                "the server at {} has no policy `{key}`; it has: {}",
                self.client.address(),
                if keys.is_empty() { "none".to_owned() } else { visible(&keys.join(", ")).into_owned() }
            )));
        };
        let rules = found.get("rules").and_then(Value::as_array).into_iter().flatten();
        let action = |rule: &Value| rule.get("action_type").and_then(Value::as_str).map(str::to_owned);
        let actions: Vec<String> = rules.clone().filter_map(action).collect();
        let others = actions.iter().find(|action| *action != "access");
        let lacks = |action: &str, what: &str| {
            Failure::BadInput(format!(
                "policy `{key}` of the server has no rule with `action_type: {action}`, so there is nothing to {what}"
            ))
        };
        match (needs, others) {
            (Needs::Access, Some(other)) => Err(Failure::BadInput(format!(
                "policy `{key}` of the server has a rule with `action_type: {}`, which would be carried out as well; \
                 name a policy that has access rules alone",
                visible(other)
            ))),
            (Needs::Access, None) if actions.is_empty() => Err(lacks("access", "deliver")),
            (Needs::Plan, _) if !actions.iter().any(|action| action == "erasure") => {
                Err(lacks("erasure", "plan"))
            }
            (Needs::Correction, _) if !actions.iter().any(|action| action == "rectification") => {
                Err(lacks("rectification", "correct"))
            }
            (Needs::Access | Needs::Plan | Needs::Correction | Needs::Packages, _) => {
                let access = rules.filter(|rule| action(rule).as_deref() == Some("access"));
                let keys = access.filter_map(|rule| rule.get("key")?.as_str()?.parse().ok());
                Ok(ServerPolicy { access_rules: keys.collect() })
            }
        }
    }

    /// Makes a request. An answer that gets lost does not make it twice.
    ///
    /// # Errors
    /// Bad input if the server does not take it.
    pub(crate) async fn make(&self, asked: &Asked<'_>) -> Result<PrivacyRequestId, Failure> {
        let mut element = json!({
            "policy_key": asked.policy,
            "identity": identity_body(asked.identities)?,
            "source": "Request Manager",
        });
        if let (Needs::Plan | Needs::Correction, Some(element)) = (asked.needs, element.as_object_mut()) {
            element.insert("approval".to_owned(), json!("person"));
            if !asked.corrections.is_empty() {
                let correction = |(field, value): &(String, Value)| json!({"field": field, "value": value});
                element.insert("corrections".to_owned(), asked.corrections.iter().map(correction).collect());
            }
            if !asked.raised.is_empty() {
                element.insert("limits".to_owned(), json!(asked.raised));
            }
        }
        let body = json!([element]);
        let key = RandomIds.next_uuid().to_string();
        let reply = self.until_answered("privacy-request/authenticated", (&key, &body)).await?;
        let id = reply.pointer("/succeeded/0/id").and_then(Value::as_str).and_then(|id| id.parse().ok());
        id.ok_or_else(|| {
            let why = reply.pointer("/failed/0/message").and_then(Value::as_str);
            let why = why.unwrap_or("it does not say why");
            Failure::BadInput(format!("the server did not take the request: {}", visible(why)))
        })
    }

    /// Sends something that is done once, however often its answer gets lost.
    ///
    /// # Errors
    /// A failure if no answer comes, or it is refused.
    pub(crate) async fn until_answered(&self, path: &str, call: (&str, &Value)) -> Result<Value, Failure> {
        let mut attempt = 1;
        loop {
            match self.client.put_once(path, call).await {
                Err(Failure::Failed(_)) if attempt < ATTEMPTS => {
                    sleep(WAIT * attempt).await;
                    attempt += 1;
                }
                answered => return answered,
            }
        }
    }
}

/// Fails if a server does not take these identities in one request.
///
/// # Errors
/// Bad input that says what to do instead.
pub(crate) fn check_identities(identities: &Identities) -> Result<(), Failure> {
    identity_body(identities).map(|_| ())
}

/// Identities as a server takes them. Messages name kinds and never show values.
fn identity_body(identities: &Identities) -> Result<Value, Failure> {
    let mut body = Map::new();
    for kind in identities.kinds() {
        let values = identities.values(kind);
        let value = match (KNOWN_IDENTITIES.contains(&kind), values) {
            (true, [one]) => one.clone(),
            (true, _) => {
                return Err(Failure::BadInput(format!(
                    "a server takes one identity of kind `{kind}` in a request; make one request for each"
                )));
            }
            (false, [one]) => json!({"label": kind, "value": one}),
            (false, all) => json!({"label": kind, "value": all}),
        };
        body.insert(kind.to_owned(), value);
    }
    Ok(Value::Object(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identities(given: &[(&str, Value)]) -> Identities {
        let mut identities = Identities::default();
        for (kind, value) in given {
            identities.insert(*kind, value.clone()).unwrap();
        }
        identities
    }

    #[test]
    fn kinds_that_a_server_knows_stand_alone_and_others_have_a_label() {
        let given = identities(&[
            ("email", json!("ana@example.com")),
            ("customer", json!(7)),
            ("customer", json!(8)),
        ]);

        let body = identity_body(&given).unwrap();

        let expected =
            json!({"email": "ana@example.com", "customer": {"label": "customer", "value": [7, 8]}});
        assert_eq!(body, expected);
    }

    #[test]
    fn second_value_of_a_known_kind_is_refused_without_being_shown() {
        let given = identities(&[("email", json!("a@canary.example")), ("email", json!("b@canary.example"))]);

        let refused = identity_body(&given).unwrap_err();

        assert!(
            refused.to_string().contains("`email`") && !refused.to_string().contains("canary"),
            "{refused}"
        );
    }
}
