//! By when requests are answered, and the page on which people make them.

use std::time::Duration;

use jiff::civil::Date;

/// Laws by which deadlines are counted, as settings write them; `none` besides.
pub const JURISDICTIONS: [&str; 5] = ["gdpr", "uk_gdpr", "ccpa", "lgpd", "pipa"];

/// By when requests are answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadlineSettings {
    /// The law that counts where the place of the person says nothing: one of [`JURISDICTIONS`].
    pub jurisdiction: Option<String>,
    /// Time zone of the controller.
    pub time_zone: String,
    /// Days on which nobody works.
    pub holidays: Vec<Date>,
    /// How long before a deadline those who are responsible are told.
    pub remind_before: Duration,
}

/// The page on which people make requests about themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalSettings {
    /// Whether there is one.
    pub enabled: bool,
    /// Its title.
    pub title: String,
    /// Keys of the policies that people can choose from.
    pub policies: Vec<String>,
}
