//! Exactly one place makes permits, and those that make ways to the operator's own services, which need
//! none, are known (architecture laws 1 and 2).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const CALL: &str = "WritePermit::for_intent(";

/// Lines of program text, numbered from 1.
fn program(text: &str) -> impl Iterator<Item = (usize, &str)> {
    // Tests at the end of a file do not count.
    let program = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let is_code = |line: &str| !line.trim_start().starts_with("//");
    program.lines().enumerate().filter(move |(_, line)| is_code(line)).map(|(at, line)| (at + 1, line))
}

/// Lines that make a permit, as `file:line`.
fn places(file: &str, text: &str) -> Vec<String> {
    let calls =
        program(text).filter(|(_, line)| line.contains("for_intent") && !line.contains("pub fn for_intent"));
    calls.map(|(number, _)| format!("{file}:{number}")).collect()
}

/// Lines that make a way to an own service, or give its type another name.
fn own_ways(file: &str, text: &str) -> Vec<String> {
    let makes = |line: &str| {
        ["OwnService", "OwnGrpc"].iter().any(|way| {
            line.contains(&format!("{way}::"))
                || line.contains(&format!("{way} as "))
                || (line.contains("type ") && line.contains(&format!("{way};")))
        })
    };
    program(text)
        .filter(|(_, line)| makes(line))
        .map(|(number, line)| format!("{file}:{number}: {}", line.trim()))
        .collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !matches!(name.as_str(), "target" | "tests" | "benches") && !name.starts_with('.') {
                sources(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") && name != "tests.rs" {
            found.push(path);
        }
    }
}

/// What `look` finds in all program text of the workspace.
fn found(look: fn(&str, &str) -> Vec<String>) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let mut files = Vec::new();
    sources(&root.join("crates"), &mut files);
    sources(&root.join("xtask"), &mut files);
    assert!(files.len() > 100, "{} files were looked at", files.len());
    let of_file = |path: &PathBuf| {
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        look(&name, &fs::read_to_string(path).unwrap())
    };
    files.iter().flat_map(of_file).collect()
}

#[test]
fn one_place_of_the_workspace_makes_permits() {
    let found = found(places);

    assert_eq!(found, ["crates/engine/src/write/permit.rs:13"], "writes go through `engine::Writer`");
}

/// They take no permit, so they must lead nowhere but to what the operator names.
#[test]
fn the_places_that_make_ways_to_own_services_are_known() {
    let known = [
        // The provider that people sign in with.
        "crates/api/src/oidc/provider.rs",
        // A connector process that asks another one of this machine for its health.
        "crates/baton/src/health/check.rs",
        // The control plane of a self-hosted connector.
        "crates/baton/src/service/control.rs",
        // Where a self-hosted connector gets its access token.
        "crates/baton/src/token/client.rs",
        // Services that take messages; their hosts stand in the program.
        "crates/messages/src/carrier.rs",
        // Messages to the customer's own addresses.
        "crates/messages/src/webhook/call.rs",
        // Buckets for packages.
        "crates/privacy/src/storage/bucket.rs",
        // Webhooks of policies.
        "crates/privacy/src/webhooks/call.rs",
        // Where calls of these get their access token.
        "crates/privacy/src/webhooks/token.rs",
        // The command line at a server.
        "crates/tutela/src/client.rs",
        // The collector of traces.
        "crates/tutela/src/traces/export.rs",
    ];

    let found = found(own_ways);

    let files: BTreeSet<&str> = found.iter().filter_map(|place| place.split(':').next()).collect();
    assert_eq!(files, BTreeSet::from(known), "{found:#?}");
    assert_eq!(found.len(), known.len(), "{found:#?}");
}

/// The twin: a second place is found, under any name; comments and tests do not count.
#[test]
fn planted_defect_a_second_place_is_found() {
    let direct = format!("fn send() {{\n    let permit = {CALL}entry);\n}}\n");
    let renamed = "use egress::WritePermit as Leave;\nfn send() { Leave::for_intent(entry) }\n";
    let harmless = format!("/// {CALL}x)\nfn a() {{}}\n#[cfg(test)]\nmod tests {{\n    {CALL}entry);\n}}\n");

    assert_eq!(places("a.rs", &direct), ["a.rs:2"]);
    assert_eq!(places("a.rs", renamed), ["a.rs:2"]);
    assert!(places("a.rs", &harmless).is_empty());
}

/// The twin for own services.
#[test]
fn planted_defect_a_second_way_to_an_own_service_is_found() {
    let direct = "fn send() {\n    let way = egress::OwnService::new(settings, name, &base);\n}\n";
    let renamed = "use egress::OwnService as Way;\n";
    let alias = "type Way = OwnService;\n";
    let harmless = "use egress::OwnService;\nfn put(way: &OwnService) {}\n// OwnService::new(\n";

    for second in [direct, renamed, alias] {
        assert_eq!(own_ways("a.rs", second).len(), 1, "{second}");
    }
    assert!(own_ways("a.rs", harmless).is_empty());
}
