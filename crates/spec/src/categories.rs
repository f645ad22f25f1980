//! The data categories that dataset files and policies use (saas-config 25.8, architecture §13.14).
//!
//! Categories form a hierarchy by dots. A target covers a category segment by segment: `user.name`
//! covers `user.name.first` and never `user.name_extra`.

use crate::taxonomy::Entry;

/// Whether the default taxonomy has `key`. Customers may have categories of their own, so an
/// unknown one is worth a warning, not an error.
pub fn is_known(key: &str) -> bool {
    CATEGORIES.iter().any(|category| category.key == key)
}

/// Whether a rule that targets `target` reaches data of `category`: the same key, or one below it.
///
/// ```
/// assert!(spec::categories::covers("user.name", "user.name.first"));
/// assert!(!spec::categories::covers("user.name", "user.name_extra"));
/// ```
pub fn covers(target: &str, category: &str) -> bool {
    match category.strip_prefix(target) {
        Some(rest) => rest.is_empty() || rest.starts_with('.'),
        None => false,
    }
}

/// The known category that `key` was probably meant to be: one a slip of the keyboard away, else
/// one that ends in the same words, else its closest known ancestor below `user` or `system`.
pub fn nearest(key: &str) -> Option<&'static str> {
    let keys = || CATEGORIES.iter().map(|category| category.key);
    let slip = keys()
        .map(|known| (strsim::damerau_levenshtein(key, known), known))
        .filter(|(edits, _)| *edits <= 2)
        .min_by_key(|(edits, _)| *edits);
    if let Some((_, known)) = slip {
        return Some(known);
    }
    let (above, last) = key.rsplit_once('.').unwrap_or(("", key));
    let same_end = keys().filter(|known| {
        let end = known.rsplit('.').next().unwrap_or(known);
        end == last || end.strip_prefix(last).is_some_and(|rest| rest.starts_with('_'))
    });
    if let Some(known) = same_end.max_by_key(|known| known.starts_with(above)) {
        return Some(known);
    }
    let mut parent = key;
    while let Some((above, _)) = parent.rsplit_once('.') {
        parent = above;
        if above.contains('.') && is_known(above) {
            return known(above);
        }
    }
    None
}

fn known(key: &str) -> Option<&'static str> {
    CATEGORIES.iter().find(|category| category.key == key).map(|category| category.key)
}

