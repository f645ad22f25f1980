//! People who were asked to join and are not members yet.

use serde_json::{Value, json};

use super::GitHub;
use super::answers::{error, not_found};
use super::links::page;
use crate::Random;
use crate::server::{Answer, Call};

/// An invitation, to an address or to somebody with an account.
#[derive(Debug)]
pub(super) struct Invitation {
    pub(super) id: u64,
    pub(super) email: Option<String>,
    pub(super) login: Option<String>,
}

impl Invitation {
    /// What people call it: the address, or the account that was invited.
    pub(super) fn name(&self) -> &str {
        self.email.as_deref().or(self.login.as_deref()).unwrap_or_default()
    }
}

/// One by address, one by account.
pub(super) fn seed(random: &mut Random) -> Vec<Invitation> {
    let mut id = || 30_000_000 + random.below(9_000_000);
    vec![
        Invitation { id: id(), email: Some("new@example.com".to_owned()), login: None },
        Invitation { id: id(), email: None, login: Some("New-Here".to_owned()) },
    ]
}

/// Answers what is asked below `/orgs/NAME/invitations`.
pub(super) fn answer(github: &mut GitHub, call: &Call, rest: &[&str]) -> Answer {
    match (call.method.as_str(), rest) {
        ("GET", []) => page(github, call, &github.invitations.iter().map(shown).collect::<Vec<_>>()),
        ("POST", []) => invite(github, call),
        ("DELETE", [id]) => {
            let before = github.invitations.len();
            github.invitations.retain(|invitation| invitation.id.to_string() != *id);
            if github.invitations.len() == before { not_found() } else { Answer::status(204) }
        }
        _ => not_found(),
    }
}

/// Somebody who is a member or was invited already is refused.
fn invite(github: &mut GitHub, call: &Call) -> Answer {
    let body = call.json().unwrap_or_default();
    let Some(email) = body.get("email").and_then(Value::as_str) else {
        return error(422, "Invalid request. `email` is missing.");
    };
    let is_known = github.people.iter().any(|person| person.email.eq_ignore_ascii_case(email))
        || github.invitations.iter().any(|invitation| invitation.email.as_deref() == Some(email));
    if is_known {
        return error(422, "Invitee is already a part of this organization");
    }
    let last = github.invitations.iter().map(|invitation| invitation.id).max().unwrap_or(30_000_000);
    let invitation = Invitation { id: last + 1, email: Some(email.to_owned()), login: None };
    let answer = Answer::json(201, &shown(&invitation));
    github.invitations.push(invitation);
    answer
}

fn shown(invitation: &Invitation) -> Value {
    json!({
        "id": invitation.id,
        "login": invitation.login,
        "email": invitation.email,
        "role": "direct_member",
        "created_at": "2026-01-05T09:00:00Z",
        "team_count": 0,
    })
}
