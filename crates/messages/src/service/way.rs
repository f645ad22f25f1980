//! How messages leave with the services that are set.

use crypto::Secret;
use egress::DoorSettings;
use serde_json::Value;
use spec::server_file::SmtpSecurity;
use store::{MessagingConfig, MessagingService, StoreError, Window};

use super::fields;
use crate::carrier::{Carrier, CarrierUnfit};
use crate::mail::{MailServer, Trust};
use crate::messages::Messages;
use crate::post::Post;

/// The setting that says which service is chosen.
const CHOSEN: &str = "notifications.notification_service_type";

/// How messages leave with a service.
#[derive(Debug)]
pub(super) enum Way {
    Mail(Post),
    Text(Box<Carrier>),
}

impl Messages {
    /// How messages leave with a service, or why they cannot.
    pub(super) async fn way_of(&self, config: &MessagingConfig) -> Result<Result<Way, String>, StoreError> {
        if config.service == MessagingService::Smtp {
            let server = self.stored_mail_server(config).await?;
            let why = "the account of the mail server has no password yet";
            return Ok(server.map(|server| Way::Mail(Post::Server(server))).ok_or_else(|| why.to_owned()));
        }
        let carrier = self.carrier(config).await?.map_err(|unfit| unfit.to_string());
        Ok(carrier.map(|carrier| match config.service {
            MessagingService::TwilioText => Way::Text(Box::new(carrier)),
            MessagingService::Smtp
            | MessagingService::Mailgun
            | MessagingService::TwilioEmail
            | MessagingService::MailchimpTransactional
            | MessagingService::AwsSes => Way::Mail(Post::Carrier(Box::new(carrier))),
        }))
    }

    pub(super) async fn carrier(
        &self,
        config: &MessagingConfig,
    ) -> Result<Result<Carrier, CarrierUnfit>, StoreError> {
        let secrets = self.store().messaging_secrets_find(&config.key).await?;
        Ok(Carrier::new(config.service, (&config.details, secrets.as_ref()), self.egress()))
    }

    /// How mail leaves by what was set over the API: by the service that was chosen, else by the first
    /// that can be used.
    pub(crate) async fn stored_post(&self) -> Result<Option<Post>, StoreError> {
        Ok(self.stored_ways().await?.into_iter().find_map(|way| match way {
            Way::Mail(post) => Some(post),
            Way::Text(_) => None,
        }))
    }

    /// What takes text messages.
    pub(crate) async fn texter(&self) -> Result<Option<Carrier>, StoreError> {
        Ok(self.stored_ways().await?.into_iter().find_map(|way| match way {
            Way::Text(carrier) => Some(*carrier),
            Way::Mail(_) => None,
        }))
    }

    /// The ways of all services that can be used, in the order in which one is chosen.
    async fn stored_ways(&self) -> Result<Vec<Way>, StoreError> {
        let mut ways = Vec::new();
        for config in self.in_order().await? {
            ways.extend(self.way_of(&config).await?.ok());
        }
        Ok(ways)
    }

    /// The services that are set, in the order in which one is chosen (privacy-requests MSG-1).
    pub(super) async fn in_order(&self) -> Result<Vec<MessagingConfig>, StoreError> {
        let mut set = self.store().messaging_config_list(Window::ALL).await?.items;
        if set.len() > 1 {
            let settings = self.store().setting_list().await?;
            let chosen = settings.iter().find(|(key, _)| key == CHOSEN).and_then(|(_, value)| value.as_str());
            let place = |config: &MessagingConfig| {
                let is_chosen = chosen == Some(config.service.as_str());
                (!is_chosen, MessagingService::ALL.iter().position(|service| *service == config.service))
            };
            set.sort_by_key(place);
        }
        Ok(set)
    }

    /// The mail server that was set over the API, if it can be signed in to.
    async fn stored_mail_server(&self, config: &MessagingConfig) -> Result<Option<MailServer>, StoreError> {
        let secrets = self.store().messaging_secrets_find(&config.key).await?;
        Ok(stored_server(&config.details, secrets.as_ref(), self.egress()))
    }
}

fn stored_server(
    details: &Value,
    secrets: Option<&Secret<String>>,
    egress: &DoorSettings,
) -> Option<MailServer> {
    let text = |name: &str| details.get(name).and_then(Value::as_str).map(str::to_owned);
    let security = text("security").as_deref().and_then(SmtpSecurity::find).unwrap_or(SmtpSecurity::Starttls);
    let port = details.get("port").and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok());
    let account = match (text("username"), secrets) {
        (None, _) => None,
        (Some(name), Some(secrets)) => Some((name, fields::password(secrets)?)),
        // Without the password the server would refuse, or worse, accept for somebody else.
        (Some(_), None) => return None,
    };
    Some(MailServer {
        host: text("host")?,
        port: port.unwrap_or_else(|| security.port()),
        security,
        account,
        from: text("email_from")?,
        authority: None,
        trust: Trust::Guarded(egress.allow.clone()),
    })
}
