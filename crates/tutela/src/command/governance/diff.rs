use std::path::PathBuf;

use governance::inventory::Difference;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{self, Asking, Found, Head, List, Listing, Seen, SourceArguments, Tail, rows};
use super::lists::asked;
use crate::client::ServerAddress;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Between what and what.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela governance diff --connection segment --since 2026-11-03
  tutela governance diff --connection segment --since 2026-11-03 --as-of 2026-11-10 --format csv
  tutela governance diff --since-file old.c1z -f new.c1z --format json

Kinds that only one of the two shows are not compared and named: what is not known is not gone. Ends with 0, also if
nothing changed, with 3 if something of either is incomplete or not compared.")]
pub(crate) struct Diff {
    #[command(flatten)]
    source: SourceArguments,
    /// Since what was in force then: a time with its offset, or a date, of which the end counts (UTC).
    #[arg(long, value_name = "DATE|TIME", value_parser = answer::as_of, required_unless_present = "since_file", conflicts_with = "file")]
    since: Option<Timestamp>,
    /// Since the newest finished sync of this `.c1z` file.
    #[arg(long, value_name = "FILE", conflicts_with = "since")]
    since_file: Option<PathBuf>,
    /// Most changes; all if nothing is said. The counts are whole.
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
}

/// How changes are shown.
const LISTING: Listing<5> =
    Listing { name: "rows", heading: ["Change", "Of", "What", "How", "ID"], numbers: &[], row, tail };

/// What is said of all changes, in front of them.
const SUMMARY: [&str; 5] = ["resources", "entitlements", "grants", "not_compared", "inherited"];

impl Diff {
    /// Compares.
    pub(super) fn run(&self, output: Output) -> Result<Exit, Failure> {
        if let Some(address) = self.source.server()? {
            return self.ask(&address, output);
        }
        let new = self.source.open(output)?;
        let old = match (self.since, &self.since_file) {
            (Some(time), _) => self.source.open_then(time, output)?,
            (None, Some(file)) => answer::of_file(file)?,
            (None, None) => return Err(Failure::BadInput("say `--since` or `--since-file`".to_owned())),
        };
        let limit = self.limit.unwrap_or(usize::MAX);
        let mut found = Difference::between(&old.inventory, &new.inventory, limit);
        let items = std::mem::take(&mut found.rows);
        let seen = Seen { more: found.more, besides: json!(found), ..Seen::default() };
        let found = Found::here(items.iter().map(|row| json!(row)), seen.clone());
        print((old.head(), new.head()), (&seen.besides, found), output)
    }

    /// The same as a server has it.
    fn ask(&self, address: &ServerAddress, output: Output) -> Result<Exit, Failure> {
        let Some(since) = self.since else {
            return Err(Failure::BadInput(
                "a server does not look into files (`--server`, TUTELA_SERVER): say `--since`, or compare with another \
                 file by `-f`"
                    .to_owned(),
            ));
        };
        let asking = Asking::open(address, output)?;
        let place = self.source.place(&asking)?.with_time_called("to");
        let query = asked([("from", Some(since.to_string()))]);
        let limit = self.limit.unwrap_or(usize::MAX);
        let list = List { path: "/diff", query, items: "rows", limit, after: None, sent: None };
        let (new, pages) = place.list(list)?;
        let besides = pages.besides().clone();
        let from = besides.get("from").unwrap_or(&Value::Null);
        let old = Head::of_answer(&place.connection, from).ok_or_else(rows::other_form)?;
        print((&old, &new), (&besides, Found::Server(pages)), output)
    }
}

fn print(
    (old, new): (&Head, &Head),
    (besides, found): (&Value, Found<'_>),
    output: Output,
) -> Result<Exit, Failure> {
    let summary: Summary = rows::read(besides)?;
    let mut data = new.data();
    data.insert("since".to_owned(), Value::Object(old.data()));
    let said = SUMMARY.iter().filter_map(|name| Some(((*name).to_owned(), besides.get(*name)?.clone())));
    data.extend(said);
    let exit = LISTING.print_with((data, &[new, old]), found, output)?;
    Ok(if summary.not_compared.is_empty() { exit } else { Exit::Incomplete })
}

/// What is said of all changes.
#[derive(Deserialize)]
struct Summary {
    resources: Counts,
    entitlements: Counts,
    grants: Counts,
    not_compared: Vec<String>,
    inherited: bool,
}

#[derive(Deserialize)]
struct Counts {
    added: u64,
    removed: u64,
    changed: u64,
}

/// One change.
#[derive(Deserialize)]
struct ChangeRow<'a> {
    change: &'a str,
    what: &'a str,
    display_name: &'a str,
    #[serde(borrow)]
    fields: Vec<FieldRow<'a>>,
    id: &'a str,
}

#[derive(Deserialize)]
struct FieldRow<'a> {
    field: &'a str,
    before: Option<&'a str>,
    after: Option<&'a str>,
}

fn row(item: &Value) -> Result<[String; 5], Failure> {
    let ChangeRow { change, what, display_name, fields, id } = rows::read(item)?;
    let said = |text: Option<&str>| text.unwrap_or("-").to_owned();
    let fields = fields
        .iter()
        .map(|field| format!("{}: {} → {}", field.field, said(field.before), said(field.after)))
        .collect::<Vec<_>>();
    Ok([change.to_owned(), what.to_owned(), display_name.to_owned(), fields.join("; "), id.to_owned()])
}

fn tail(seen: &Seen) -> Tail {
    let mut tail = answer::bounded(seen);
    let Ok(summary) = rows::read::<Summary>(&seen.besides) else { return tail };
    let counts = |name: &str, Counts { added, removed, changed }: Counts| {
        format!("{name}: {added} added, {removed} removed, {changed} changed")
    };
    let mut notes = vec![
        counts("resources", summary.resources),
        counts("entitlements", summary.entitlements),
        counts("grants", summary.grants),
    ];
    if !summary.not_compared.is_empty() {
        let kinds = summary.not_compared.join(", ");
        notes.push(format!("not compared, since only one of the two shows them: {kinds}"));
    }
    if !summary.inherited {
        notes.push("inherited grants are not compared, since one of these kinds passes grants on".to_owned());
    }
    notes.append(&mut tail.notes);
    Tail { notes, ..tail }
}
