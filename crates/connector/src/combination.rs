//! The combinations of values that one read request is sent with (saas-config 17.8–17.13).
//!
//! Values multiply only over the names that the request uses, equal combinations are kept once,
//! every request sees all groups, and inputs and secrets are two name spaces: where the contract
//! knows defects, this is their better side.

mod axis;

use std::collections::HashSet;
use std::sync::Arc;

use crypto::PartsHash;
use serde_json::Value;
use spec::connector_file::{ParamSource, ParamValue, Request};
use spec::reference::ReferenceSource;
use spec::template::Template;

use crate::fingerprint::Fingerprint;
use crate::inputs::{InputGroup, Inputs};
use crate::person::Person;
use crate::secrets::Secrets;
use crate::values::{Origin, ValueMap};
use axis::{Axis, Name};

/// Where values come from.
#[derive(Clone, Copy)]
pub(crate) struct Sources<'a> {
    /// From the graph.
    pub(crate) inputs: &'a Inputs,
    /// Who is being looked for.
    pub(crate) person: &'a Person,
    /// Of the connection.
    pub(crate) secrets: &'a Secrets,
}

/// All combinations of one request, in order: groups first, inside a group the last name varies
/// fastest. They are made one at a time; what is kept is two numbers each.
#[derive(Debug)]
pub(crate) struct Combinations {
    names: Vec<Name>,
    groups: Vec<Group>,
    kept: Vec<Index>,
}

/// The values of each name in one group.
#[derive(Debug)]
struct Group {
    axes: Vec<Axis>,
}

/// Which group, and which combination in it.
#[derive(Debug, Clone, Copy)]
struct Index {
    group: usize,
    number: u64,
}

/// One value for each name; names without a value are absent. `Debug` shows names only.
pub(crate) struct Combination<'a> {
    values: Vec<(&'a Name, &'a Value)>,
}

impl Combinations {
    /// The combinations of `request`.
    pub(crate) fn new(request: &Request, sources: Sources<'_>) -> Self {
        let names = names(request, sources);
        let no_group = InputGroup::new();
        let groups: Vec<&InputGroup> = match sources.inputs.groups.as_slice() {
            [] => vec![&no_group],
            groups => groups.iter().collect(),
        };
        let flat: Vec<Axis> = names.iter().map(|name| axis::ungrouped(name, request, sources)).collect();
        let empty_outside: HashSet<&str> = request
            .param_values
            .iter()
            .filter(|param| is_empty(param, sources))
            .map(|param| param.name.as_str())
            .collect();
        let groups: Vec<Group> = groups
            .into_iter()
            .filter(|group| {
                !request.param_values.iter().any(|param| lacks_values(param, group, &empty_outside))
            })
            .map(|group| Group {
                axes: names.iter().zip(&flat).map(|(name, flat)| axis::in_group(name, flat, group)).collect(),
            })
            .collect();
        let mut combinations = Self { names, groups, kept: Vec::new() };
        combinations.kept = combinations.distinct();
        combinations
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }

    /// The combination at `position`.
    pub(crate) fn get(&self, position: usize) -> Option<Combination<'_>> {
        self.kept.get(position).and_then(|index| self.at(*index))
    }

    /// Keeps those for which `keep` says so; stops at its first error.
    pub(crate) fn try_retain<E>(
        &mut self,
        mut keep: impl FnMut(&Combination<'_>) -> Result<bool, E>,
    ) -> Result<(), E> {
        let mut kept = Vec::with_capacity(self.kept.len());
        for index in &self.kept {
            if let Some(combination) = self.at(*index)
                && keep(&combination)?
            {
                kept.push(*index);
            }
        }
        self.kept = kept;
        Ok(())
    }

    /// Every combination once, at its first place.
    fn distinct(&self) -> Vec<Index> {
        // Inside one group all values of a name differ, so only groups can repeat each other.
        let mut seen = (self.groups.len() > 1).then(HashSet::new);
        let mut kept = Vec::new();
        for (group, axes) in self.groups.iter().enumerate() {
            for number in 0..axes.len() {
                let index = Index { group, number };
                let is_new = match (&mut seen, self.at(index)) {
                    (Some(seen), Some(combination)) => seen.insert(combination.fingerprint()),
                    (None, _) | (_, None) => true,
                };
                if is_new {
                    kept.push(index);
                }
            }
        }
        kept
    }

    fn at(&self, Index { group, number }: Index) -> Option<Combination<'_>> {
        let axes = &self.groups.get(group)?.axes;
        let mut rest = number;
        let mut values = Vec::with_capacity(self.names.len());
        for (name, axis) in self.names.iter().zip(axes).rev() {
            if let Some((value, remaining)) = axis.pick(rest)? {
                values.push((name, value));
                rest = remaining;
            }
        }
        values.reverse();
        Some(Combination { values })
    }
}

impl Group {
    /// The number of combinations.
    fn len(&self) -> u64 {
        self.axes.iter().map(Axis::len).fold(1, u64::saturating_mul)
    }
}