/// The default taxonomy, sorted by key.
pub const CATEGORIES: &[Entry] = &[
    Entry { key: "system", meaning: "data about the running of a system, not about a person" },
    Entry { key: "system.authentication", meaning: "data used to sign systems or people in" },
    Entry { key: "system.operations", meaning: "data a system needs to work" },
    Entry { key: "user", meaning: "anything about a person" },
    Entry { key: "user.account", meaning: "an account of a person" },
    Entry { key: "user.account.settings", meaning: "choices made in an account" },
    Entry { key: "user.account.username", meaning: "name used to sign in" },
    Entry { key: "user.authorization", meaning: "what proves that a person may act" },
    Entry { key: "user.authorization.biometric", meaning: "body features used to sign in" },
    Entry { key: "user.authorization.credentials", meaning: "keys, tokens and other credentials" },
    Entry { key: "user.authorization.password", meaning: "passwords and their hashes" },
    Entry { key: "user.behavior", meaning: "what a person does" },
    Entry { key: "user.behavior.browsing_history", meaning: "pages and screens visited" },
    Entry { key: "user.behavior.media_consumption", meaning: "what was watched, heard or read" },
    Entry { key: "user.behavior.purchase_history", meaning: "what was bought" },
    Entry { key: "user.behavior.search_history", meaning: "what was searched for" },
    Entry { key: "user.biometric", meaning: "measurements of the body" },
    Entry { key: "user.biometric.fingerprint", meaning: "fingerprints" },
    Entry { key: "user.biometric.health", meaning: "health measured by a device" },
    Entry { key: "user.biometric.retinal", meaning: "scans of the eye" },
    Entry { key: "user.biometric.voice", meaning: "voice recordings and prints" },
    Entry { key: "user.childrens", meaning: "data about a child" },
    Entry { key: "user.contact", meaning: "ways to reach a person" },
    Entry { key: "user.contact.address", meaning: "postal address" },
    Entry { key: "user.contact.address.city", meaning: "city" },
    Entry { key: "user.contact.address.country", meaning: "country" },
    Entry { key: "user.contact.address.postal_code", meaning: "postal code" },
    Entry { key: "user.contact.address.state", meaning: "state or region" },
    Entry { key: "user.contact.address.street", meaning: "street and house number" },
    Entry { key: "user.contact.email", meaning: "e-mail address" },
    Entry { key: "user.contact.fax_number", meaning: "fax number" },
    Entry { key: "user.contact.organization", meaning: "the organization a person is reached through" },
    Entry { key: "user.contact.phone_number", meaning: "telephone number" },
    Entry { key: "user.contact.url", meaning: "web address of a person" },
    Entry { key: "user.content", meaning: "what a person made" },
    Entry { key: "user.content.private", meaning: "content meant for few" },
    Entry { key: "user.content.public", meaning: "content meant for all" },
    Entry { key: "user.content.self_image", meaning: "pictures of the person" },
    Entry { key: "user.criminal_history", meaning: "offences and convictions" },
    Entry { key: "user.demographic", meaning: "traits that describe a person in statistics" },
    Entry { key: "user.demographic.age_range", meaning: "age or age group" },
    Entry { key: "user.demographic.date_of_birth", meaning: "date of birth" },
    Entry { key: "user.demographic.gender", meaning: "gender" },
    Entry { key: "user.demographic.language", meaning: "language" },
    Entry { key: "user.demographic.marital_status", meaning: "marital status" },
    Entry { key: "user.demographic.political_opinion", meaning: "political opinion" },
    Entry { key: "user.demographic.profile", meaning: "a profile drawn from other traits" },
    Entry { key: "user.demographic.race_ethnicity", meaning: "race or ethnic origin" },
    Entry { key: "user.demographic.religious_belief", meaning: "religion or belief" },
    Entry { key: "user.demographic.sexual_orientation", meaning: "sexual orientation" },
    Entry { key: "user.device", meaning: "the devices of a person" },
    Entry { key: "user.device.cookie", meaning: "cookies" },
    Entry { key: "user.device.cookie_id", meaning: "identifier kept in a cookie" },
    Entry { key: "user.device.device_id", meaning: "identifier of a device" },
    Entry { key: "user.device.ip_address", meaning: "network address" },
    Entry { key: "user.financial", meaning: "money matters of a person" },
    Entry { key: "user.financial.bank_account", meaning: "bank account" },
    Entry { key: "user.financial.credit_card", meaning: "payment card" },
    Entry { key: "user.government_id", meaning: "identifiers given by a state" },
    Entry { key: "user.government_id.birth_certificate", meaning: "birth certificate" },
    Entry { key: "user.government_id.drivers_license_number", meaning: "driving licence number" },
    Entry { key: "user.government_id.immigration", meaning: "immigration and residence papers" },
    Entry {
        key: "user.government_id.national_identification_number",
        meaning: "national identification number",
    },
    Entry { key: "user.government_id.passport_number", meaning: "passport number" },
    Entry { key: "user.government_id.vehicle_registration", meaning: "vehicle registration" },
    Entry { key: "user.health_and_medical", meaning: "health and medical care" },
    Entry { key: "user.health_and_medical.genetic", meaning: "genetic data" },
    Entry { key: "user.health_and_medical.insurance_beneficiary_id", meaning: "number of an insured person" },
    Entry { key: "user.health_and_medical.record_id", meaning: "number of a medical record" },
    Entry { key: "user.job_title", meaning: "job title" },
    Entry { key: "user.location", meaning: "where a person is or was" },
    Entry { key: "user.location.imprecise", meaning: "location to the town or region" },
    Entry { key: "user.location.precise", meaning: "location to the street or better" },
    Entry { key: "user.name", meaning: "name of a person" },
    Entry { key: "user.name.first", meaning: "given name" },
    Entry { key: "user.name.last", meaning: "family name" },
    Entry { key: "user.payment", meaning: "payments made or received" },
    Entry { key: "user.privacy_preferences", meaning: "consent and other privacy choices" },
    Entry { key: "user.sensor", meaning: "readings of sensors near a person" },
    Entry { key: "user.social", meaning: "social accounts and connections" },
    Entry { key: "user.telemetry", meaning: "measurements sent by software in use" },
    Entry { key: "user.unique_id", meaning: "identifier of a person" },
    Entry {
        key: "user.unique_id.pseudonymous",
        meaning: "identifier that does not name the person by itself",
    },
    Entry { key: "user.user_sensor", meaning: "readings of sensors that a person wears or carries" },
    Entry { key: "user.workplace", meaning: "where a person works" },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taxonomy_is_sorted_unique_and_closed_upwards() {
        let keys: Vec<&str> = CATEGORIES.iter().map(|category| category.key).collect();

        let mut sorted = keys.clone();
        sorted.sort_unstable();
        sorted.dedup();

        assert_eq!(keys, sorted);
        for key in keys {
            if let Some((parent, _)) = key.rsplit_once('.') {
                assert!(is_known(parent), "{key} has no parent");
            }
        }
    }

    // rule: saas-config 25.9
    #[test]
    fn a_target_covers_whole_segments_only() {
        assert!(covers("user", "user.contact.email"));
        assert!(covers("user.name", "user.name"));
        assert!(!covers("user.name", "user"));
        assert!(!covers("user.name", "user.name_extra"));
        assert!(!covers("user.name", "user.names.first"));
    }

    #[test]
    fn a_mistyped_key_finds_its_neighbour_and_nonsense_finds_none() {
        assert_eq!(nearest("user.contact.emial"), Some("user.contact.email"));
        assert_eq!(nearest("user.name.middle"), Some("user.name"));
        assert_eq!(nearest("user.contact.phone"), Some("user.contact.phone_number"));
        assert_eq!(nearest("user.date_of_birth"), Some("user.demographic.date_of_birth"));
        assert_eq!(nearest("user.nmae"), Some("user.name"));
        assert_eq!(nearest("zzz"), None);
    }
}
