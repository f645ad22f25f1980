//! Mail: which server takes it, and how it is handed over.

mod error;
mod letter;

use std::fmt;
use std::time::Duration;

use crypto::Secret;
use egress::{AllowedNetwork, resolve_host};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use model::ConnectionKey;
use spec::server_file::SmtpSecurity;

pub use error::MailError;
pub(crate) use letter::Letter;

/// What entries of `egress.allow` call a mail server that was set over the API.
pub(crate) const NAME: &str = "smtp";
/// How long one step of the conversation may take.
const STEP_TIME: Duration = Duration::from_secs(30);
/// How long the whole conversation may take.
const WHOLE_TIME: Duration = Duration::from_mins(1);

/// The server that takes mail. `Debug` shows no password.
#[derive(Clone)]
pub struct MailServer {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is kept secret.
    pub security: SmtpSecurity,
    /// Account and password; none: without signing in.
    pub account: Option<(String, Secret<String>)>,
    /// The sender.
    pub from: String,
    /// Certificates that its own is signed by, PEM; none: public authorities.
    pub authority: Option<Vec<u8>>,
    /// Who decided that it may be called.
    pub trust: Trust,
}

/// Who decided that a mail server may be called.
#[derive(Debug, Clone)]
pub enum Trust {
    /// The operator named it: it may be anywhere (architecture §2, law 1).
    Operator,
    /// Somebody named it over the API: it must be public, or in these networks.
    Guarded(Vec<AllowedNetwork>),
}

impl fmt::Debug for MailServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailServer")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("security", &self.security)
            .finish_non_exhaustive()
    }
}

impl MailServer {
    /// Hands a letter over.
    pub(crate) async fn send(&self, letter: &Letter<'_>) -> Result<(), MailError> {
        let message = letter.compose(&self.from)?;
        let (envelope, bytes) = (message.envelope().clone(), message.formatted());
        let mut refused = MailError::Unreachable;
        for host in self.dialled().await? {
            let sent = self.transport(host)?;
            let sent = sent.send_raw(&envelope, &bytes);
            match tokio::time::timeout(WHOLE_TIME, sent).await {
                Ok(Ok(_)) => return Ok(()),
                Ok(Err(error)) => refused = MailError::of(&error),
                Err(_) => refused = MailError::Timeout,
            }
            // Another of its addresses may be reachable.
            if !matches!(refused, MailError::Unreachable) {
                break;
            }
        }
        Err(refused)
    }

    fn transport(&self, host: String) -> Result<AsyncSmtpTransport<Tokio1Executor>, MailError> {
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(self.port)
            .timeout(Some(STEP_TIME))
            .tls(self.tls()?);
        if let Some((name, password)) = &self.account {
            builder = builder.credentials(Credentials::new(name.clone(), password.expose().clone()));
        }
        Ok(builder.build())
    }

    /// What is dialled: the name, or the addresses that were judged, never the name again.
    async fn dialled(&self) -> Result<Vec<String>, MailError> {
        let Trust::Guarded(allow) = &self.trust else { return Ok(vec![self.host.clone()]) };
        let name: ConnectionKey = NAME.parse().map_err(|_| MailError::Unreachable)?;
        let addresses = resolve_host(allow, &name, &self.host, self.port).await.map_err(MailError::Host)?;
        Ok(addresses.iter().map(|address| address.ip().to_string()).collect())
    }

    fn tls(&self) -> Result<Tls, MailError> {
        let parameters = || {
            let builder = TlsParameters::builder(self.host.clone());
            let builder = match &self.authority {
                None => builder.certificate_store(CertificateStore::WebpkiRoots),
                Some(pem) => {
                    let certificate = Certificate::from_pem(pem).map_err(|_| MailError::Authority)?;
                    builder.certificate_store(CertificateStore::None).add_root_certificate(certificate)
                }
            };
            builder.build().map_err(|_| MailError::Tls)
        };
        match self.security {
            SmtpSecurity::Starttls => Ok(Tls::Required(parameters()?)),
            SmtpSecurity::Tls => Ok(Tls::Wrapper(parameters()?)),
            SmtpSecurity::None => Ok(Tls::None),
        }
    }
}
