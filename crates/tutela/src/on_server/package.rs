//! Fetching the packages of a request, each by a link that is good once.

use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};

use http::{Method, StatusCode};
use model::{FidesKey, PrivacyRequestId};
use privacy::Report;
use privacy::package::check_archive;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::OnServer;
use crate::client::said;
use crate::data_request::Packed;
use crate::failure::Failure;
use crate::files;

/// How often a download that breaks off is begun anew, each time by a new link.
const ATTEMPTS: u32 = 3;

/// A request that no server has.
const NOBODYS: &str = "pri_00000000-0000-7000-8000-000000000000";

impl OnServer {
    /// Fails unless the server gives packages out, and to this caller, before one is made.
    ///
    /// # Errors
    /// A refusal that says what to set.
    pub(crate) async fn check_downloads(&self) -> Result<(), Failure> {
        let path = format!("privacy-request/{NOBODYS}/access-results");
        let answer = self.client.call((Method::GET, &path), None).await?;
        if answer.status == StatusCode::FORBIDDEN && said(&answer.body).contains("disabled") {
            return Err(Failure::Refused(format!(
                "the server at {} does not give packages out over its interface; set \
                 `security.subject_request_download_ui_enabled: true` in its server.yml",
                self.client.address()
            )));
        }
        // That there is no such request is what is meant to be said.
        if answer.status == StatusCode::NOT_FOUND { Ok(()) } else { answer.done(&path).map(|_| ()) }
    }

    /// Fetches the package of each rule into `folder`: `package.zip`, or one named after each rule if there
    /// are several, and `report.json`. Only its owner may read them. Each is read to its end before it gets
    /// its name, so that what lies there is whole.
    ///
    /// # Errors
    /// A failure if a package is not given or is damaged, or cannot be written; those before it are there.
    pub(crate) async fn fetch(
        &self,
        (id, rules): (&PrivacyRequestId, &[FidesKey]),
        folder: &Path,
    ) -> Result<Packed, Failure> {
        files::make_own_folder(folder).map_err(|error| Failure::unwritable(folder, &error))?;
        let (mut place, mut contents) = (folder.to_owned(), None);
        for rule in rules {
            let name = if rules.len() == 1 { "package.zip".to_owned() } else { format!("{rule}.zip") };
            let path = folder.join(name);
            let report = self.fetch_one((id, rule), &path).await?;
            if rules.len() == 1 {
                place.clone_from(&path);
            }
            contents = Some(report);
        }
        let none = || {
            Failure::Failed(format!("request {id} has no package: its policy has no access rule any more"))
        };
        let contents = contents.ok_or_else(none)?;
        write_report(folder, &contents)?;
        Ok(Packed { place, contents, stored: Vec::new() })
    }

    async fn fetch_one(
        &self,
        (id, rule): (&PrivacyRequestId, &FidesKey),
        path: &Path,
    ) -> Result<Report, Failure> {
        let mut attempt = 1;
        let draft = loop {
            match self.draft((id, rule), path).await {
                Err(Failure::Failed(why)) if attempt < ATTEMPTS => {
                    tracing::info!(request = %id, why, "a package is fetched anew");
                    attempt += 1;
                }
                fetched => break fetched?,
            }
        };
        let place = path.to_owned();
        let checked = tokio::task::spawn_blocking(move || keep(draft, &place)).await;
        checked.unwrap_or_else(|_| Err(Failure::Failed("the package was not checked; run again".to_owned())))
    }

    /// The package in a file without its name, which is gone if nothing comes of it.
    async fn draft(
        &self,
        (id, rule): (&PrivacyRequestId, &FidesKey),
        path: &Path,
    ) -> Result<NamedTempFile, Failure> {
        let link = self
            .client
            .put(
                (Method::POST, &format!("privacy-request/{id}/access-package")),
                &json!({"rule_key": rule.as_str()}),
            )
            .await?;
        let link = link.get("path").and_then(Value::as_str);
        let link =
            link.ok_or_else(|| Failure::Failed("the server gave no link to the package".to_owned()))?;
        let mut stream = self.client.follow_link(link).await?;
        let unwritable = |error: std::io::Error| Failure::unwritable(path, &error);
        // A temporary file has mode 0600.
        let mut draft = NamedTempFile::new_in(crate::state::beside(path)).map_err(unwritable)?;
        while let Some(chunk) = stream.chunk().await? {
            draft.write_all(&chunk).map_err(unwritable)?;
        }
        Ok(draft)
    }
}

/// Reads a package to its end, and gives it its name if it is whole.
fn keep(draft: NamedTempFile, path: &Path) -> Result<Report, Failure> {
    let unwritable = |error: std::io::Error| Failure::unwritable(path, &error);
    let mut file = draft.as_file();
    file.sync_all().map_err(unwritable)?;
    file.rewind().map_err(unwritable)?;
    let report = check_archive(file).map_err(|error| Failure::failed(&error))?;
    draft.persist(path).map_err(|error| unwritable(error.error))?;
    report.ok_or_else(|| {
        Failure::Failed(format!(
            "{} opens only with the key that its request was made with; what it holds was not looked at",
            path.display()
        ))
    })
}

fn write_report(folder: &Path, report: &Report) -> Result<PathBuf, Failure> {
    let path = folder.join("report.json");
    let unwritable = |error: std::io::Error| Failure::unwritable(&path, &error);
    let mut draft = NamedTempFile::new_in(folder).map_err(unwritable)?;
    serde_json::to_writer_pretty(&mut draft, report).map_err(|error| unwritable(error.into()))?;
    draft.write_all(b"\n").map_err(unwritable)?;
    draft.persist(&path).map_err(|error| unwritable(error.error))?;
    Ok(path)
}
