//! Which collection gets values from where (saas-config 16.1, 16.10).

use crate::connector_file::{ConnectorFile, Endpoint, ParamSource, Request};
use crate::reference::{Direction, FieldReference, ReferenceSource};

/// The flow of values between the endpoints of one file.
#[derive(Debug)]
pub(super) struct Flow<'a> {
    nodes: Vec<Node<'a>>,
}

/// What feeds one endpoint.
#[derive(Debug, Default)]
struct Node<'a> {
    /// Identity kinds.
    identities: Vec<&'a str>,
    /// Gets values from another dataset.
    from_elsewhere: bool,
    /// Endpoints it gets values from; the flag says that values may also flow back.
    from: Vec<(usize, bool)>,
}

/// A reference where it stands.
#[derive(Debug)]
pub(super) struct Reference<'a> {
    pub(super) place: String,
    pub(super) to: &'a FieldReference,
}

impl<'a> Flow<'a> {
    pub(super) fn of(file: &'a ConnectorFile) -> Self {
        let mut nodes: Vec<Node<'a>> = file.endpoints.iter().map(|endpoint| node(file, endpoint)).collect();
        let backwards: Vec<(usize, usize)> = nodes
            .iter()
            .enumerate()
            .flat_map(|(index, node)| {
                node.from.iter().filter(|(_, both)| *both).map(move |(source, _)| (*source, index))
            })
            .collect();
        for (index, source) in backwards {
            if let Some(node) = nodes.get_mut(index) {
                node.from.push((source, true));
            }
        }
        Self { nodes }
    }

    /// Whether endpoint `index` has any field that values can arrive at.
    pub(super) fn has_inputs(&self, index: usize) -> bool {
        self.nodes
            .get(index)
            .is_some_and(|node| node.from_elsewhere || !node.identities.is_empty() || !node.from.is_empty())
    }

    /// Endpoints that `index` gets values from and cannot give values to.
    pub(super) fn sources(&self, index: usize) -> impl Iterator<Item = usize> {
        let from = self.nodes.get(index).map(|node| node.from.as_slice()).unwrap_or_default();
        from.iter().filter(|(_, both)| !both).map(|(source, _)| *source)
    }

    /// Endpoints that `index` gets values from, either way.
    pub(super) fn neighbours(&self, index: usize) -> impl Iterator<Item = usize> {
        let from = self.nodes.get(index).map(|node| node.from.as_slice()).unwrap_or_default();
        from.iter().map(|(source, _)| *source)
    }

    /// Identity kinds that lead straight to `index`.
    pub(super) fn identities(&self, index: usize) -> &[&'a str] {
        self.nodes.get(index).map(|node| node.identities.as_slice()).unwrap_or_default()
    }

    /// For each endpoint, whether a run that knows every identity except `absent` gets there.
    pub(super) fn reached(&self, absent: &[&str]) -> Vec<bool> {
        let mut reached: Vec<bool> = self
            .nodes
            .iter()
            .map(|node| node.from_elsewhere || node.identities.iter().any(|kind| !absent.contains(kind)))
            .collect();
        loop {
            let newly: Vec<usize> = (0..self.nodes.len())
                .filter(|index| reached.get(*index) == Some(&false))
                .filter(|index| self.neighbours(*index).any(|source| reached.get(source) == Some(&true)))
                .collect();
            if newly.is_empty() {
                return reached;
            }
            for index in newly {
                if let Some(flag) = reached.get_mut(index) {
                    *flag = true;
                }
            }
        }
    }
}

fn node<'a>(file: &'a ConnectorFile, endpoint: &'a Endpoint) -> Node<'a> {
    let mut node = Node::default();
    if endpoint.skip_processing {
        return node;
    }
    for value in feeding(endpoint).iter().flat_map(|request| &request.param_values) {
        match &value.source {
            ParamSource::Identity(kind) => node.identities.push(super::visit::first_segment(kind)),
            ParamSource::References(sources) => {
                for source in sources {
                    match source {
                        ReferenceSource::External(_) => node.from_elsewhere = true,
                        ReferenceSource::Field(field) if field.dataset != file.fides_key => {
                            node.from_elsewhere = true;
                        }
                        ReferenceSource::Field(field) => {
                            let source =
                                file.endpoints.iter().position(|other| other.name == field.collection);
                            let both = field.direction == Direction::Either;
                            node.from.extend(source.map(|source| (source, both)));
                        }
                    }
                }
            }
            ParamSource::ConnectorParam(_) => {}
        }
    }
    node
}

/// The requests whose param values become fields of the collection.
pub(super) fn feeding(endpoint: &Endpoint) -> &[Request] {
    if endpoint.read.is_empty() { &endpoint.delete } else { &endpoint.read }
}

/// The references of `request` to fields, with their places.
pub(super) fn references(request: &Request) -> Vec<Reference<'_>> {
    let mut found = Vec::new();
    for (value_index, value) in request.param_values.iter().enumerate() {
        let ParamSource::References(sources) = &value.source else { continue };
        for (index, source) in sources.iter().enumerate() {
            if let ReferenceSource::Field(to) = source {
                let place =
                    format!("{}.param_values[{value_index}].references[{index}].field", request.place);
                found.push(Reference { place, to });
            }
        }
    }
    found
}
