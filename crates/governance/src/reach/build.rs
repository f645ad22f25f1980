//! Building an access graph from rows.

use super::{AccessGraph, NO_RESOURCE};
use crate::entitlement_graph::{Adjacency, Edge, EdgeList};
use crate::number::{EntitlementNumber, ResourceNumber, ResourceTypeNumber};

/// Takes the rows of an inventory in any order.
#[derive(Clone, Debug, Default)]
pub struct AccessGraphBuilder {
    edges: EdgeList,
    resources: Vec<u32>,
    types: Vec<u32>,
    grants: Vec<(u32, u32)>,
}

impl AccessGraphBuilder {
    /// Nothing taken yet.
    pub fn new() -> AccessGraphBuilder {
        AccessGraphBuilder::default()
    }

    /// Takes a resource; a principal of which none is taken has a type that no edge names.
    pub fn resource(&mut self, resource: ResourceNumber, resource_type: ResourceTypeNumber) {
        set(&mut self.types, resource.0, resource_type.0, NO_TYPE);
    }

    /// Takes an entitlement.
    pub fn entitlement(&mut self, entitlement: EntitlementNumber, resource: ResourceNumber) {
        set(&mut self.resources, entitlement.0, resource.0, NO_RESOURCE);
    }

    /// Takes a grant that the application reported as direct. Grants that were made by expansion
    /// are left out: they would show as direct here.
    pub fn grant(&mut self, entitlement: EntitlementNumber, principal: ResourceNumber) {
        self.grants.push((entitlement.0, principal.0));
    }

    /// Takes an edge, as [`crate::expansion::ExpandableGrant::edge`] gives it.
    pub fn edge(&mut self, edge: Edge<'_>) {
        self.edges.add(edge);
    }

    /// Sorts what was taken.
    pub fn build(self) -> AccessGraph {
        let turned = |(one, two): &(u32, u32)| (*two, *one);
        let held = Adjacency::build(self.types.len(), self.grants.iter().map(turned).collect());
        let holders = Adjacency::build(self.resources.len(), self.grants);
        let of_resource = (0..).zip(&self.resources).filter(|(_, resource)| **resource != NO_RESOURCE);
        let of_resource: Vec<(u32, u32)> =
            of_resource.map(|(number, resource)| (*resource, number)).collect();
        let entitlements = Adjacency::build(self.types.len(), of_resource);
        let incoming = self.edges.incoming();
        let graph = self.edges.build();
        let classes = self.types.iter().map(|resource_type| graph.class_of(*resource_type) as u32).collect();
        AccessGraph {
            graph,
            incoming,
            resources: self.resources,
            entitlements,
            holders,
            held,
            classes,
            types: self.types,
        }
    }
}

/// Stands for the type of a resource that no row names; no edge can name it.
const NO_TYPE: u32 = u32::MAX;

fn set(table: &mut Vec<u32>, number: u32, value: u32, nothing: u32) {
    let at = number as usize;
    if table.len() <= at {
        table.resize(at + 1, nothing);
    }
    if let Some(slot) = table.get_mut(at) {
        *slot = value;
    }
}
