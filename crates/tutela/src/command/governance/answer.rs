//! What the commands that look at an inventory share: which one is asked, here or on a server, and how the answer is
//! printed with what of it is not current.

mod as_of;
mod asking;
mod found;
mod head;
mod listing;
mod names;
mod people;
pub(super) mod rows;
mod show;
mod used;

pub(super) use as_of::as_of;
pub(super) use asking::{Asking, List, Pages, Place, Query, Wrong, taken};
pub(super) use found::{Found, Seen};
pub(super) use head::Head;
pub(super) use listing::{Listing, Tail};
pub(super) use names::{is_nothing, principal, principals, query, target};
pub(super) use people::{PeopleArguments, PersonRow, names, reason};
pub(super) use show::{Answer, bounded, held, more, word};
pub(super) use used::{Used, ends};

use std::path::{Path, PathBuf};
use std::sync::Arc;

use governance::inventory::{At, Inventory, find_state};
use jiff::Timestamp;
use model::{Clock as _, ConnectionKey, SystemClock};

use crate::client::ServerAddress;
use crate::command::c1z::file::FileArguments;
use crate::failure::Failure;
use crate::on_server::{ServerOption, no_server};
use crate::output::Output;
use crate::project::{ProjectArgument, ProjectFile};
use crate::runtime;
use crate::state::{State, StateArgument, failure};

/// Which inventory is asked.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct SourceArguments {
    #[command(flatten)]
    project: ProjectArgument,
    #[command(flatten)]
    state: StateArgument,
    #[command(flatten)]
    server: ServerOption,
    /// Key of the connection in the project or on the server; needed if several have an inventory.
    #[arg(long, value_name = "KEY", conflicts_with = "file")]
    connection: Option<String>,
    /// What was in force then: a time with its offset, or a date, of which the end counts (UTC).
    #[arg(long, value_name = "DATE|TIME", value_parser = as_of, conflicts_with = "file")]
    as_of: Option<Timestamp>,
    /// Ask the newest finished sync of a `.c1z` file instead of the inventory.
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// An inventory, and where it is from.
#[derive(Debug)]
pub(crate) struct Source {
    head: Head,
    pub(super) inventory: Inventory,
}

impl SourceArguments {
    /// The server that is asked; none if what is asked is here. A file is here, whoever else is named.
    ///
    /// # Errors
    /// Bad input if that is no address.
    pub(super) fn server(&self) -> Result<Option<ServerAddress>, Failure> {
        if self.file.is_some() { Ok(None) } else { self.server.address() }
    }

    /// Fails if another time is meant, for what a server tells of now alone: what was used.
    ///
    /// # Errors
    /// Bad input that says what to do instead.
    pub(super) fn refuse_time(&self) -> Result<(), Failure> {
        match self.as_of {
            None => Ok(()),
            Some(_) => Err(no_server("it tells what was used as of now; leave out `--as-of`")),
        }
    }

