//! Messages that leave a server: e-mail and signed calls, made of templates that customers can replace.
//!
//! For: deciding by which ways a message goes, writing it, sending it, and trying again. Not for: deciding
//! that a message is needed (whoever changes something puts it with `store`), or webhooks of policies,
//! which take part in carrying out a request (`privacy`).
//!
//! ```
//! use messages::{Signed, WebhookSecret};
//!
//! let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?;
//! let signed = Signed { id: "msg_1", timestamp: 1_700_000_000, body: b"{}" };
//!
//! let signature = signed.signature(&[secret.clone()]);
//!
//! assert!(signature.starts_with("v1,"));
//! assert!(signed.verify(&signature, &[secret]));
//! # Ok::<(), messages::WebhookSecretError>(())
//! ```

mod carrier;
mod mail;
mod messages;
mod post;
mod render;
mod secrets;
mod sender;
mod service;
mod template;
mod way;
mod webhook;

pub use mail::{MailError, MailServer, Trust};
pub use messages::{Channels, Messages, MessagesError, MessagesParts};
pub use render::RenderError;
pub use secrets::{MessageSecrets, SecretsError};
pub use sender::{Sender, SenderSettings};
pub use service::{FieldProblem, ServiceDraft, ServiceError, TestOutcome};
pub use template::{Template, TemplateError, TemplateName};
pub use webhook::{Signed, WebhookSecret, WebhookSecretError};
