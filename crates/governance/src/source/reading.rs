use std::any::Any;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::report::SyncReport;

/// What a source told, in files that go with this.
pub struct SourceReading {
    left: PathBuf,
    believed: PathBuf,
    report: SyncReport,
    _kept: Box<dyn Any + Send + Sync>,
}

impl SourceReading {
    /// Of the file as the source left it, and one of ours with what is believed of it. Whatever keeps the two is
    /// dropped with this.
    pub fn new(
        (left, believed): (PathBuf, PathBuf),
        report: SyncReport,
        kept: impl Any + Send + Sync,
    ) -> Self {
        Self { left, believed, report, _kept: Box::new(kept) }
    }

    /// The file as the source left it: what its jobs look ids up in.
    pub fn left(&self) -> &Path {
        &self.left
    }

    /// A file of ours: what is believed.
    pub fn believed(&self) -> &Path {
        &self.believed
    }

    /// What is known of each kind.
    pub fn report(&self) -> &SyncReport {
        &self.report
    }
}

impl fmt::Debug for SourceReading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceReading").field("report", &self.report).finish_non_exhaustive()
    }
}
