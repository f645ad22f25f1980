use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use model::{Clock as _, RandomIds, SystemClock, visible};
use privacy::policy_book::PolicyBook;
use privacy::request::{By, PrivacyRequests, RequestSettings, RequestsParts, Wanted};
use serde::Serialize;
use serde_json::json;
use spec::ServerSettings;
use store::{JournalEntry, Restored, SentSince, Store, StorePlace};

use super::manifest::{BESIDE, JOURNAL, Manifest, STATE};
use super::with_state;
use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::runtime;
use crate::server::ServerArgument;
use crate::service::actor;
use crate::state::{State, StateSettings, failure};
use crate::table::table;

/// What to restore, and where to.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela admin restore /backups/2026-03-01 --data ./data
  tutela admin restore /backups/2026-03-01 --data ./data --replace --again

End every server first. The journal of erasures in the data folder stays, because it is newer than that of the
backup; where there is none, put the newest copy of it there before. Then: writes that may have been sent since
the backup are unknown and are not sent again by themselves, requests that were queued or under way stop until
somebody lets them go on, tokens end, messages that waited are not sent, and everybody who was erased since is
listed. Ends with 3 if there is anybody: plan for them again with
`tutela privacy replay`, on a running server as well (`--server`), or with `--again` as new requests on the server.")]
pub(crate) struct Restore {
    /// The backup's folder.
    backup: PathBuf,
    #[command(flatten)]
    server: ServerArgument,
    /// Put the state that is there aside, in place of refusing.
    #[arg(long)]
    replace: bool,
    /// Enter a new request on the server for everybody who was erased since; it is planned and approved like
    /// any other.
    #[arg(long)]
    again: bool,
}

/// Which database, and of when it is.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela admin restored --state postgres://… --data ./data --since 2026-03-01T12:00:00Z
  tutela admin restored --config server.yml --since 2026-03-01T12:00:00Z --journal-is-old

Does for a database that was restored with PostgreSQL's own tools what `restore` does after it has put a
backup in place. Run it once, before any server or worker is started. With journals of several data folders,
run it with each of them.")]
pub(crate) struct SeeTo {
    #[command(flatten)]
    server: ServerArgument,
    /// The moment that the database was brought back to: a time with its offset.
    #[arg(long, value_name = "TIME")]
    since: Timestamp,
    /// The journal of erasures is as old as the database: then nobody knows what was sent since.
    #[arg(long)]
    journal_is_old: bool,
    /// Enter a new request on the server for everybody who was erased since; it is planned and approved like
    /// any other.
    #[arg(long)]
    again: bool,
}

/// Whether the journal says what happened since the backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Journal {
    /// It was there before the backup came.
    Newer,
    /// It is the backup's own, or there is none.
    Old,
}

/// Puts the backup in place and sees to it.
pub(crate) fn run(restore: &Restore, output: Output) -> Result<Exit, Failure> {
    let manifest = Manifest::read(&restore.backup)?;
    if manifest.revision > Store::newest_revision() {
        return Err(Failure::BadInput(
            "the backup was made by a newer version; restore it with that one".to_owned(),
        ));
    }
    let settings = restore.server.load(output)?;
    let place = restore.server.state(&settings)?;
    let StorePlace::File(file) = place.place() else {
        return Err(Failure::BadInput(
            "a state on PostgreSQL is restored with its own tools; run `tutela admin restored` afterwards"
                .to_owned(),
        ));
    };
    runtime::run(make_room(&place, file, restore.replace))?;
    let journal = put(&restore.backup, &place, file)?;
    runtime::run(async {
        let state = place.open(Arc::new(SystemClock)).await?;
        let again = restore.again.then_some(&settings);
        let done = settle(&state, (manifest.made_at, journal), again, output).await;
        state.store.close().await;
        done
    })
}

/// Sees to a database that is in its place already.
pub(crate) fn see_to(see_to: &SeeTo, output: Output) -> Result<Exit, Failure> {
    let journal = if see_to.journal_is_old { Journal::Old } else { Journal::Newer };
    let settings = see_to.server.load(output)?;
    let again = see_to.again.then_some(&settings);
    with_state(&see_to.server, output, async |state, _| {
        settle(state, (see_to.since, journal), again, output).await
    })
}

/// Who was seen within so long is at work.
const AT_WORK: Duration = Duration::from_secs(15);

/// Puts a state that is there aside, unless somebody is at work on it.
async fn make_room(place: &StateSettings, file: &Path, replace: bool) -> Result<(), Failure> {
    if !file.exists() {
        return Ok(());
    }
    if !replace {
        return Err(Failure::BadInput(format!(
            "there is a state in {}; `--replace` puts it aside",
            place.folder.display()
        )));
    }
    // A state that cannot be opened has nobody at work on it.
    if let Ok(state) = place.look(Arc::new(SystemClock)).await {
        let workers = state.store.worker_list(AT_WORK).await.unwrap_or_default();
        state.store.close().await;
        if let Some(worker) = workers.first() {
            return Err(Failure::Refused(format!(
                "{} is at work on the state in {}; end every server and worker, and wait {} s",
                worker.report.name,
                place.folder.display(),
                AT_WORK.as_secs()
            )));
        }
    }
    let aside = format!("replaced-{}", SystemClock.now().as_second());
    for end in ["", "-wal", "-shm"] {
        let from = with_end(file, end);
        let to = with_end(file, &format!(".{aside}{end}"));
        if from.exists() {
            std::fs::rename(&from, &to).map_err(|error| Failure::unwritable(&to, &error))?;
        }
    }
    Ok(())
}

