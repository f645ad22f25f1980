//! The people of the company, and whose accounts are.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use governance::inventory::{
    Assigned, AssignedOwners, Gone, Inventory, MatchSettings, Matched, Mode, People, PlusSuffix,
};
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Head, Query, Source, SourceArguments, of_file};
use crate::failure::Failure;
use crate::output::Output;

/// Who the people are, and how accounts are matched to them.
#[derive(Debug, clap::Args)]
pub(crate) struct PeopleArguments {
    /// The people: a CSV with the columns `email`, `user name`, `name`, `status`, `last day`, or a `.c1z` file whose
    /// accounts are theirs.
    #[arg(long, value_name = "FILE", required_unless_present = "people_from")]
    people: Option<PathBuf>,
    /// The people are those with an account of this connection.
    #[arg(long, value_name = "KEY", conflicts_with = "people")]
    people_from: Option<String>,
    /// By what accounts are matched.
    #[arg(long = "match", value_enum, default_value_t = By::Narrow)]
    by: By,
    /// Take `ana+news@example.com` for `ana@example.com`.
    #[arg(long)]
    ignore_suffix: bool,
    /// Owners that were said by hand: a CSV with the columns `account` (kind and id) and `owner` (e-mail; empty for
    /// nobody).
    #[arg(long, value_name = "FILE")]
    assigned: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    /// E-mail, then user name.
    Narrow,
    /// Then also first and last name.
    Broad,
}

/// The people, and where they are from if that is an inventory.
pub(crate) struct Personnel {
    pub(crate) people: People,
    source: Option<Source>,
    settings: MatchSettings,
}

impl PeopleArguments {
    /// What a server is told of the people: in the question, and besides.
    ///
    /// # Errors
    /// Bad input with what cannot be understood.
    pub(crate) fn asked(&self) -> Result<(Query, Option<Value>), Failure> {
        let mut query = Query::new();
        if self.by == By::Broad {
            query.push(("match", "broad".to_owned()));
        }
        if self.ignore_suffix {
            query.push(("ignore_suffix", "true".to_owned()));
        }
        query.extend(self.people_from.clone().map(|key| ("people_from", key)));
        let people = self.people.as_deref().map(|path| {
            if path.extension().is_some_and(|end| end == "c1z") {
                return Err(Failure::BadInput(format!(
                    "{} is not read by a server (`--server`, TUTELA_SERVER): name a CSV, or a connection by \
                     `--people-from`",
                    path.display()
                )));
            }
            std::fs::read_to_string(path).map_err(|error| Failure::unreadable(path, &error))
        });
        let assigned = self.assigned.as_deref().map(assigned).transpose()?.unwrap_or_default();
        let assigned = assigned.iter().map(|(account, said)| {
            let owners = match said {
                Assigned::Owners(owners) => owners.as_slice(),
                Assigned::Cleared => &[],
            };
            json!({ "account": account.to_string(), "owners": owners })
        });
        let assigned: Vec<Value> = assigned.collect();
        let sent = match people.transpose()? {
            None if assigned.is_empty() => None,
            people => Some(json!({ "people": people, "assigned": assigned })),
        };
        Ok((query, sent))
    }

    /// Reads the people.
    ///
    /// # Errors
    /// Bad input with what cannot be understood.
    pub(crate) fn read(&self, sources: &SourceArguments, output: Output) -> Result<Personnel, Failure> {
        let settings = MatchSettings {
            mode: match self.by {
                By::Narrow => Mode::Narrow,
                By::Broad => Mode::Broad,
            },
            suffix: if self.ignore_suffix { PlusSuffix::Removed } else { PlusSuffix::Kept },
            assigned: self.assigned.as_deref().map(assigned).transpose()?.unwrap_or_default(),
        };
        let of_source = |source: Source| (People::of_accounts(&source.inventory), Some(source));
        let (people, source) = match (&self.people, &self.people_from) {
            (Some(path), _) if path.extension().is_some_and(|end| end == "c1z") => of_source(of_file(path)?),
            (Some(path), _) => {
                let text =
                    std::fs::read_to_string(path).map_err(|error| Failure::unreadable(path, &error))?;
                let today = TimeZone::UTC.to_datetime(sources.today()).date();
                (People::of_csv(&text, today).map_err(|error| Failure::bad_input(&error))?, None)
            }
            (None, Some(key)) => of_source(sources.open_other(key, output)?),
            (None, None) => return Err(Failure::BadInput("say `--people` or `--people-from`".to_owned())),
        };
        if people.is_empty() {
            return Err(Failure::BadInput(
                "there is nobody among the people, so every account would have no owner".to_owned(),
            ));
        }
        Ok(Personnel { people, source, settings })
    }
}

impl Personnel {
    /// Whose the accounts of an inventory are.
    pub(crate) fn matched<'a>(&'a self, inventory: &'a Inventory) -> Matched<'a> {
        Matched::find(inventory, &self.people, &self.settings)
    }

    /// What is said of the inventory that they are from.
    pub(crate) fn head(&self) -> Option<&Head> {
        self.source.as_ref().map(Source::head)
    }
}

/// What is shown of a person.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct PersonRow<'a> {
    /// What names them.
    pub(crate) person: &'a str,
    /// Why they are gone, if they are.
    pub(crate) gone: Option<Gone>,
}

/// People by what names them.
pub(crate) fn names(people: &[PersonRow<'_>]) -> String {
    people.iter().map(|one| one.person).collect::<Vec<_>>().join(", ")
}

/// Why somebody is taken for an owner, in words.
pub(crate) fn reason(word: &str) -> &str {
    match word {
        "by_hand" => "by hand",
        "email" => "e-mail",
        "user_name" => "user name",
        "full_name" => "full name",
        other => other,
    }
}

/// What was said by hand.
fn assigned(path: &Path) -> Result<AssignedOwners, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::unreadable(path, &error))?;
    Assigned::of_csv(&text).map_err(|error| Failure::BadInput(format!("{}: {error}", path.display())))
}
