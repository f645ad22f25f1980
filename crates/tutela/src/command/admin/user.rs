use clap::Subcommand;
use crypto::{AccessToken, PasswordHash, Secret};
use serde_json::json;
use store::{Login, LoginChange, LoginPerson, LoginPut, NewLogin, Store, Window};

use super::with_state;
use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::server::ServerArgument;
use crate::service::actor;
use crate::state::failure;
use crate::table::table;

/// What to do with accounts.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the accounts.
    List(List),
    /// Make an account; its password is made here and shown once.
    New(New),
    /// Give an account another password, which is made here and shown once. Its tokens end.
    Password(Password),
}

/// Of which installation.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela admin user list --config server.yml")]
pub(crate) struct List {
    #[command(flatten)]
    server: ServerArgument,
}

/// Whose account.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela admin user new olga --role owner --data ./data")]
pub(crate) struct New {
    /// The name to sign in with.
    username: String,
    /// A role; may be given several times.
    #[arg(long, required = true, value_parser = role)]
    role: Vec<api::Role>,
    #[command(flatten)]
    server: ServerArgument,
}

/// Whose password.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela admin user password olga --data ./data")]
pub(crate) struct Password {
    /// The name to sign in with.
    username: String,
    #[command(flatten)]
    server: ServerArgument,
}

/// Does it.
pub(crate) fn run(command: &Command, output: Output) -> Result<Exit, Failure> {
    match command {
        Command::List(list) => {
            let logins = with_state(&list.server, output, async |state, _| all(&state.store).await)?;
            show(&logins, output);
        }
        Command::New(new) => {
            let password = random_password();
            with_state(&new.server, output, async |state, _| create(&state.store, new, &password).await)?;
            tell(&new.username, &password, output);
        }
        Command::Password(change) => {
            let password = random_password();
            with_state(&change.server, output, async |state, _| {
                set(&state.store, &change.username, &password).await
            })?;
            tell(&change.username, &password, output);
        }
    }
    Ok(Exit::Done)
}

fn role(text: &str) -> Result<api::Role, String> {
    let names: Vec<&str> = api::Role::ALL.iter().map(|role| role.as_str()).collect();
    api::Role::find(text).ok_or_else(|| format!("roles are {}", names.join(", ")))
}

fn random_password() -> Secret<String> {
    Secret::new(AccessToken::random().text().expose().clone())
}

async fn all(store: &Store) -> Result<Vec<Login>, Failure> {
    Ok(store.login_list(None, Window::ALL).await.map_err(|error| failure(&error))?.items)
}

async fn create(store: &Store, new: &New, password: &Secret<String>) -> Result<(), Failure> {
    let login = NewLogin {
        username: new.username.clone(),
        person: LoginPerson::default(),
        password: Some(PasswordHash::make(password)),
        disabled: false,
        roles: new.role.iter().map(|role| role.as_str().to_owned()).collect(),
        actor: actor(),
    };
    let put = store.login_create(login).await.map_err(|error| failure(&error))?;
    done(&put, &new.username)
}

async fn set(store: &Store, username: &str, password: &Secret<String>) -> Result<(), Failure> {
    let login = get(store, username).await?;
    let change = LoginChange::Password(PasswordHash::make(password));
    let put = store.login_change(&login.id, change, actor()).await.map_err(|error| failure(&error))?;
    done(&put, username)
}

/// The account of this name.
pub(super) async fn get(store: &Store, username: &str) -> Result<Login, Failure> {
    let found = store.login_find_named(username).await.map_err(|error| failure(&error))?;
    found.ok_or_else(|| absent(username))
}

fn absent(username: &str) -> Failure {
    Failure::BadInput(format!("there is no account `{username}`; `tutela admin user list` lists them"))
}

fn done(put: &LoginPut, username: &str) -> Result<(), Failure> {
    match put {
        LoginPut::Done(_) => Ok(()),
        LoginPut::Absent => Err(absent(username)),
        LoginPut::UsernameTaken => {
            Err(Failure::BadInput(format!("there is an account `{username}` already; choose another name")))
        }
        LoginPut::EmailTaken | LoginPut::LastOwner => {
            Err(Failure::Refused(format!("the account `{username}` cannot be as asked for")))
        }
    }
}

fn show(logins: &[Login], output: Output) {
    match output.format() {
        Format::Json => {
            let list: Vec<_> = logins
                .iter()
                .map(|login| {
                    json!({"username": login.username, "roles": login.roles, "disabled": login.disabled})
                })
                .collect();
            output::json(&list);
        }
        Format::Table => {
            let rows = logins.iter().map(|login| {
                let state = if login.disabled { "disabled" } else { "" };
                [login.username.clone(), login.roles.join(", "), state.to_owned()]
            });
            output::text(&table(["user", "roles", ""], rows, &[]));
        }
    }
}

fn tell(username: &str, password: &Secret<String>, output: Output) {
    match output.format() {
        Format::Json => output::json(&json!({ "username": username, "password": password.expose() })),
        Format::Table => output::text(&format!(
            "user `{username}`, password `{}`\nit is shown this once; sign in and change it",
            password.expose()
        )),
    }
}
