use c1z::Finding;
use serde_json::json;

use super::file::{Opened, failure};
use super::list::draw;
use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};

/// Whether everything that is named is there.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  tutela c1z check -f sync.c1z -o json

Exit codes: 0 if nothing is missing, 3 if something is, 2 if the file cannot be read.")]
pub(crate) struct Check {}

impl Check {
    pub(super) fn run(opened: &Opened, output: Output) -> Result<Exit, Failure> {
        let explorer = opened.explorer()?;
        let findings = explorer.check().map_err(|error| failure(&error))?;
        let clean = findings.is_clean();
        match output.format() {
            Format::Json => output::json(&json!({
                "sync_id": explorer.run().id,
                "clean": clean,
                "grants": findings.grants,
                "entitlements": findings.entitlements,
                "resources": findings.resources,
            })),
            Format::Table if clean => output::text("everything that is named is there"),
            Format::Table => {
                let of =
                    |kind: &'static str, list: Vec<Finding>| list.into_iter().map(move |one| (kind, one));
                let rows = of("grant", findings.grants)
                    .chain(of("entitlement", findings.entitlements))
                    .chain(of("resource", findings.resources));
                draw(["Row", "ID", "Cause"], rows.map(Ok), |(kind, finding)| {
                    [kind.to_owned(), finding.id, finding.cause]
                })?;
            }
        }
        Ok(if clean { Exit::Done } else { Exit::Incomplete })
    }
}
