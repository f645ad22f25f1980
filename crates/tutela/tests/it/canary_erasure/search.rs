//! The search through all that a run leaves behind.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use testkit::holds;

use super::vault::{PERSONS, SECRETS};
use crate::program::{Program, Ran};
use crate::sweep_database::Place;

/// Files that a person wrote, and the shop: they hold everything.
const INPUTS: [&str; 2] = ["tutela.yml", "shop.db"];
/// Files that are for a person or for whoever approves: personal data, no secrets.
const FOR_PEOPLE: [&str; 3] = ["plan.json", "access.json", "index.html"];

/// Where something planted has come out that may not be there: name of what was planted, and place.
pub(super) async fn leaks(program: &Program, rans: &[&Ran], state: Option<&Place>) -> Vec<String> {
    let mut found = Vec::new();
    let mut search = |place: &str, content: &[u8], planted: &[(&str, &str)]| {
        let out = planted.iter().filter(|(_, value)| holds(content, value));
        found.extend(out.map(|(name, _)| format!("{name} in {place}")));
    };
    for (number, ran) in rans.iter().enumerate() {
        for (place, text) in [("standard output", &ran.stdout), ("standard error", &ran.stderr)] {
            let place = format!("{place} of command {number}");
            search(&place, text.as_bytes(), SECRETS);
            search(&place, text.as_bytes(), PERSONS);
        }
    }
    for (path, content) in program.files() {
        let place = path.strip_prefix(program.folder()).unwrap_or(&path).display().to_string();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if INPUTS.iter().any(|input| name.starts_with(input)) {
            continue;
        }
        search(&place, &content, SECRETS);
        if !FOR_PEOPLE.contains(&name) && !name.ends_with(".plan.json") {
            search(&place, &content, PERSONS);
            search(&format!("the name of {place}"), place.as_bytes(), PERSONS);
        }
    }
    if let Some(state) = state {
        for (table, content) in state.contents().await {
            search(&format!("table {table}"), &content, SECRETS);
            search(&format!("table {table}"), &content, PERSONS);
        }
    }
    found
}

/// Permissions of a file.
pub(super) fn mode(program: &Program, name: &str) -> u32 {
    program.folder().join(Path::new(name)).metadata().unwrap().permissions().mode() & 0o777
}
