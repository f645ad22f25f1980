//! Signing in with an account of the company, at its provider and back.

use std::time::Duration;

use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse};
use crypto::AccessToken;
use http::header::{LOCATION, SET_COOKIE};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use store::{Actor, NewSession, NewSignInFlow, ProviderPerson, ProviderSignIn, SessionFor};
use utoipa::IntoParams;

use super::cookie;
use crate::ApiError;
use crate::address::Address;
use crate::documented::{OpenApiRouter, routes};
use crate::oidc::{Browser, Oidc, OidcPerson};
use crate::query::Query;
use crate::session::Cookie;
use crate::state::ApiState;

/// How long somebody may take at the provider.
const AWAY: Duration = Duration::from_mins(10);
/// What is shown to who did not ask for a page.
const FIRST_PAGE: &str = "/docs";

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(leave)).routes(routes!(come_back))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Leave {
    /// Page of this server to show afterwards, as in `/docs`.
    next: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ComeBack {
    /// What the person can be asked for with.
    code: Option<String>,
    /// What was given to the provider.
    state: Option<String>,
    /// Who answers.
    iss: Option<String>,
    /// Why there is no code.
    error: Option<String>,
}

/// Send a browser to the provider of accounts.
#[utoipa::path(
    get,
    path = "/session/oidc",
    tag = "Sign-in",
    security(()),
    params(Leave),
    responses((status = 303, description = "To the provider"), (status = 404), (status = 424))
)]
async fn leave(
    State(state): State<ApiState>,
    address: Address,
    Query(query): Query<Leave>,
) -> Result<impl IntoResponse, ApiError> {
    state.public_calls().take(&address.name())?;
    let oidc = provider(&state)?;
    let (given, browser) = (AccessToken::random(), Browser::random());
    let url = oidc.address(given.text().expose(), &browser).await?;
    let next_page = query.next.as_deref().filter(|page| is_own_page(page)).unwrap_or(FIRST_PAGE);
    let flow = NewSignInFlow { hash: given.hash(), browser_hash: browser.hash(), next_page, life: AWAY };
    state.store().sign_in_flow_put(flow).await?;
    let seconds = i64::try_from(AWAY.as_secs()).unwrap_or_default();
    let cookie = Cookie::SignIn.set(&state, Some((browser.text(), seconds)));
    Ok((StatusCode::SEE_OTHER, [(LOCATION, url.to_string())], [(SET_COOKIE, cookie)]))
}

/// Sign in a browser that comes back from the provider of accounts.
#[utoipa::path(
    get,
    path = "/session/oidc/callback",
    tag = "Sign-in",
    security(()),
    params(ComeBack),
    responses(
        (status = 303, description = "To the page that was asked for"),
        (status = 401),
        (status = 403),
        (status = 404),
        (status = 409),
        (status = 424)
    )
)]
async fn come_back(
    State(state): State<ApiState>,
    address: Address,
    headers: HeaderMap,
    Query(query): Query<ComeBack>,
) -> Result<impl IntoResponse, ApiError> {
    state.public_calls().take(&address.name())?;
    let oidc = provider(&state)?;
    let unknown =
        || ApiError::NotSignedIn("this sign-in is not under way any more; begin it anew".to_owned());
    let browser = Cookie::SignIn.find(&headers, &state).map(|text| Browser::of(&text)).ok_or_else(unknown)?;
    let given = AccessToken::hash_of(query.state.as_deref().unwrap_or_default());
    let page = state.store().sign_in_flow_take(given, browser.hash()).await?.ok_or_else(unknown)?;
    if query.iss.as_deref().is_some_and(|issuer| issuer != oidc.issuer()) {
        return Err(ApiError::NotSignedIn("another provider answers; sign in again".to_owned()));
    }
    let code = query.code.filter(|_| query.error.is_none());
    let code = code.ok_or_else(|| ApiError::NotSignedIn("the provider did not sign you in".to_owned()))?;
    let person = oidc.person(&code, &browser).await?;
    let session = signed_in(&state, oidc, person).await?;
    let cookies = [(SET_COOKIE, cookie(&state, &session)), (SET_COOKIE, Cookie::SignIn.set(&state, None))];
    Ok((StatusCode::SEE_OTHER, [(LOCATION, page)], AppendHeaders(cookies)))
}

/// Opens a session for the account of a person; makes one if they are new.
async fn signed_in(
    state: &ApiState,
    oidc: &Oidc,
    person: OidcPerson,
) -> Result<store::IssuedToken, ApiError> {
    let OidcPerson { subject, username, person, roles } = person;
    let link = oidc.links() && person.email_address.is_some();
    let first_roles = oidc.first_roles();
    let issuer = oidc.issuer();
    let asked = ProviderPerson { issuer, subject: &subject, username, person, roles, first_roles, link };
    let conflict = |what: &str| {
        ApiError::Conflict(format!(
            "somebody else here has your {what}; ask an owner to change that account, or to allow \
             `oidc.link_accounts` if it is yours"
        ))
    };
    let login = match state.store().login_of_provider(asked).await? {
        ProviderSignIn::Known(login) => login,
        ProviderSignIn::Disabled => {
            return Err(ApiError::Refused("your account is locked; ask an owner".to_owned()));
        }
        ProviderSignIn::UsernameTaken => return Err(conflict("username")),
        ProviderSignIn::EmailTaken => return Err(conflict("e-mail address")),
    };
    let new = NewSession {
        holder: SessionFor::Provider { id: &login.id },
        life: state.settings().session_life,
        actor: Actor::person(&login.username),
    };
    let opened = state.store().session_open(new).await?;
    opened.ok_or_else(|| ApiError::Refused("your account is locked; ask an owner".to_owned()))
}

fn provider(state: &ApiState) -> Result<&Oidc, ApiError> {
    state.oidc().ok_or_else(|| {
        ApiError::NotFound("this server has no provider of accounts; `oidc.issuer` would name it".to_owned())
    })
}

/// Whether it is a page of this server for every browser: nothing that they take for another host.
fn is_own_page(page: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    page.starts_with('/') && !page.starts_with("//") && page.len() <= 500 && page.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/", true)]
    #[case("/requests?status=pending#top", true)]
    #[case("", false)]
    #[case("//evil.example.com", false)]
    #[case("/\\evil.example.com", false)]
    #[case("https://evil.example.com", false)]
    #[case("/\t/evil.example.com", false)]
    #[case("/a\r\nset-cookie: x=y", false)]
    fn only_pages_of_this_server_are_shown_afterwards(#[case] page: &str, #[case] is_own: bool) {
        assert_eq!(is_own_page(page), is_own);
    }
}
