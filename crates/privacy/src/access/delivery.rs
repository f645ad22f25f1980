//! What was read, on its way to the places that the policy names.

use std::io::{self, Seek as _, Write};
use std::sync::Arc;

use crypto::Secret;
use engine::RunOutcome;
use graph::Graph;
use jiff::Timestamp;
use model::{Identities, Row};
use spec::{ActionType, PackageFormat, Policy, Rule};

use crate::Report;
use crate::manual_task::{BroughtFile, NotBrought};
use crate::package::{self, Contents, PackageError, PackageOptions, Redaction};
use crate::storage::{Delivered, Storage, StorageError};

/// What was read about a person, ready to be packed.
#[derive(Debug)]
pub struct Package {
    /// The graph that was walked.
    pub graph: Arc<Graph>,
    /// What is delivered; `None` = everything.
    pub policy: Option<Policy>,
    /// What was read.
    pub outcome: RunOutcome,
    /// About whom.
    pub identities: Identities,
    /// When it was packed.
    pub made_at: Timestamp,
    /// Rows that people brought, by the key of their form's connection.
    pub brought: Vec<(String, Row)>,
    /// Files that people brought.
    pub files: Vec<BroughtFile>,
    /// Tasks that brought nothing.
    pub not_brought: Vec<NotBrought>,
    /// What its archives open with; none: they are open.
    pub password: Option<Secret<String>>,
    /// Names that its pages do not show.
    pub redaction: Redaction,
}

/// An access rule with the place that takes its packages.
#[derive(Debug, Clone, Copy)]
pub struct Destination<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// The place.
    pub storage: &'a Storage,
}

impl Package {
    /// Puts the package of each rule into its place, as `NAME-RULE`.
    ///
    /// # Errors
    /// [`StorageError`]; packages before it are there.
    ///
    /// # Cancel safety
    /// As [`Storage::deliver`].
    pub async fn deliver(
        self: &Arc<Self>,
        name: &str,
        destinations: &[Destination<'_>],
    ) -> Result<Vec<Delivered>, StorageError> {
        let mut delivered = Vec::new();
        for Destination { rule, storage } in destinations {
            let (work, own) = (Arc::clone(self), (*rule).clone());
            let write =
                move |out: &mut dyn Write, formats: &[PackageFormat]| work.write_rule(out, &own, formats);
            delivered.push(storage.deliver(&format!("{name}-{}", rule.key), write).await?);
        }
        Ok(delivered)
    }

    /// Writes the archive of one rule.
    fn write_rule(
        &self,
        out: &mut dyn Write,
        rule: &Rule,
        formats: &[PackageFormat],
    ) -> Result<Report, PackageError> {
        let contents = match &self.policy {
            Some(policy) => Contents::OfRule { policy, rule, graph: &self.graph },
            None => Contents::Everything,
        };
        let options = self.options(contents);
        let Some(password) = &self.password else {
            return package::write_zip(out, &self.outcome, &options, formats);
        };
        // It has to be whole to be locked, and has no name on the disk meanwhile.
        let mut open = tempfile::tempfile().map_err(PackageError::Stream)?;
        let report = package::write_zip(&mut open, &self.outcome, &options, formats)?;
        open.rewind().map_err(PackageError::Stream)?;
        let mut locked = package::lock_archive(open, password)?;
        io::copy(&mut locked, out).map_err(PackageError::Stream)?;
        Ok(report)
    }

    /// Writes the rows that a rule delivers as one JSON object, address → rows.
    ///
    /// Blocks: from asynchronous code use `spawn_blocking`.
    ///
    /// # Errors
    /// [`PackageError`].
    pub fn write_rows(&self, out: &mut dyn Write, rule: &Rule) -> Result<(), PackageError> {
        let contents = match &self.policy {
            Some(policy) => Contents::OfRule { policy, rule, graph: &self.graph },
            None => Contents::Everything,
        };
        package::write_rows(out, &self.outcome, &self.options(contents))
    }

    /// How it is written with these contents.
    pub fn options<'a>(&'a self, contents: Contents<'a>) -> PackageOptions<'a> {
        PackageOptions {
            subject: Some(&self.identities),
            made_at: Some(self.made_at),
            brought: &self.brought,
            files: &self.files,
            not_brought: &self.not_brought,
            redaction: Some(&self.redaction),
            ..PackageOptions::new(contents)
        }
    }

    /// The rules that deliver something.
    pub fn access_rules(policy: &Policy) -> impl Iterator<Item = &Rule> {
        policy.rules.iter().filter(|rule| rule.action == ActionType::Access)
    }
}
