//! `bearer` (saas-config 6.7), and how every token is sent (6.18).

use http::header::AUTHORIZATION;

use super::{AuthError, Draft};

pub(super) fn set(token: &str, draft: &mut Draft) -> Result<(), AuthError> {
    draft.set_secret_header(&AUTHORIZATION, &format!("Bearer {token}"))
}
