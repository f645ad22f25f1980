use super::Problem;
use super::values::Values;
use crate::flag::{EXCLUSIVE, NEEDS, TOGETHER};

/// Which relations between flags do not hold (baton C-5).
pub(super) fn broken(values: &Values) -> Vec<Problem> {
    let owned = |names: Vec<&&str>| names.into_iter().map(|name| (*name).to_owned()).collect::<Vec<String>>();
    let mut broken = Vec::new();
    for row in TOGETHER {
        let (given, missing): (Vec<&&str>, Vec<&&str>) = row.iter().partition(|name| values.is_set(name));
        if !given.is_empty() && !missing.is_empty() {
            broken.push(Problem::Apart { together: owned(row.iter().collect()), missing: owned(missing) });
        }
    }
    for row in EXCLUSIVE {
        let given: Vec<&&str> = row.iter().filter(|name| values.is_set(name)).collect();
        let given = owned(given);
        let is_new = !broken
            .iter()
            .any(|known| matches!(known, Problem::Exclusive { given: other } if *other == given));
        if given.len() > 1 && is_new {
            broken.push(Problem::Exclusive { given });
        }
    }
    for (field, needs) in NEEDS {
        if values.is_set(field) && !values.is_set(needs) {
            broken.push(Problem::Needs { field: (*field).to_owned(), needs: (*needs).to_owned() });
        }
    }
    broken
}
