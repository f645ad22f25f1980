//! An inventory with what is known of its use.

use std::sync::Arc;
use std::time::Duration;

use governance::inventory::{
    ActivityEvidence, At, Inventory, UnusedFilter, UnusedQuery, Usage, UseKnown, UseSource, UseWindow,
    find_state,
};
use model::{ConnectionKey, SystemClock};

use super::{Source, SourceArguments};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::runtime;
use crate::state::failure;

/// What is asked for what was not used.
#[derive(Debug)]
pub(crate) struct Used {
    pub(crate) source: Source,
    pub(crate) usage: Usage,
    window: UseWindow,
    /// What was in force when the time began.
    then: Option<Inventory>,
}

impl SourceArguments {
    /// The one inventory that is meant, with what is known of its use in so long a time before it was true. What events
    /// tell is known of now: of another time, or of a file, only the logins are.
    ///
    /// # Errors
    /// Bad input if there is none, or several are meant.
    pub(crate) fn open_used(&self, time: Duration, output: Output) -> Result<Used, Failure> {
        let source = self.open(output)?;
        let window = UseWindow::before(source.inventory.as_of(), time).ok_or_else(|| {
            Failure::BadInput("no calendar goes back so far; name a shorter time".to_owned())
        })?;
        if self.file.is_some() || self.as_of.is_some() {
            return Ok(Used { source, usage: Usage::none(), window, then: None });
        }
        let key: ConnectionKey = source.head.name().parse().map_err(|error| Failure::bad_input(&error))?;
        let settings = self.state.settings(&self.project.project)?;
        let (usage, then) = runtime::run(async {
            let store = settings.look(Arc::new(SystemClock)).await?.store;
            let usage =
                Usage::load(&store, &key, &source.inventory).await.map_err(|error| failure(&error))?;
            let then =
                find_state(&store, &key, &At::Time(window.since)).await.map_err(|error| failure(&error))?;
            let then = match then {
                None => None,
                Some(then) => {
                    Some(Inventory::open(&store, &then).await.map_err(|error| Failure::failed(&error))?)
                }
            };
            Ok((usage, then))
        })?;
        Ok(Used { source, usage, window, then })
    }
}

impl Used {
    /// What is asked of it.
    pub(crate) fn query(&self, by: UseSource) -> UnusedQuery<'_> {
        UnusedQuery { window: self.window, by, then: self.then.as_ref() }
    }

    /// Which accounts are wanted.
    pub(crate) fn filter(&self, wanted: UseKnown) -> UnusedFilter<'_> {
        // As a server lists them, which does not look at what was there when the time began.
        let query = UnusedQuery { then: None, ..self.query(UseSource::All) };
        UnusedFilter { usage: &self.usage, query, wanted }
    }

    /// How far events are known.
    pub(crate) fn evidence(&self) -> ActivityEvidence {
        self.usage.evidence(&self.window)
    }

    /// Whether it is known what was in force when the time began.
    pub(crate) fn knows_then(&self) -> bool {
        self.then.is_some()
    }

    /// The beginning of the time.
    pub(crate) fn since(&self) -> jiff::Timestamp {
        self.window.since
    }
}

/// How a command ends whose answer may lack what was not read.
pub(crate) fn ends(exit: Exit, is_incomplete: bool) -> Exit {
    if exit == Exit::Done && is_incomplete { Exit::Incomplete } else { exit }
}
