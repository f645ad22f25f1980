//! What the rules of connections found wrong with a body, as a 422 list.

use connections::{PlaceStep, Problem};
use serde_json::Value;

use crate::{ApiError, Invalid};

/// The list for problems whose places start at `base`: mostly `body`, nothing for secrets.
pub(crate) fn invalid_list(base: &[Value], problems: &[Problem]) -> ApiError {
    let line = |problem: &Problem| {
        let loc = base.iter().cloned().chain(place_in_body(&problem.place)).collect();
        Invalid::new(&problem.kind, loc, problem.message.clone())
    };
    ApiError::Invalid(problems.iter().map(line).collect())
}

/// A place as keys and positions.
pub(crate) fn place_in_body(place: &[PlaceStep]) -> impl Iterator<Item = Value> + '_ {
    place.iter().map(|step| match step {
        PlaceStep::Key(key) => Value::from(key.clone()),
        PlaceStep::Position(position) => Value::from(*position),
    })
}
