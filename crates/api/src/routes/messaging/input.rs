use crypto::Secret;
use messages::ServiceDraft;
use model::FidesKey;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use store::MessagingService;
use utoipa::ToSchema;

use crate::text::Text;
use crate::{ApiError, Invalid};

/// A service to be set, or what one is from now on.
#[derive(Deserialize, ToSchema)]
pub(super) struct MessagingInput {
    /// Its name, unique.
    #[schema(value_type = Option<String>)]
    name: Option<Text>,
    /// Its key, unique; made of the name if there is none.
    #[schema(value_type = Option<String>)]
    key: Option<FidesKey>,
    /// Which service.
    service_type: ServiceInput,
    /// Its settings.
    #[schema(value_type = Option<Object>)]
    details: Option<Map<String, Value>>,
    /// Its secrets; those before stay if there are none.
    #[schema(value_type = Option<Object>)]
    secrets: Option<Map<String, Value>>,
}

/// Services. Messages are sent with `smtp`; the others are kept for clients of Fides.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ServiceInput {
    Smtp,
    Mailgun,
    TwilioEmail,
    MailchimpTransactional,
    AwsSes,
    TwilioText,
}

impl MessagingInput {
    /// What is to be set.
    pub(super) fn draft(self) -> Result<ServiceDraft, ApiError> {
        let place = [json!("body"), json!("secrets")];
        let given = self.secrets.map(|sent| secrets(sent, &place)).transpose()?;
        Ok(ServiceDraft {
            key: self.key.map(FidesKey::into_string),
            name: self.name.map(|name| name.0),
            service: self.service_type.kept(),
            details: self.details.unwrap_or_default(),
            secrets: given,
        })
    }
}

impl ServiceInput {
    fn kept(self) -> MessagingService {
        match self {
            Self::Smtp => MessagingService::Smtp,
            Self::Mailgun => MessagingService::Mailgun,
            Self::TwilioEmail => MessagingService::TwilioEmail,
            Self::MailchimpTransactional => MessagingService::MailchimpTransactional,
            Self::AwsSes => MessagingService::AwsSes,
            Self::TwilioText => MessagingService::TwilioText,
        }
    }
}

/// Secrets that were sent: texts. What is wrong is told without their values.
pub(super) fn secrets(
    sent: Map<String, Value>,
    place: &[Value],
) -> Result<Vec<(String, Secret<String>)>, ApiError> {
    let (mut given, mut wrong) = (Vec::new(), Vec::new());
    for (name, value) in sent {
        match value {
            Value::Null => {}
            Value::String(text) => given.push((name, Secret::new(text))),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                let loc = [place, &[json!(name)]].concat();
                wrong.push(Invalid::new("string_type", loc, "Input should be a valid string"));
            }
        }
    }
    if wrong.is_empty() { Ok(given) } else { Err(ApiError::Invalid(wrong)) }
}
