mod server;

use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::rows::{AccessRow, AccountRow};
use super::answer::{self, Answer, Head, PeopleArguments, PersonRow, SourceArguments, names, rows};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Among which people leavers are looked for.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela governance leavers --connection segment --people people.csv
  tutela governance leavers --connection segment --people-from okta --format json

People are gone by their `status` or once their `last day` is over, those of another connection if their account
there cannot be used. Told are their accounts that still work, with all that those hold. Ends with 0, also if there
are some, with 3 if something of an inventory is incomplete.")]
pub(crate) struct Leavers {
    #[command(flatten)]
    source: SourceArguments,
    #[command(flatten)]
    people: PeopleArguments,
}

impl Leavers {
    /// Finds them.
    pub(super) fn run(&self, output: Output) -> Result<Exit, Failure> {
        if let Some(address) = self.source.server()? {
            return server::run(self, &address, output);
        }
        let source = self.source.open(output)?;
        let personnel = self.people.read(&self.source, output)?;
        if !personnel.people.tells_gone() {
            return Err(Failure::BadInput(
                "the list of people does not tell who is gone; it needs a column `status` or `last day`"
                    .to_owned(),
            ));
        }
        let matched = personnel.matched(&source.inventory);
        let found = matched.leavers();
        let told = Found {
            leavers: found.leavers.iter().map(|leaver| json!(matched.leaver(leaver))).collect(),
            near: found.near.iter().map(|near| json!(matched.near_leaver(near))).collect(),
            without_access: found.without_access,
        };
        told.print((source.head(), personnel.head()), output)
    }
}

/// What was found.
struct Found {
    leavers: Vec<Value>,
    near: Vec<Value>,
    without_access: u64,
}

/// What is shown of one who left.
#[derive(Deserialize)]
struct LeaverRow<'a> {
    #[serde(borrow, flatten)]
    person: PersonRow<'a>,
    accounts: Vec<LeftRow<'a>>,
}

/// An account of theirs.
#[derive(Deserialize)]
struct LeftRow<'a> {
    #[serde(borrow)]
    account: AccountRow<'a>,
    matched_by: &'a str,
    access: Vec<AccessRow<'a>>,
}

/// An account that may be of one who left.
#[derive(Deserialize)]
struct NearRow<'a> {
    #[serde(borrow)]
    account: AccountRow<'a>,
    near: Vec<PersonRow<'a>>,
}

impl Found {
    fn print(mut self, (head, people): (&Head, Option<&Head>), output: Output) -> Result<Exit, Failure> {
        // By what names them, whoever tells of them.
        self.leavers.sort_by_cached_key(|leaver| answer::word(&leaver.get("person")));
        let mut shown = Vec::new();
        for leaver in &self.leavers {
            shown.extend(of_leaver(&rows::read(leaver)?));
        }
        let mut notes = vec![format!(
            "{} who left have accounts that work, {} have none",
            self.leavers.len(),
            self.without_access
        )];
        for near in &self.near {
            let NearRow { account, near } = rows::read(near)?;
            notes.push(format!("{} is near {}", rows::id(&account.names), names(&near)));
        }
        let mut data = head.data();
        data.insert("people".to_owned(), json!(people.map(Head::data)));
        data.insert("leavers".to_owned(), Value::Array(self.leavers));
        data.insert("near".to_owned(), Value::Array(self.near));
        data.insert("without_access".to_owned(), json!(self.without_access));
        let heading = ["Person", "Gone", "Account", "Matched by", "Holds", "How"];
        let heads: Vec<&Head> = [head].into_iter().chain(people).collect();
        Answer { heading, rows: shown, data, notes }.print(&heads, output)
    }
}

/// All that their accounts hold, a line each; of one that holds nothing a line too.
fn of_leaver(leaver: &LeaverRow<'_>) -> Vec<[String; 6]> {
    let gone = leaver.person.gone.as_ref().map(ToString::to_string).unwrap_or_default();
    let line = |left: &LeftRow<'_>, holds: String, how: &str| {
        [
            leaver.person.person.to_owned(),
            gone.clone(),
            rows::id(&left.account.names),
            answer::reason(left.matched_by).to_owned(),
            holds,
            how.to_owned(),
        ]
    };
    let mut lines = Vec::new();
    for left in &leaver.accounts {
        if left.access.is_empty() {
            lines.push(line(left, String::new(), ""));
        }
        lines.extend(left.access.iter().map(|row| line(left, row.entitlement.phrase(), row.held)));
    }
    lines
}
