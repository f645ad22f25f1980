use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::account;
use super::trait_value::{Trait, TraitClass};
use super::world::START;
use crate::Random;

/// One person of the space. Traits, events and identifiers follow from the fields here.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) index: u64,
    pub(super) seed: u64,
    pub(super) segment_id: String,
    pub(super) user_ids: Vec<String>,
    pub(super) email: String,
    pub(super) phone: String,
    pub(super) anonymous_ids: Vec<String>,
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) extra_traits: usize,
    pub(super) events: u32,
    pub(super) accounts: Vec<u64>,
}

/// One external id of a person (segment-api B19).
#[derive(Debug, Clone)]
pub(super) struct ExternalId {
    pub(super) id_type: &'static str,
    pub(super) id: String,
    pub(super) json: Value,
}

/// One track event (B20); its JSON is made by [`Person::events_json`], for the events of a page only.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) number: u32,
    pub(super) timestamp: Timestamp,
    pub(super) name: &'static str,
    random: Random,
}

const EVENTS: [&str; 6] = [
    "Page Viewed",
    "Product Added",
    "Checkout Started",
    "Order Completed",
    "Signed In",
    "Search, Performed & Saved",
];
/// Trait names with characters that a cursor has to carry unharmed (B16).
const ODD_TRAITS: [(&str, &str); 4] = [
    ("favorite color?", "red & \"blue\""),
    ("plan & tier", "50% + more"),
    ("größe", "日本語 ✓"),
    ("zip/postal #", "O'Brien\\path"),
];

impl Person {
    fn random(&self, part: &str) -> Random {
        Random::named(self.seed, part)
    }

    /// The id of the source that this person's data came from.
    pub(super) fn source_id(&self) -> String {
        self.random("source").letters(22)
    }

    pub(super) fn created_at(&self) -> Timestamp {
        let days = 100 + self.random("created").below(600);
        start() - SignedDuration::from_hours(24 * i64::try_from(days).unwrap_or_default())
    }

    pub(super) fn metadata(&self) -> Value {
        let mut random = self.random("metadata");
        let source = self.source_id();
        json!({
            "segment_id": self.segment_id,
            "metadata": {
                "created_at": self.created_at().to_string(),
                "updated_at": START,
                "expires_at": null,
                "first_message_id": random.uuid(),
                "first_source_id": source,
                "last_message_id": random.uuid(),
                "last_source_id": source,
            },
        })
    }

    pub(super) fn traits(&self) -> Vec<Trait> {
        let mut random = self.random("traits");
        let name = format!("{} {}", self.first_name, self.last_name);
        let cities = [("Lisbon", "PT", "1100-148"), ("München", "DE", "80331"), ("Portland", "US", "97201")];
        let (city, country, postal_code) = *random.pick(&cities);
        let custom = [
            ("address", json!({"city": city, "country": country, "postalCode": postal_code, "state": null})),
            ("age", json!(18 + random.below(60))),
            ("avatar", json!(format!("https://www.example.com/avatars/{}.png", self.index))),
            ("createdAt", json!(self.created_at().to_string())),
            (
                "description",
                json!(format!("\"{name}\" likes A/B tests + 100% <b>bold</b> claims\nand line breaks")),
            ),
            ("email", json!(self.email)),
            ("firstName", json!(self.first_name)),
            ("gender", json!(random.pick(&["female", "male", "other"]))),
            ("id", json!(self.user_ids.first())),
            ("industry", json!(random.pick(&["retail", "health", "software"]))),
            ("lastName", json!(self.last_name)),
            ("name", json!(name)),
            ("phone", json!(self.phone)),
            ("subscriptionStatus", json!(random.pick(&["active", "paused", "none"]))),
            ("tags", json!(["vip", "newsletter"])),
            ("title", json!(random.pick(&["Dr.", "", "Ms."]))),
            ("user_id", json!(self.user_ids.first())),
            ("username", json!(self.email.split('@').next())),
            ("website", json!(format!("https://www.example.com/~{}", self.index))),
        ];
        let mut traits: Vec<Trait> =
            custom.into_iter().map(|(name, value)| Trait::new(name, value, TraitClass::Custom)).collect();
        if self.extra_traits > 0 {
            traits.extend(ODD_TRAITS.map(|(name, value)| Trait::new(name, json!(value), TraitClass::Custom)));
        }
        for number in 0..self.extra_traits {
            let value = match number % 4 {
                0 => json!(random.below(1_000_000)),
                1 => json!(random.below(2) == 0),
                2 => json!(null),
                _ => json!([{"sku": random.letters(8), "count": random.below(9)}]),
            };
            traits.push(Trait::new(&format!("survey_answer_{number:02}"), value, TraitClass::Custom));
        }
        traits.push(Trait::new("big_spenders", json!(random.below(2) == 0), TraitClass::Audience));
        traits.push(Trait::new("recently_active", json!(self.events > 5), TraitClass::Audience));
        traits.push(Trait::new("order_count_90d", json!(random.below(40)), TraitClass::Computed));
        traits
    }

