//! Small simulated vendors, each with the few calls that its connector uses.
//!
//! They keep the vendor's shapes of paging, errors and authentication. A thing that was deleted is
//! gone from then on; nothing else changes. Every vendor knows `ana@example.com`.

mod hubspot;
mod mailchimp;
mod sentry;
mod stripe;

use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::Random;
use crate::server::{Answer, Call, Handler, Server};

/// Which vendor is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vendor {
    /// Payments: cursor paging by the last id.
    Stripe,
    /// Contacts: search by `POST`, next link in the body.
    HubSpot,
    /// Errors: next link in the `Link` header.
    Sentry,
    /// Newsletters: offset and count, Basic authentication.
    Mailchimp,
}

/// How a vendor is set up.
#[derive(Debug, Clone, Copy)]
pub struct VendorOptions {
    /// Port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// Ids and tokens follow from it.
    pub seed: u64,
    /// Most entries of one page, whatever the client asks for, so that few entries show paging.
    /// Not for Mailchimp, whose clients count on what they asked for.
    pub page_entries: usize,
}

impl Default for VendorOptions {
    fn default() -> Self {
        Self { port: 0, seed: 1, page_entries: 3 }
    }
}

/// A running simulated vendor. Dropping it closes the port.
#[derive(Debug)]
pub struct VendorSandbox {
    server: Server,
    vendor: Vendor,
    token: String,
}

impl VendorSandbox {
    /// Starts it on 127.0.0.1.
    ///
    /// # Errors
    /// The port is taken or may not be used.
    pub async fn start(vendor: Vendor, options: VendorOptions) -> io::Result<Self> {
        let mut random = Random::named(options.seed, vendor.host());
        let token = match vendor {
            Vendor::Stripe => format!("rk_test_{}", random.letters(24)),
            Vendor::HubSpot => format!("pat-na1-{}", random.uuid()),
            Vendor::Sentry => format!("sntryu_{}", random.letters(64).to_lowercase()),
            Vendor::Mailchimp => format!("{}-us21", random.letters(32).to_lowercase()),
        };
        let shop = Shop {
            seed: options.seed,
            token: token.clone(),
            page_entries: options.page_entries.max(1),
            removed: Mutex::new(HashSet::new()),
        };
        let handler: Arc<dyn Handler> = match vendor {
            Vendor::Stripe => Arc::new(move |call: Call| stripe::answer(&shop, &call)),
            Vendor::HubSpot => Arc::new(move |call: Call| hubspot::answer(&shop, &call)),
            Vendor::Sentry => Arc::new(move |call: Call| sentry::answer(&shop, &call)),
            Vendor::Mailchimp => Arc::new(move |call: Call| mailchimp::answer(&shop, &call)),
        };
        let server = Server::start(options.port, handler).await?;
        Ok(Self { server, vendor, token })
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The vendor's real host, to be routed here.
    pub fn host(&self) -> &'static str {
        self.vendor.host()
    }

    /// The token or key that is accepted.
    pub fn token(&self) -> &str {
        &self.token
    }
}

impl Vendor {
    /// The vendor's real host.
    pub fn host(self) -> &'static str {
        match self {
            Self::Stripe => "api.stripe.com",
            Self::HubSpot => "api.hubapi.com",
            Self::Sentry => "sentry.io",
            Self::Mailchimp => "us21.api.mailchimp.com",
        }
    }
}

/// What all vendors keep.
#[derive(Debug)]
struct Shop {
    seed: u64,
    token: String,
    page_entries: usize,
    /// Ids of things that were deleted, or taken off a person.
    removed: Mutex<HashSet<String>>,
}

impl Shop {
    /// An id that follows from the seed and a name.
    fn id(&self, prefix: &str, name: &str, length: usize) -> String {
        format!("{prefix}{}", Random::named(self.seed, &format!("{prefix}{name}")).letters(length))
    }

    /// A numeric id that follows from the seed and a name.
    fn number(&self, name: &str) -> u64 {
        10_000 + Random::named(self.seed, name).below(90_000)
    }

    fn is_removed(&self, id: &str) -> bool {
        self.removed.lock().unwrap_or_else(PoisonError::into_inner).contains(id)
    }

    /// Removes a thing; tells whether it was there until now.
    fn remove(&self, id: &str) -> bool {
        self.removed.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned())
    }

    /// Entries that were not removed.
    fn kept(&self, entries: Vec<Value>) -> Vec<Value> {
        let kept = entries.into_iter().filter(|entry| !self.is_removed(&text_of(entry, "id")));
        kept.collect()
    }

    /// Entries on one page, of those asked for.
    fn page_size(&self, asked: Option<&str>, default: usize) -> usize {
        asked.and_then(|text| text.parse().ok()).unwrap_or(default).clamp(1, self.page_entries)
    }

    /// Whether the call carries the token.
    fn is_bearer(&self, call: &Call) -> bool {
        call.bearer_token() == Some(&self.token)
    }
}

/// A field as text; empty if absent.
fn text_of(entry: &Value, field: &str) -> String {
    match entry.get(field) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(_) | None => String::new(),
    }
}

/// The decoded segments of a path; a slash at the end adds none.
fn segments(call: &Call) -> Vec<String> {
    let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    call.path.split('/').filter(|segment| !segment.is_empty()).map(decode).collect()
}

/// Links of an answer are absolute, to the host that was asked for.
fn link(call: &Call, query: &str) -> String {
    format!("https://{}{}?{query}", call.host(), call.path)
}

/// The query with one parameter replaced.
fn query_with(call: &Call, name: &str, value: &str) -> String {
    let encode = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let query = call.parameters();
    let others = query.pairs().filter(|(found, _)| *found != name);
    let mut parts: Vec<String> =
        others.map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    parts.push(format!("{}={}", encode(name), encode(value)));
    parts.join("&")
}

/// A plain JSON answer.
fn ok(body: &Value) -> Answer {
    Answer::json(200, body)
}
