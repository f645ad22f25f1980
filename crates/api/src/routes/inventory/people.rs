//! The people among whom owners of accounts are looked for: those of another connection, or those who are sent along.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use governance::change::ResourceName;
use governance::inventory::{
    Assigned, Inventory, MatchSettings, Matched, Mode, People, PeopleError, PlusSuffix,
};
use http::header::CONTENT_TYPE;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::ask::{Asked, moment, wrong};
use crate::ApiError;
use crate::body::{body_bytes, from_slice};
use crate::state::ApiState;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PeopleQuery {
    /// As of this time; now, if it is not said.
    pub(super) at: Option<String>,
    /// In the state that an answer named, in place of `at`; people of another connection are those of now.
    pub(super) state: Option<String>,
    /// The people are those with an account of this connection, as of the same time.
    people_from: Option<String>,
    /// By what accounts are matched: `narrow` (e-mail, then user name; as if nothing is said) or `broad` (then also
    /// first and last name).
    #[serde(rename = "match")]
    by: Option<String>,
    /// Take `ana+news@example.com` for `ana@example.com`.
    ignore_suffix: Option<bool>,
    /// What `next` of the page before says; with the same people as that page.
    pub(super) cursor: Option<String>,
    /// Most rows, up to 1,000; 100 if it is not said.
    pub(super) limit: Option<usize>,
}

/// The people, and owners that were said by hand.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PeopleInput {
    /// A CSV whose first line names its columns: `email`, `user name`, `name`, `status`, `last day`.
    people: Option<String>,
    /// Owners that hold whatever else fits.
    #[serde(default)]
    assigned: Vec<AssignedInput>,
}

/// The owners of an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AssignedInput {
    /// Kind and id: `user:7`.
    account: String,
    /// Their addresses; none if it is nobody's.
    owners: Vec<String>,
}

/// What is sent along: JSON, or the CSV alone.
pub(super) struct SentPeople(PeopleInput);

impl FromRequest<ApiState> for SentPeople {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, ApiError> {
        let media = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media = media.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_lowercase();
        let bytes = body_bytes(request, state).await?;
        match media.as_str() {
            "application/json" => {
                from_slice(&bytes).map(Self).map_err(|invalid| ApiError::Invalid(vec![invalid]))
            }
            "text/csv" => {
                let people = String::from_utf8(bytes.to_vec()).map_err(|_| {
                    ApiError::Unprocessable("the list of people is not UTF-8; save it as UTF-8".to_owned())
                })?;
                Ok(Self(PeopleInput { people: Some(people), ..PeopleInput::default() }))
            }
            _ => Err(ApiError::UnsupportedMedia(
                "send people as `Content-Type: text/csv`, or as `application/json`".to_owned(),
            )),
        }
    }
}

/// Who the people are, before they are read.
pub(super) struct Personnel {
    from: PeopleFrom,
    settings: MatchSettings,
}

enum PeopleFrom {
    /// The table, and the day as of which people are gone.
    Table(String, Date),
    /// Those of another connection: its inventory, and what of it is not current.
    Connection(Arc<Inventory>, Value),
}

impl Personnel {
    /// Those that the query names or that were sent.
    pub(super) async fn of(
        state: &ApiState,
        query: &PeopleQuery,
        SentPeople(sent): SentPeople,
    ) -> Result<Self, ApiError> {
        let settings = MatchSettings {
            mode: match query.by.as_deref() {
                None | Some("" | "narrow") => Mode::Narrow,
                Some("broad") => Mode::Broad,
                Some(_) => return Err(wrong("match", "write `narrow` or `broad`")),
            },
            suffix: match query.ignore_suffix {
                Some(true) => PlusSuffix::Removed,
                Some(false) | None => PlusSuffix::Kept,
            },
            assigned: assigned(sent.assigned)?,
        };
        let connection = query.people_from.as_deref().filter(|key| !key.is_empty());
        let from = match (sent.people, connection) {
            (Some(_), Some(_)) => {
                return Err(wrong("people_from", "people are sent and named; leave one of the two out"));
            }
            (None, None) => {
                let text = "name a connection whose accounts are those of the people, or send a list of them";
                return Err(wrong("people_from", text));
            }
            (Some(table), None) => {
                let at = query.at.as_deref().filter(|at| !at.is_empty());
                let at = at.map(|at| moment("at", at)).transpose()?;
                let today = TimeZone::UTC.to_datetime(at.unwrap_or_else(|| state.clock().now())).date();
                PeopleFrom::Table(table, today)
            }
            (None, Some(key)) => {
                let asked = Asked::of(state, key, query.at.as_deref()).await?;
                let mut frame = asked.frame();
                if let Value::Object(frame) = &mut frame {
                    frame.insert("connection".to_owned(), json!(key));
                }
                PeopleFrom::Connection(asked.inventory, frame)
            }
        };
        Ok(Self { from, settings })
    }

    /// Answers a question about accounts and their owners. The answer says what of the people is not current.
    pub(super) fn answer<F>(self, inventory: &Inventory, question: F) -> Result<Value, ApiError>
    where
        F: FnOnce(&Matched<'_>, &People) -> Result<Value, ApiError>,
    {
        let (people, frame) = match self.from {
            PeopleFrom::Table(table, today) => {
                (People::of_csv(&table, today).map_err(|error| refused(&error))?, Value::Null)
            }
            PeopleFrom::Connection(directory, frame) => (People::of_accounts(&directory), frame),
        };
        if people.is_empty() {
            return Err(ApiError::Unprocessable(
                "there is nobody among the people, so every account would have no owner".to_owned(),
            ));
        }
        let mut answer = question(&Matched::find(inventory, &people, &self.settings), &people)?;
        if let Value::Object(answer) = &mut answer {
            answer.insert("people".to_owned(), frame);
        }
        Ok(answer)
    }
}

/// Without what stands in the list: it is about people, and errors come into logs.
fn refused(error: &PeopleError) -> ApiError {
    ApiError::Unprocessable(match error {
        PeopleError::UnknownStatus { line, .. } => format!(
            "line {line} of the list of people has a status that says neither that somebody is here nor that they are gone; write `active` or `left`"
        ),
        PeopleError::Csv(_)
        | PeopleError::NoColumn
        | PeopleError::TwoColumns { .. }
        | PeopleError::NoName { .. }
        | PeopleError::NoDate { .. } => error.to_string(),
    })
}

fn assigned(sent: Vec<AssignedInput>) -> Result<BTreeMap<ResourceName, Assigned>, ApiError> {
    let mut all = BTreeMap::new();
    for (place, AssignedInput { account, owners }) in sent.into_iter().enumerate() {
        let refused = |text: &str| {
            let loc = ["body", "assigned"].map(|part| json!(part)).into_iter();
            let loc = loc.chain([json!(place), json!("account")]).collect();
            ApiError::invalid("value_error", loc, text)
        };
        let name: ResourceName = account.parse().map_err(|_| refused("write kind and id, as in `user:7`"))?;
        let said = if owners.is_empty() { Assigned::Cleared } else { Assigned::Owners(owners) };
        if all.insert(name, said).is_some() {
            return Err(refused("the account stands twice; name all of its owners in one place"));
        }
    }
    Ok(all)
}

impl SentPeople {
    /// Nothing is sent.
    pub(super) fn nothing() -> Self {
        Self(PeopleInput::default())
    }
}
