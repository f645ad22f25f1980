//! A server, called over HTTP as one of its clients.

mod answer;
mod fetch;
mod version;

use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use crypto::Secret;
use egress::{DoorSettings, OwnService, OwnServiceCall, Timeouts};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

use crate::failure::Failure;

use self::answer::unreachable;
pub(crate) use self::answer::{Answer, said};
pub(crate) use self::fetch::{Opened, Stream};

/// Longest time of one call: a server may try a connection meanwhile.
const CALL_TIME: Duration = Duration::from_secs(90);
/// Items of a page.
const PAGE: usize = 100;
/// The longest answer that is taken into memory: a plan is as long as what it changes.
const LONGEST_ANSWER: u64 = 1024 * 1024 * 1024;
/// Under which a call may be made again: what it made before is given back.
const REPEAT_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Which server, and who calls.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ServerAddress {
    /// Address of the server, as in `https://tutela.example.com`. Who calls stands in the environment:
    /// `TUTELA_TOKEN`, or `TUTELA_CLIENT_ID` and `TUTELA_CLIENT_SECRET`.
    #[arg(long, value_name = "URL", env = "TUTELA_SERVER")]
    pub(crate) server: Url,
}

/// A server that takes this program's calls.
#[derive(Debug)]
pub(crate) struct Client {
    service: OwnService,
    base: Url,
    token: RwLock<Arc<Secret<String>>>,
    /// What a new token is got for, if there is anything.
    own: Option<(String, Secret<String>)>,
}

impl ServerAddress {
    /// A server by its address.
    ///
    /// # Errors
    /// Bad input if it is none.
    pub(crate) fn of(url: &str) -> Result<Self, Failure> {
        let server = url.parse().map_err(|_| Failure::BadInput(format!("`{url}` is no address")))?;
        Ok(Self { server })
    }

    /// A client with the token of the environment, or one that it gets for id and secret.
    ///
    /// # Errors
    /// Bad input if the address cannot be used, or nobody is named; a failure if the server does not
    /// let them in.
    pub(crate) async fn connect(&self) -> Result<Client, Failure> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let pair = (variable("TUTELA_CLIENT_ID"), variable("TUTELA_CLIENT_SECRET"));
        let (token, own) = match (variable("TUTELA_TOKEN"), pair) {
            (Some(token), _) => (token, None),
            (None, (Some(id), Some(secret))) => (String::new(), Some((id, Secret::new(secret)))),
            (None, (None, _) | (_, None)) => {
                return Err(Failure::BadInput(
                    "nobody is named who calls the server; set TUTELA_TOKEN, or TUTELA_CLIENT_ID and TUTELA_CLIENT_SECRET"
                        .to_owned(),
                ));
            }
        };
        let client = Client { own, ..Client::new(self.base()?, Secret::new(token)).await? };
        if client.own.is_some() {
            client.renew().await?;
        }
        Ok(client)
    }

    /// With a `/` at its end, so that paths are put behind it. A token is not sent in the clear, except
    /// within this machine.
    fn base(&self) -> Result<Url, Failure> {
        let mut base = self.server.clone();
        let host = base.host_str().unwrap_or_default();
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        let is_local = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
        match base.scheme() {
            "https" => {}
            "http" if is_local => {}
            _ => {
                return Err(Failure::BadInput(format!(
                    "`--server {base}`: an address with `https://` is needed; `http://` only within this machine"
                )));
            }
        }
        if !base.username().is_empty() || base.password().is_some() || base.query().is_some() {
            return Err(Failure::BadInput("`--server` wants the address alone".to_owned()));
        }
        if !base.path().ends_with('/') {
            let path = format!("{}/", base.path());
            base.set_path(&path);
        }
        Ok(base)
    }
}

/// The path of what belongs to a connection, whatever characters are in its key.
pub(crate) fn connection_path(key: &str, behind: &str) -> String {
    let key: String = url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
    format!("connection/{}/{behind}", key.replace('+', "%20"))
}

