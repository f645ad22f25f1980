//! `basic` (saas-config 6.5–6.6).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use spec::template::Template;

use super::{AuthError, Draft, credential};
use crate::fill::Place;
use crate::secrets::Secrets;

/// A password that is absent or has no secret is empty; a user name without secret is a failure.
pub(super) fn apply(
    username: &Template,
    password: Option<&Template>,
    secrets: &Secrets,
    draft: &mut Draft,
) -> Result<(), AuthError> {
    let username = credential(username, Place::Plain, secrets)?;
    let password = match password.map(|template| credential(template, Place::Plain, secrets)) {
        None | Some(Err(AuthError::Missing { .. })) => String::new(),
        Some(found) => found?,
    };
    let value = format!("Basic {}", STANDARD.encode(format!("{username}:{password}")));
    draft.set_secret_header(&AUTHORIZATION, &value)
}
