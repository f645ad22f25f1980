//! All ways by which a principal reaches something.

use serde::Serialize;

use crate::inventory::view::{EntitlementRef, Inventory, ResourceRef};
use crate::number::ResourceNumber;
use crate::reach::{AccessPath, Bounded, PathQuery, Step, Target};

/// By which ways does a principal reach a target?
#[derive(Debug, Clone, Copy)]
pub struct WhyQuery {
    /// Who.
    pub principal: ResourceNumber,
    /// An entitlement, or anything on a resource.
    pub target: Target,
    /// How many ways to tell.
    pub limit: usize,
}

/// A way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WayView<'a> {
    /// In words: `Ana → member of Growth → admin on Website`.
    pub sentence: String,
    /// Who.
    pub principal: ResourceRef<'a>,
    /// What is held step by step: the first directly, the last is the target.
    pub steps: Vec<WayStep<'a>>,
    /// Ids of entitlements that the first step is told to follow from, where no way shows it: then it is not held
    /// directly.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<String>,
}

/// A step of a way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WayStep<'a> {
    /// What is held; of a circle what leads on.
    pub entitlement: EntitlementRef<'a>,
    /// Where a circle of groups is passed: by what it is entered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entered: Option<EntitlementRef<'a>>,
    /// All of the circle.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub circle: Vec<EntitlementRef<'a>>,
}

impl Inventory {
    /// The ways, shortest first. A circle of groups is one step.
    pub fn why(&self, query: &WhyQuery) -> Bounded<WayView<'_>> {
        self.why_behind(0, query)
    }

    /// The same without the first ones, which were told before.
    pub fn why_behind(&self, first: usize, query: &WhyQuery) -> Bounded<WayView<'_>> {
        let WhyQuery { principal, target, limit } = *query;
        let limit = limit.saturating_add(first);
        let found = self.graph.paths(&PathQuery { principal, target, limit });
        Bounded {
            items: found.items.iter().skip(first).map(|path| self.way(path)).collect(),
            more: found.more,
        }
    }

    fn way(&self, path: &AccessPath) -> WayView<'_> {
        let first = path.steps.first().map(Step::entitlement).filter(|first| !self.is_real(*first));
        let after = path.steps.get(1).map(|step| match step {
            Step::Entitlement(entitlement) => *entitlement,
            Step::Circle { entered, .. } => *entered,
        });
        let told = first.and(after).map(|after| self.told_ids(after, path.principal)).unwrap_or_default();
        let shown = path.steps.iter().filter(|step| self.is_real(step.entitlement()));
        let steps = shown.map(|step| match step {
            Step::Entitlement(entitlement) => {
                WayStep { entitlement: self.entitlement_ref(*entitlement), entered: None, circle: Vec::new() }
            }
            Step::Circle { entered, left, members } => WayStep {
                entitlement: self.entitlement_ref(*left),
                entered: Some(self.entitlement_ref(*entered)),
                circle: members.iter().map(|member| self.entitlement_ref(*member)).collect(),
            },
        });
        WayView {
            sentence: self.sentence(path),
            principal: self.resource_ref(path.principal),
            steps: steps.collect(),
            told,
        }
    }
}
