//! The keys that Tutela adds to a request or endpoint (architecture §5).

use std::collections::BTreeMap;
use std::time::Duration;

use model::{Effect, Outcome};

use super::request::Kind;
use super::{Finding, Lowering};
use crate::condition::Condition;
use crate::connector_file::{Batch, Destinations, ParamValue, Rectify, Request, Retry, Same, Track, Verify};
use crate::raw::{self, StateWord};

/// Time between two looks at a job (saas-config 23.11).
pub(super) const INTERVAL: Duration = Duration::from_hours(1);
/// How long a job may take (saas-config 23.11).
pub(super) const DEADLINE: Duration = Duration::from_hours(30 * 24);

impl Lowering<'_> {
    pub(super) fn retry(&mut self, place: &str, raw: raw::Retry) -> Retry {
        let statuses = self.statuses(&format!("{place}.statuses"), raw.statuses.unwrap_or_default());
        let known = ["status", "headers", "body"].map(str::to_owned);
        let when = self.condition(&format!("{place}.when"), raw.when, &known);
        if statuses.is_empty() && when.is_none() && !self.is_written(&format!("{place}.when")) {
            let message = "`retry` names neither a status nor a condition";
            self.key_error(
                place,
                Finding::new("spec::empty_retry", message, "add `statuses: […]` or `when: …`"),
            );
        }
        Retry { statuses, when }
    }

    /// The `retry` of a client config, taken over by a request; it was checked where it stands.
    pub(super) fn inherited_retry(raw: raw::Retry) -> Retry {
        let statuses = raw.statuses.unwrap_or_default();
        Retry {
            statuses: statuses.into_iter().filter_map(|status| u16::try_from(status).ok()).collect(),
            when: raw.when.and_then(|text| Condition::compile(&text).ok()),
        }
    }

    pub(super) fn batch(&mut self, place: &str, raw: raw::Batch, values: &[ParamValue]) -> Option<Batch> {
        let param = raw.param?;
        if !values.iter().any(|value| value.name == param) {
            let message = format!("`batch` takes `{param}`, which is no param value of this request");
            let names: Vec<&str> = values.iter().map(|value| value.name.as_str()).collect();
            let help = format!("param values are {}", names.join(", "));
            self.error(&format!("{place}.param"), Finding::new("spec::unknown_param_value", message, &help));
        }
        let max = raw.max.and_then(|max| u64::try_from(max).ok())?;
        Some(Batch { param, max })
    }

    pub(super) fn verify(&mut self, place: &str, raw: raw::Verify) -> Verify {
        match raw {
            raw::Verify::Endpoint(name) => {
                self.verified_by.push((place.to_owned(), name.clone()));
                Verify::Endpoint(name)
            }
            raw::Verify::Request(request) => {
                let request = self.request(place, *request, Kind::Other);
                self.reads_only(&request);
                Verify::Request(Box::new(request))
            }
        }
    }

    pub(super) fn track(&mut self, place: &str, raw: raw::Track) -> Option<Track> {
        let id_path = self.path(&format!("{place}.id_path"), raw.id_path);
        let status_path = self.path(&format!("{place}.status_path"), raw.status_path);
        let request = raw.request.map(|request| self.following(&format!("{place}.request"), *request));
        let asks_for_id = request.as_ref().is_some_and(|request| {
            let target = request.target.iter().flat_map(|target| target.path.placeholders());
            let body = request.body.iter().flat_map(crate::template::Template::placeholders);
            target.chain(body).any(|placeholder| placeholder.name == "job_id")
        });
        if asks_for_id && id_path.is_none() && !self.was_reported(place, "id_path") {
            let message = "the request asks for `<job_id>`, and nothing says where the id is";
            let help = "add `id_path: …`, where the id is in the answer to the write";
            self.key_error(place, Finding::new("spec::no_job_id", message, help));
        }
        let states = self.states(&format!("{place}.states"), raw.states?);
        let destinations = raw
            .destinations
            .and_then(|destinations| self.destinations(&format!("{place}.destinations"), destinations));
        let same = raw.same.and_then(|same| self.same(&format!("{place}.same"), same));
        let interval = self.duration(&format!("{place}.interval"), raw.interval.as_deref());
        let deadline = self.duration(&format!("{place}.deadline"), raw.deadline.as_deref());
        Some(Track {
            id_path,
            request: Box::new(request?),
            status_path: status_path?,
            states,
            destinations,
            same,
            interval: interval.unwrap_or(INTERVAL),
            deadline: deadline.unwrap_or(DEADLINE),
        })
    }

    fn states(&mut self, place: &str, raw: BTreeMap<String, StateWord>) -> Vec<(String, Outcome)> {
        let states: Vec<(String, Outcome)> =
            raw.into_iter().map(|(name, word)| (name, outcome(word))).collect();
        if states.iter().all(|(_, outcome)| *outcome == Outcome::Accepted) {
            let message = "`states` names no state that ends the job, so it would never end";
            self.key_error(
                place,
                Finding::new("spec::no_states", message, "add `FINISHED: erased` or the like"),
            );
        }
        states
    }

    fn destinations(&mut self, place: &str, raw: raw::Destinations) -> Option<Destinations> {
        let path = self.path(&format!("{place}.path"), raw.path);
        let name_path = self.path(&format!("{place}.name_path"), raw.name_path);
        let status_path = self.path(&format!("{place}.status_path"), raw.status_path);
        let message_path = self.path(&format!("{place}.message_path"), raw.message_path);
        Some(Destinations { path: path?, name_path, status_path: status_path?, message_path })
    }

    fn same(&mut self, place: &str, raw: raw::Same) -> Option<Same> {
        let request = raw.request.map(|request| self.following(&format!("{place}.request"), *request));
        let known = ["item", "sent", "since"].map(str::to_owned);
        let when = self.condition(&format!("{place}.when"), raw.when, &known);
        let id_path = self.path(&format!("{place}.id_path"), raw.id_path);
        Some(Same { request: Box::new(request?), when: when?, id_path: id_path? })
    }

    fn following(&mut self, place: &str, raw: raw::Request) -> Request {
        let request = self.request(place, raw, Kind::Other);
        self.reads_only(&request);
        request
    }

    /// What proves or follows a write is sent at any time, without leave to write.
    fn reads_only(&mut self, request: &Request) {
        match request.effect {
            Effect::Read => {}
            Effect::Write => {
                let message = "this request writes, and what proves or follows a write must only read";
                let help =
                    "use a method that reads, or `effect: read` if the documentation of the API says so";
                self.key_error(&request.place, Finding::new("spec::write_in_a_read", message, help));
            }
        }
    }

    pub(super) fn rectify(&mut self, place: &str, raw: raw::Rectify) -> Rectify {
        let requests = self.variants(&format!("{place}.request"), raw.request, Kind::Masking);
        Rectify { requests, fields: raw.fields }
    }
}

fn outcome(word: StateWord) -> Outcome {
    match word {
        StateWord::Accepted => Outcome::Accepted,
        StateWord::Erased => Outcome::Erased,
        StateWord::Masked => Outcome::Masked,
        StateWord::Suppressed => Outcome::Suppressed,
        StateWord::AlreadyAbsent => Outcome::AlreadyAbsent,
        StateWord::Failed => Outcome::Failed,
        StateWord::Unsupported => Outcome::Unsupported,
    }
}
