use std::collections::BTreeMap;
use std::path::Path;

use c1z::{Explorer, Filter, Limits, Reader, RunChoice};
use governance::FileTimes;
use model::{Clock as _, SystemClock};
use protos::baton::v1::GrantOutput;
use spec::connector_file::Service;
use store::Store;

use super::files::Written;
use crate::command::governance::sync::{SyncWork, kinds};
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::project::ProjectFile;
use crate::state::StateSettings;
use crate::table::table;

/// How many people are shown.
const SHOWN: usize = 8;

/// Reads who has access to Segment, and shows some of it.
pub(super) async fn show(
    written: &Written,
    (store, place): (&Store, &StateSettings),
    (folder, output): (&Path, Output),
) -> Result<(), Failure> {
    output::complain(
        "\n7. And who of the company has access to Segment, with what? (tutela governance sync, tutela c1z)\n",
    );
    let file = ProjectFile::load(&written.project, output)?;
    let member = file.member_for("segment", Service::Governance, output)?;
    let target = folder.join("segment.c1z");
    let work = SyncWork { file: &file, state: place, store, member: &member, output };
    let (report, error) = work.write(&target, FileTimes::Own).await?;
    if let Some(error) = error {
        return Err(Failure::Failed(error));
    }
    output::text(&kinds(&report));
    output::text(&holders(&target).map_err(|error| Failure::failed(&error))?);
    output::text(&format!("all of it: tutela c1z grants -f {}", target.display()));
    Ok(())
}

/// Who holds what on roles, and how they came by it.
fn holders(target: &Path) -> Result<String, c1z::ReadError> {
    let reader = Reader::open(target, None, &Limits::default())?;
    let run = reader.run(&RunChoice::Newest { now: SystemClock.now() })?;
    let explorer = Explorer::new(&reader, run);
    let of_roles = Filter { resource_type: Some("role".to_owned()), ..Filter::default() };
    let mut people: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for grant in explorer.grants(&of_roles) {
        let grant = grant?;
        if let Some((who, what)) = line(&grant) {
            people.entry(who).or_default().push(what);
        }
    }
    let rows = people.into_iter().take(SHOWN).map(|(who, what)| [who, what.join("\n")]);
    Ok(table(["Who", "Role"], rows, &[]))
}

/// A person and a role, with how it is held; none for groups.
fn line(grant: &GrantOutput) -> Option<(String, String)> {
    let principal = grant.principal.as_ref()?;
    if principal.id.as_ref()?.resource_type != "user" {
        return None;
    }
    let role = grant.entitlement.as_ref()?.display_name.trim_end_matches(" Role member").to_owned();
    let sources = grant.grant.as_ref()?.sources.as_ref();
    let groups = sources.map_or(0, |all| all.sources.keys().filter(|id| id.starts_with("group:")).count());
    let how = if groups > 0 { "through a group" } else { "directly" };
    Some((principal.display_name.clone(), format!("{role} ({how})")))
}
