//! The points at which the program may be killed, as its sources name them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const CALL: &str = "kill_point!(\"";

/// Begin the names of points that other tests sweep: those that only servers come by, in a request's steps
/// (`server_faults::steps`) and with applications that answer later or work on it by jobs; those of syncs
/// (`syncs`); and those of syncs that come by themselves and of access that ends (`access_ends`, `governance::worker`).
const ELSEWHERE: [&str; 6] = ["request.", "callback.", "polling.", "sync.", "access_sync.", "access_end."];

/// All points that the program comes by on the way of a person's data without a server, in the order of
/// their names.
pub(crate) fn all() -> BTreeSet<String> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf();
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(crates).unwrap().map(|entry| entry.unwrap().path().join("src")).collect();
    let mut points = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                points.extend(named(&std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    points.retain(|point| !ELSEWHERE.iter().any(|beginning| point.starts_with(beginning)));
    points
}

/// The points that a source names outside its comments.
fn named(source: &str) -> impl Iterator<Item = String> {
    let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.filter_map(|line| line.split_once(CALL)?.1.split('"').next().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_found_in_code_and_not_in_comments() {
        let source = "/// kill_point!(\"no\")\nfn a() {\n    model::kill_point!(\"page.stored\");\n}\n";

        assert_eq!(named(source).collect::<Vec<_>>(), ["page.stored"]);
    }
}
