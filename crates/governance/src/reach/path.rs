//! One way by which a principal reaches a target.

use std::fmt::Write as _;

use crate::number::{EntitlementNumber, ResourceNumber};

/// A way: the principal holds the first step's entitlement directly, each step brings the next, and
/// the last one is the target.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccessPath {
    /// Who.
    pub principal: ResourceNumber,
    /// Never empty.
    pub steps: Vec<Step>,
}

/// One step of a way. It leads on through the resource of its entitlement: the group that holds the
/// next one ([`super::AccessGraph::resource_of`]).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// This entitlement is held.
    Entitlement(EntitlementNumber),
    /// Through a circle of entitlements that bring each other, in whatever order.
    Circle {
        /// The first one held of the circle.
        entered: EntitlementNumber,
        /// The one that leads on, or the target; another one than `entered`.
        left: EntitlementNumber,
        /// All of them, sorted.
        members: Vec<EntitlementNumber>,
    },
}

impl Step {
    /// The entitlement that leads on; of the last step the target.
    pub fn entitlement(&self) -> EntitlementNumber {
        match self {
            Step::Entitlement(entitlement) => *entitlement,
            Step::Circle { left, .. } => *left,
        }
    }
}

impl AccessPath {
    /// The way in words: `ana → member of Growth → Source Admin on Website`.
    ///
    /// `phrase` says an entitlement with its resource (`member of Growth`).
    pub fn sentence(&self, principal: &str, phrase: impl Fn(EntitlementNumber) -> String) -> String {
        let mut text = principal.to_owned();
        for step in &self.steps {
            match step {
                Step::Entitlement(entitlement) => add(&mut text, &phrase(*entitlement)),
                Step::Circle { entered, left, members } => {
                    add(&mut text, &phrase(*entered));
                    add(&mut text, &phrase(*left));
                    let all: Vec<_> = members.iter().map(|member| phrase(*member)).collect();
                    let _ = write!(text, " (a circle of {})", all.join(", "));
                }
            }
        }
        text
    }
}

fn add(text: &mut String, phrase: &str) {
    text.push_str(" → ");
    text.push_str(phrase);
}
