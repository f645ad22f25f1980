//! Which settings a Baton connector program of somebody else may be given by its configuration.

use thiserror::Error;

/// Why a setting is not handed to a program.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BatonSettingError {
    /// Its name is none of a flag.
    #[error("`{name}` is no name of a flag; write small letters, digits and hyphens, as in `api-key`")]
    Name {
        /// As configured.
        name: String,
    },
    /// It is not for the configuration to say.
    #[error("`{name}` is not set here: {why}; {what_to_do}")]
    Reserved {
        /// As configured.
        name: String,
        /// Who says it, or why nobody does.
        why: &'static str,
        /// What to do in place of that.
        what_to_do: &'static str,
    },
    /// A variable cannot hold it.
    #[error("the value of `{name}` has a byte zero in it; correct it")]
    Value {
        /// The setting.
        name: String,
    },
}

/// Why a flag of every connector (baton §12.2), or a variable that has no flag, is not for a configuration.
#[derive(Debug, Clone, Copy)]
enum Reserved {
    /// Where files and the log are.
    Place,
    /// What is done.
    Job,
    /// A sync of less than everything.
    Part,
    /// Changes.
    Change,
    /// What only a process is that goes on.
    Service,
}

use Reserved::{Change, Job, Part, Place, Service};

/// By name, with a `*` at its end by beginning.
const RESERVED: [(&str, Reserved); 41] = [
    ("applied-sync-id", Job),
    ("base-sync-id", Job),
    ("bulk-create-ticket", Job),
    ("bulk-ticket-*", Job),
    ("c1-api-host", Service),
    ("c1z-temp-dir", Place),
    ("client-id", Service),
    ("client-secret", Service),
    ("compact-*", Job),
    ("config-path", Place),
    ("connector-service-*", Service),
    ("create-account-*", Job),
    ("create-ticket", Job),
    ("delete-resource*", Job),
    ("diff-syncs", Job),
    ("event-feed*", Job),
    ("file", Place),
    ("get-tasks", Service),
    ("get-ticket", Job),
    ("grant-entitlement", Job),
    ("grant-principal*", Job),
    ("health-check*", Service),
    ("host-id", Service),
    ("invoke-action*", Job),
    ("invoke-resource-action*", Job),
    ("keep-previous-sync-c1z", Service),
    ("keep-sync-count", Place),
    ("list-action*", Job),
    ("list-resource-actions", Job),
    ("list-ticket-schemas", Job),
    ("log-*", Place),
    ("provisioning", Change),
    ("revoke-grant", Job),
    ("rotate-credentials*", Job),
    ("skip-entitlements-and-grants", Part),
    ("skip-full-sync", Part),
    ("skip-grants", Part),
    ("storage-engine", Place),
    ("sync-resources", Part),
    ("ticket*", Job),
    ("tmpdir", Place),
];

impl Reserved {
    fn find(name: &str) -> Option<Self> {
        let is_meant = |known: &str| match known.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == known,
        };
        RESERVED.iter().find(|(known, _)| is_meant(known)).map(|(_, reserved)| *reserved)
    }

    fn why(self) -> &'static str {
        match self {
            Self::Place => "where the program's files and its log are is said by whoever starts it",
            Self::Job => "what the program does is said by whoever starts it, one job after the other",
            Self::Part => "what a sync leaves out would count as gone",
            Self::Change => "a change switches it on for itself",
            Self::Service => "the program runs for one job and serves nobody",
        }
    }

    fn what_to_do(self) -> &'static str {
        match self {
            Self::Place | Self::Service => "remove it",
            Self::Job => "remove it, and use `tutela governance`, or the API of the server",
            Self::Part => "remove it; `sync-resource-types` names the kinds that are read",
            Self::Change => "remove it, and write `access: write` where access may be changed",
        }
    }
}

/// Whether a program may be given a setting of this name, secret or not.
///
/// # Errors
/// [`BatonSettingError`] says why not, and what to do.
pub fn check_baton_setting(name: &str) -> Result<(), BatonSettingError> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(is_plain) || name.len() > 128
    {
        return Err(BatonSettingError::Name { name: name.to_owned() });
    }
    match Reserved::find(name) {
        Some(reserved) => Err(BatonSettingError::Reserved {
            name: name.to_owned(),
            why: reserved.why(),
            what_to_do: reserved.what_to_do(),
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // rule: baton C-2, C-4
    #[test]
    fn settings_are_flags_of_the_connector_and_not_those_that_are_for_others_to_say() {
        for name in ["token", "api-key", "domain2", "workers", "sync-resource-types", "http-timeout-seconds"]
        {
            assert_eq!(check_baton_setting(name), Ok(()), "{name}");
        }
        for name in ["", "Token", "to_ken", "-token", "a b", "tökén", "LD_PRELOAD"] {
            assert!(matches!(check_baton_setting(name), Err(BatonSettingError::Name { .. })), "{name}");
        }
        for (name, part) in [
            ("file", "whoever starts it"),
            ("log-path", "whoever starts it"),
            ("grant-principal-type", "`tutela governance`"),
            ("delete-resource-type", "`tutela governance`"),
            ("create-account-resource-type", "`tutela governance`"),
            ("ticketing", "`tutela governance`"),
            ("client-id", "serves nobody"),
            ("health-check", "serves nobody"),
            ("health-check-port", "serves nobody"),
            ("provisioning", "`access: write`"),
            ("skip-grants", "would count as gone"),
            ("skip-entitlements-and-grants", "would count as gone"),
            ("skip-full-sync", "would count as gone"),
            ("sync-resources", "`sync-resource-types`"),
        ] {
            let told = check_baton_setting(name).unwrap_err().to_string();
            assert!(told.contains(name) && told.contains(part), "{told}");
        }
        assert!(RESERVED.is_sorted_by_key(|(name, _)| *name));
    }
}
