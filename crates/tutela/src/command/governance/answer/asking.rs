//! Questions to the inventory of a server.

use http::{Method, StatusCode};
use serde_json::Value;
use tokio::runtime::Runtime;
use url::form_urlencoded::Serializer;

use super::{Head, Seen, rows};
use crate::client::{ServerAddress, connection_path, said};
use crate::failure::Failure;
use crate::on_server::OnServer;
use crate::output::Output;
use crate::runtime;

/// Most items of a page, as the server has it.
const PAGE: usize = 1_000;
/// Most connections of a page.
const CONNECTIONS: usize = 100;

/// What is said in a question, by name.
pub(crate) type Query = Vec<(&'static str, String)>;

/// A server that is asked who has access.
#[derive(Debug)]
pub(crate) struct Asking {
    runtime: Runtime,
    server: OnServer,
}

impl Asking {
    /// Finds the server and lets it know who calls.
    ///
    /// # Errors
    /// Bad input if nobody is named who calls; a failure if it is not there, does not let them in, or is of another
    /// version.
    pub(crate) fn open(address: &ServerAddress, output: Output) -> Result<Self, Failure> {
        let runtime = runtime::start()?;
        let server = runtime.block_on(OnServer::open(address, output))?;
        Ok(Self { runtime, server })
    }

    /// The answer to a question.
    ///
    /// # Errors
    /// Bad input if the question cannot be answered as it stands; a refusal without the right to ask.
    pub(crate) fn get(&self, path: &str, query: &Query) -> Result<Value, Failure> {
        self.find(path, (query, None))?.map_err(Wrong::into_failure)
    }

    /// The same for a question that something is sent along with; with what is wrong if it cannot be answered.
    ///
    /// # Errors
    /// A refusal without the right to ask.
    fn find(
        &self,
        path: &str,
        (query, sent): (&Query, Option<&Value>),
    ) -> Result<Result<Value, Wrong>, Failure> {
        let pairs = query.iter().map(|(name, value)| (*name, value.as_str()));
        let whole = format!("{path}?{}", Serializer::new(String::new()).extend_pairs(pairs).finish());
        let method = if sent.is_some() { Method::POST } else { Method::GET };
        let answer = self.runtime.block_on(self.server.client().call((method, &whole), sent))?;
        match answer.status {
            // Without a body it is none of our servers.
            StatusCode::NOT_FOUND if !answer.body.is_null() => Ok(Err(Wrong::Nothing(said(&answer.body)))),
            StatusCode::UNPROCESSABLE_ENTITY => Ok(Err(Wrong::Question(said(&answer.body)))),
            _ => answer.done(path).map(Ok),
        }
    }

    /// The connections of which is known who had access.
    ///
    /// # Errors
    /// A refusal without the right to ask.
    pub(super) fn connections(&self, at: &Query) -> Result<Vec<String>, Failure> {
        let mut keys = Vec::new();
        for page in 1_u32.. {
            let mut query = at.clone();
            query.extend([("page", page.to_string()), ("size", CONNECTIONS.to_string())]);
            let answer = self.get("access", &query)?;
            let items = answer.get("items").and_then(Value::as_array).ok_or_else(rows::other_form)?;
            let key = |item: &Value| item.get("connection").and_then(Value::as_str).map(str::to_owned);
            keys.extend(items.iter().filter_map(key));
            if items.len() < CONNECTIONS {
                break;
            }
        }
        Ok(keys)
    }
}

/// Why a question cannot be answered, in the server's words.
#[derive(Debug)]
pub(crate) enum Wrong {
    /// Nothing of it is known.
    Nothing(String),
    /// It has to be another one.
    Question(String),
}

impl Wrong {
    /// Bad input.
    pub(crate) fn into_failure(self) -> Failure {
        match self {
            Self::Nothing(said) | Self::Question(said) => Failure::BadInput(said),
        }
    }
}

/// A question to one connection of a server, as of one time.
#[derive(Debug, Clone)]
pub(crate) struct Place<'a> {
    asking: &'a Asking,
    /// The connection.
    pub(crate) connection: String,
    at: Query,
}

/// A list of which the server tells part by part.
pub(crate) struct List<'a> {
    /// Behind the connection.
    pub(crate) path: &'a str,
    /// What is asked.
    pub(crate) query: Query,
    /// What the items are called in the answer.
    pub(crate) items: &'static str,
    /// Most of them.
    pub(crate) limit: usize,
    /// Behind which to begin.
    pub(crate) after: Option<String>,
    /// What is sent along.
    pub(crate) sent: Option<Value>,
}

impl<'a> Place<'a> {
    pub(super) fn new(asking: &'a Asking, connection: String, at: Query) -> Self {
        Self { asking, connection, at }
    }

    /// The answer to a question, with what it says of itself.
    ///
    /// # Errors
    /// Bad input if the question cannot be answered as it stands; a refusal without the right to ask.
    pub(crate) fn ask(&self, path: &str, query: Query) -> Result<(Head, Value), Failure> {
        self.ask_for(path, query)?.map_err(Wrong::into_failure)
    }

