//! The connectors that come with the program: files, embedded when it is built.
//!
//! One folder per application below `connectors/`: `connector.yml`, and beside it, where present,
//! `dataset.yml`, scripts (`*.star`), `guide.md` and `cassettes/*.json`.

use include_dir::{Dir, include_dir};

use crate::SourceFile;

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../connectors");

/// One connector of the library.
#[derive(Debug, Clone)]
pub struct LibraryEntry {
    /// Name of its folder, and what a project file writes under `connector`.
    pub name: &'static str,
    /// The connector file, with its scripts.
    pub connector: SourceFile,
    /// Its dataset.
    pub dataset: Option<SourceFile>,
    /// Its guide page, Markdown.
    pub guide: Option<&'static str>,
    /// Recorded answers: file name and JSON text, sorted by name.
    pub cassettes: Vec<(&'static str, &'static str)>,
}

/// All connectors, sorted by name. A folder without `connector.yml` is not one.
pub fn library() -> Vec<LibraryEntry> {
    let mut entries: Vec<LibraryEntry> = FILES.dirs().filter_map(entry).collect();
    entries.sort_by_key(|entry| entry.name);
    entries
}

/// The connector called `name`.
pub fn find(name: &str) -> Option<LibraryEntry> {
    FILES.get_dir(name).filter(|folder| folder.path().components().count() == 1).and_then(entry)
}

fn entry(folder: &'static Dir<'static>) -> Option<LibraryEntry> {
    let name = folder.path().file_name()?.to_str()?;
    let connector = source(folder, "connector.yml")?.with_scripts(scripts(folder));
    let mut cassettes: Vec<(&str, &str)> = folder
        .get_dir(folder.path().join("cassettes"))
        .into_iter()
        .flat_map(Dir::files)
        .filter(|file| file.path().extension().is_some_and(|extension| extension == "json"))
        .filter_map(|file| Some((file.path().file_name()?.to_str()?, file.contents_utf8()?)))
        .collect();
    cassettes.sort_unstable();
    Some(LibraryEntry {
        name,
        connector,
        dataset: source(folder, "dataset.yml"),
        guide: text(folder, "guide.md"),
        cassettes,
    })
}

fn scripts(folder: &'static Dir<'static>) -> Vec<SourceFile> {
    let scripts = folder.files().map(include_dir::File::path);
    let scripts = scripts.filter(|path| path.extension().is_some_and(|extension| extension == "star"));
    let mut names: Vec<&str> = scripts.filter_map(|path| path.file_name()?.to_str()).collect();
    names.sort_unstable();
    names.into_iter().filter_map(|name| source(folder, name)).collect()
}

fn source(folder: &'static Dir<'static>, file: &str) -> Option<SourceFile> {
    let name = format!("connectors/{}", folder.path().join(file).display());
    text(folder, file).map(|text| SourceFile::new(name, text))
}

fn text(folder: &'static Dir<'static>, file: &str) -> Option<&'static str> {
    folder.get_file(folder.path().join(file))?.contents_utf8()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_found_by_its_name_and_nothing_else_is() {
        let entries = library();

        for entry in &entries {
            let found = find(entry.name).unwrap();
            assert_eq!(found.connector.text(), entry.connector.text());
        }
        assert!(find("no-such-connector").is_none());
        assert!(find("../connectors").is_none());
        assert!(find("segment/cassettes").is_none());
    }
}
