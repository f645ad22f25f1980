//! The layers of the house: a crate uses only crates of lower layers (docs/decisions/001-layers.md).

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use cargo_metadata::{DependencyKind, MetadataCommand};

use crate::{cargo, say};

/// Crate → layer, lowest first. A crate that is not here is not allowed: add it to the table.
const LAYERS: &[(u8, &[&str])] = &[
    (0, &["model", "protos"]),
    (1, &["spec", "crypto", "c1z", "sandbox"]),
    (2, &["egress", "graph", "store"]),
    (3, &["connector", "datastore"]),
    (4, &["engine"]),
    (5, &["privacy", "governance", "connections", "messages"]),
    (6, &["baton"]),
    (7, &["api"]),
    (8, &["tutela"]),
];

/// Outside the layers: `testkit` is for tests only, `xtask` is not part of the product.
const OUTSIDE: &[(&str, &[&str])] = &[("testkit", &["model", "sandbox"]), ("xtask", &[])];

/// What every crate's tests may use beside lower layers.
const FOR_TESTS: &[&str] = &["sandbox", "testkit"];

/// The client crate that only the door may hold (architecture law 1), and who may have it for tests
/// and measurements.
const CLIENT: &str = "reqwest";
const CLIENT_OWNERS: &[&str] = &["egress"];
const CLIENT_IN_TESTS: &[&str] = &["api", "egress", "testkit", "tutela", "sandbox"];
const CLIENT_OUTSIDE: &[&str] = &["testkit", "xtask"];

/// Features that only `cargo xtask test` and `sweep` switch on, from the top: as part of a dependency they
/// would be in examples, which measure, and in whatever else is built beside.
const OF_TEST_BUILDS: &[&str] = &["kill-points", "planted-defects"];

/// One dependency of a crate of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Edge {
    from: String,
    to: String,
    tests_only: bool,
    features: Vec<String>,
}

/// Reads the workspace and fails if an edge points up or sideways.
pub(crate) fn run() -> Result<()> {
    let edges = edges()?;
    let wrong = violations(&edges);
    for line in &wrong {
        say(line);
    }
    if !wrong.is_empty() {
        bail!("{} dependencies break the layers; see docs/decisions/001-layers.md", wrong.len());
    }
    say(&format!("{} dependencies between crates, all of them downwards", edges.len()));
    Ok(())
}

/// Dependencies of workspace crates on each other and on the HTTP client.
fn edges() -> Result<Vec<Edge>> {
    let metadata = MetadataCommand::new()
        .manifest_path(cargo::top().join("Cargo.toml"))
        .no_deps()
        .other_options(vec!["--offline".to_owned()])
        .exec()
        .context("`cargo metadata` failed")?;
    let ours: Vec<&str> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
    let mut edges = Vec::new();
    for package in &metadata.packages {
        for dependency in &package.dependencies {
            if ours.contains(&dependency.name.as_str()) || dependency.name == CLIENT {
                edges.push(Edge {
                    from: package.name.to_string(),
                    to: dependency.name.clone(),
                    tests_only: dependency.kind == DependencyKind::Development,
                    features: dependency.features.clone(),
                });
            }
        }
    }
    Ok(edges)
}

/// One line for each edge that is not allowed.
fn violations(edges: &[Edge]) -> Vec<String> {
    let layers: BTreeMap<&str, u8> =
        LAYERS.iter().flat_map(|(layer, crates)| crates.iter().map(move |name| (*name, *layer))).collect();
    edges.iter().filter_map(|edge| violation(edge, &layers)).collect()
}

fn violation(edge: &Edge, layers: &BTreeMap<&str, u8>) -> Option<String> {
    let Edge { from, to, tests_only, features } = edge;
    if let Some(feature) = features.iter().find(|feature| OF_TEST_BUILDS.contains(&feature.as_str())) {
        return Some(format!("{from} uses {to} with `{feature}`; give it to the test run instead"));
    }
    if to == CLIENT {
        let allowed = CLIENT_OWNERS.contains(&from.as_str())
            || CLIENT_OUTSIDE.contains(&from.as_str())
            || (*tests_only && CLIENT_IN_TESTS.contains(&from.as_str()));
        return (!allowed).then(|| format!("{from} uses {CLIENT}; send through `egress` instead"));
    }
    // A crate's tests may switch on another feature of the crate itself.
    if *tests_only && from == to {
        return None;
    }
    if *tests_only && FOR_TESTS.contains(&to.as_str()) {
        return None;
    }
    if let Some((_, allowed)) = OUTSIDE.iter().find(|(name, _)| name == from) {
        return (!allowed.contains(&to.as_str())).then(|| format!("{from} uses {to}, which it may not"));
    }
    let Some(own) = layers.get(from.as_str()) else {
        return Some(format!("{from} has no layer; give it one in xtask/src/layers.rs"));
    };
    match layers.get(to.as_str()) {
        Some(other) if other < own => None,
        Some(other) => Some(format!("{from} (layer {own}) uses {to} (layer {other}), which is not below it")),
        None => Some(format!("{from} uses {to}, which has no layer and is for tests only")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(from: &str, to: &str) -> Edge {
        Edge { from: from.to_owned(), to: to.to_owned(), tests_only: false, features: Vec::new() }
    }

    #[test]
    fn every_dependency_of_the_workspace_points_down() {
        let edges = edges().unwrap();

        assert!(edges.contains(&edge("spec", "model")), "the workspace was not read: {edges:?}");
        assert_eq!(violations(&edges), Vec::<String>::new());
    }

    #[test]
    fn an_edge_up_or_sideways_is_found() {
        let bad = [
            edge("spec", "connector"),
            edge("egress", "graph"),
            edge("model", "spec"),
            edge("privacy", "tutela"),
            edge("engine", "testkit"),
            edge("testkit", "spec"),
            edge("newcomer", "model"),
        ];

        assert_eq!(violations(&bad).len(), bad.len());
    }

    #[test]
    fn tests_may_use_the_sandbox_and_nothing_else_above() {
        let for_tests = |from, to| Edge { tests_only: true, ..edge(from, to) };

        assert!(violations(&[for_tests("spec", "sandbox"), for_tests("model", "testkit")]).is_empty());
        assert_eq!(violations(&[for_tests("spec", "engine")]).len(), 1);
    }

    #[test]
    fn a_dependency_with_planted_defects_is_found() {
        let with = |feature: &str| Edge {
            tests_only: true,
            features: vec![feature.to_owned()],
            ..edge("engine", "engine")
        };

        assert_eq!(violations(&[with("planted-defects")]).len(), 1);
        assert_eq!(violations(&[with("kill-points")]).len(), 1);
        assert_eq!(violations(&[with("another")]), Vec::<String>::new());
    }

    #[test]
    fn a_second_door_is_found() {
        assert_eq!(violations(&[edge("connector", CLIENT)]).len(), 1);
        assert_eq!(violations(&[edge("tutela", CLIENT)]).len(), 1);
        assert!(violations(&[edge("egress", CLIENT)]).is_empty());
    }
}
