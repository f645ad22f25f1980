use std::time::Duration;

use clap::Subcommand;
use serde_json::json;
use store::{NewAccessToken, TokenEnd, TokenFor};

use super::user::get;
use super::with_state;
use crate::arguments::Format;
use crate::duration::duration;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::server::ServerArgument;
use crate::service::actor;
use crate::state::failure;

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Hand out a token of an account, for programs; it is shown once.
    New(New),
    /// End all tokens of an account.
    Revoke(Revoke),
}

/// Whose, and for how long.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela admin token new olga --life 1h --data ./data")]
pub(crate) struct New {
    /// The name that the account signs in with.
    username: String,
    /// How long it is good for, as in `30m`, `1h` or `2d`.
    #[arg(long, default_value = "1h", value_parser = duration)]
    life: Duration,
    #[command(flatten)]
    server: ServerArgument,
}

/// Whose.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela admin token revoke olga --data ./data")]
pub(crate) struct Revoke {
    /// The name that the account signs in with.
    username: String,
    #[command(flatten)]
    server: ServerArgument,
}

/// Does it.
pub(crate) fn run(command: &Command, output: Output) -> Result<Exit, Failure> {
    match command {
        Command::New(new) => issue(new, output),
        Command::Revoke(revoke) => end(revoke, output),
    }
}

fn issue(new: &New, output: Output) -> Result<Exit, Failure> {
    let issued = with_state(&new.server, output, async |state, _| {
        let login = get(&state.store, &new.username).await?;
        let refused = || {
            Failure::Refused(format!(
                "`{}` gets no token: the account is disabled, or has no password",
                new.username
            ))
        };
        let password = login.password.as_ref().filter(|_| !login.disabled).ok_or_else(refused)?;
        let holder = TokenFor::Login { id: &login.id, password };
        let token = NewAccessToken { holder, scopes: &[], life: new.life, actor: actor() };
        let issued = state.store.access_token_issue(token).await.map_err(|error| failure(&error))?;
        issued.ok_or_else(refused)
    })?;
    let (token, until) = (issued.token.text(), issued.expires_at.to_string());
    match output.format() {
        Format::Json => output::json(&json!({ "access_token": token.expose(), "expires_at": until })),
        Format::Table => output::text(&format!("{}\nit is good until {until}", token.expose())),
    }
    Ok(Exit::Done)
}

fn end(revoke: &Revoke, output: Output) -> Result<Exit, Failure> {
    let ended = with_state(&revoke.server, output, async |state, _| {
        let login = get(&state.store, &revoke.username).await?;
        let end = TokenEnd::Login(&login.id);
        state.store.access_token_end(end, actor()).await.map_err(|error| failure(&error))
    })?;
    match output.format() {
        Format::Json => output::json(&json!({ "ended": ended })),
        Format::Table => output::text(&format!("{ended} tokens of `{}` ended", revoke.username)),
    }
    Ok(Exit::Done)
}
