use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::Fault;
use crate::server::Call;

/// One fault for chosen calls, in place of those that are drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// Method of the calls; any if absent.
    #[serde(default)]
    pub method: Option<String>,
    /// Path of the calls as sent; a segment `*` takes any one segment. Any if absent.
    #[serde(default)]
    pub path: Option<String>,
    /// How many calls that fit go through before.
    #[serde(default)]
    pub skip: u64,
    /// How many calls are hit; 1 if absent.
    #[serde(default = "once")]
    pub times: u64,
    /// What happens to them.
    pub fault: Fault,
}

fn once() -> u64 {
    1
}

impl FaultRule {
    /// Hits the first call of this method and path.
    pub fn first(method: &str, path: &str, fault: Fault) -> Self {
        Self { method: Some(method.to_owned()), path: Some(path.to_owned()), skip: 0, times: 1, fault }
    }

    fn takes(&self, call: &Call) -> bool {
        let method = self.method.as_deref().is_none_or(|method| call.method.as_str() == method);
        method && self.path.as_deref().is_none_or(|path| path_matches(path, &call.path))
    }
}

pub(crate) fn path_matches(pattern: &str, path: &str) -> bool {
    let (expected, found) = (pattern.split('/'), path.split('/'));
    expected.clone().count() == found.clone().count()
        && expected.zip(found).all(|(expected, found)| expected == "*" || expected == found)
}

/// The rules in force, and how often each was met.
#[derive(Debug, Default)]
pub(crate) struct FaultRules(Mutex<Vec<(FaultRule, u64)>>);

impl FaultRules {
    /// Takes the place of all rules before.
    pub(crate) fn set(&self, rules: Vec<FaultRule>) {
        *self.lock() = rules.into_iter().map(|rule| (rule, 0)).collect();
    }

    /// The fault for this call: that of the first rule that hits it. Every rule that fits counts it.
    pub(crate) fn meet(&self, call: &Call) -> Option<Fault> {
        let mut hit = None;
        for (rule, met) in self.lock().iter_mut().filter(|(rule, _)| rule.takes(call)) {
            let number = *met;
            *met += 1;
            if hit.is_none() && number >= rule.skip && number - rule.skip < rule.times {
                hit = Some(rule.fault);
            }
        }
        hit
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(FaultRule, u64)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_fits_segment_by_segment() {
        assert!(path_matches("/people/*/notes", "/people/7/notes"));
        assert!(!path_matches("/people/*", "/people/7/notes"));
        assert!(!path_matches("/people/7", "/people/8"));
    }
}
