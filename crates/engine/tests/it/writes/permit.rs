//! Exactly one place makes permits (architecture law 2).

use std::fs;
use std::path::{Path, PathBuf};

const CALL: &str = "WritePermit::for_intent(";

/// Lines of program text that make a permit, as `file:line`.
fn places(file: &str, text: &str) -> Vec<String> {
    let is_code = |line: &str| !line.trim_start().starts_with("//");
    // Tests at the end of a file do not count.
    let program = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = program.lines().enumerate().filter(|(_, line)| is_code(line) && line.contains("for_intent"));
    let calls = lines.filter(|(_, line)| !line.contains("pub fn for_intent"));
    calls.map(|(number, _)| format!("{file}:{}", number + 1)).collect()
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

#[test]
fn one_place_of_the_workspace_makes_permits() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let mut files = Vec::new();
    sources(&root.join("crates"), &mut files);
    sources(&root.join("xtask"), &mut files);

    let found: Vec<String> = files
        .iter()
        .flat_map(|path| {
            let name = path.strip_prefix(&root).unwrap().display().to_string();
            places(&name, &fs::read_to_string(path).unwrap())
        })
        .collect();

    assert_eq!(found, ["crates/engine/src/write/permit.rs:13"], "writes go through `engine::Writer`");
    assert!(files.len() > 100, "{} files were looked at", files.len());
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
