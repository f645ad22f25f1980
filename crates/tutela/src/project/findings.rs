use spec::{Diagnostic, Diagnostics, Severity};

use super::ProjectFile;
use crate::diagnostics::Sources;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Findings about a project and its files, and the texts to draw them on.
#[derive(Debug)]
pub(crate) struct Findings {
    /// What was found.
    pub(crate) list: Diagnostics,
    /// On what.
    pub(crate) sources: Sources,
}

impl Findings {
    /// Shows errors, and fails if there are any; warnings stay unsaid here, `connector check` shows
    /// them.
    pub(crate) fn show_errors(&self, output: Output) -> Result<(), Failure> {
        if self.list.has_errors() {
            let errors = self.list.iter().filter(|found| found.severity == Severity::Error).cloned();
            output.diagnostics(&errors.collect(), &self.sources);
            return Err(Failure::Shown(Exit::BadInput));
        }
        if !self.list.is_empty() {
            tracing::info!(
                warnings = self.list.len(),
                "connector files have warnings, `tutela connector check` shows them"
            );
        }
        Ok(())
    }
}

impl ProjectFile {
    /// An error about the value at `place` in the project file.
    pub(crate) fn error_at(&self, place: &str, code: &'static str, message: String) -> Diagnostic {
        Diagnostic::error(&self.source, self.project.spans.nearest_value(place), code, message)
    }

    /// An error about the key at `place` in the project file.
    pub(crate) fn error_at_key(&self, place: &str, code: &'static str, message: String) -> Diagnostic {
        Diagnostic::error(&self.source, self.project.spans.nearest_key(place), code, message)
    }

    /// Findings, with the project file as their first source.
    pub(crate) fn findings(&self) -> Findings {
        let mut sources = Sources::default();
        sources.add_project(&self.source);
        Findings { list: Diagnostics::default(), sources }
    }
}
