use model::{IncompleteReason, Path, is_falsy};
use serde_json::Value;
use spec::connector_file::LinkSource;
use url::Url;

use super::{PageAnswer, Stop, Turn, link_header, paging_object, query, says_yes};
use crate::response::look_up_segments;

/// A link in a header or in the body (saas-config 18.9–18.12).
///
/// Of a link only path and query are used: the request always goes to the host it went to before,
/// so a secret never follows a link elsewhere.
///
/// A link in the body may stand beside two keys that say more than the link itself; they are heeded
/// where they are there, as the profiles API of Segment needs it (segment-api B14):
/// * `has_more: false` ends the pages whatever the link says;
/// * with `has_more: true`, a link that asks for nothing new is completed by the value of `next`: the
///   same request again with `next` set to it. A link asks for something new if its query has a
///   pair that the request before did not have (route params, `:name`, aside).
#[derive(Debug)]
pub(super) struct Link {
    pub(super) source: LinkSource,
    pub(super) has_next: Option<Path>,
    pub(super) absent_is_end: bool,
}

impl Link {
    /// Where the object with the link is; `None` if its absence says nothing.
    pub(super) fn paging_path(&self) -> Option<Vec<&str>> {
        if self.absent_is_end {
            return None;
        }
        let of_link = match &self.source {
            LinkSource::Headers { .. } => None,
            LinkSource::Body { path } => paging_object(path),
        };
        of_link.or_else(|| self.has_next.as_ref().and_then(paging_object))
    }

    pub(super) fn turn(&self, answer: PageAnswer<'_>, place: &str) -> Turn {
        let beside = self.beside(answer.json);
        if beside.has_more == Some(false) || (answer.is_empty() && beside.has_more.is_none()) {
            return Turn::End;
        }
        if let Some(has_next) = &self.has_next
            && !says_yes(has_next.find(answer.json))
        {
            return Turn::End;
        }
        let says_more =
            beside.has_more == Some(true) || self.has_next.is_some() || self.next_is_there(answer.json);
        let link = match self.find(answer) {
            Ok(link) => link,
            Err(NoText) => return Turn::Stopped(malformed(place, "the link to the next page is not a text")),
        };
        let next = match &link {
            Some(link) => match resolve(answer.url, link) {
                Some(next) => Some(next),
                None => {
                    return Turn::Stopped(malformed(place, "the link to the next page is not a web address"));
                }
            },
            None => None,
        };
        match (next, beside.next) {
            (Some(next), Some(_)) if asks_for_something_new(answer.url, &next) => Turn::Next(next),
            (_, Some(value)) => Turn::Next(same_request_with_next(answer.url, &value)),
            (Some(next), None) => Turn::Next(next),
            (None, None) if says_more => {
                Turn::Stopped(malformed(place, "the answer says that there is more and has no link to it"))
            }
            (None, None) => Turn::End,
        }
    }

    /// The link's text; `None` where there is none.
    fn find(&self, answer: PageAnswer<'_>) -> Result<Option<String>, NoText> {
        match &self.source {
            LinkSource::Headers { rel } => Ok(link_header::find(answer.headers, rel)),
            LinkSource::Body { path } => match path.find(answer.json) {
                Some(Value::String(link)) => Ok(Some(link.trim().to_owned()).filter(|link| !link.is_empty())),
                Some(value) if !is_falsy(value) => Err(NoText),
                Some(_) | None => Ok(None),
            },
        }
    }

    /// Whether the object that should hold the link is called `next` and is there: then something
    /// follows, though perhaps without a link to it (a search of HubSpot has `paging.next.after`).
    fn next_is_there(&self, json: &Value) -> bool {
        let LinkSource::Body { path } = &self.source else { return false };
        let mut segments: Vec<&str> = path.segments().collect();
        segments.pop();
        segments.last() == Some(&"next")
            && look_up_segments(segments.into_iter(), json).value().is_some_and(|next| !is_falsy(next))
            && path.find_present(json).is_none()
    }

    /// The keys beside the link.
    fn beside(&self, json: &Value) -> Beside {
        let LinkSource::Body { path } = &self.source else { return Beside::default() };
        let mut segments: Vec<&str> = path.segments().collect();
        let last = segments.pop();
        if segments.is_empty() {
            return Beside::default();
        }
        let object = look_up_segments(segments.into_iter(), json).value();
        let has_more = object.and_then(|object| object.get("has_more")).and_then(Value::as_bool);
        let next = match object.and_then(|object| object.get("next")) {
            Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            Some(_) | None => None,
        };
        let heeded = has_more == Some(true) && last != Some("next");
        Beside { has_more, next: next.filter(|_| heeded) }
    }
}

/// What stands beside a link in the same object.
#[derive(Default)]
struct Beside {
    has_more: Option<bool>,
    /// Only if `has_more` is true.
    next: Option<String>,
}

/// The value is there and is no text.
struct NoText;

/// The address a link leads to, on the host of `current` (saas-config 18.11).
fn resolve(current: &Url, link: &str) -> Option<Url> {
    let target = current.join(link).ok()?;
    if !matches!(target.scheme(), "http" | "https") {
        return None;
    }
    let mut next = current.clone();
    next.set_fragment(None);
    next.set_path(target.path());
    query::replace(&mut next, &query::of_link(&target));
    Some(next)
}

fn asks_for_something_new(current: &Url, next: &Url) -> bool {
    next.query_pairs()
        .filter(|(name, _)| !name.starts_with(':'))
        .any(|pair| current.query_pairs().all(|known| known != pair))
}

fn same_request_with_next(current: &Url, value: &str) -> Url {
    let mut url = current.clone();
    query::set(&mut url, "next", value);
    url
}

fn malformed(place: &str, problem: &str) -> Stop {
    Stop { reason: IncompleteReason::Malformed, detail: format!("{place}: {problem}; check `pagination`") }
}
