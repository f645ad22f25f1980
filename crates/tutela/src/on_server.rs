//! Requests of people that a server carries out for whoever runs the command.

mod follow;
mod make;
mod named;
mod package;
mod standing;

use http::Method;
use model::{PrivacyRequestId, visible};
use privacy::RunStatus;
use serde_json::{Value, json};

use crate::client::{Client, ServerAddress};
use crate::failure::Failure;
use crate::output::{self, Output};

pub(crate) use self::follow::{Followed, Until};
pub(crate) use self::make::{Asked, Needs, ServerPolicy, check_identities};
pub(crate) use self::named::Named;
pub(crate) use self::standing::{Standing, Stands};

/// Flag of commands that a server can do as well.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ServerOption {
    /// Have it done by the server at this address, as in `https://tutela.example.com`, with its connections
    /// and policies: no project file and no state of this machine are looked at. Who calls stands in the
    /// environment: `TUTELA_TOKEN`, or `TUTELA_CLIENT_ID` and `TUTELA_CLIENT_SECRET`.
    #[arg(long, value_name = "URL", env = "TUTELA_SERVER")]
    server: Option<String>,
}

impl ServerOption {
    /// The server, if one is named.
    ///
    /// # Errors
    /// Bad input if that is no address.
    pub(crate) fn address(&self) -> Result<Option<ServerAddress>, Failure> {
        let named = self.server.as_deref().filter(|url| !url.trim().is_empty());
        named.map(ServerAddress::of).transpose()
    }

    /// Fails if a server is named, for what none does.
    ///
    /// # Errors
    /// Bad input that says what to do instead.
    pub(crate) fn refuse(&self, instead: &str) -> Result<(), Failure> {
        match self.address()? {
            None => Ok(()),
            Some(_) => Err(no_server(instead)),
        }
    }
}

/// Flag of commands that no server does: it is there to say what to do instead. The environment does not count,
/// because they work with a server or without one.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct NoServer {
    /// Not done by a server.
    #[arg(long, value_name = "URL", hide = true)]
    server: Option<String>,
}

impl NoServer {
    /// Fails if a server is named.
    ///
    /// # Errors
    /// Bad input that says what to do instead.
    pub(crate) fn refuse(&self, instead: &str) -> Result<(), Failure> {
        if self.server.is_some() { Err(no_server(instead)) } else { Ok(()) }
    }
}

/// What a server does not do, before anything is sent to it.
pub(crate) fn no_server(instead: &str) -> Failure {
    Failure::BadInput(format!("a server does not do this (`--server`, TUTELA_SERVER): {instead}"))
}

/// Says which request it is, for whoever loses this process.
pub(crate) fn announce(id: &PrivacyRequestId) {
    output::complain(&format!("request: {id}"));
}

/// A server that works for this command.
#[derive(Debug)]
pub(crate) struct OnServer {
    client: Client,
    output: Output,
}

impl OnServer {
    /// Finds the server and lets it know who calls.
    ///
    /// # Errors
    /// Bad input if nobody is named who calls; a failure if it is not there, does not let them in, or is of
    /// another version.
    pub(crate) async fn open(address: &ServerAddress, output: Output) -> Result<Self, Failure> {
        let client = address.connect().await?;
        client.check_version().await?;
        Ok(Self { client, output })
    }

    /// For calls that nothing here has a name for.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// How answers are given.
    pub(crate) fn output(&self) -> Output {
        self.output
    }

    /// How far a request is.
    ///
    /// # Errors
    /// Bad input if the server has no such request.
    pub(crate) async fn standing(&self, id: &PrivacyRequestId) -> Result<Standing, Failure> {
        let found = self.client.find(&format!("privacy-request/{id}")).await?;
        let found = found.ok_or_else(|| {
            Failure::BadInput(format!("the server at {} has no request {id}", self.client.address()))
        })?;
        Standing::of_request(&found).ok_or_else(|| self.other_form(id))
    }

