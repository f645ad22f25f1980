//! Lists of an inventory.

mod accounts;
mod entitlements;
mod grants;
mod resources;

use clap::ValueEnum;
use governance::AccountStatus;
use governance::inventory::{Cursor, ListPage, PageRequest, Totals};
use serde_json::{Map, Value, json};

use super::answer::{Asking, Found, List, Listing, Query, Seen, SourceArguments, Tail};
use crate::client::ServerAddress;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

pub(super) use accounts::Accounts;
pub(super) use entitlements::Entitlements;
pub(super) use grants::Grants;
pub(super) use resources::Resources;

/// Which part of a list.
#[derive(Debug, clap::Args)]
struct ListArguments {
    /// Only what has this in a name, an id or an address.
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Most rows; all if nothing is said.
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
    /// Go on behind the page before: its `next`.
    #[arg(long, value_name = "CURSOR")]
    after: Option<Cursor>,
}

/// On what.
#[derive(Debug, clap::Args)]
struct OnArguments {
    /// Only on resources of this kind.
    #[arg(long = "type", value_name = "KIND")]
    kind: Option<String>,
    /// Only on this one: kind and id, id, or name.
    #[arg(long, value_name = "RESOURCE")]
    resource: Option<String>,
}

impl ListArguments {
    fn request(&self) -> PageRequest {
        // Counting is done once, for the first page.
        let totals = if self.after.is_some() { Totals::Left } else { Totals::Counted };
        PageRequest { after: self.after.clone(), limit: self.limit.unwrap_or(usize::MAX), totals }
    }

    /// Prints the list as a server has it.
    fn print_of_server<const N: usize>(
        &self,
        (source, address): (&SourceArguments, &ServerAddress),
        (listing, path, mut query): (&Listing<N>, &str, Query),
        output: Output,
    ) -> Result<Exit, Failure> {
        let asking = Asking::open(address, output)?;
        let place = source.place(&asking)?;
        query.extend(self.search.clone().map(|search| ("search", search)));
        let list = List {
            path,
            query,
            items: "items",
            limit: self.limit.unwrap_or(usize::MAX),
            after: self.after.as_ref().map(Cursor::to_string),
            sent: None,
        };
        let (head, pages) = place.list(list)?;
        listing.print(&head, Found::Server(pages), output)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Status {
    /// They can.
    Enabled,
    /// They cannot for now.
    Disabled,
    /// They cannot any more.
    Deleted,
}

impl Status {
    /// The word for it.
    fn word(self) -> String {
        super::answer::word(&self.of())
    }

    fn of(self) -> AccountStatus {
        match self {
            Self::Enabled => AccountStatus::Enabled,
            Self::Disabled => AccountStatus::Disabled,
            Self::Deleted => AccountStatus::Deleted,
        }
    }
}

/// Items of a page, and what is known of the list.
fn of_page<'a, T>(page: &'a ListPage<T>, item: impl Fn(&'a T) -> Value + 'a) -> Found<'a> {
    let next = page.next.as_ref().map(Cursor::to_string);
    let seen = Seen { total: page.total, more: next.is_some(), next, ..Seen::default() };
    Found::here(page.items.iter().map(item), seen)
}

/// What is said behind a list.
fn tail(seen: &Seen) -> Tail {
    let data = [("total", json!(seen.total)), ("next", json!(seen.next))];
    let shown = seen.shown;
    let next = seen.next.as_ref().map(|next| format!("; go on with `--after {next}`")).unwrap_or_default();
    let note = match seen.total {
        Some(total) if shown == total => format!("{total} in all"),
        Some(total) => format!("{shown} of {total}{next}"),
        None => format!("{shown} more{next}"),
    };
    let data = Map::from_iter(data.map(|(name, value)| (name.to_owned(), value)));
    Tail { data, notes: vec![note], ..Tail::default() }
}

/// What is asked, of what is said at all.
pub(super) fn asked<const N: usize>(said: [(&'static str, Option<String>); N]) -> Query {
    said.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
