use std::fmt;
use std::sync::Arc;

use model::Path;
use serde_json::Value;
use spec::connector_file::{ParamSource, ParamValue, Request};

use super::{Sources, Values};
use crate::inputs::InputGroup;

/// The name of a value, in one of two name spaces (saas-config 17.12).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Name {
    /// A param of the graph: identity or reference, under its param name.
    Input(String),
    /// A secret of the connection, under the secret's name.
    Secret(String),
}

impl Name {
    /// The name under which a param value finds its value.
    pub(super) fn of(param: &ParamValue) -> Self {
        match &param.source {
            ParamSource::Identity(_) | ParamSource::References(_) => Self::Input(param.name.clone()),
            ParamSource::ConnectorParam(secret) => Self::Secret(secret.clone()),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(name) => write!(f, "input {name}"),
            Self::Secret(name) => write!(f, "secret {name}"),
        }
    }
}

/// The values that one name takes.
#[derive(Clone)]
pub(super) enum Axis {
    /// None is known: the name has no value, and its placeholder stays unresolved.
    Absent,
    /// Each once; without values there is no combination.
    Values(Values),
}

impl Axis {
    fn of(values: impl IntoIterator<Item = Value>) -> Self {
        let mut distinct: Vec<Value> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for value in values {
            if seen.insert(crate::fingerprint::Fingerprint::of_json(&value)) {
                distinct.push(value);
            }
        }
        Self::Values(Arc::from(distinct))
    }

    /// The number of alternatives.
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Absent => 1,
            Self::Values(values) => values.len() as u64,
        }
    }

    /// The value for `number`, counted in this axis fastest, and what is left for the others; the
    /// inner `None` if the name has no value, the outer one if there is no combination.
    #[expect(clippy::option_option, reason = "no value and no combination are two different things")]
    pub(super) fn pick(&self, number: u64) -> Option<Option<(&Value, u64)>> {
        match self {
            Self::Absent => Some(None),
            Self::Values(values) => {
                let length = values.len() as u64;
                let position = usize::try_from(number.checked_rem(length)?).ok()?;
                Some(Some((values.get(position)?, number.checked_div(length)?)))
            }
        }
    }
}

/// Shows a count only: the values are personal data and secrets.
impl fmt::Debug for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("Absent"),
            Self::Values(values) => write!(f, "Values({})", values.len()),
        }
    }
}

/// The values of `name` outside all groups.
pub(super) fn ungrouped(name: &Name, request: &Request, sources: Sources<'_>) -> Axis {
    match request.param_values.iter().find(|param| Name::of(param) == *name) {
        Some(param) => of_param(param, sources),
        None => match name {
            Name::Input(name) => input(name, sources),
            Name::Secret(name) => secret(name, sources),
        },
    }
}

/// The values of `name` in `group`: a grouped param replaces an input of the same name.
pub(super) fn in_group(name: &Name, flat: &Axis, group: &InputGroup) -> Axis {
    let grouped = match name {
        Name::Input(name) => group.iter().find(|(key, _)| key == name),
        Name::Secret(_) => None,
    };
    grouped.map_or_else(|| flat.clone(), |(_, values)| Axis::of(values.iter().cloned()))
}

/// The values of a declared param outside all groups.
pub(super) fn of_param(param: &ParamValue, sources: Sources<'_>) -> Axis {
    let axis = match &param.source {
        ParamSource::ConnectorParam(name) => return secret(name, sources),
        // The graph may have put several identities under one param name; only this kind is meant.
        ParamSource::Identity(kind) => match sources.person.identities.values(kind) {
            [] => input(&param.name, sources),
            values => Axis::of(values.iter().cloned()),
        },
        ParamSource::References(_) => input(&param.name, sources),
    };
    match axis {
        Axis::Values(values) if param.unpack => Axis::of(values.iter().flat_map(|value| match value {
            Value::Array(items) => items.clone(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                vec![value.clone()]
            }
        })),
        Axis::Values(_) | Axis::Absent => axis,
    }
}

fn input(name: &str, sources: Sources<'_>) -> Axis {
    sources.inputs.find(name).map_or(Axis::Absent, |values| Axis::of(values.iter().cloned()))
}

/// A list secret contributes each of its values (saas-config 17.11).
fn secret(name: &str, sources: Sources<'_>) -> Axis {
    let by_path = || name.parse::<Path>().ok().and_then(|path| sources.secrets.as_values().find(&path));
    match sources.secrets.find(name).or_else(by_path) {
        None => Axis::Absent,
        Some(Value::Array(values)) => Axis::of(values.iter().cloned()),
        Some(value) => Axis::of([value.clone()]),
    }
}
