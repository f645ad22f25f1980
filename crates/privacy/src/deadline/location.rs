use super::Jurisdiction;

/// Countries of the European Economic Area, ISO 3166-1.
const EEA: [&str; 30] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS", "IT",
    "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
];

impl Jurisdiction {
    /// The law that protects people at a place, given by ISO 3166 (`DE`, `us-ca`, `GB-SCT`); none if no
    /// law that is known here does.
    pub fn at(location: &str) -> Option<Self> {
        let location = location.trim().replace('_', "-").to_ascii_uppercase();
        let country = location.split('-').next().unwrap_or_default();
        match country {
            "GB" | "UK" => Some(Self::UkGdpr),
            "US" if location == "US-CA" => Some(Self::Ccpa),
            "BR" => Some(Self::Lgpd),
            "KR" => Some(Self::Pipa),
            "EU" | "EEA" => Some(Self::Gdpr),
            country if EEA.contains(&country) => Some(Self::Gdpr),
            _ => None,
        }
    }
}
