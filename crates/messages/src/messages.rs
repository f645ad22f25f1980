use std::path::PathBuf;
use std::sync::Arc;

use egress::{DoorError, DoorSettings};
use model::Clock;
use spec::ServerSettings;
use spec::server_file::SmtpSettings;
use store::{Actor, MessageKind, MessageTemplate, Store, StoreError};
use thiserror::Error;

use crate::mail::{MailServer, Trust};
use crate::post::Post;
use crate::secrets::MessageSecrets;
use crate::template::{Template, TemplateName};
use crate::way::Ways;
use crate::webhook::{Endpoint, endpoints};

/// What [`Messages`] are made of.
#[derive(Debug)]
pub struct MessagesParts {
    /// Where they are kept until they are sent.
    pub store: Store,
    /// What the server was started with.
    pub configured: ServerSettings,
    /// Secrets of the environment.
    pub secrets: MessageSecrets,
    /// What outgoing calls may do.
    pub egress: DoorSettings,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// How messages leave an installation. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Messages {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    configured: ServerSettings,
    egress: DoorSettings,
    clock: Arc<dyn Clock>,
    /// The mail server of the settings.
    mail: Option<MailServer>,
    endpoints: Vec<Endpoint>,
}

/// By which ways people can be written to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Channels {
    /// To an e-mail address.
    pub email: bool,
    /// To a telephone number.
    pub sms: bool,
}

/// Settings with which no message can leave.
#[derive(Debug, Error)]
pub enum MessagesError {
    /// The file with the mail server's authorities cannot be read.
    #[error("the file {} of `smtp.certificate_authority` cannot be read", .path.display())]
    Authority {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The way out cannot be used.
    #[error(transparent)]
    Door(#[from] DoorError),
}

impl Messages {
    /// The messages of a store, by the ways of these settings.
    ///
    /// # Errors
    /// [`MessagesError`] for settings that cannot be used.
    pub fn new(parts: MessagesParts) -> Result<Self, MessagesError> {
        let MessagesParts { store, configured, secrets, egress, clock } = parts;
        let mail = configured.server.smtp.as_ref().map(|smtp| mail_of(smtp, &secrets)).transpose()?;
        let endpoints = endpoints(&configured.server.messages.webhooks, &secrets, &egress)?;
        Ok(Self { inner: Arc::new(Inner { store, configured, egress, clock, mail, endpoints }) })
    }

    /// By which ways a person can be sent a code now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn channels(&self) -> Result<Channels, StoreError> {
        let code = MessageKind::VerificationCode.as_str();
        let listened = self.inner.endpoints.iter().any(|endpoint| endpoint.listens_expressly(code));
        let email = listened || self.post().await?.is_some();
        Ok(Channels { email, sms: listened || self.texter().await?.is_some() })
    }

    /// The texts of all messages, each as a customer wrote it, or as it comes with the program.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn templates(&self) -> Result<Vec<Template>, StoreError> {
        let kept = self.inner.store.message_template_list().await?;
        let find = |name: TemplateName| kept.iter().find(|kept| kept.name == name.as_str());
        Ok(TemplateName::ALL.into_iter().map(|name| template(name, find(name))).collect())
    }

    /// Puts texts in place of those that come with the program.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn templates_put(&self, templates: &[Template], actor: &Actor) -> Result<(), StoreError> {
        let now = self.inner.clock.now();
        let kept: Vec<MessageTemplate> = templates
            .iter()
            .map(|template| MessageTemplate {
                name: template.name.as_str().to_owned(),
                subject: template.subject.clone(),
                body: template.body.clone(),
                updated_at: now,
            })
            .collect();
        self.inner.store.message_template_put(&kept, actor).await
    }

    pub(crate) async fn template(&self, name: TemplateName) -> Result<Template, StoreError> {
        let kept = self.inner.store.message_template_list().await?;
        Ok(template(name, kept.iter().find(|kept| kept.name == name.as_str())))
    }

    /// How mail leaves: by the server of the settings, else by what was set over the API.
    pub(crate) async fn post(&self) -> Result<Option<Post>, StoreError> {
        match &self.inner.mail {
            Some(server) => Ok(Some(Post::Server(server.clone()))),
            None => self.stored_post().await,
        }
    }

    pub(crate) async fn ways(&self) -> Result<Ways<'_>, StoreError> {
        Ok(Ways {
            mail: self.post().await?.is_some(),
            text: self.texter().await?.is_some(),
            staff: &self.inner.configured.server.messages.staff,
            endpoints: &self.inner.endpoints,
        })
    }

    pub(crate) fn endpoint(&self, name: &str) -> Option<&Endpoint> {
        self.inner.endpoints.iter().find(|endpoint| endpoint.name == name)
    }

    pub(crate) fn configured_mail(&self) -> Option<&MailServer> {
        self.inner.mail.as_ref()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    pub(crate) fn egress(&self) -> &DoorSettings {
        &self.inner.egress
    }
}

fn template(name: TemplateName, kept: Option<&MessageTemplate>) -> Template {
    match kept {
        Some(kept) => Template { name, subject: kept.subject.clone(), body: kept.body.clone() },
        None => Template::own(name),
    }
}

fn mail_of(smtp: &SmtpSettings, secrets: &MessageSecrets) -> Result<MailServer, MessagesError> {
    let read = |path: &String| {
        let path = PathBuf::from(path);
        std::fs::read(&path).map_err(|source| MessagesError::Authority { path, source })
    };
    Ok(MailServer {
        host: smtp.host.clone(),
        port: smtp.port.unwrap_or_else(|| smtp.security.port()),
        security: smtp.security,
        account: smtp.username.clone().zip(secrets.smtp_password().cloned()),
        from: smtp.from.clone(),
        authority: smtp.certificate_authority.as_ref().map(read).transpose()?,
        trust: Trust::Operator,
    })
}
