use governance::inventory::{Matched, Orphan};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::rows::AccountRow;
use super::answer::{
    self, Answer, Asking, Head, List, PeopleArguments, PersonRow, SourceArguments, names, rows,
};
use crate::client::ServerAddress;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Among which people owners are looked for.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela governance orphans --connection segment --people people.csv
  tutela governance orphans --connection segment --people-from okta --match broad --format csv

An account is an orphan if nobody owns it, or all who do are gone. Those of programs and of the application itself
are told apart. Ends with 0, also if there are orphans, with 3 if something of an inventory is incomplete.")]
pub(crate) struct Orphans {
    #[command(flatten)]
    source: SourceArguments,
    #[command(flatten)]
    people: PeopleArguments,
}

impl Orphans {
    /// Finds them.
    pub(super) fn run(&self, output: Output) -> Result<Exit, Failure> {
        if let Some(address) = self.source.server()? {
            return self.ask(&address, output);
        }
        let source = self.source.open(output)?;
        let personnel = self.people.read(&self.source, output)?;
        let matched = personnel.matched(&source.inventory);
        let found = matched.orphans();
        let told = Found {
            orphans: told(&matched, &found.orphans),
            machines: told(&matched, &found.machines),
            owned: found.owned,
            deleted: found.deleted,
        };
        told.print((source.head(), personnel.head()), output)
    }

    /// The same as a server has it.
    fn ask(&self, address: &ServerAddress, output: Output) -> Result<Exit, Failure> {
        let asking = Asking::open(address, output)?;
        let (query, sent) = self.people.asked()?;
        let list = List { path: "/orphan", query, items: "items", limit: usize::MAX, after: None, sent };
        let (head, mut pages) = self.source.place(&asking)?.list(list)?;
        let people = Head::of_people(pages.besides())?;
        let counts: Counts = rows::read(pages.besides())?;
        let mut orphans = (&mut pages).collect::<Result<Vec<_>, _>>()?;
        let machines = orphans.split_off(counts.orphans.min(orphans.len()));
        let told = Found { orphans, machines, owned: counts.owned, deleted: counts.deleted };
        told.print((&head, people.as_ref()), output)
    }
}

/// What was found.
struct Found {
    orphans: Vec<Value>,
    machines: Vec<Value>,
    owned: u64,
    deleted: u64,
}

/// How many there are.
#[derive(Deserialize)]
struct Counts {
    orphans: usize,
    owned: u64,
    deleted: u64,
}

/// What is shown of one.
#[derive(Deserialize)]
struct OrphanRow<'a> {
    #[serde(borrow)]
    account: AccountRow<'a>,
    reason: &'a str,
    matched_by: Option<&'a str>,
    #[serde(default)]
    people: Vec<PersonRow<'a>>,
    #[serde(default)]
    near: Vec<PersonRow<'a>>,
}

impl Found {
    fn print(self, (head, people): (&Head, Option<&Head>), output: Output) -> Result<Exit, Failure> {
        let rows = self.orphans.iter().chain(&self.machines).map(row).collect::<Result<_, _>>()?;
        let mut data = head.data();
        data.insert("people".to_owned(), json!(people.map(Head::data)));
        let notes = vec![format!(
            "{} orphans, {} of programs, {} owned",
            self.orphans.len(),
            self.machines.len(),
            self.owned
        )];
        data.insert("orphans".to_owned(), Value::Array(self.orphans));
        data.insert("machines".to_owned(), Value::Array(self.machines));
        data.insert("owned".to_owned(), json!(self.owned));
        data.insert("deleted".to_owned(), json!(self.deleted));
        let heading = ["Account", "Name", "E-mail", "Type", "Why", "Near"];
        let heads: Vec<&Head> = [head].into_iter().chain(people).collect();
        Answer { heading, rows, data, notes }.print(&heads, output)
    }
}

fn told(matched: &Matched<'_>, orphans: &[Orphan]) -> Vec<Value> {
    orphans.iter().map(|one| json!(matched.orphan(one))).collect()
}

fn row(item: &Value) -> Result<[String; 6], Failure> {
    let OrphanRow { account, reason, matched_by, people, near } = rows::read(item)?;
    let by = answer::reason(matched_by.unwrap_or_default());
    let (why, near) = match reason {
        "no_owner" => ("no owner".to_owned(), names(&near)),
        "several_fit" => (format!("several people fit by {by}"), names(&people)),
        "owner_gone" => {
            let gone = people.iter().filter_map(|person| person.gone.as_ref());
            let gone = gone.map(ToString::to_string).collect::<Vec<_>>().join(", ");
            (format!("owner is gone ({gone}), matched by {by}"), names(&people))
        }
        "cleared" => ("said to be nobody's".to_owned(), String::new()),
        "owner_unknown" => ("the owner that was said is no one of the people".to_owned(), String::new()),
        other => (other.to_owned(), names(&people)),
    };
    Ok([
        rows::id(&account.names),
        account.names.display_name.to_owned(),
        account.emails(),
        account.account_type.to_owned(),
        why,
        near,
    ])
}
