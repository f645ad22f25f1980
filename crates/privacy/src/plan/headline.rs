use std::collections::BTreeSet;

use model::Outcome;

use super::not_covered::MASKING_STRICT;
use super::{NotCovered, PlanContents};

impl PlanContents {
    /// The plan in one line: what it does, or that nothing can be done and why.
    pub fn headline(&self) -> String {
        let open = self.not_covered.iter().filter(|one| is_open(one));
        let places: BTreeSet<_> = open.clone().map(|one| &one.collection).collect();
        if self.operations.is_empty() {
            return nothing(&open.collect::<Vec<_>>());
        }
        let writes: u64 = self.operations.iter().map(super::Operation::writes).sum();
        let keys: BTreeSet<_> =
            self.operations.iter().map(|operation| operation.connection.as_str()).collect();
        let keys: Vec<_> = keys.into_iter().collect();
        let mut line = format!("{} to {}", counted(writes, "write"), keys.join(", "));
        if !places.is_empty() {
            line.push_str("; targeted data stay in ");
            line.push_str(&counted(places.len() as u64, "collection"));
        }
        line
    }

    /// Whether no write is planned.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }
}

/// Whether data stay that should go; what a rule excepts is meant to stay.
fn is_open(not_covered: &NotCovered) -> bool {
    match not_covered.outcome {
        Outcome::Failed | Outcome::Unknown | Outcome::Accepted | Outcome::Unsupported => true,
        Outcome::Exempt
        | Outcome::Suppressed
        | Outcome::Masked
        | Outcome::Erased
        | Outcome::AlreadyAbsent
        | Outcome::NotFound => false,
    }
}

fn nothing(open: &[&NotCovered]) -> String {
    if open.is_empty() {
        return "nothing to do: no targeted data of this person were found".to_owned();
    }
    if open.iter().any(|one| one.reason == MASKING_STRICT) {
        return "nothing can be done: `masking_strict` allows only masking updates and the connector files have \
                none for these data; set `masking_strict: false` to use their requests that delete"
            .to_owned();
    }
    let reasons: BTreeSet<&str> = open.iter().map(|one| one.explanation.as_str()).collect();
    let reasons: Vec<&str> = reasons.into_iter().collect();
    format!("nothing can be done: {}", reasons.join("; "))
}

pub(super) fn counted(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
