use std::fmt;

use crypto::{AccessToken, Secret};
use http::Method;
use serde_json::{Value, json};

use crate::client::{Client, ServerAddress};
use crate::failure::Failure;
use crate::server::Owner;

/// The accounts of the demo, with passwords that are new each time.
pub(super) struct Accounts {
    owner: Account,
    planner: Account,
    approver: Account,
}

struct Account {
    username: &'static str,
    password: Secret<String>,
}

impl Account {
    /// A password that the server takes: letters of both kinds, a digit and a sign.
    fn new(username: &'static str) -> Self {
        let password = Secret::new(format!("Aa1!{}", AccessToken::random().text().expose()));
        Self { username, password }
    }

    async fn sign_in(&self, address: &ServerAddress) -> Result<Client, Failure> {
        Client::sign_in(address, self.username, &self.password).await
    }
}

impl Accounts {
    pub(super) fn new() -> Self {
        let [owner, planner, approver] = ["owner", "planner", "approver"].map(Account::new);
        Self { owner, planner, approver }
    }

    /// Who the server begins with.
    pub(super) fn owner(&self) -> Owner {
        Owner::named(self.owner.username, Secret::new(self.owner.password.expose().clone()))
    }

    /// The owner, signed in.
    pub(super) async fn sign_in_owner(&self, address: &ServerAddress) -> Result<Client, Failure> {
        self.owner.sign_in(address).await
    }

    /// Makes the other two, and signs them in: who plans, and who approves.
    pub(super) async fn make(
        &self,
        owner: &Client,
        address: &ServerAddress,
    ) -> Result<(Client, Client), Failure> {
        for (account, role) in [(&self.planner, "contributor"), (&self.approver, "contributor")] {
            let email = format!("{}@example.com", account.username);
            let new = json!({
                "username": account.username, "password": account.password.expose(), "email_address": email,
            });
            let made = owner.put((Method::POST, "user"), &new).await?;
            let id = made.get("id").and_then(Value::as_str).unwrap_or_default();
            let path = format!("user/{id}/permission");
            owner.put((Method::PUT, &path), &json!({"roles": [role]})).await?;
        }
        Ok((self.planner.sign_in(address).await?, self.approver.sign_in(address).await?))
    }
}

/// The demo shows them: they open nothing but itself.
impl fmt::Display for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Account { username, password } in [&self.owner, &self.planner, &self.approver] {
            writeln!(f, "  account {username:<9} password {}", password.expose())?;
        }
        Ok(())
    }
}
