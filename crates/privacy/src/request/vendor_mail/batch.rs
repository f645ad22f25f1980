//! One batch of messages to vendors: whom each connection leads to, and what each of them is told.

use std::collections::{BTreeMap, BTreeSet};

use model::PrivacyRequestId;
use store::{
    MessageKind, MessageTo, NewMessage, PrivacyRequestChange, PrivacyRequestStatus, Store, VendorMail,
    VendorRecipient,
};

use super::{Entry, VendorMailSent};
use crate::hold;
use crate::request::{ATTEMPTS, By, PrivacyRequests, RequestError};
use crate::vendor_mail::{LookupFault, OpenLookup, Vendor, VendorConnection, Whom, vendor_of};
use crate::worker::Services;

/// The most people in one message.
const MOST_PEOPLE: u32 = 500;
/// Why a request wants to be looked at: it waits for the next batch, or for somebody who corrects what it is
/// held up by.
const WAITS: &str = "vendor_mail";
const HELD_UP: &str = "vendor_mail_held_up";

/// What becomes of all who wait for vendors.
pub(super) struct Batch<'a> {
    requests: &'a PrivacyRequests,
    services: Option<&'a dyn Services>,
    messages: usize,
    told: BTreeSet<PrivacyRequestId>,
    held_up: BTreeSet<PrivacyRequestId>,
}

/// Whom a connection writes to in this batch.
enum Known {
    One(Vendor),
    InDataset(Box<OpenLookup>),
    /// Nobody can be written to, for this reason.
    Nobody(String),
    /// Nobody is written to any more.
    Gone,
}

/// A person that a vendor is told of.
struct Told {
    request: PrivacyRequestId,
    line: String,
}

impl<'a> Batch<'a> {
    pub(super) fn new(requests: &'a PrivacyRequests, services: Option<&'a dyn Services>) -> Self {
        Self { requests, services, messages: 0, told: BTreeSet::new(), held_up: BTreeSet::new() }
    }

    /// Tells the vendors of a connection of everybody who waits for it.
    pub(super) async fn write_for(&mut self, connection: &str) -> Result<(), RequestError> {
        let vendors = vendor_of(self.store(), connection).await?;
        let known = self.known(vendors.as_ref()).await?;
        let mut after = None;
        loop {
            let part = self.store().vendor_mail_waiting(connection, after.as_ref(), MOST_PEOPLE).await?;
            let Some(last) = part.last() else { return Ok(()) };
            after = Some(last.request.clone());
            match (&vendors, &known) {
                (Some(_), Known::Nobody(why)) => self.hold_up(&part, why).await?,
                (Some(vendors), Known::One(vendor)) => {
                    let people = self.people(vendors, &part).await?;
                    let people = people.into_iter().map(|(_, told)| told).collect();
                    self.send((connection, vendor, &VendorRecipient::ONLY), people).await?;
                }
                (Some(vendors), Known::InDataset(lookup)) => {
                    let people = self.people(vendors, &part).await?;
                    self.write_to_found((connection, lookup), people).await?;
                }
                (None, _) | (Some(_), Known::Gone) => {
                    let why = "the connection is gone or switched off, so nobody was written to";
                    self.leave_out(&part, why).await?;
                }
            }
        }
    }

    /// What was done. A request that was held up before, and is not any more, waits like all others.
    pub(super) async fn end(self) -> Result<VendorMailSent, RequestError> {
        for id in self.told.difference(&self.held_up) {
            if self.requests.get(id).await?.attention.as_deref() == Some(HELD_UP) {
                self.change(id, |change| change.request.attention = Some(WAITS.to_owned())).await?;
            }
        }
        Ok(VendorMailSent { messages: self.messages, requests: self.told.len(), held_up: self.held_up.len() })
    }

    async fn known(&self, vendors: Option<&VendorConnection>) -> Result<Known, RequestError> {
        Ok(match vendors.map(|vendors| &vendors.whom) {
            None => Known::Gone,
            Some(Whom::One(vendor)) if vendor.address.is_empty() => {
                Known::Nobody("the connection has no `recipient_email_address`; put its secrets".to_owned())
            }
            Some(Whom::One(vendor)) => Known::One(vendor.clone()),
            Some(Whom::InDataset(lookup)) => match lookup.open(self.store(), self.services).await {
                Ok(open) => Known::InDataset(Box::new(open)),
                Err(LookupFault::Store(error)) => return Err(error.into()),
                Err(fault) => Known::Nobody(fault.to_string()),
            },
        })
    }

    /// Those of whom vendors are told, each with a line; the others are left out.
    async fn people(
        &self,
        vendors: &VendorConnection,
        mails: &[VendorMail],
    ) -> Result<Vec<(VendorMail, Told)>, RequestError> {
        let mut people = Vec::new();
        for mail in mails {
            if self.is_held(mail).await? {
                continue;
            }
            let line = match self.requests.identities(&mail.request).await {
                Ok(identities) => vendors.line(&identities.verified()),
                Err(RequestError::Forgotten { .. }) => None,
                Err(error) => return Err(error),
            };
            if let Some(line) = line {
                people.push((mail.clone(), Told { request: mail.request.clone(), line }));
            } else {
                let why =
                    "nothing is known of the person that the vendor wants to know, so it was not written to";
                self.leave_out(std::slice::from_ref(mail), why).await?;
            }
        }
        Ok(people)
    }

