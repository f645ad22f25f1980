use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use crypto::{Secret, WebKey};
use egress::{DoorSettings, OwnService, OwnServiceCall};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use model::ConnectionKey;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::Url;
use url::form_urlencoded::Serializer;

use super::{OidcError, OidcParts};

/// Where a provider does what, and the keys that it signs with.
pub(super) struct Provider {
    /// Where browsers are sent.
    pub(super) authorization_endpoint: Url,
    token_endpoint: Url,
    userinfo_endpoint: Option<Url>,
    /// Whether the secret goes into the form; else into a header.
    secret_in_form: bool,
    /// The keys.
    pub(super) keys: Vec<WebKey>,
}

/// What a code is exchanged for.
#[derive(Deserialize)]
pub(super) struct Tokens {
    /// The statement about the person, signed.
    pub(super) id_token: String,
    /// To ask for more about them.
    #[serde(deserialize_with = "secret")]
    pub(super) access_token: Secret<String>,
}

#[derive(Deserialize)]
struct Configuration {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: Option<String>,
    jwks_uri: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

impl Provider {
    /// Asks a provider about itself (OpenID Connect Discovery).
    pub(super) async fn discover(parts: &OidcParts) -> Result<Self, OidcError> {
        let issuer = &parts.settings.issuer;
        let place = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let place = place.parse().map_err(|_| OidcError::Provider("its address is none"))?;
        let found: Configuration = get(&parts.egress, &place, None).await?;
        if found.issuer != *issuer {
            return Err(OidcError::Provider("it calls itself something else than `oidc.issuer` says"));
        }
        // Without TLS only where the issuer itself is.
        let open = issuer.starts_with("http://");
        let place = |text: &str| {
            let url: Option<Url> = text.parse().ok();
            url.filter(|url| url.scheme() == "https" || open)
                .ok_or(OidcError::Provider("one of its addresses is none, or without TLS"))
        };
        let set: KeySet = get(&parts.egress, &place(&found.jwks_uri)?, None).await?;
        let methods = found.token_endpoint_auth_methods_supported;
        let takes = |name: &str| methods.iter().flatten().any(|method| method == name);
        Ok(Self {
            authorization_endpoint: place(&found.authorization_endpoint)?,
            token_endpoint: place(&found.token_endpoint)?,
            userinfo_endpoint: found.userinfo_endpoint.as_deref().map(place).transpose()?,
            secret_in_form: takes("client_secret_post") && !takes("client_secret_basic"),
            // Keys of kinds that are not known here are for others.
            keys: set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect(),
        })
    }

    /// Exchanges a code.
    pub(super) async fn exchange(
        &self,
        parts: &OidcParts,
        form: &[(&str, &str)],
    ) -> Result<Tokens, OidcError> {
        let call = self.exchange_call(parts, form)?;
        send(&parts.egress, call).await
    }

    fn exchange_call(&self, parts: &OidcParts, form: &[(&str, &str)]) -> Result<OwnServiceCall, OidcError> {
        let client_id = parts.settings.client_id.as_str();
        let mut headers = HeaderMap::new();
        let mut body = Serializer::new(String::new());
        body.append_pair("grant_type", "authorization_code").extend_pairs(form);
        match &parts.client_secret {
            Some(secret) if !self.secret_in_form => {
                headers.insert(AUTHORIZATION, basic(client_id, secret)?);
            }
            Some(secret) => {
                body.append_pair("client_id", client_id).append_pair("client_secret", secret.expose());
            }
            None => {
                body.append_pair("client_id", client_id);
            }
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        Ok(OwnServiceCall {
            method: Method::POST,
            url: self.token_endpoint.clone(),
            headers,
            body: Bytes::from(body.finish()),
        })
    }

    /// What the provider tells about the holder of a token; none if it tells nothing.
    pub(super) async fn user_info(
        &self,
        egress: &DoorSettings,
        token: &Secret<String>,
    ) -> Result<Option<Map<String, Value>>, OidcError> {
        let Some(place) = &self.userinfo_endpoint else { return Ok(None) };
        get(egress, place, Some(token)).await.map(Some)
    }
}

async fn get<T: DeserializeOwned>(
    egress: &DoorSettings,
    place: &Url,
    token: Option<&Secret<String>>,
) -> Result<T, OidcError> {
    let mut headers = HeaderMap::new();
    if let Some(token) = token {
        let value = HeaderValue::from_str(&format!("Bearer {}", token.expose()));
        let mut value = value.map_err(|_| OidcError::Provider("its token is none"))?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    let call = OwnServiceCall { method: Method::GET, url: place.clone(), headers, body: Bytes::new() };
    send(egress, call).await
}

async fn send<T: DeserializeOwned>(egress: &DoorSettings, mut call: OwnServiceCall) -> Result<T, OidcError> {
    call.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let name: ConnectionKey = "oidc".parse().expect("the name is a key");
    let service = OwnService::new(egress.clone(), name, &call.url).map_err(OidcError::Door)?;
    let reply = service.send(call).await.map_err(OidcError::Send)?;
    match reply.status {
        200 => serde_json::from_slice(&reply.body)
            .map_err(|_| OidcError::Provider("an answer is not what the standard says")),
        400 | 401 => Err(OidcError::Statement("the code or this server's own secret was refused")),
        _ => Err(OidcError::Provider("a call was answered with an error")),
    }
}

/// Both are encoded as in forms (RFC 6749 2.3.1).
fn basic(client_id: &str, secret: &Secret<String>) -> Result<HeaderValue, OidcError> {
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encoded(client_id), encoded(secret.expose()));
    let value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair)));
    let mut value = value.map_err(|_| OidcError::Provider("this server's name there is none"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn secret<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Secret<String>, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}