    /// The one connection of a server that is meant.
    ///
    /// # Errors
    /// Bad input if there is none, or several are meant.
    pub(super) fn place<'a>(&self, asking: &'a Asking) -> Result<Place<'a>, Failure> {
        let mut places = self.places(asking)?;
        if places.len() > 1 {
            return Err(several(places.iter().map(|place| place.connection.as_str())));
        }
        places.pop().ok_or_else(|| self.nothing())
    }

    /// The connection of a server that is named, or all of which is known who has access.
    ///
    /// # Errors
    /// Bad input if there is none.
    pub(super) fn places<'a>(&self, asking: &'a Asking) -> Result<Vec<Place<'a>>, Failure> {
        let at: Query = self.as_of.map(|time| ("at", time.to_string())).into_iter().collect();
        let keys = match &self.connection {
            Some(key) => vec![key.clone()],
            None => asking.connections(&at)?,
        };
        if keys.is_empty() {
            return Err(self.nothing());
        }
        Ok(keys.into_iter().map(|key| Place::new(asking, key, at.clone())).collect())
    }

    /// The one inventory that is meant.
    ///
    /// # Errors
    /// Bad input if there is none, or several are meant.
    pub(super) fn open(&self, output: Output) -> Result<Source, Failure> {
        let mut sources = self.open_all(output)?;
        if sources.len() > 1 {
            return Err(several(sources.iter().map(|source| source.head.name())));
        }
        sources.pop().ok_or_else(|| self.nothing())
    }

    /// The inventories of the connection that is named, or of all that have one.
    ///
    /// # Errors
    /// Bad input if there is none.
    pub(super) fn open_all(&self, output: Output) -> Result<Vec<Source>, Failure> {
        if let Some(file) = &self.file {
            return Ok(vec![of_file(file)?]);
        }
        let at = self.as_of.map_or(At::Now, At::Time);
        let sources = self.open_at(&at, output)?;
        if sources.is_empty() { Err(self.nothing()) } else { Ok(sources) }
    }

    /// What was in force at another time.
    ///
    /// # Errors
    /// Bad input if nothing was, or several connections are meant.
    pub(super) fn open_then(&self, time: Timestamp, output: Output) -> Result<Source, Failure> {
        let mut sources = self.open_at(&At::Time(time), output)?;
        if sources.len() > 1 {
            return Err(several(sources.iter().map(|source| source.head.name())));
        }
        sources
            .pop()
            .ok_or_else(|| Failure::BadInput(format!("nothing was in force at {time}; name a later time")))
    }

    /// Another connection's, as of the same time.
    ///
    /// # Errors
    /// Bad input if it has none.
    pub(super) fn open_other(&self, connection: &str, output: Output) -> Result<Source, Failure> {
        let other = Self { connection: Some(connection.to_owned()), file: None, ..self.clone() };
        other.open(output)
    }

    /// What day it is where the inventory is from.
    pub(super) fn today(&self) -> Timestamp {
        self.as_of.unwrap_or_else(|| SystemClock.now())
    }

    fn open_at(&self, at: &At, output: Output) -> Result<Vec<Source>, Failure> {
        let file = ProjectFile::load(&self.project.project, output)?;
        let keys: Vec<&ConnectionKey> = file.project.connections.iter().map(|entry| &entry.key).collect();
        let wanted =
            |key: &&&ConnectionKey| self.connection.as_ref().is_none_or(|wanted| key.as_str() == wanted);
        let wanted: Vec<&ConnectionKey> = keys.iter().filter(wanted).copied().collect();
        if wanted.is_empty() {
            let keys: Vec<&str> = keys.iter().map(|key| key.as_str()).collect();
            let connection = self.connection.as_deref().unwrap_or_default();
            return Err(Failure::BadInput(format!(
                "{} has no connection `{connection}`; it has: {}",
                file.name(),
                keys.join(", ")
            )));
        }
        let settings = self.state.settings(&self.project.project)?;
        if !settings.is_there() {
            return Ok(Vec::new());
        }
        runtime::run(async {
            let state = settings.look(Arc::new(SystemClock)).await?;
            let mut sources = Vec::new();
            for key in wanted {
                sources.extend(of_state(&state, (key, at)).await?);
            }
            Ok(sources)
        })
    }

    fn nothing(&self) -> Failure {
        let key = self.connection.as_deref().unwrap_or("KEY");
        Failure::BadInput(match self.as_of {
            Some(time) => format!("nothing was in force at {time}; name a later time"),
            None => format!(
                "there is no inventory yet; `tutela governance sync --connection {key}` makes one, and `-f` asks a file"
            ),
        })
    }
}

/// The inventory of a file.
///
/// # Errors
/// Bad input if the file cannot be read.
pub(super) fn of_file(path: &Path) -> Result<Source, Failure> {
    let opened = FileArguments::newest(path).open()?;
    let run = opened.run()?;
    let inventory = Inventory::of_run(opened.reader(), run, SystemClock.now());
    let inventory = inventory.map_err(|error| Failure::bad_input(&error))?;
    Ok(Source { head: Head::of_file(&path.display().to_string(), &inventory), inventory })
}

async fn of_state(state: &State, (key, at): (&ConnectionKey, &At)) -> Result<Option<Source>, Failure> {
    let found = find_state(&state.store, key, at).await.map_err(|error| failure(&error))?;
    let Some(found) = found else { return Ok(None) };
    let inventory = Inventory::open(&state.store, &found).await.map_err(|error| Failure::failed(&error))?;
    Ok(Some(Source { head: Head::of_connection(key.as_str(), &inventory), inventory }))
}

fn several<'a>(keys: impl Iterator<Item = &'a str>) -> Failure {
    let keys = keys.collect::<Vec<_>>().join(", ");
    Failure::BadInput(format!("several connections have an inventory: {keys}; name one with `--connection`"))
}

impl Source {
    /// Where an answer is from, and what of it is not current.
    pub(super) fn head(&self) -> &Head {
        &self.head
    }
}
