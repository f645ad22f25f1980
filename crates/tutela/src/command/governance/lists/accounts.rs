use std::time::Duration;

use clap::ValueEnum;
use governance::AccountType;
use governance::inventory::{AccountQuery, AccountSort, ActivityStanding, ListPage, PageRequest, UseKnown};
use governance::number::ResourceNumber;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{ListArguments, Status, asked, of_page, tail};
use crate::command::governance::answer::rows::AccountRow;
use crate::command::governance::answer::{
    self, Found, Listing, Query, Seen, Source, SourceArguments, Tail, Used, rows,
};
use crate::duration::duration;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Accounts.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela governance accounts --connection segment --status enabled
  tutela governance accounts --connection segment --unused-for 90d --format csv

With `--unused-for` accounts are listed that were not used for so long, by the last login that the application tells
and, if events were kept (`activity --keep`), by those. Of how many nobody can tell is told besides. If not all events
of the time are known, none is called unused, and the command ends with 3. Ends as `resources` otherwise.")]
pub(crate) struct Accounts {
    #[command(flatten)]
    source: SourceArguments,
    /// Only those that can be used, or cannot.
    #[arg(long, value_enum)]
    status: Option<Status>,
    /// Only those of people, of programs, or of the application itself.
    #[arg(long, value_enum)]
    account_type: Option<OfType>,
    /// Only those that were not used for so long.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    unused_for: Option<Duration>,
    #[command(flatten)]
    list: ListArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OfType {
    /// Of people.
    Human,
    /// Of programs.
    Service,
    /// Of the application itself.
    System,
}

/// How they are shown.
const LISTING: Listing<7> = Listing {
    name: "accounts",
    heading: ["ID", "Name", "E-mail", "Login", "Status", "Type", "Last login"],
    numbers: &[],
    row,
    tail: told,
};

/// What the answer says of accounts of which nobody knows when they were used.
const USE_UNKNOWN: &str = "use_unknown";
/// What it says of events.
const ACTIVITY: &str = "activity";

impl Accounts {
    /// Lists them.
    pub(in crate::command::governance) fn run(&self, output: Output) -> Result<Exit, Failure> {
        if let Some(address) = self.source.server()? {
            if self.unused_for.is_some() {
                self.source.refuse_time()?;
            }
            let from = (&self.source, &address);
            return self.list.print_of_server(from, (&LISTING, "/account", self.query()), output);
        }
        if let Some(time) = self.unused_for {
            return self.list_unused(&self.source.open_used(time, output)?, output);
        }
        let source = self.source.open(output)?;
        let page = list(&source, (&self.wanted(), &self.list.request()))?;
        let found = of_page(&page, |number| json!(source.inventory.account(*number)));
        LISTING.print(source.head(), found, output)
    }

    /// Lists those that were not used.
    fn list_unused(&self, used: &Used, output: Output) -> Result<Exit, Failure> {
        let source = &used.source;
        let query = AccountQuery {
            unused: Some(used.filter(UseKnown::Unused)),
            sort: AccountSort::LastLogin,
            ..self.wanted()
        };
        let page = list(source, (&query, &self.list.request()))?;
        // As a server says it: of events on every page, and counting once.
        let mut besides = Map::from_iter([(ACTIVITY.to_owned(), json!(used.evidence()))]);
        if self.list.after.is_none() {
            let query = AccountQuery { unused: Some(used.filter(UseKnown::Unknown)), ..query };
            let count = list(source, (&query, &PageRequest::first(0)))?.total;
            besides.insert(USE_UNKNOWN.to_owned(), json!(count));
        }
        let mut found = of_page(&page, |number| json!(source.inventory.account(*number)));
        if let Found::Here { seen, .. } = &mut found {
            seen.besides = Value::Object(besides);
        }
        LISTING.print(source.head(), found, output)
    }

    fn wanted(&self) -> AccountQuery<'_> {
        AccountQuery {
            status: self.status.map(Status::of),
            account_type: self.account_type.map(OfType::of),
            search: self.list.search.as_deref(),
            ..AccountQuery::default()
        }
    }

    fn query(&self) -> Query {
        asked([
            ("status", self.status.map(Status::word)),
            ("account_type", self.account_type.map(|of| answer::word(&of.of()))),
            ("unused_for_s", self.unused_for.map(|time| time.as_secs().to_string())),
        ])
    }
}

impl OfType {
    fn of(self) -> AccountType {
        match self {
            Self::Human => AccountType::Human,
            Self::Service => AccountType::Service,
            Self::System => AccountType::System,
        }
    }
}

fn list(
    source: &Source,
    (query, request): (&AccountQuery<'_>, &PageRequest),
) -> Result<ListPage<ResourceNumber>, Failure> {
    source.inventory.list_accounts(query, request).map_err(|error| answer::query(&error))
}

fn row(item: &Value) -> Result<[String; 7], Failure> {
    let row: AccountRow<'_> = rows::read(item)?;
    Ok([
        rows::id(&row.names),
        row.names.display_name.to_owned(),
        row.emails(),
        row.login.unwrap_or_default().to_owned(),
        row.status.to_owned(),
        row.account_type.to_owned(),
        row.last_login.unwrap_or_default().to_owned(),
    ])
}

/// What is said behind them, and of those of which nothing is known.
fn told(seen: &Seen) -> Tail {
    let mut told = tail(seen);
    if let Some(count) = seen.besides.get(USE_UNKNOWN).and_then(Value::as_u64) {
        told.notes.push(format!("of {count} more nobody can tell when they were used last"));
        told.data.insert(USE_UNKNOWN.to_owned(), json!(count));
    }
    if let Some(activity) = seen.besides.get(ACTIVITY) {
        told.is_incomplete = lacks_events(activity);
        let reason = activity.get("reason").and_then(Value::as_str);
        told.notes.extend(reason.map(|reason| format!("events of use: {reason}")));
        told.data.insert(ACTIVITY.to_owned(), activity.clone());
    }
    told
}

/// Whether what is said of events says that some are missing. A standing that only a newer server knows does not pass
/// for a whole one.
fn lacks_events(activity: &Value) -> bool {
    let standing = activity.get("standing").and_then(|standing| ActivityStanding::deserialize(standing).ok());
    standing.is_none_or(ActivityStanding::is_incomplete)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::none("none", false)]
    #[case::complete("complete", false)]
    #[case::accounts_only("accounts_only", true)]
    #[case::incomplete("incomplete", true)]
    #[case::unheard_of("half", true)]
    fn an_answer_that_lacks_events_is_incomplete(#[case] standing: &str, #[case] is_incomplete: bool) {
        let besides = json!({ ACTIVITY: { "standing": standing } });
        let seen = Seen { besides, ..Seen::default() };

        assert_eq!(told(&seen).is_incomplete, is_incomplete);
    }
}