fn with_end(file: &Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// Copies the backup; the state comes last, so that half a restore is no state.
fn put(backup: &Path, place: &StateSettings, file: &Path) -> Result<Journal, Failure> {
    place.make_folder()?;
    let copy = |name: &str, to: &Path| {
        std::fs::copy(backup.join(name), to).map(|_| ()).map_err(|error| Failure::unwritable(to, &error))
    };
    let mut journal = Journal::Newer;
    for name in [JOURNAL].into_iter().chain(BESIDE) {
        let (from, to) = (backup.join(name), place.folder.join(name));
        if name == JOURNAL {
            // One that has no more in it than the backup's says nothing about what was sent since.
            if lines(&to)? > lines(&from)? {
                continue;
            }
            journal = Journal::Old;
        } else if to.exists() {
            continue;
        }
        if from.is_file() {
            copy(name, &to)?;
        }
    }
    let draft = with_end(file, ".draft");
    copy(STATE, &draft)?;
    let kept = std::fs::File::open(&draft).and_then(|file| file.sync_all());
    kept.and_then(|()| std::fs::rename(&draft, file)).map_err(|error| Failure::unwritable(file, &error))?;
    Ok(journal)
}

/// How many whole lines a journal has; none if there is no such file.
fn lines(journal: &Path) -> Result<usize, Failure> {
    match std::fs::read(journal) {
        Ok(bytes) => Ok(bytes.split(|byte| *byte == b'\n').skip(1).count()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(Failure::unreadable(journal, &error)),
    }
}

async fn settle(
    state: &State,
    (since, journal): (Timestamp, Journal),
    again: Option<&ServerSettings>,
    output: Output,
) -> Result<Exit, Failure> {
    let read = |from| state.journal.since(&state.keys, from).map_err(|error| Failure::failed(&error));
    let sent = match journal {
        Journal::Old => SentSince::Anything,
        Journal::Newer => {
            let plans = read(Timestamp::MIN)?.entries.into_iter().map(|entry| entry.plan.parse());
            SentSince::Plans(plans.collect::<Result<_, _>>().map_err(|error| Failure::failed(&error))?)
        }
    };
    let seen_to = state.store.restored(&sent, actor()).await.map_err(|error| failure(&error))?;
    let journaled = read(since)?;
    let requests = again.map(|settings| requests(&state.store, settings));
    let mut erased = Vec::with_capacity(journaled.entries.len());
    for entry in &journaled.entries {
        erased.push(Erased::of(entry, requests.as_ref()).await);
    }
    show(since, (seen_to, journal), &erased, output);
    let complete = erased.is_empty() && journaled.cut == 0 && journal == Journal::Newer;
    Ok(if complete { Exit::Done } else { Exit::Incomplete })
}

fn requests(store: &Store, settings: &ServerSettings) -> PrivacyRequests {
    PrivacyRequests::new(RequestsParts {
        store: store.clone(),
        policies: PolicyBook::new(store.clone()),
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds),
        settings: RequestSettings::default(),
        configured: Some(settings.clone()),
    })
}

/// An erasure since the backup.
#[derive(Debug, Serialize)]
struct Erased {
    at: String,
    run: String,
    policy: String,
    /// The new request, if one was asked for and could be made.
    request: Option<String>,
    problem: Option<String>,
}

impl Erased {
    async fn of(entry: &JournalEntry, requests: Option<&PrivacyRequests>) -> Self {
        let mut erased = Self {
            at: entry.at.to_string(),
            run: visible(&entry.run).into_owned(),
            policy: visible(&entry.policy).into_owned(),
            request: None,
            problem: None,
        };
        if let Some(requests) = requests {
            let by = By { actor: actor(), user: None };
            match requests.create_journaled(entry, (by, Wanted::default())).await {
                Ok(made) => erased.request = Some(made.id.to_string()),
                Err(error) => erased.problem = Some(error.to_string()),
            }
        }
        erased
    }
}

fn show(since: Timestamp, (seen_to, journal): (Restored, Journal), erased: &[Erased], output: Output) {
    match output.format() {
        Format::Json => output::json(&json!({
            "since": since.to_string(),
            "unknown_writes": seen_to.unknown_writes,
            "ended_tokens": seen_to.ended_tokens,
            "ended_messages": seen_to.ended_messages,
            "stopped_requests": seen_to.stopped_requests,
            "ended_secrets": seen_to.ended_secrets,
            "journal": if journal == Journal::Newer { "newer" } else { "old" },
            "erased_since": erased,
        })),
        Format::Table => {
            output::text(&format!(
                "restored to {since}: {} writes may have been sent since and are not sent again by themselves, \
                 {} requests stopped until somebody lets them go on, {} tokens, links and codes ended, \
                 {} messages are not sent",
                seen_to.unknown_writes,
                seen_to.stopped_requests,
                seen_to.ended_tokens + seen_to.ended_secrets,
                seen_to.ended_messages
            ));
            if !erased.is_empty() {
                let rows = erased.iter().map(|one| {
                    let request = one.request.clone().unwrap_or_default();
                    [one.at.clone(), one.run.clone(), one.policy.clone(), request]
                });
                output::text(&table(["erased since", "by", "policy", "new request"], rows, &[]));
            }
        }
    }
    for one in erased.iter().filter(|one| one.request.is_none()) {
        let problem = one.problem.as_deref().unwrap_or("no request was made for it");
        output::complain(&format!(
            "warning: what {} erased is back ({problem}); `tutela privacy replay --since {since}` plans it again",
            one.run
        ));
    }
    if journal == Journal::Old {
        output::complain(
            "warning: there was no journal of erasures newer than the backup, so nobody knows who was erased since; \
             every write that was planned and not ended is unknown",
        );
    }
}