    pub(super) fn external_ids(&self) -> Vec<ExternalId> {
        let mut random = self.random("external_ids");
        let source = self.source_id();
        let created_at = self.created_at().to_string();
        let user_ids = self.user_ids.iter().map(|id| ("user_id", id));
        let fixed = [("email", &self.email), ("phone", &self.phone)];
        let anonymous = self.anonymous_ids.iter().map(|id| ("anonymous_id", id));
        let external_id = |(id_type, id): (&'static str, &String)| ExternalId {
            id_type,
            id: id.clone(),
            json: json!({
                "source_id": source,
                "collection": "users",
                "id": id,
                "type": id_type,
                "created_at": created_at,
                "encoding": "none",
                "first_message_id": random.uuid(),
            }),
        };
        user_ids.chain(fixed).chain(anonymous).map(external_id).collect()
    }

    /// All events, newest first; some are older than what the service shows.
    pub(super) fn all_events(&self) -> Vec<Event> {
        let mut random = self.random("events");
        let begun = start();
        // Spread over 13 days, then a few beyond the 14 that are shown.
        let step_min = if self.events == 0 { 0 } else { 13 * 24 * 60 / i64::from(self.events) };
        let old = if self.events == 0 { 0 } else { 3 };
        let event = |number: u32| {
            let age_min = match number.checked_sub(self.events) {
                None => i64::from(number) * step_min + 7,
                Some(older) => (15 + i64::from(older)) * 24 * 60,
            };
            let name = *random.pick(&EVENTS);
            let timestamp = begun - SignedDuration::from_mins(age_min);
            Event { number, timestamp, name, random: Random::new(random.next_u64()) }
        };
        (0..self.events + old).map(event).collect()
    }

    /// Events as the service shows them.
    pub(super) fn events_json(&self, events: &[Event]) -> Vec<Value> {
        let source = self.source_id();
        let external_ids: Vec<Value> = self
            .external_ids()
            .into_iter()
            .take(2)
            .map(|external| json!({"collection": "users", "type": external.id_type, "id": external.id, "encoding": "none"}))
            .collect();
        events.iter().map(|event| event.to_json(&source, &external_ids)).collect()
    }

    pub(super) fn links(&self) -> Vec<Value> {
        let source = self.source_id();
        let created_at = self.created_at().to_string();
        let link = |number: &u64| {
            json!({
                "to_collection": "accounts",
                "external_ids": [{
                    "id": account::group_id(*number),
                    "type": "group_id",
                    "source_id": source,
                    "collection": "accounts",
                    "created_at": created_at,
                    "encoding": "none",
                }],
            })
        };
        self.accounts.iter().map(link).collect()
    }
}

impl Event {
    fn to_json(&self, source: &str, external_ids: &[Value]) -> Value {
        let mut random = self.random.clone();
        json!({
            "external_ids": external_ids,
            "context": {
                "ip": format!("203.0.113.{}", random.below(255)),
                "library": {"name": "analytics.js", "version": "next-1.70.0"},
                "page": {"url": format!("https://www.example.com/?q=a%20b&page={}", self.number)},
                "userAgent": "Mozilla/5.0 (example)",
            },
            "type": "track",
            "message_id": format!("ajs-next-{}", random.letters(24)),
            "source_id": source,
            "timestamp": self.timestamp.to_string(),
            "properties": {
                "accountType": "Standard",
                "plan": random.pick(&["free", "team", "enterprise"]),
                "revenue": (random.below(100_000) as f64) / 100.0,
            },
            "event": self.name,
            "related": {"users": null},
        })
    }
}

fn start() -> Timestamp {
    START.parse().expect("the constant is a time")
}
