//! The committed reference pages are those that the code draws.

use std::path::Path;

#[test]
fn committed_pages_are_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference");

    for (name, text) in spec::reference_docs::pages() {
        let committed = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(committed == text, "docs/reference/{name} is out of date; run `cargo xtask docs`");
    }
}

#[test]
fn no_link_of_a_page_leads_nowhere() {
    for (name, text) in spec::reference_docs::pages() {
        let headings: Vec<String> = text
            .lines()
            .filter_map(|line| line.strip_prefix("## "))
            .map(|heading| heading.to_lowercase().replace(' ', "-"))
            .collect();
        for target in text.split("](#").skip(1).filter_map(|rest| rest.split(')').next()) {
            assert!(headings.iter().any(|heading| heading == target), "{name}: #{target}");
        }
    }
}