impl Combination<'_> {
    /// What placeholders of the request stand for: declared params under their own names
    /// (saas-config 11.6, 11.7).
    pub(crate) fn request_values(&self, request: &Request) -> ValueMap {
        let mut values = ValueMap::new();
        for param in &request.param_values {
            if let Some(value) = self.find(&Name::of(param)) {
                values.insert_param(param, value.clone());
            }
        }
        values
    }

    /// Sets in `values` what requests about a job that `request` started are filled from: declared params
    /// under their own names, then inputs and secrets under theirs (saas-config 23.10).
    pub(crate) fn fill(&self, request: &Request, values: &mut ValueMap) {
        for (name, value) in &self.values {
            match name {
                Name::Input(name) => values.insert(name.clone(), (*value).clone(), Origin::Reference),
                Name::Secret(name) => values.insert(name.clone(), (*value).clone(), Origin::Secret),
            }
        }
        for param in &request.param_values {
            if let Some(value) = self.find(&Name::of(param)) {
                values.insert_param(param, value.clone());
            }
        }
    }

    /// What placeholders of `output` stand for: inputs and secrets under their own names
    /// (saas-config 19.10). Of equal names the input wins.
    pub(crate) fn output_values(&self) -> ValueMap {
        let mut values = ValueMap::new();
        for (name, value) in &self.values {
            if let Name::Secret(name) = name {
                values.insert(name.clone(), (*value).clone(), Origin::Secret);
            }
        }
        for (name, value) in &self.values {
            if let Name::Input(name) = name {
                values.insert(name.clone(), (*value).clone(), Origin::Reference);
            }
        }
        values
    }

    /// Adds all names and values to `hash`.
    pub(crate) fn add_to(&self, hash: &mut PartsHash) {
        for (name, value) in &self.values {
            hash.add(name.to_string());
            hash.add(value.to_string());
        }
    }

    fn find(&self, name: &Name) -> Option<&Value> {
        self.values.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
    }

    fn fingerprint(&self) -> Fingerprint {
        let members = self.values.iter().map(|(name, value)| (name.to_string(), (*value).clone()));
        Fingerprint::of_json(&Value::Object(members.collect()))
    }
}

impl std::fmt::Debug for Combination<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.values.iter().map(|(name, _)| name)).finish()
    }
}

/// The names that the request uses, in order of declaration; then those that only `output` uses.
fn names(request: &Request, sources: Sources<'_>) -> Vec<Name> {
    let used = used_placeholders(request);
    // A script is given all of them.
    let is_used = |param: &&ParamValue| request.script.is_some() || used.contains(param.name.as_str());
    let declared = request.param_values.iter().filter(is_used).map(Name::of);
    let mut names: Vec<Name> = declared.collect();
    if let Some(output) = &request.output {
        let in_output = roots(output);
        names.extend(in_output.iter().filter_map(|root| output_name(root, request, sources)));
    }
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// What `root` means in the `output` of the request (saas-config 19.10).
fn output_name(root: &str, request: &Request, sources: Sources<'_>) -> Option<Name> {
    let grouped = |group: &InputGroup| group.iter().any(|(name, _)| name == root);
    let declared =
        |param: &ParamValue| param.name == root && !matches!(param.source, ParamSource::ConnectorParam(_));
    let is_input = sources.inputs.find(root).is_some()
        || sources.inputs.groups.iter().any(grouped)
        || request.param_values.iter().any(declared);
    if is_input {
        return Some(Name::Input(root.to_owned()));
    }
    let names_secret = |param: &ParamValue| match &param.source {
        ParamSource::ConnectorParam(secret) => secret == root,
        ParamSource::References(references) => references
            .iter()
            .any(|reference| matches!(reference, ReferenceSource::External(name) if name == root)),
        ParamSource::Identity(_) => false,
    };
    request.param_values.iter().any(names_secret).then(|| Name::Secret(root.to_owned()))
}

/// First steps of all placeholders in path, headers, query and body, also of the requests that follow the
/// job that it starts.
fn used_placeholders(request: &Request) -> HashSet<&str> {
    let polling = request.polling();
    let status = polling.map(|polling| &polling.status_request);
    let result = polling.and_then(|polling| polling.result_request.as_ref());
    std::iter::once(request).chain(status).chain(result).flat_map(own_placeholders).collect()
}

fn own_placeholders(request: &Request) -> Vec<&str> {
    use spec::connector_file::QueryValue;
    let path = request.target.iter().map(|target| &target.path);
    let headers = request.headers.iter().map(|header| &header.value);
    let query = request.query_params.iter().filter_map(|param| match &param.value {
        QueryValue::Text(template) => Some(template),
        QueryValue::Integer(_) => None,
    });
    path.chain(headers).chain(query).chain(&request.body).flat_map(roots).collect()
}

fn roots(template: &Template) -> Vec<&str> {
    template.placeholders().filter_map(|placeholder| placeholder.path.segments().next()).collect()
}

/// Whether a declared param has a list without values in `group`, or outside of it if the group does
/// not have the param: then there is no combination, whether the param is used or not
/// (saas-config 17.10).
fn lacks_values(param: &ParamValue, group: &InputGroup, empty_outside: &HashSet<&str>) -> bool {
    match group.iter().find(|(name, _)| *name == param.name) {
        Some((_, values)) => values.is_empty(),
        None => empty_outside.contains(param.name.as_str()),
    }
}

/// Whether a declared param has a list without values outside all groups.
fn is_empty(param: &ParamValue, sources: Sources<'_>) -> bool {
    match axis::of_param(param, sources) {
        Axis::Values(values) => values.is_empty(),
        Axis::Absent => param.unpack && !matches!(param.source, ParamSource::ConnectorParam(_)),
    }
}

/// Values shared by all groups.
type Values = Arc<[Value]>;

#[cfg(test)]
mod tests;