/// The way to the server, and to nowhere else. Where it is was said by who runs the command.
async fn service(base: &Url) -> Result<OwnService, Failure> {
    let host = base.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let addresses: Vec<IpAddr> = match host.parse::<IpAddr>() {
        Ok(address) => vec![address],
        Err(_) => tokio::net::lookup_host((host.as_str(), base.port_or_known_default().unwrap_or(443)))
            .await
            .map_err(|error| Failure::Failed(format!("`{host}` is not found: {error}")))?
            .map(|address| address.ip())
            .collect(),
    };
    let allow = addresses.iter().filter_map(|address| address.to_string().parse().ok()).collect();
    let timeouts = Timeouts { read: CALL_TIME, total: CALL_TIME, ..Timeouts::default() };
    let max_response_bytes = LONGEST_ANSWER;
    let settings = DoorSettings { allow, timeouts, max_response_bytes, ..DoorSettings::default() };
    let name = "server".parse().map_err(|_| Failure::Failed("the server has no name".to_owned()))?;
    OwnService::new(settings, name, base).map_err(|error| Failure::bad_input(&error))
}

impl Client {
    /// A person who signs in with a password.
    ///
    /// # Errors
    /// A failure if the server does not let them in.
    pub(crate) async fn sign_in(
        address: &ServerAddress,
        username: &str,
        password: &Secret<String>,
    ) -> Result<Self, Failure> {
        let client = Self::new(address.base()?, Secret::new("-".to_owned())).await?;
        let form = json!({"username": username, "password": password.expose()});
        let reply = client.put((Method::POST, "login"), &form).await?;
        let token = reply.pointer("/token_data/access_token").and_then(Value::as_str);
        let token = token.ok_or_else(|| Failure::Failed("the server gave no token".to_owned()))?;
        client.keep(token);
        Ok(client)
    }

    async fn new(base: Url, token: Secret<String>) -> Result<Self, Failure> {
        let service = service(&base).await?;
        Ok(Self { service, base, token: RwLock::new(Arc::new(token)), own: None })
    }

