//! Second pass: the grants that the application reported.

use super::{Expansion, Finding};
use crate::entitlement_graph::EntitlementGraph;
use crate::number::{EntitlementNumber, ResourceNumber, ResourceTypeNumber};

/// A grant as the application reported it.
#[derive(Clone, Copy, Debug)]
pub struct ReportedGrant {
    /// What is held.
    pub entitlement: EntitlementNumber,
    /// Who holds it.
    pub principal: ResourceNumber,
    /// The principal's type.
    pub principal_type: ResourceTypeNumber,
    /// Whether it came with sources.
    pub origin: Origin,
}

/// What a reported grant says about its own sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Origin {
    /// No sources, or its own entitlement is one of them, as direct.
    Direct,
    /// It came with other sources only: a file that was expanded before.
    Inherited,
}

/// Takes the reported grants in any order.
#[derive(Debug)]
pub struct GrantCollector {
    graph: EntitlementGraph,
    findings: Vec<Finding>,
    holdings: Vec<Holding>,
}

/// A reported grant of an entitlement in the graph. The order of the members is that of sorting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Holding {
    principal: u32,
    principal_type: u32,
    pub(super) entitlement: u32,
    pub(super) origin: Origin,
}

impl GrantCollector {
    pub(super) fn new(graph: EntitlementGraph, findings: Vec<Finding>) -> GrantCollector {
        GrantCollector { graph, findings, holdings: vec![] }
    }

    /// What the first pass found: sorted, without repetition.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Whether grants of this entitlement matter here; ask before numbering a principal.
    pub fn wants(&self, entitlement: EntitlementNumber) -> bool {
        self.graph.touches(entitlement.0)
    }

    /// Takes one grant; passes over it if its entitlement is in no edge.
    pub fn add(&mut self, grant: ReportedGrant) {
        if self.wants(grant.entitlement) {
            self.holdings.push(Holding {
                principal: grant.principal.0,
                principal_type: grant.principal_type.0,
                entitlement: grant.entitlement.0,
                origin: grant.origin,
            });
        }
    }

    /// Ends the second pass.
    pub fn expand(self) -> Expansion {
        Expansion::new(self.graph, self.holdings)
    }
}

impl Holding {
    pub(super) fn principal(&self) -> (u32, u32) {
        (self.principal, self.principal_type)
    }

    pub(super) fn grant(&self) -> (u32, u32, u32) {
        (self.principal, self.principal_type, self.entitlement)
    }
}
