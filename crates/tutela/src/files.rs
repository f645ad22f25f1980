use std::path::{Path, PathBuf};

use spec::SourceFile;

use crate::failure::Failure;

/// The texts of one connector.
#[derive(Debug, Clone)]
pub(crate) struct ConnectorSources {
    /// The connector file, with the scripts beside it.
    pub(crate) connector: SourceFile,
    /// The dataset that belongs to it, if there is one.
    pub(crate) dataset: Option<SourceFile>,
}

/// Longest file that is read into memory, 16 MiB.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// Reads a connector: a file, or a folder with `connector.yml` and perhaps `dataset.yml`.
///
/// A file called `connector.yml` has its `dataset.yml` beside it; of another name, the dataset is
/// somebody else's to say. Scripts (`*.star`) lie beside the file.
pub(crate) fn connector(path: &Path) -> Result<ConnectorSources, Failure> {
    let (file, dataset) = if path.is_dir() {
        (path.join("connector.yml"), path.join("dataset.yml"))
    } else if path.file_name().is_some_and(|name| name == "connector.yml") {
        (path.to_path_buf(), path.with_file_name("dataset.yml"))
    } else {
        return Ok(ConnectorSources { connector: with_scripts(path)?, dataset: None });
    };
    let dataset = dataset.is_file().then(|| read(&dataset)).transpose()?;
    Ok(ConnectorSources { connector: with_scripts(&file)?, dataset })
}

/// Reads a connector file and the scripts in its folder.
fn with_scripts(file: &Path) -> Result<SourceFile, Failure> {
    let source = read(file)?;
    // A file without hooks needs no look at what else lies there.
    if !source.text().contains(".star") {
        return Ok(source);
    }
    let folder = file.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let entries = std::fs::read_dir(folder).map_err(|error| Failure::unreadable(folder, &error))?;
    let mut paths: Vec<PathBuf> =
        entries.filter_map(|entry| Some(file.with_file_name(entry.ok()?.file_name()))).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "star"));
    paths.sort();
    Ok(source.with_scripts(paths.iter().map(|path| read(path)).collect::<Result<_, _>>()?))
}

/// Longest plan that is read: about 300 bytes for each row that it changes.
const MOST_PLAN_BYTES: u64 = 1024 * 1024 * 1024;

/// Reads a text file, under the name it was given by.
pub(crate) fn read(path: &Path) -> Result<SourceFile, Failure> {
    read_up_to(path, MOST_BYTES)
}

/// Reads a plan, which is as long as what it changes.
pub(crate) fn read_plan(path: &Path) -> Result<SourceFile, Failure> {
    read_up_to(path, MOST_PLAN_BYTES)
}

fn read_up_to(path: &Path, most: u64) -> Result<SourceFile, Failure> {
    let size = std::fs::metadata(path).map_err(|error| Failure::unreadable(path, &error))?.len();
    if size > most {
        return Err(Failure::BadInput(format!(
            "{} has {size} bytes; at most {most} are read",
            path.display()
        )));
    }
    let text = std::fs::read_to_string(path).map_err(|error| Failure::unreadable(path, &error))?;
    Ok(SourceFile::new(path.display().to_string(), text))
}

/// Checks that a folder can be made or written, before any work is done that ends there.
pub(crate) fn check_folder(flag: &str, folder: &Path) -> Result<(), Failure> {
    let there = folder.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."));
    if !there.is_dir() {
        return Err(Failure::BadInput(format!(
            "`{flag}` wants a folder, and {} is a file; name another place",
            there.display()
        )));
    }
    tempfile::tempfile_in(there).map(drop).map_err(|error| Failure::unwritable(there, &error))
}

/// Makes a folder, and those above it that are not there, for their owner alone.
pub(crate) fn make_own_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Finds a connector by what a person wrote: a name of the library, or a path below `folder`.
///
/// A text that starts with `.` or holds a separator is a path; anything else is a name first.
pub(crate) fn find_connector(text: &str, folder: &Path) -> Result<Option<ConnectorSources>, Failure> {
    let is_path = text.starts_with('.') || text.contains(std::path::MAIN_SEPARATOR);
    if !is_path && let Some(entry) = spec::library::find(text) {
        return Ok(Some(ConnectorSources { connector: entry.connector, dataset: entry.dataset }));
    }
    let path: PathBuf = folder.join(text);
    if path.exists() { connector(&path).map(Some) } else { Ok(None) }
}

/// Nothing is called that, and no file is there.
pub(crate) fn no_connector(text: &str) -> Failure {
    let names: Vec<&str> = spec::library::library().iter().map(|entry| entry.name).collect();
    Failure::BadInput(format!(
        "`{text}` is neither a connector of the library ({}) nor a file; `tutela connector list` shows the library",
        names.join(", ")
    ))
}
