//! People from a table of text.

use jiff::civil::Date;
use thiserror::Error;

use super::people::People;
use super::person::{Gone, Person};

/// A table that is not one of people.
#[derive(Debug, Error)]
pub enum PeopleError {
    /// It is no table.
    #[error("the list of people is no CSV: {0}")]
    Csv(#[from] csv::Error),
    /// Nothing names people.
    #[error(
        "the list of people has no column `email`, `user name` or `name`; its first line names its columns"
    )]
    NoColumn,
    /// Two columns say the same.
    #[error("the list of people has two columns for `{column}`; leave one out")]
    TwoColumns {
        /// What both say.
        column: &'static str,
    },
    /// Nothing names this one.
    #[error(
        "line {line} of the list of people names nobody: it has neither an e-mail, a user name nor a name"
    )]
    NoName {
        /// Which.
        line: u64,
    },
    /// A status that says neither that somebody is here nor that they are gone.
    #[error(
        "line {line} of the list of people has the status `{word}`; {PRESENT} are for who is here, {ABSENT} for who is gone"
    )]
    UnknownStatus {
        /// Which.
        line: u64,
        /// What it says.
        word: String,
    },
    /// A last day that is no date.
    #[error("line {line} of the list of people has a last day that is no date as in 2026-11-30")]
    NoDate {
        /// Which.
        line: u64,
    },
}

const PRESENT: &str = "active, enabled, employed, current, onleave";
const ABSENT: &str =
    "inactive, disabled, deactivated, suspended, terminated, left, former, offboarded, deleted";

/// Where each thing stands.
#[derive(Debug, Default)]
struct Columns {
    email: Option<usize>,
    user_name: Option<usize>,
    name: Option<usize>,
    first_name: Option<usize>,
    last_name: Option<usize>,
    status: Option<usize>,
    last_day: Option<usize>,
}

impl People {
    /// People from CSV whose first line names the columns: `email`, `user name`, `name` (or `first name` and `last
    /// name`), `status`, `last day`; others are passed over. Several addresses are set apart by `;`. `today` decides
    /// which last days are over.
    ///
    /// # Errors
    /// [`PeopleError`] with the line that cannot be understood: nobody is passed over in silence.
    pub fn of_csv(text: &str, today: Date) -> Result<Self, PeopleError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let heading = text.lines().next().unwrap_or_default();
        let delimiter = if heading.contains(',') || !heading.contains(';') { b',' } else { b';' };
        let mut table = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text.as_bytes());
        let columns = Columns::of(table.headers()?)?;
        let mut people = Vec::new();
        for record in table.records() {
            let record = record?;
            let line = record.position().map_or(0, csv::Position::line);
            people.push(columns.person(&record, (line, today))?);
        }
        Ok(match (columns.status, columns.last_day) {
            (None, None) => Self::that_never_leave(people),
            _ => Self::new(people),
        })
    }
}

impl Columns {
    fn of(heading: &csv::StringRecord) -> Result<Self, PeopleError> {
        let mut columns = Self::default();
        for (place, name) in heading.iter().enumerate() {
            let word: String = name.chars().filter(|found| found.is_alphanumeric()).collect();
            let (slot, column) = match word.to_lowercase().as_str() {
                "email" | "emails" | "mail" | "emailaddress" | "workemail" => (&mut columns.email, "email"),
                "username" | "login" | "user" => (&mut columns.user_name, "user name"),
                "name" | "fullname" | "displayname" => (&mut columns.name, "name"),
                "firstname" | "givenname" => (&mut columns.first_name, "first name"),
                "lastname" | "familyname" | "surname" => (&mut columns.last_name, "last name"),
                "status" | "employmentstatus" | "state" => (&mut columns.status, "status"),
                "lastday" | "lastdate" | "enddate" | "terminationdate" | "leavingdate" => {
                    (&mut columns.last_day, "last day")
                }
                _ => continue,
            };
            if slot.replace(place).is_some() {
                return Err(PeopleError::TwoColumns { column });
            }
        }
        let names = columns.email.or(columns.user_name).or(columns.name).or(columns.last_name);
        names.map(|_| columns).ok_or(PeopleError::NoColumn)
    }

    fn person(&self, record: &csv::StringRecord, (line, today): (u64, Date)) -> Result<Person, PeopleError> {
        let cell = |place: Option<usize>| {
            place.and_then(|place| record.get(place)).map(str::trim).filter(|cell| !cell.is_empty())
        };
        let emails = cell(self.email).unwrap_or_default().split([';', ' ']).filter(|email| !email.is_empty());
        let emails: Vec<String> = emails.map(str::to_owned).collect();
        let user_names: Vec<String> = cell(self.user_name).map(str::to_owned).into_iter().collect();
        let both: Vec<&str> = [self.first_name, self.last_name].into_iter().filter_map(cell).collect();
        let name = cell(self.name).map(str::to_owned).or((!both.is_empty()).then(|| both.join(" ")));
        if emails.is_empty() && user_names.is_empty() && name.is_none() {
            return Err(PeopleError::NoName { line });
        }
        let status = cell(self.status).map(|word| gone(word, line)).transpose()?.flatten();
        let last_day =
            cell(self.last_day).map(|day| date(day).ok_or(PeopleError::NoDate { line })).transpose()?;
        // Who is told to be here and had their last day is gone: lists of personnel are late.
        let over = last_day.filter(|day| *day < today).map(Gone::LastDay);
        Ok(Person { name, emails, user_names, gone: status.or(over), id: None })
    }
}

/// What a status says.
fn gone(word: &str, line: u64) -> Result<Option<Gone>, PeopleError> {
    let plain: String =
        word.chars().filter(|found| found.is_alphanumeric()).collect::<String>().to_lowercase();
    let is_one_of = |words: &str| words.split(", ").any(|known| known == plain);
    if is_one_of(PRESENT) {
        Ok(None)
    } else if is_one_of(ABSENT) {
        Ok(Some(Gone::Status(plain)))
    } else {
        Err(PeopleError::UnknownStatus { line, word: model::visible(word).into_owned() })
    }
}

/// A date; a time of day behind it is passed over.
fn date(text: &str) -> Option<Date> {
    let day = text
        .get(..10)
        .filter(|_| text.len() == 10 || text.get(10..11).is_some_and(|next| next == "T" || next == " "));
    day?.parse().ok()
}
