//! Secrets that a file uses without declaring them as params.

use super::visit;
use crate::connector_file::{Authentication, ConnectorFile};

/// Secrets that an authentication strategy reads by itself (saas-config 6.15, 6.29).
fn read_by(authentication: &Authentication) -> &'static [&'static str] {
    match authentication {
        Authentication::OAuth2ClientCredentials(_) => {
            &["client_id", "client_secret", "access_token", "refresh_token", "expires_at"]
        }
        Authentication::OAuth2AuthorizationCode { .. } => &[
            "client_id",
            "client_secret",
            "redirect_uri",
            "access_token",
            "refresh_token",
            "expires_at",
            "state",
            "code",
            "code_challenge",
            "code_verifier",
        ],
        Authentication::GoogleCloudServiceAccount { .. } => &[
            "type",
            "project_id",
            "private_key_id",
            "private_key",
            "client_email",
            "client_id",
            "auth_uri",
            "token_uri",
            "auth_provider_x509_cert_url",
            "client_x509_cert_url",
            "universe_domain",
            "google_cloud_access_token",
            "google_cloud_token_expires_at",
        ],
        Authentication::Basic { .. }
        | Authentication::Bearer { .. }
        | Authentication::ApiKey { .. }
        | Authentication::QueryParam { .. }
        | Authentication::Script { .. }
        | Authentication::Unknown { .. } => &[],
    }
}

/// Whether some strategy of `file` reads or keeps the secret `name` by itself, so that a
/// connection may have it although no param declares it.
pub(crate) fn is_supplied_beyond_params(file: &ConnectorFile, name: &str) -> bool {
    let visits = visit::requests(file);
    visit::clients(file, &visits)
        .iter()
        .filter_map(|(_, client)| client.authentication.as_ref())
        .any(|authentication| read_by(authentication).contains(&name))
}

/// Whether a strategy that nobody here knows may read any secret.
pub(super) fn has_unknown_strategy(file: &ConnectorFile, visits: &[visit::Visit<'_>]) -> bool {
    visit::clients(file, visits)
        .iter()
        .any(|(_, client)| matches!(client.authentication, Some(Authentication::Unknown { .. })))
}

/// Whether a connection of `file` can have the secret `name`.
pub(crate) fn is_known(file: &ConnectorFile, name: &str) -> bool {
    let name = visit::first_segment(name);
    file.find_param(name).is_some()
        || file.external_references.iter().any(|reference| reference.name == name)
        || is_supplied_beyond_params(file, name)
}
