use model::{IncompleteReason, Path};
use serde_json::Value;

use super::{PageAnswer, Stop, Turn, paging_object, query, says_yes};

/// A value of the last element, or of the answer, in a query param (saas-config 18.13–18.15).
#[derive(Debug)]
pub(super) struct Cursor {
    pub(super) param: String,
    pub(super) field: Path,
    pub(super) has_next: Option<Path>,
    pub(super) absent_is_end: bool,
}

impl Cursor {
    /// Where the object with the cursor, or the flag, is; `None` if its absence says nothing.
    pub(super) fn paging_path(&self) -> Option<Vec<&str>> {
        if self.absent_is_end {
            return None;
        }
        paging_object(&self.field).or_else(|| self.has_next.as_ref().and_then(paging_object))
    }

    pub(super) fn turn(&self, answer: PageAnswer<'_>, place: &str) -> Turn {
        let last = answer.data.and_then(Value::as_array).and_then(|items| items.last());
        let flag = self.has_next.as_ref().map(|path| {
            let flag = last.and_then(|last| path.find(last)).or_else(|| path.find(answer.json));
            says_yes(flag)
        });
        let cursor = last.and_then(|last| self.field.find(last)).or_else(|| self.field.find(answer.json));
        let text = match cursor {
            None => None,
            Some(Value::String(text)) => Some(text.clone()).filter(|text| !text.is_empty()),
            Some(Value::Number(number)) => Some(number.to_string()),
            Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_))
                if flag == Some(false) =>
            {
                None
            }
            Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
                return self.stopped(place, "is neither a text nor a number");
            }
        };
        match (text, flag) {
            (_, Some(false)) | (None, None) => Turn::End,
            (None, Some(true)) => {
                self.stopped(place, "is not there although the answer says that there is more")
            }
            (Some(text), Some(true) | None) => {
                let mut url = answer.url.clone();
                query::set(&mut url, &self.param, &text);
                Turn::Next(url)
            }
        }
    }

    fn stopped(&self, place: &str, problem: &str) -> Turn {
        let detail = format!("{place}: the cursor `{}` {problem}; check `pagination`", self.field);
        Turn::Stopped(Stop { reason: IncompleteReason::Malformed, detail })
    }
}
