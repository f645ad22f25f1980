use std::time::Duration;

use governance::inventory::{ActivityStanding, UnusedGrants, UseSource};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::rows::AccessRow;
use super::answer::{Answer, Asking, Head, List, Query, SourceArguments, ends, rows};
use crate::client::ServerAddress;
use crate::duration::duration;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Access that nobody used for a while.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela governance unused --connection segment
  tutela governance unused --connection segment --for 30d --format csv
  tutela governance unused --connection okta --for 90d --by-login

Told is what accounts that work hold directly. It is unused because the account was not used at all, or because nothing
was done to what it gives. What tells of use is the last login, and events that were kept (`activity --keep`, or the
syncs of a server); if not all of the time was read, nothing is called unused and the answer says what is missing.
Ends with 0, also if something is unused, with 3 if something is incomplete.")]
pub(crate) struct Unused {
    #[command(flatten)]
    source: SourceArguments,
    /// For how long.
    #[arg(long = "for", value_name = "TIME", value_parser = duration, default_value = "90d")]
    time: Duration,
    /// Go by logins alone, as for an application whose events cannot be read.
    #[arg(long)]
    by_login: bool,
}

impl Unused {
    /// Finds it.
    pub(super) fn run(&self, output: Output) -> Result<Exit, Failure> {
        if let Some(address) = self.source.server()? {
            return self.ask(&address, output);
        }
        let used = self.source.open_used(self.time, output)?;
        let inventory = &used.source.inventory;
        let by = if self.by_login { UseSource::LastLogin } else { UseSource::All };
        let found = UnusedGrants::find(inventory, &used.usage, &used.query(by));
        let told = Told {
            by_login: self.by_login,
            unused: found.unused.iter().map(|one| json!(one.view(inventory))).collect(),
            besides: json!({
                "unknown": found.unknown,
                "used": found.used,
                "new": found.new,
                "since": used.since().to_string(),
                "known_then": used.knows_then(),
                "activity": used.evidence(),
            }),
        };
        told.print(used.source.head(), output)
    }

    /// The same as a server has it.
    fn ask(&self, address: &ServerAddress, output: Output) -> Result<Exit, Failure> {
        self.source.refuse_time()?;
        let asking = Asking::open(address, output)?;
        let mut query: Query = vec![("unused_for_s", self.time.as_secs().to_string())];
        if self.by_login {
            query.push(("by", "last_login".to_owned()));
        }
        let (limit, after, sent) = (usize::MAX, None, None);
        let list = List { path: "/unused/entitlement", query, items: "items", limit, after, sent };
        let (head, mut pages) = self.source.place(&asking)?.list(list)?;
        let besides = pages.besides().clone();
        let unused = (&mut pages).collect::<Result<Vec<_>, _>>()?;
        Told { by_login: self.by_login, unused, besides }.print(&head, output)
    }
}

/// What was found.
struct Told {
    by_login: bool,
    unused: Vec<Value>,
    besides: Value,
}

/// How many there are, and what is known of events.
#[derive(Deserialize)]
struct Besides<'a> {
    unknown: u64,
    used: u64,
    new: u64,
    #[serde(borrow)]
    activity: ActivityRow<'a>,
}

#[derive(Deserialize)]
struct ActivityRow<'a> {
    standing: ActivityStanding,
    reason: Option<&'a str>,
}

/// What is shown of one.
#[derive(Deserialize)]
struct UnusedRow<'a> {
    #[serde(borrow)]
    grant: AccessRow<'a>,
    reason: &'a str,
    last_used: Option<&'a str>,
    held_then: Option<bool>,
}

impl Told {
    fn print(self, head: &Head, output: Output) -> Result<Exit, Failure> {
        let rows = self.unused.iter().map(row).collect::<Result<_, Failure>>()?;
        let besides: Besides<'_> = rows::read(&self.besides)?;
        let (unused, activity) = (self.unused.len(), &besides.activity);
        let mut notes = vec![format!(
            "{unused} unused, {} used, {} newer than that, of {} nobody can tell",
            besides.used, besides.new, besides.unknown
        )];
        notes.extend(activity.reason.map(|reason| format!("events of use: {reason}")));
        let is_incomplete = !self.by_login && activity.standing.is_incomplete();
        if activity.standing == ActivityStanding::None {
            notes.push("no events of use are kept; only the last login tells of use".to_owned());
        }
        let mut data = head.data();
        for name in ["unknown", "used", "new", "since", "known_then", "activity"] {
            data.extend(self.besides.get(name).map(|value| (name.to_owned(), value.clone())));
        }
        data.insert("unused".to_owned(), json!(self.unused));
        let heading = ["Account", "Holds", "Why", "Last use", "Held then"];
        let exit = Answer { heading, rows, data, notes }.print(&[head], output)?;
        Ok(ends(exit, is_incomplete))
    }
}

fn row(item: &Value) -> Result<[String; 5], Failure> {
    let UnusedRow { grant, reason, last_used, held_then } = rows::read(item)?;
    let why = match reason {
        "account" => "account not used",
        "resource" => "nothing done to it",
        other => other,
    };
    let held = match held_then {
        Some(true) => "yes",
        Some(false) => "no",
        None => "not known",
    };
    Ok([
        rows::id(&grant.principal),
        grant.entitlement.phrase(),
        why.to_owned(),
        last_used.unwrap_or_default().to_owned(),
        held.to_owned(),
    ])
}