    /// The same place in the state that an answer names.
    pub(crate) fn in_state_of(&self, answer: &Value) -> Self {
        let state = answer.get("state").and_then(Value::as_str);
        let at = state.map(|state| vec![("state", state.to_owned())]);
        Self { at: at.unwrap_or_else(|| self.at.clone()), ..self.clone() }
    }

    /// The same place for a question that calls its time so.
    pub(crate) fn with_time_called(&self, name: &'static str) -> Self {
        let at = self.at.iter().map(|(_, time)| (name, time.clone())).collect();
        Self { at, ..self.clone() }
    }

    /// The same; with what is wrong with a question that cannot be answered.
    ///
    /// # Errors
    /// A refusal without the right to ask.
    pub(crate) fn ask_for(&self, path: &str, query: Query) -> Result<Result<(Head, Value), Wrong>, Failure> {
        let whole: Query = self.at.iter().cloned().chain(query).collect();
        let path = format!("{}{path}", self.base());
        let answer = match self.asking.find(&path, (&whole, None))? {
            Ok(answer) => answer,
            Err(wrong) => return Ok(Err(wrong)),
        };
        let head = Head::of_answer(&self.connection, &answer).ok_or_else(rows::other_form)?;
        Ok(Ok((head, answer)))
    }

    /// The items of a list, of which the first ones are read; all are of the state that those are of.
    ///
    /// # Errors
    /// Bad input if there is no such list.
    pub(crate) fn list(&self, list: List<'_>) -> Result<(Head, Pages<'a>), Failure> {
        let List { path, query, items, limit, after, sent } = list;
        let mut pages = Pages {
            asking: self.asking,
            path: format!("{}{path}", self.base()),
            query: self.at.iter().cloned().chain(query).collect(),
            sent,
            items,
            here: Vec::new().into_iter(),
            left: limit,
            after,
            seen: Seen::default(),
        };
        let first = pages.read()?;
        let head = Head::of_answer(&self.connection, &first).ok_or_else(rows::other_form)?;
        pages.begin_with(first);
        Ok((head, pages))
    }

    fn base(&self) -> String {
        connection_path(&self.connection, "access")
    }
}

/// A list that is read as it is taken.
pub(crate) struct Pages<'a> {
    asking: &'a Asking,
    path: String,
    query: Query,
    sent: Option<Value>,
    items: &'static str,
    here: std::vec::IntoIter<Value>,
    /// How many are wanted yet.
    left: usize,
    /// Where it goes on.
    after: Option<String>,
    seen: Seen,
}

impl Pages<'_> {
    /// Reads a page; what stands in it by the name of the items waits to be taken.
    fn read(&mut self) -> Result<Value, Failure> {
        let mut query = self.query.clone();
        // A page has one row at least; of none it is told whether there would be any.
        query.push(("limit", self.left.clamp(1, PAGE).to_string()));
        query.extend(self.after.take().map(|after| ("cursor", after)));
        let answer = self.asking.find(&self.path, (&query, self.sent.as_ref()))?;
        let mut answer = answer.map_err(Wrong::into_failure)?;
        let mut items = taken(&mut answer, self.items)?;
        self.after = answer.get("next").and_then(Value::as_str).map(str::to_owned);
        if self.left == 0 {
            self.seen.more = !items.is_empty();
            items.clear();
            self.after = None;
        }
        if items.is_empty() && self.after.is_some() {
            return Err(Failure::Failed(
                "the server goes on with a list and tells nothing more of it".to_owned(),
            ));
        }
        self.here = items.into_iter();
        Ok(answer)
    }

    /// Takes from the first page what holds for all.
    fn begin_with(&mut self, first: Value) {
        self.seen.total = first.get("total").and_then(Value::as_u64);
        if let Some(state) = first.get("state").and_then(Value::as_str) {
            self.query.retain(|(name, _)| !["at", "to", "state"].contains(name));
            self.query.push(("state", state.to_owned()));
        }
        self.seen.besides = first;
    }

    /// What else the first page says.
    pub(crate) fn besides(&self) -> &Value {
        &self.seen.besides
    }

    /// What is known once all are there.
    pub(crate) fn into_seen(self) -> Seen {
        Seen { more: self.seen.more || self.after.is_some(), next: self.after, ..self.seen }
    }
}

impl Iterator for Pages<'_> {
    type Item = Result<Value, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(item) = self.here.next() {
                self.left = self.left.saturating_sub(1);
                self.seen.shown += 1;
                return Some(Ok(item));
            }
            if self.left == 0 || self.after.is_none() {
                return None;
            }
            if let Err(failure) = self.read() {
                self.after = None;
                return Some(Err(failure));
            }
        }
    }
}

/// A list of an answer, taken out of it.
///
/// # Errors
/// A failure if a server of another version answered.
pub(crate) fn taken(answer: &mut Value, name: &str) -> Result<Vec<Value>, Failure> {
    let list = answer.get_mut(name).and_then(Value::as_array_mut).map(std::mem::take);
    list.ok_or_else(rows::other_form)
}
