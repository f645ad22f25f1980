//! What a server answers, in the voice of the command line: what went wrong, where, and what to do.

use egress::SendError;
use http::StatusCode;
use model::visible;
use serde_json::Value;
use url::Url;

use crate::failure::Failure;

/// What the server says of a token that it does not know, or knows no longer; what it says of one that
/// may not do something goes on with the scopes that it lacks.
const UNKNOWN_TOKEN: &str = "Not Authorized for this action";

/// What was answered to a call.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: StatusCode,
    /// The body; null if it is no JSON.
    pub(crate) body: Value,
}

impl Answer {
    /// An answer as it came.
    pub(super) fn of(status: u16, body: &[u8]) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, body: serde_json::from_slice(body).unwrap_or_default() }
    }

    /// Whether the server does not know who calls.
    pub(super) fn is_of_nobody(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED
            || (self.status == StatusCode::FORBIDDEN && said(&self.body) == UNKNOWN_TOKEN)
    }

    /// The body, if what was asked for was done.
    ///
    /// # Errors
    /// What the server says, and what to do. `path` names the call; it holds no secrets.
    pub(crate) fn done(self, path: &str) -> Result<Value, Failure> {
        if self.status.is_success() {
            return Ok(self.body);
        }
        let text = format!("the server answered {} to {path}: {}", self.status.as_u16(), said(&self.body));
        Err(match self.status {
            _ if self.is_of_nobody() => Failure::Refused(format!(
                "{text}; it does not know who calls, or the token has ended: set TUTELA_TOKEN to a new one, or \
                 TUTELA_CLIENT_ID and TUTELA_CLIENT_SECRET to those of an API client of this server"
            )),
            StatusCode::FORBIDDEN if said(&self.body).contains("scope") => Failure::Refused(format!(
                "{text}; give the scope to the API client or the role to the person, or call as somebody else"
            )),
            StatusCode::FORBIDDEN | StatusCode::CONFLICT => Failure::Refused(text),
            StatusCode::UNPROCESSABLE_ENTITY => Failure::BadInput(text),
            StatusCode::TOO_MANY_REQUESTS => {
                Failure::Failed(format!("{text}; it takes no more calls for now, so try again in a minute"))
            }
            StatusCode::NOT_FOUND if self.body.is_null() => Failure::Failed(format!(
                "{text}; is this the address of a Tutela server, of this program's version?"
            )),
            _ => Failure::Failed(text),
        })
    }
}

/// What the server says is wrong, in one line that cannot move the cursor.
pub(crate) fn said(body: &Value) -> String {
    let text = match body.get("detail") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) => {
            let line = |one: &Value| {
                let loc = one.get("loc").and_then(Value::as_array).into_iter().flatten();
                let place: Vec<String> = loc.filter_map(model::text_form).collect();
                format!("{}: {}", place.join("."), one.get("msg").and_then(Value::as_str).unwrap_or_default())
            };
            list.iter().map(line).collect::<Vec<_>>().join("; ")
        }
        _ => "it does not say why".to_owned(),
    };
    visible(&text).into_owned()
}

/// Why there is no answer.
pub(super) fn unreachable(base: &Url, error: &SendError) -> Failure {
    let place = base.as_str().trim_end_matches('/');
    let what = match error {
        SendError::Connect { .. } => {
            "cannot be connected to; check the address and the port, and that the server runs".to_owned()
        }
        SendError::Unresolvable { .. } => "is not found; check the address and the name server".to_owned(),
        SendError::Tls { .. } => "has no certificate that is trusted here, or does not speak TLS; check the \
                                  address, or name a file with its root certificate in SSL_CERT_FILE"
            .to_owned(),
        SendError::Timeout { .. } => "does not answer in time; look at its log, or try again".to_owned(),
        SendError::Reset { .. } | SendError::Truncated { .. } => {
            "broke off the connection before the answer was complete; try again".to_owned()
        }
        SendError::BadReply { .. } => {
            "does not answer as a web server does; does it want `https://`?".to_owned()
        }
        SendError::RedirectRefused { to, .. } => format!("sends calls on to {to}; give that address"),
        other => format!("could not be called: {other}"),
    };
    Failure::Failed(format!("the server at {place} {what}"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::exit::Exit;

    #[test]
    fn what_the_server_says_is_told_with_its_place() {
        let list =
            json!({"detail": [{"loc": ["body", 0, "access"], "msg": "Field required", "type": "missing"}]});

        assert_eq!(said(&list), "body.0.access: Field required");
        assert_eq!(said(&json!({"detail": "No."})), "No.");
        assert_eq!(said(&json!({"detail": "No.\n\u{1b}[2K"})), "No.\\n\\u{1b}[2K");
        assert_eq!(said(&Value::Null), "it does not say why");
    }

    #[rstest]
    #[case::nobody(401, "No.", Exit::Refused, "TUTELA_TOKEN")]
    #[case::unknown_token(403, "Not Authorized for this action", Exit::Refused, "TUTELA_CLIENT_ID")]
    #[case::scope(
        403,
        "Not Authorized for this action. Required scope(s): [privacy-request:read]",
        Exit::Refused,
        "give the scope"
    )]
    #[case::same_person(403, "somebody else has to", Exit::Refused, "somebody else has to")]
    #[case::conflict(409, "another plan", Exit::Refused, "another plan")]
    #[case::bad_input(422, "no code", Exit::BadInput, "no code")]
    #[case::absent(404, "gone", Exit::Failed, "gone")]
    #[case::too_many(429, "slow", Exit::Failed, "in a minute")]
    #[case::broken(500, "oh", Exit::Failed, "500")]
    fn each_refusal_has_its_exit_code_and_says_what_to_do(
        #[case] status: u16,
        #[case] detail: &str,
        #[case] exit: Exit,
        #[case] says: &str,
    ) {
        let answer = Answer::of(status, json!({"detail": detail}).to_string().as_bytes());

        let failure = answer.done("privacy-request").unwrap_err();

        assert_eq!(failure.exit(), exit, "{failure}");
        assert!(failure.to_string().contains(says), "{failure}");
    }

    #[test]
    fn where_no_server_of_ours_is_that_is_asked() {
        let failure = Answer::of(404, b"<html>").done("x").unwrap_err();

        assert!(failure.to_string().contains("a Tutela server"), "{failure}");
    }
}