    /// Tells the vendors that the dataset names for each of these people.
    async fn write_to_found(
        &mut self,
        (connection, lookup): (&str, &OpenLookup),
        people: Vec<(VendorMail, Told)>,
    ) -> Result<(), RequestError> {
        let mut of_vendor: BTreeMap<Vendor, Vec<(PrivacyRequestId, String)>> = BTreeMap::new();
        for (mail, Told { request, line }) in people {
            for vendor in self.found(&mail, lookup).await? {
                of_vendor.entry(vendor).or_default().push((request.clone(), line.clone()));
            }
        }
        for (vendor, people) in of_vendor {
            let recipient = self.store().vendor_recipient(&vendor.address, &vendor.name);
            let requests: Vec<PrivacyRequestId> = people.iter().map(|(request, _)| request.clone()).collect();
            // Some were told with an earlier batch.
            let open = self.store().vendor_mail_open((connection, &recipient), &requests).await?;
            let people = people.into_iter().filter(|(request, _)| open.contains(request));
            let people = people.map(|(request, line)| Told { request, line }).collect();
            self.send((connection, &vendor, &recipient), people).await?;
        }
        Ok(())
    }

    /// The vendors of one request, noted as those that it waits for.
    async fn found(
        &mut self,
        mail: &VendorMail,
        lookup: &OpenLookup,
    ) -> Result<BTreeSet<Vendor>, RequestError> {
        let fields = self.requests.custom_fields(&mail.request).await?;
        let found = match lookup.find(&fields).await {
            Ok(found) => found,
            Err(LookupFault::Store(error)) => return Err(error.into()),
            Err(fault) => {
                self.hold_up(std::slice::from_ref(mail), &fault.to_string()).await?;
                return Ok(BTreeSet::new());
            }
        };
        let store = self.store();
        let recipient = |vendor: &Vendor| store.vendor_recipient(&vendor.address, &vendor.name);
        let mut recipients: BTreeSet<VendorRecipient> = found.vendors.iter().map(recipient).collect();
        if found.unusable > 0 {
            recipients.insert(VendorRecipient::ONLY);
        }
        store.vendor_mail_address(mail, &recipients).await?;
        if found.unusable > 0 {
            let why = format!(
                "{} of the rows that the request leads to have no e-mail address that can be written to in `{}`; \
                 correct them. The vendors of its other rows are written to: {}",
                found.unusable,
                found.place,
                found.vendors.len()
            );
            self.hold_up(std::slice::from_ref(mail), &why).await?;
        }
        Ok(found.vendors)
    }

    /// Puts one message to a vendor on its way.
    async fn send(
        &mut self,
        (connection, vendor, recipient): (&str, &Vendor, &VendorRecipient),
        people: Vec<Told>,
    ) -> Result<(), RequestError> {
        let (requests, lines): (Vec<_>, Vec<_>) =
            people.into_iter().map(|Told { request, line }| (request, line)).unzip();
        if requests.is_empty() {
            return Ok(());
        }
        let message = NewMessage::new(MessageKind::VendorErasure, MessageTo::Mailbox(vendor.address.clone()))
            .about(connection)
            .with("vendor", vendor.name.as_str())
            .with("identities", lines.join("\n"));
        // Otherwise another process tells the vendor of them at the same time.
        if self.store().vendor_mail_send((connection, recipient), &requests, &message).await? {
            self.messages += 1;
            self.told.extend(requests);
        }
        Ok(())
    }

    /// Leaves a request out that a hold covers by now; what is held is asked for when it ends.
    async fn is_held(&self, mail: &VendorMail) -> Result<bool, RequestError> {
        let holds = self.store().hold_list_of(&mail.request).await?;
        let Some(held) = holds.iter().find(|one| hold::is_about(one, &mail.connection)) else {
            return Ok(false);
        };
        hold::keep_rest_of(self.store(), &self.requests.get(&mail.request).await?, &holds).await?;
        let why = format!("{}: the vendor is not written to", hold::reason(held));
        self.leave_out(std::slice::from_ref(mail), &why).await?;
        Ok(true)
    }

    /// Lets requests wait until somebody corrected what they are held up by; the next batch looks again.
    async fn hold_up(&mut self, mails: &[VendorMail], why: &str) -> Result<(), RequestError> {
        for mail in mails {
            self.change(&mail.request, |change| {
                change.logs.push(Entry::of_batch(why).log(mail));
                if change.request.status == PrivacyRequestStatus::AwaitingEmailSend {
                    change.request.attention = Some(HELD_UP.to_owned());
                }
            })
            .await?;
            self.held_up.insert(mail.request.clone());
        }
        Ok(())
    }

    async fn leave_out(&self, mails: &[VendorMail], why: &str) -> Result<(), RequestError> {
        for mail in mails {
            self.change(&mail.request, |change| change.logs.push(Entry::done("skipped", why).log(mail)))
                .await?;
            self.store().vendor_mail_skip(mail).await?;
        }
        Ok(())
    }

    async fn change(
        &self,
        id: &PrivacyRequestId,
        what: impl Fn(&mut PrivacyRequestChange),
    ) -> Result<(), RequestError> {
        for _ in 0..ATTEMPTS {
            let mut change = PrivacyRequestChange::of(&self.requests.get(id).await?);
            what(&mut change);
            if self.requests.write(change, &By::system(), "privacy_request.vendor_mail").await?.is_some() {
                return Ok(());
            }
        }
        Err(RequestError::Busy)
    }

    fn store(&self) -> &Store {
        self.requests.store()
    }
}
