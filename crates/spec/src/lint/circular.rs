//! References and orders that lead in a circle or nowhere (saas-config 16.10–16.12).

use super::flow::{Flow, feeding, references};
use super::{Finding, listed};
use crate::connector_file::{ConnectorFile, Endpoint};

pub(super) fn lint(file: &ConnectorFile, flow: &Flow<'_>, findings: &mut Vec<Finding>) {
    for endpoint in &file.endpoints {
        lint_targets(file, endpoint, findings);
    }
    let circles = circles(file.endpoints.len(), |index| {
        flow.sources(index).filter(|source| *source != index).collect()
    });
    for circle in circles {
        report_circle(file, &circle, findings);
    }
    lint_order(file, "after", |endpoint| &endpoint.after, findings);
    lint_order(file, "erase_after", |endpoint| &endpoint.erase_after, findings);
}

fn lint_targets(file: &ConnectorFile, endpoint: &Endpoint, findings: &mut Vec<Finding>) {
    for reference in feeding(endpoint).iter().flat_map(references) {
        let collection = &reference.to.collection;
        if reference.to.dataset != file.fides_key {
            continue;
        }
        if *collection == endpoint.name {
            let message =
                format!("endpoint `{}` needs values of its own collection to be read", endpoint.name);
            findings.push(
                Finding::value(reference.place, "spec::lint_self_reference", message)
                    .help("refer to a collection that is read before, or use an identity"),
            );
        } else if !file.endpoints.iter().any(|other| other.name == *collection && !other.skip_processing) {
            let message =
                format!("there is no endpoint `{collection}` to take values from; the graph cannot be built");
            let names =
                file.endpoints.iter().map(|other| other.name.as_str()).filter(|name| name != collection);
            let help = match crate::diagnostic::nearest_of(collection, names) {
                Some(nearest) => format!("did you mean `{nearest}.{}`?", reference.to.path.join(".")),
                None => "name an endpoint of this file, or the key of another dataset".to_owned(),
            };
            findings
                .push(Finding::value(reference.place, "spec::lint_missing_collection", message).help(help));
        }
    }
}

fn report_circle(file: &ConnectorFile, circle: &[usize], findings: &mut Vec<Finding>) {
    let members: Vec<&Endpoint> = circle.iter().filter_map(|index| file.endpoints.get(*index)).collect();
    let names: Vec<&str> = members.iter().map(|endpoint| endpoint.name.as_str()).collect();
    let closing =
        members.iter().flat_map(|endpoint| feeding(endpoint)).flat_map(references).find(|reference| {
            reference.to.dataset == file.fides_key && names.contains(&reference.to.collection.as_str())
        });
    let Some(reference) = closing else { return };
    let message = format!("endpoints {} need values of each other", listed(&names));
    findings.push(
        Finding::value(reference.place, "spec::lint_circular_reference", message)
            .help("take away one of the references, so that one of them can be read first"),
    );
}

fn lint_order<'a>(
    file: &'a ConnectorFile,
    key: &str,
    order: impl Fn(&'a Endpoint) -> &'a [(String, String)],
    findings: &mut Vec<Finding>,
) {
    let before = |index: usize| -> Vec<usize> {
        let entries = file.endpoints.get(index).map(&order).unwrap_or_default();
        entries
            .iter()
            .filter(|(dataset, _)| *dataset == file.fides_key)
            .filter_map(|(_, collection)| file.endpoints.iter().position(|other| other.name == *collection))
            .collect()
    };
    let alone =
        (0..file.endpoints.len()).filter(|index| before(*index).contains(index)).map(|index| vec![index]);
    for circle in circles(file.endpoints.len(), before).into_iter().chain(alone) {
        let names: Vec<&str> = circle
            .iter()
            .filter_map(|index| file.endpoints.get(*index))
            .map(|endpoint| endpoint.name.as_str())
            .collect();
        let Some(first) = circle.first() else { continue };
        let entries = file.endpoints.get(*first).map(&order).unwrap_or_default();
        let at = entries
            .iter()
            .position(|(_, collection)| names.contains(&collection.as_str()))
            .unwrap_or_default();
        let message = format!("`{key}` makes {} wait for each other", listed(&names));
        findings.push(
            Finding::value(format!("endpoints[{first}].{key}[{at}]"), "spec::lint_circular_order", message)
                .help("take away one of the entries"),
        );
    }
}

/// Groups of two or more that can each reach every other one along `next`, in order.
fn circles(count: usize, next: impl Fn(usize) -> Vec<usize>) -> Vec<Vec<usize>> {
    let reach: Vec<Vec<usize>> = (0..count)
        .map(|start| {
            let mut seen = Vec::new();
            let mut open = next(start);
            while let Some(index) = open.pop() {
                if !seen.contains(&index) {
                    seen.push(index);
                    open.extend(next(index));
                }
            }
            seen
        })
        .collect();
    let reaches = |from: usize, to: usize| reach.get(from).is_some_and(|seen| seen.contains(&to));
    let mut grouped = vec![];
    let mut groups = Vec::new();
    for start in 0..count {
        if grouped.contains(&start) {
            continue;
        }
        let group: Vec<usize> = (start..count)
            .filter(|other| *other == start || (reaches(start, *other) && reaches(*other, start)))
            .collect();
        if group.len() > 1 {
            grouped.extend(&group);
            groups.push(group);
        }
    }
    groups
}