    /// What became of each operation of its plan; `None` if it has no plan.
    pub(crate) async fn operations(&self, id: &PrivacyRequestId) -> Result<Option<RunStatus>, Failure> {
        let found = self.client.find(&format!("privacy-request/{id}/operations")).await?;
        let status = found.map(serde_json::from_value::<RunStatus>).transpose();
        status.map_err(|_| self.other_form(id))
    }

    /// Does something to a request that changes it.
    pub(crate) async fn act(
        &self,
        (id, action): (&PrivacyRequestId, &str),
        body: &Value,
    ) -> Result<Value, Failure> {
        self.client.put((Method::POST, &format!("privacy-request/{id}/{action}")), body).await
    }

    /// Decides about a request as a whole: `approve`, `cancel`.
    pub(crate) async fn administrate(
        &self,
        (id, action): (&PrivacyRequestId, &str),
        more: Value,
    ) -> Result<(), Failure> {
        let mut body = json!({"request_ids": [id]});
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        let path = format!("privacy-request/administrate/{action}");
        let reply = self.client.put((Method::PATCH, &path), &body).await?;
        match reply.pointer("/failed/0/message").and_then(Value::as_str) {
            Some(message) => Err(Failure::Refused(format!("{id}: {}", visible(message)))),
            None => Ok(()),
        }
    }

    /// Why a request went wrong, as its log says it, and what that means for the command.
    pub(crate) async fn why(
        &self,
        (id, standing): (&PrivacyRequestId, &Standing),
    ) -> Result<Failure, Failure> {
        let path = format!("privacy-request/{id}/log");
        let log = self.client.newest(&path).await?;
        let wrong =
            log.iter().rev().find(|entry| entry.get("status").and_then(Value::as_str) == Some("error"));
        let message = wrong.and_then(|entry| entry.get("message")).and_then(Value::as_str);
        let message = message.unwrap_or("its log does not say why");
        let text = format!("request {id} went wrong: {}", visible(message));
        Ok(match standing.attention.as_deref() {
            Some("limits" | "drift" | "plan") => Failure::Refused(text),
            Some("policy") => Failure::BadInput(text),
            _ => Failure::Failed(format!(
                "{text}\nonce that is mended, let it go on: POST /api/v1/privacy-request/{id}/retry"
            )),
        })
    }

    /// What a request waits for that does not go on by itself, and who can do what about it.
    pub(crate) fn waits(&self, (id, standing): (&PrivacyRequestId, &Standing)) -> String {
        let flag = self.flag();
        let what = match (standing.stands(), standing.status.as_str()) {
            (Stands::Plan, _) => {
                format!("; its plan waits for approval: tutela privacy plan --run {id} {flag}")
            }
            (Stands::UnknownWrite, _) => format!(
                "; nobody knows whether a write took effect: tutela privacy status {id} {flag}, then look it up in \
                 the application, then: tutela privacy resolve {id} NUMBER --took-effect {flag}   (or --did-not)"
            ),
            (_, "pending" | "identity_unverified") => {
                format!("; somebody who may review requests decides: tutela privacy approve {id} {flag}")
            }
            (_, "duplicate") => {
                format!(
                    "; another request is about the same, and this one is carried out if somebody says so: \
                         tutela privacy approve {id} {flag}"
                )
            }
            _ => String::new(),
        };
        format!("request {id} waits: {}{what}", standing.words())
    }

    /// How to look at a request later.
    pub(crate) fn look_later(&self, id: &PrivacyRequestId) -> String {
        format!("tutela privacy status {id} {}", self.flag())
    }

    /// The flag that names this server again.
    pub(crate) fn flag(&self) -> String {
        format!("--server {}", self.client.address())
    }

    fn other_form(&self, id: &PrivacyRequestId) -> Failure {
        Failure::Failed(format!(
            "what the server at {} says of request {id} has a form that this program does not know; use the program \
             of the server's version",
            self.client.address()
        ))
    }
}
