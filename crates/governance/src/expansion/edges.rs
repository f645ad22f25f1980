//! First pass: expandable grants become edges.

use super::GrantCollector;
use crate::entitlement_graph::{Depth, Edge, EdgeList};
use crate::number::{EntitlementNumber, ResourceNumber, ResourceTypeNumber};

/// One source entitlement of one grant's `GrantExpandable`.
#[derive(Clone, Copy, Debug)]
pub struct ExpandableGrant<'a> {
    /// D: the entitlement of the grant.
    pub entitlement: EntitlementNumber,
    /// P: the grant's principal, usually a group.
    pub principal: ResourceNumber,
    /// S: whoever holds it holds D too.
    pub source: EntitlementNumber,
    /// The resource that S is on, or `None` if no list has this entitlement.
    pub source_resource: Option<ResourceNumber>,
    /// `shallow` of the annotation.
    pub depth: Depth,
    /// `resource_type_ids` of the annotation; empty = all.
    pub principal_types: &'a [ResourceTypeNumber],
}

/// What the report tells of an annotation that could not be followed, or of groups in a circle.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// The source entitlement is on another resource than the grant's principal (baton E-2).
    ForeignSource {
        /// D.
        entitlement: EntitlementNumber,
        /// P, the grant's principal.
        principal: ResourceNumber,
        /// S.
        source: EntitlementNumber,
        /// The resource that S is on.
        source_resource: ResourceNumber,
    },
    /// No list has the source entitlement (baton E-2).
    MissingSource {
        /// D.
        entitlement: EntitlementNumber,
        /// P, the grant's principal.
        principal: ResourceNumber,
        /// S.
        source: EntitlementNumber,
    },
    /// These entitlements pass their holders on to each other (baton E-4). It is no fault of the
    /// result; a person may want to know.
    Circle {
        /// Sorted; at least two.
        entitlements: Vec<EntitlementNumber>,
    },
}

/// Takes the expandable grants in any order.
#[derive(Debug, Default)]
pub struct EdgeCollector {
    edges: EdgeList,
    findings: Vec<Finding>,
}

impl<'a> ExpandableGrant<'a> {
    /// The edge that this grant gives.
    ///
    /// # Errors
    /// [`Finding::MissingSource`] or [`Finding::ForeignSource`] if it gives none.
    pub fn edge(&self) -> Result<Edge<'a>, Finding> {
        let ExpandableGrant { entitlement, principal, source, .. } = *self;
        match self.source_resource {
            None => Err(Finding::MissingSource { entitlement, principal, source }),
            Some(source_resource) if source_resource != principal => {
                Err(Finding::ForeignSource { entitlement, principal, source, source_resource })
            }
            Some(_) => Ok(Edge {
                source,
                destination: entitlement,
                depth: self.depth,
                principal_types: self.principal_types,
            }),
        }
    }
}

impl EdgeCollector {
    /// Nothing gathered yet.
    pub fn new() -> EdgeCollector {
        EdgeCollector::default()
    }

    /// Takes one source of an expandable grant. Giving the same one again changes nothing.
    pub fn add(&mut self, grant: &ExpandableGrant<'_>) {
        match grant.edge() {
            Ok(edge) => self.edges.add(edge),
            Err(finding) => self.findings.push(finding),
        }
    }

    /// Ends the first pass.
    pub fn finish(self) -> GrantCollector {
        let graph = self.edges.build();
        let mut findings = self.findings;
        let numbers = |circle: &[u32]| circle.iter().copied().map(EntitlementNumber).collect();
        let circles = graph.circles().iter().map(|circle| Finding::Circle { entitlements: numbers(circle) });
        findings.extend(circles);
        findings.sort_unstable();
        findings.dedup();
        GrantCollector::new(graph, findings)
    }
}
