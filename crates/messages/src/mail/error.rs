use egress::SendError;
use thiserror::Error;

/// Why mail was not taken. What a mail server says is left out: it repeats addresses.
#[derive(Debug, Clone, Error)]
pub enum MailError {
    /// Its address may not be called.
    #[error("the mail server may not be called")]
    Host(#[source] SendError),
    /// No connection, or it broke off.
    #[error("the mail server does not answer; check host and port")]
    Unreachable,
    /// It did not answer in time.
    #[error("the mail server did not answer in time; check host, port and whether it wants TLS")]
    Timeout,
    /// No secure connection.
    #[error(
        "no secure connection to the mail server; check its certificate and whether it wants `starttls` or `tls`"
    )]
    Tls,
    /// The file with its authorities is none.
    #[error("`smtp.certificate_authority` holds no certificate in PEM form")]
    Authority,
    /// The sender is no address.
    #[error("the sender is no e-mail address; write `Privacy team <privacy@example.com>`")]
    Sender,
    /// The receiver is no address.
    #[error("the receiver is no e-mail address")]
    Receiver,
    /// The account was refused.
    #[error("the mail server refused the account (status {status}); check name and password")]
    Account {
        /// What it answered.
        status: u16,
    },
    /// It refused, and will again.
    #[error("the mail server refused the message (status {status})")]
    Refused {
        /// What it answered.
        status: u16,
    },
    /// It refused for now.
    #[error("the mail server took no mail for the moment (status {status})")]
    Later {
        /// What it answered.
        status: u16,
    },
    /// It said something that is no answer.
    #[error("the mail server speaks in an unexpected way; check that the port is one for mail")]
    Protocol,
}

impl MailError {
    pub(super) fn of(error: &lettre::transport::smtp::Error) -> Self {
        if let Some(code) = error.status() {
            let status = u16::from(code);
            return match status {
                530 | 534 | 535 | 538 => Self::Account { status },
                500.. => Self::Refused { status },
                _ => Self::Later { status },
            };
        }
        if error.is_timeout() {
            Self::Timeout
        } else if error.is_tls() {
            Self::Tls
        } else if error.is_client() || error.is_response() {
            Self::Protocol
        } else {
            Self::Unreachable
        }
    }

    /// A fixed word for the store.
    pub(crate) fn class(&self) -> &'static str {
        match self {
            Self::Host(_) => "mail_host_refused",
            Self::Unreachable => "mail_unreachable",
            Self::Timeout => "mail_timeout",
            Self::Tls => "mail_tls",
            Self::Authority => "mail_authority",
            Self::Sender => "mail_sender",
            Self::Receiver => "mail_receiver",
            Self::Account { .. } => "mail_account",
            Self::Refused { .. } => "mail_refused",
            Self::Later { .. } => "mail_later",
            Self::Protocol => "mail_protocol",
        }
    }

    /// Whether the same message may be taken later: settings may be changed while it waits.
    pub(crate) fn may_help_again(&self) -> bool {
        match self {
            Self::Receiver => false,
            // 552 and 452 mean no room, 421 too many; 550, 551, 553 and 554 mean this message.
            Self::Refused { status } => !matches!(status, 550 | 551 | 553 | 554),
            Self::Host(_)
            | Self::Unreachable
            | Self::Timeout
            | Self::Tls
            | Self::Authority
            | Self::Sender
            | Self::Account { .. }
            | Self::Later { .. }
            | Self::Protocol => true,
        }
    }
}
