use std::collections::BTreeMap;
use std::path::Path;

use c1z::{Explorer, Filter, Limits, Reader, RunChoice};
use governance::FileTimes;
use governance::inventory::ShrinkGuard;
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
    // The demo makes its applications anew each time, and is not asked twice.
    let guard = ShrinkGuard::Off;
    let work = SyncWork { file: &file, state: place, store, member: &member, guard, output };
    let synced = work.run(Some((&target, FileTimes::Own))).await?;
    if let Some(error) = synced.error {
        return Err(Failure::Failed(error));
    }
    output::text(&kinds(&synced.report));
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
    let entitlement = grant.entitlement.as_ref()?;
    let role = entitlement.display_name.trim_end_matches(" Role member").to_owned();
    let sources = grant.grant.as_ref()?.sources.as_ref();
    // A grant that is held directly as well has its own entitlement among its sources.
    let is_own = |id: &String| *id == entitlement.id;
    let is_direct = sources.is_none_or(|all| all.sources.is_empty() || all.sources.keys().any(is_own));
    let is_inherited = sources.is_some_and(|all| !all.sources.keys().all(is_own));
    let how = match (is_direct, is_inherited) {
        (true, true) => "directly and through a group",
        (false, true) => "through a group",
        (true | false, false) => "directly",
    };
    Some((principal.display_name.clone(), format!("{role} ({how})")))
}
