//! The keys that Tutela adds to a request or endpoint (architecture §5).

use super::request::Kind;
use super::{Finding, Lowering};
use crate::condition::Condition;
use crate::connector_file::{Batch, ParamValue, Retry};
use crate::raw::{self, Verify};

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

    pub(super) fn verify(&mut self, place: &str, raw: Verify) {
        match raw {
            Verify::Endpoint(name) => self.verified_by.push((place.to_owned(), name)),
            Verify::Request(request) => {
                self.request(place, *request, Kind::Other);
            }
        }
    }

    /// Checked now and kept for later versions.
    pub(super) fn track(&mut self, place: &str, raw: raw::Track) {
        self.path(&format!("{place}.id_path"), raw.id_path);
        self.path(&format!("{place}.status_path"), raw.status_path);
        if let Some(request) = raw.request {
            self.request(&format!("{place}.request"), *request, Kind::Other);
        }
        if raw.states.is_some_and(|states| states.is_empty()) {
            let message = "`states` names no state, so the job would never end";
            self.key_error(
                &format!("{place}.states"),
                Finding::new("spec::no_states", message, "add `FINISHED: erased` or the like"),
            );
        }
        if let Some(destinations) = raw.destinations {
            let place = format!("{place}.destinations");
            self.path(&format!("{place}.path"), destinations.path);
            self.path(&format!("{place}.name_path"), destinations.name_path);
            self.path(&format!("{place}.status_path"), destinations.status_path);
        }
        if let Some(same) = raw.same {
            if let Some(request) = same.request {
                self.request(&format!("{place}.same.request"), *request, Kind::Other);
            }
            self.condition(&format!("{place}.same.when"), same.when, &["item".to_owned()]);
        }
    }

    /// Checked now and kept for later versions.
    pub(super) fn rectify(&mut self, place: &str, raw: raw::Rectify) {
        let requests = raw.request.map(|requests| requests.items).unwrap_or_default();
        for (index, request) in requests.into_iter().enumerate() {
            self.request(&format!("{place}.request[{index}]"), request, Kind::Masking);
        }
    }
}