    /// The server's address, as messages name it.
    pub(crate) fn address(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Calls and gives what was answered, whatever its status.
    ///
    /// # Errors
    /// A failure if there is no answer.
    pub(crate) async fn call(
        &self,
        (method, path): (Method, &str),
        body: Option<&Value>,
    ) -> Result<Answer, Failure> {
        self.call_as((method, path), (body, None)).await
    }

    /// The same; with a token that the server does not take any more, once again with a new one.
    async fn call_as(
        &self,
        (method, path): (Method, &str),
        (body, repeat_key): (Option<&Value>, Option<&HeaderValue>),
    ) -> Result<Answer, Failure> {
        let body: Bytes = body.map(Value::to_string).unwrap_or_default().into();
        let headers = || {
            let mut headers = self.headers()?;
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            headers.extend(repeat_key.map(|key| (REPEAT_KEY, key.clone())));
            Ok::<_, Failure>(headers)
        };
        let answer = self.send((method.clone(), path), (headers()?, body.clone())).await?;
        if self.own.is_none() || !answer.is_of_nobody() {
            return Ok(answer);
        }
        self.renew().await?;
        self.send((method, path), (headers()?, body)).await
    }

    /// Who calls.
    fn headers(&self) -> Result<HeaderMap, Failure> {
        let token = Arc::clone(&self.token.read().unwrap_or_else(PoisonError::into_inner));
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.expose()))
            .map_err(|_| Failure::BadInput("the token has characters that cannot be sent".to_owned()))?;
        bearer.set_sensitive(true);
        Ok(HeaderMap::from_iter([(AUTHORIZATION, bearer)]))
    }

    fn keep(&self, token: &str) {
        let token = Arc::new(Secret::new(token.to_owned()));
        *self.token.write().unwrap_or_else(PoisonError::into_inner) = token;
    }

    async fn send(
        &self,
        (method, path): (Method, &str),
        (headers, body): (HeaderMap, Bytes),
    ) -> Result<Answer, Failure> {
        let url = self.url(path)?;
        let call = OwnServiceCall { method, url, headers, body };
        let reply = self.service.send(call).await.map_err(|error| unreachable(&self.base, &error))?;
        Ok(Answer::of(reply.status, &reply.body))
    }

    fn url(&self, path: &str) -> Result<Url, Failure> {
        self.base.join(&format!("api/v1/{path}")).map_err(|error| Failure::bad_input(&error))
    }

    /// What stands at a path.
    ///
    /// # Errors
    /// A failure if it is not given.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.call((Method::GET, path), None).await?.done(path)
    }

    /// The same; `None` if there is nothing.
    pub(crate) async fn find(&self, path: &str) -> Result<Option<Value>, Failure> {
        let answer = self.call((Method::GET, path), None).await?;
        if answer.status == StatusCode::NOT_FOUND { Ok(None) } else { answer.done(path).map(Some) }
    }

    /// All items of a list that comes in pages.
    pub(crate) async fn list(&self, path: &str) -> Result<Vec<Value>, Failure> {
        let mut items: Vec<Value> = Vec::new();
        for page in 1_u32.. {
            let mut body = self.get(&format!("{path}?page={page}&size={PAGE}")).await?;
            let found = body.get_mut("items").and_then(Value::as_array_mut).map(std::mem::take);
            let found = found.unwrap_or_default();
            let is_last = found.len() < PAGE;
            items.extend(found);
            if is_last {
                break;
            }
        }
        Ok(items)
    }

    /// The newest items of a list that has the oldest first: a page of them and more, if there are as many.
    pub(crate) async fn newest(&self, path: &str) -> Result<Vec<Value>, Failure> {
        let page = async |page: u64| self.get(&format!("{path}?page={page}&size={PAGE}")).await;
        let items = |page: &mut Value| {
            let items = page.get_mut("items").and_then(Value::as_array_mut).map(std::mem::take);
            items.unwrap_or_default()
        };
        let mut found = page(1).await?;
        let last = found.get("total").and_then(Value::as_u64).unwrap_or_default().div_ceil(PAGE as u64);
        // The last page may hold a single item.
        if last > 2 {
            found = page(last - 1).await?;
        }
        let mut newest = items(&mut found);
        if last > 1 {
            newest.extend(items(&mut page(last).await?));
        }
        Ok(newest)
    }

    /// Sends something that must be taken.
    pub(crate) async fn put(&self, (method, path): (Method, &str), body: &Value) -> Result<Value, Failure> {
        self.call((method, path), Some(body)).await?.done(path)
    }

    /// Sends a list of which each element must be taken.
    pub(crate) async fn put_all(&self, path: &str, elements: &[Value]) -> Result<(), Failure> {
        let reply = self.put((Method::PATCH, path), &json!(elements)).await?;
        let failed = reply.get("failed").and_then(Value::as_array).and_then(|failed| failed.first());
        match failed.and_then(|failed| failed.get("message")).and_then(Value::as_str) {
            Some(message) => Err(Failure::Failed(format!("the server refused it ({path}): {message}"))),
            None => Ok(()),
        }
    }

    /// Sends something that must be taken, once: called again with the same key, it is not done twice.
    pub(crate) async fn put_once(&self, path: &str, (key, body): (&str, &Value)) -> Result<Value, Failure> {
        let key = HeaderValue::try_from(key).map_err(|error| Failure::bad_input(&error))?;
        self.call_as((Method::POST, path), (Some(body), Some(&key))).await?.done(path)
    }

    /// Gets a new token for id and secret.
    async fn renew(&self) -> Result<(), Failure> {
        let Some((id, secret)) = &self.own else { return Ok(()) };
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", id)
            .append_pair("client_secret", secret.expose())
            .finish();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let path = "oauth/token";
        let body = self.send((Method::POST, path), (headers, form.into())).await?.done(path)?;
        let token = body.get("access_token").and_then(Value::as_str);
        let token = token.ok_or_else(|| Failure::Failed("the server gave no token".to_owned()))?;
        self.keep(token);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://tutela.example.com", Some("https://tutela.example.com/"))]
    #[case("https://example.com/tutela", Some("https://example.com/tutela/"))]
    #[case("http://127.0.0.1:8080", Some("http://127.0.0.1:8080/"))]
    #[case("http://[::1]:8080", Some("http://[::1]:8080/"))]
    #[case("http://tutela.example.com", None)]
    #[case("https://ana:secret@example.com", None)]
    #[case("file:///etc/passwd", None)]
    fn token_is_sent_in_the_clear_within_this_machine_only(#[case] server: &str, #[case] base: Option<&str>) {
        let address = ServerAddress { server: server.parse().unwrap() };

        assert_eq!(address.base().ok().map(String::from).as_deref(), base);
    }
}
