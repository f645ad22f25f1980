//! The data categories that dataset files and policies use (saas-config 25.8, architecture §13.14).
//!
//! Categories form a hierarchy by dots. A target covers a category segment by segment: `user.name`
//! covers `user.name.first` and never `user.name_extra`.

/// One category of the default taxonomy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Category {
    /// Its key, as written in files.
    pub key: &'static str,
    /// What it stands for.
    pub meaning: &'static str,
}

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
pub const CATEGORIES: &[Category] = &[
    Category { key: "system", meaning: "data about the running of a system, not about a person" },
    Category { key: "system.authentication", meaning: "data used to sign systems or people in" },
    Category { key: "system.operations", meaning: "data a system needs to work" },
    Category { key: "user", meaning: "anything about a person" },
    Category { key: "user.account", meaning: "an account of a person" },
    Category { key: "user.account.settings", meaning: "choices made in an account" },
    Category { key: "user.account.username", meaning: "name used to sign in" },
    Category { key: "user.authorization", meaning: "what proves that a person may act" },
    Category { key: "user.authorization.biometric", meaning: "body features used to sign in" },
    Category { key: "user.authorization.credentials", meaning: "keys, tokens and other credentials" },
    Category { key: "user.authorization.password", meaning: "passwords and their hashes" },
    Category { key: "user.behavior", meaning: "what a person does" },
    Category { key: "user.behavior.browsing_history", meaning: "pages and screens visited" },
    Category { key: "user.behavior.media_consumption", meaning: "what was watched, heard or read" },
    Category { key: "user.behavior.purchase_history", meaning: "what was bought" },
    Category { key: "user.behavior.search_history", meaning: "what was searched for" },
    Category { key: "user.biometric", meaning: "measurements of the body" },
    Category { key: "user.biometric.fingerprint", meaning: "fingerprints" },
    Category { key: "user.biometric.health", meaning: "health measured by a device" },
    Category { key: "user.biometric.retinal", meaning: "scans of the eye" },
    Category { key: "user.biometric.voice", meaning: "voice recordings and prints" },
    Category { key: "user.childrens", meaning: "data about a child" },
    Category { key: "user.contact", meaning: "ways to reach a person" },
    Category { key: "user.contact.address", meaning: "postal address" },
    Category { key: "user.contact.address.city", meaning: "city" },
    Category { key: "user.contact.address.country", meaning: "country" },
    Category { key: "user.contact.address.postal_code", meaning: "postal code" },
    Category { key: "user.contact.address.state", meaning: "state or region" },
    Category { key: "user.contact.address.street", meaning: "street and house number" },
    Category { key: "user.contact.email", meaning: "e-mail address" },
    Category { key: "user.contact.fax_number", meaning: "fax number" },
    Category { key: "user.contact.organization", meaning: "the organization a person is reached through" },
    Category { key: "user.contact.phone_number", meaning: "telephone number" },
    Category { key: "user.contact.url", meaning: "web address of a person" },
    Category { key: "user.content", meaning: "what a person made" },
    Category { key: "user.content.private", meaning: "content meant for few" },
    Category { key: "user.content.public", meaning: "content meant for all" },
    Category { key: "user.content.self_image", meaning: "pictures of the person" },
    Category { key: "user.criminal_history", meaning: "offences and convictions" },
    Category { key: "user.demographic", meaning: "traits that describe a person in statistics" },
    Category { key: "user.demographic.age_range", meaning: "age or age group" },
    Category { key: "user.demographic.date_of_birth", meaning: "date of birth" },
    Category { key: "user.demographic.gender", meaning: "gender" },
    Category { key: "user.demographic.language", meaning: "language" },
    Category { key: "user.demographic.marital_status", meaning: "marital status" },
    Category { key: "user.demographic.political_opinion", meaning: "political opinion" },
    Category { key: "user.demographic.profile", meaning: "a profile drawn from other traits" },
    Category { key: "user.demographic.race_ethnicity", meaning: "race or ethnic origin" },
    Category { key: "user.demographic.religious_belief", meaning: "religion or belief" },
    Category { key: "user.demographic.sexual_orientation", meaning: "sexual orientation" },
    Category { key: "user.device", meaning: "the devices of a person" },
    Category { key: "user.device.cookie", meaning: "cookies" },
    Category { key: "user.device.cookie_id", meaning: "identifier kept in a cookie" },
    Category { key: "user.device.device_id", meaning: "identifier of a device" },
    Category { key: "user.device.ip_address", meaning: "network address" },
    Category { key: "user.financial", meaning: "money matters of a person" },
    Category { key: "user.financial.bank_account", meaning: "bank account" },
    Category { key: "user.financial.credit_card", meaning: "payment card" },
    Category { key: "user.government_id", meaning: "identifiers given by a state" },
    Category { key: "user.government_id.birth_certificate", meaning: "birth certificate" },
    Category { key: "user.government_id.drivers_license_number", meaning: "driving licence number" },
    Category { key: "user.government_id.immigration", meaning: "immigration and residence papers" },
    Category {
        key: "user.government_id.national_identification_number",
        meaning: "national identification number",
    },
    Category { key: "user.government_id.passport_number", meaning: "passport number" },
    Category { key: "user.government_id.vehicle_registration", meaning: "vehicle registration" },
    Category { key: "user.health_and_medical", meaning: "health and medical care" },
    Category { key: "user.health_and_medical.genetic", meaning: "genetic data" },
    Category {
        key: "user.health_and_medical.insurance_beneficiary_id",
        meaning: "number of an insured person",
    },
    Category { key: "user.health_and_medical.record_id", meaning: "number of a medical record" },
    Category { key: "user.job_title", meaning: "job title" },
    Category { key: "user.location", meaning: "where a person is or was" },
    Category { key: "user.location.imprecise", meaning: "location to the town or region" },
    Category { key: "user.location.precise", meaning: "location to the street or better" },
    Category { key: "user.name", meaning: "name of a person" },
    Category { key: "user.name.first", meaning: "given name" },
    Category { key: "user.name.last", meaning: "family name" },
    Category { key: "user.payment", meaning: "payments made or received" },
    Category { key: "user.privacy_preferences", meaning: "consent and other privacy choices" },
    Category { key: "user.sensor", meaning: "readings of sensors near a person" },
    Category { key: "user.social", meaning: "social accounts and connections" },
    Category { key: "user.telemetry", meaning: "measurements sent by software in use" },
    Category { key: "user.unique_id", meaning: "identifier of a person" },
    Category {
        key: "user.unique_id.pseudonymous",
        meaning: "identifier that does not name the person by itself",
    },
    Category { key: "user.user_sensor", meaning: "readings of sensors that a person wears or carries" },
    Category { key: "user.workplace", meaning: "where a person works" },
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
