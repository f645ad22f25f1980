//! By which ways a message goes.

use spec::server_file::STAFF_MAIL;
use store::{MessageKind, MessageTo};

use crate::webhook::Endpoint;

/// What there is to send with.
pub(crate) struct Ways<'a> {
    /// Whether mail can be sent.
    pub(crate) mail: bool,
    /// Whether text messages can.
    pub(crate) text: bool,
    /// Addresses of those who run the installation.
    pub(crate) staff: &'a [String],
    pub(crate) endpoints: &'a [Endpoint],
}

impl Ways<'_> {
    /// The ways of a message of this kind.
    pub(crate) fn of(&self, kind: MessageKind, to: &MessageTo) -> Vec<MessageTo> {
        let word = kind.as_str();
        let mut ways = Vec::new();
        match to {
            MessageTo::Person(person) => {
                let address = person.email.as_ref().filter(|_| self.mail);
                let number = person.phone_number.as_ref().filter(|_| self.text && address.is_none());
                ways.extend(address.map(|address| MessageTo::Mailbox(address.clone())));
                ways.extend(number.map(|number| MessageTo::Telephone(number.clone())));
                // Programs hear of the end by the message to staff, and of each end once.
                let is_told_twice = kind == MessageKind::Finished;
                let listening = self.endpoints.iter().filter(|endpoint| endpoint.listens_expressly(word));
                let listening = listening.filter(|_| !is_told_twice);
                ways.extend(listening.map(|endpoint| MessageTo::Webhook {
                    name: endpoint.name.clone(),
                    person: Some(person.clone()),
                }));
            }
            MessageTo::Staff => {
                let told = self.mail && STAFF_MAIL.contains(&word);
                let staff = self.staff.iter().filter(|_| told);
                ways.extend(staff.map(|address| MessageTo::Mailbox(address.clone())));
                let listening = self.endpoints.iter().filter(|endpoint| endpoint.listens(word));
                ways.extend(
                    listening
                        .map(|endpoint| MessageTo::Webhook { name: endpoint.name.clone(), person: None }),
                );
            }
            MessageTo::Mailbox(_) | MessageTo::Telephone(_) | MessageTo::Webhook { .. } => {
                ways.push(to.clone());
            }
        }
        ways
    }
}
