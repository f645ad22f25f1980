//! Pages of rows that a function reads.

use std::collections::HashSet;
use std::sync::Arc;

use model::{CallStats, Completeness, IncompleteReason, Row};
use serde_json::{Value, json};
use spec::connector_file::{Request, ScriptHook};

use super::{HookCall, HookError, Learned, context};
use crate::connector::Connector;
use crate::fingerprint::Fingerprint;
use crate::person::Person;
use crate::reading::{PageMark, ResumePoint, Steps};

/// A unit that a function reads page by page.
#[derive(Clone)]
pub(crate) struct ScriptPaging {
    pub(crate) request: Arc<Request>,
    hook: ScriptHook,
    /// The function's second argument.
    values: Row,
    /// Where the page begins; null for the first.
    next: Value,
    seen: HashSet<Fingerprint>,
    pages: u64,
    /// From the pages so far.
    learned: Learned,
}

/// A page, and how the unit ends if it was the last one.
pub(crate) struct Turned {
    pub(crate) rows: Vec<Row>,
    pub(crate) end: Option<Completeness>,
    /// By what the beginning of the next page is known again.
    pub(crate) mark: Option<PageMark>,
}

impl std::fmt::Debug for ScriptPaging {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScriptPaging")
            .field("hook", &self.hook)
            .field("pages", &self.pages)
            .finish_non_exhaustive()
    }
}

impl ScriptPaging {
    pub(crate) fn new(request: Arc<Request>, hook: ScriptHook, values: Row) -> Self {
        Self {
            request,
            hook,
            values,
            next: Value::Null,
            seen: HashSet::new(),
            pages: 0,
            learned: Learned::default(),
        }
    }

    /// Reads the next page.
    ///
    /// # Errors
    /// [`HookError`] if the function does not bring one.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the page to be read again.
    pub(crate) async fn turn(
        &mut self,
        (connector, collection): (&Connector, &str),
        person: &Person,
        stats: &mut CallStats,
    ) -> Result<Turned, HookError> {
        let mut context = connector.script_context(collection, Some(person));
        let mut personal = Vec::new();
        for value in
            [context.get("identities"), Some(&Value::Object(self.values.clone()))].into_iter().flatten()
        {
            context::leaves(value, &mut personal);
        }
        context.insert("page".to_owned(), self.next.clone());
        let mut call = HookCall::new(connector, &self.request, (&self.hook, collection), personal);
        call.learned = std::mem::take(&mut self.learned);
        let result = call.run(context, [Value::Object(self.values.clone())], stats).await;
        let (learned, ignored) = (call.learned, call.ignored);
        self.learned = learned;
        let result = result?;
        let page = spec::script::page(result)
            .map_err(|source| HookError::Page { hook: self.hook.to_string(), source })?;
        self.pages += 1;
        let (end, mark) = match page.next {
            None => (Some(Completeness::Complete), None),
            Some(next) => {
                let begins = Fingerprint::of_json(&next);
                let is_new = self.seen.insert(begins);
                self.next = next;
                let mark = PageMark { request: begins, page: None };
                (self.stop(is_new, connector.settings().page_cap), Some(mark))
            }
        };
        let missing = page.incomplete.map(|reason| {
            let detail = format!("script `{}` says that rows are missing", self.hook);
            Completeness::incomplete(reason, detail)
        });
        let unknown = ignored.map(|status| {
            let detail = format!(
                "script `{}` let a {status} pass by `accept`; nothing is known about what it did not get",
                self.hook
            );
            Completeness::incomplete(IncompleteReason::IgnoredError, detail)
        });
        let end = match (missing.or(unknown), end) {
            (Some(missing), Some(end)) => Some(missing.and(end)),
            // Nothing that follows can make the unit complete.
            (Some(missing), None) => Some(missing),
            (None, end) => end,
        };
        Ok(Turned { rows: page.rows, end, mark })
    }

    /// From where another reader can go on; `None` before the first page.
    pub(crate) fn resume_point(&self) -> Option<ResumePoint> {
        let (of, pages) = (self.of(), self.pages);
        let (next, steps) = (self.next.to_string(), Steps::default());
        (pages > 0).then_some(ResumePoint { of, next, body: of, pages, had_paging_object: false, steps })
    }

    /// Goes on there, after the pages with these marks; false if script or values are others now.
    pub(crate) fn go_on(&mut self, point: &ResumePoint, marks: impl IntoIterator<Item = PageMark>) -> bool {
        let Ok(next) = serde_json::from_str(&point.next) else { return false };
        if point.of != self.of() {
            return false;
        }
        self.seen.extend(marks.into_iter().map(|mark| mark.request));
        (self.next, self.pages) = (next, point.pages);
        true
    }

    /// Stands for the function and what it is given.
    fn of(&self) -> Fingerprint {
        let text = self.hook.script().source().text();
        Fingerprint::of_json(&json!([text, self.hook.function(), self.values]))
    }

    fn stop(&self, is_new: bool, page_cap: u64) -> Option<Completeness> {
        if !is_new {
            let detail = format!("script `{}` gave the same `next` twice", self.hook);
            return Some(Completeness::incomplete(IncompleteReason::PageLoop, detail));
        }
        (self.pages >= page_cap).then(|| {
            let detail =
                format!("script `{}` was stopped after {page_cap} pages; raise `page_cap`", self.hook);
            Completeness::incomplete(IncompleteReason::PageCap, detail)
        })
    }
}
