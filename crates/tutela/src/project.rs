mod described;
pub(crate) mod door;
mod findings;
pub(crate) mod foreign;
mod member;
mod resolve;
mod secrets;
mod settings;
mod sources;
mod storage;

use std::path::{Path, PathBuf};

use spec::{Project, SourceFile};

use crate::arguments::Format;
use crate::diagnostics::Sources;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files;
use crate::output::Output;
use crate::state::beside;

pub(crate) use self::described::DescribedPart;
pub(crate) use self::member::{Instance, Member, Part};
pub(crate) use self::settings::{limits, reading};
pub(crate) use self::sources::{Opening, Wired};

/// A project file and where it lies: paths in it start there.
#[derive(Debug)]
pub(crate) struct ProjectFile {
    /// The checked content.
    pub(crate) project: Project,
    /// Its text, for messages about places in it.
    source: SourceFile,
    folder: PathBuf,
}

impl ProjectFile {
    /// Reads and checks a project file; what is wrong with it is shown.
    pub(crate) fn load(path: &Path, output: Output) -> Result<Self, Failure> {
        let source = files::read(path)?;
        let checked = spec::check_project(&source);
        let mut sources = Sources::default();
        sources.add_project(&source);
        let Some(project) = checked.value else {
            output.diagnostics(&checked.diagnostics, &sources);
            return Err(Failure::Shown(Exit::BadInput));
        };
        if output.format() == Format::Table {
            // As data, warnings would stand before the result.
            output.diagnostics(&checked.diagnostics, &sources);
        }
        let folder = beside(path);
        Ok(Self { project, source, folder })
    }

    /// The folder it lies in: paths in it start there.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file's name, as a person wrote it.
    pub(crate) fn name(&self) -> &str {
        self.source.name()
    }
}

/// Flag of all commands that work on a project file.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ProjectArgument {
    /// Project file.
    #[arg(long, default_value = "tutela.yml", env = "TUTELA_PROJECT")]
    pub(crate) project: PathBuf,
}
