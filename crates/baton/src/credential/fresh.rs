use crypto::{PublicKey, Secret};
use model::IdSource;

use super::{ApiHost, ClientId, ClientSecret};

/// A pair of client id and secret that was just made, as **Rotate** shows it (governance CON-15).
///
/// The secret is shown once; of it the control plane keeps only the public key.
#[derive(Debug)]
pub struct FreshCredential {
    /// The new client id.
    pub client_id: ClientId,
    /// The new client secret, to be shown once.
    pub client_secret: Secret<String>,
    /// What is kept, to check assertions with.
    pub public_key: PublicKey,
}

impl FreshCredential {
    /// A fresh pair for the control plane that connectors reach at `host`.
    ///
    /// # Panics
    /// If the system gives no random bytes.
    pub fn random(host: &ApiHost, ids: &dyn IdSource) -> Self {
        let name = ids.random_uuid().simple().to_string();
        let client_id = format!("connector-{name}@{host}/tutela");
        let secret = ClientSecret::random(name);
        Self {
            client_id: client_id.parse().expect("a name, a checked host and a word are a client id"),
            client_secret: secret.text(),
            public_key: secret.public(),
        }
    }
}
