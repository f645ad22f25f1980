//! Tokens for programs.

use axum::Json;
use axum::extract::{Request, State};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::{AccessToken, Secret, constant_time_eq, sha256};
use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Actor, ClientId, IssuedToken, NewAccessToken, TokenFor};
use utoipa::ToSchema;

use super::oauth_scope::known;
use crate::address::Address;
use crate::body::body_bytes;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;
use crate::{ApiError, RootClient, Scope};

/// Name that wrong secrets of the root client are counted under.
const ROOT: &str = "root client";

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(token))
}

/// A token, seen this once.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenReply {
    /// What to send as `Authorization: Bearer …`.
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// For how many seconds it is good.
    expires_in: i64,
    /// Until when it is good.
    expires_at: Timestamp,
}

impl TokenReply {
    pub(super) fn of(issued: &IssuedToken) -> Self {
        let life: SignedDuration = issued.expires_at.duration_since(issued.issued_at);
        Self {
            access_token: issued.token.text().expose().clone(),
            token_type: "Bearer",
            expires_in: life.as_secs(),
            expires_at: issued.expires_at,
        }
    }
}

/// The form that a program sends; it may send the pair as HTTP Basic instead.
#[derive(Default, Deserialize, ToSchema)]
struct TokenForm {
    /// `client_credentials`, or nothing.
    grant_type: Option<String>,
    /// The client's id.
    client_id: Option<String>,
    /// The client's secret.
    client_secret: Option<String>,
    /// Scopes with spaces between them, of the root client only: all if there are none.
    scope: Option<String>,
}

/// Get a token for a client.
#[utoipa::path(
    post,
    path = "/oauth/token",
    tag = "Sign-in",
    security(()),
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = TokenReply))
)]
async fn token(
    State(state): State<ApiState>,
    address: Address,
    request: Request,
) -> Result<Json<TokenReply>, ApiError> {
    state.sign_ins().take(&format!("address {}", address.name()))?;
    let basic = basic(request.headers());
    let form = form(request, &state).await?;
    if form.grant_type.as_deref().is_some_and(|grant| !matches!(grant, "" | "client_credentials")) {
        let loc = vec![json!("body"), json!("grant_type")];
        return Err(ApiError::invalid("string_pattern_mismatch", loc, "expected `client_credentials`"));
    }
    let sent = match (form.client_id, form.client_secret) {
        (Some(id), Some(secret)) => Some((id, Secret::new(secret))),
        (None | Some(_), None) | (None, Some(_)) => basic,
    };
    let (id, secret) = sent.ok_or_else(refused)?;
    let issued = match &state.settings().root_client {
        Some(root) if root.id == id => root_token(&state, root, &secret, form.scope.as_deref()).await?,
        Some(_) | None => client_token(&state, &id, &secret).await?,
    };
    issued.map(|issued| Json(TokenReply::of(&issued))).ok_or_else(refused)
}

fn refused() -> ApiError {
    tracing::warn!("a client was not given a token");
    ApiError::NotSignedIn("Authentication Failure".to_owned())
}

/// Its secret was chosen by a person: wrong ones are counted wherever they come from.
async fn root_token(
    state: &ApiState,
    root: &RootClient,
    secret: &Secret<String>,
    scope: Option<&str>,
) -> Result<Option<IssuedToken>, ApiError> {
    state.sign_ins().take(ROOT)?;
    let hash = |secret: &Secret<String>| sha256(secret.expose().as_bytes());
    if !constant_time_eq(&hash(secret), &hash(&root.secret)) {
        return Ok(None);
    }
    state.sign_ins().give_back(ROOT);
    let scopes = root_scopes(scope)?;
    issue(state, TokenFor::Root { root_hash: root.hash() }, &scopes, &root.id).await
}

async fn client_token(
    state: &ApiState,
    id: &str,
    secret: &Secret<String>,
) -> Result<Option<IssuedToken>, ApiError> {
    let Some(id) = ClientId::parse(id) else { return Ok(None) };
    let Some(client) = state.store().client_find(&id).await? else { return Ok(None) };
    if !AccessToken::verify(secret.expose(), &client.secret_hash) {
        return Ok(None);
    }
    let holder = TokenFor::Client { id: &id, secret_hash: &client.secret_hash };
    issue(state, holder, &client.scopes, id.as_str()).await
}

async fn issue(
    state: &ApiState,
    holder: TokenFor<'_>,
    scopes: &[String],
    id: &str,
) -> Result<Option<IssuedToken>, ApiError> {
    let life = state.settings().token_life;
    let new = NewAccessToken { holder, scopes, life, actor: Actor::client(id) };
    Ok(state.store().access_token_issue(new).await?)
}

fn root_scopes(asked: Option<&str>) -> Result<Vec<String>, ApiError> {
    let asked: Vec<String> = asked.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    let scopes = if asked.is_empty() { Scope::ALL.to_vec() } else { known(&asked)? };
    Ok(scopes.into_iter().map(|scope| scope.as_str().to_owned()).collect())
}

/// The form of the body; none if it is no form.
async fn form(request: Request, state: &ApiState) -> Result<TokenForm, ApiError> {
    let media = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_form = media.starts_with("application/x-www-form-urlencoded");
    let bytes = body_bytes(request, state).await?;
    Ok(if is_form { serde_html_form::from_bytes(&bytes).unwrap_or_default() } else { TokenForm::default() })
}

fn basic(headers: &HeaderMap) -> Option<(String, Secret<String>)> {
    let (scheme, pair) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = Secret::new(String::from_utf8(STANDARD.decode(pair.trim()).ok()?).ok()?);
    let (id, secret) = pair.expose().split_once(':')?;
    Some((id.to_owned(), Secret::new(secret.to_owned())))
}
