use serde_json::Value;

/// One trait of a profile (segment-api B18).
#[derive(Debug, Clone)]
pub(super) struct Trait {
    pub(super) name: String,
    pub(super) value: Value,
    pub(super) class: TraitClass,
}

/// Where a trait comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TraitClass {
    Custom,
    Audience,
    Computed,
}

impl Trait {
    pub(super) fn new(name: &str, value: Value, class: TraitClass) -> Self {
        Self { name: name.to_owned(), value, class }
    }
}

impl TraitClass {
    /// The value of the query parameter `class`, or `None` for a class that cannot be asked for.
    pub(super) fn parameter(self) -> Option<&'static str> {
        match self {
            Self::Custom => None,
            Self::Audience => Some("audience"),
            Self::Computed => Some("computed_trait"),
        }
    }
}
