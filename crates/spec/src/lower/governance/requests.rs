use model::Effect;

use super::super::Finding;
use super::super::request::Kind;
use super::Access;
use crate::connector_file::Request;
use crate::raw;

/// What the rest of the format uses and these sections do in another way, each with what to write here.
fn foreign(raw: &raw::Request) -> [(&'static str, bool, &'static str); 13] {
    let own_name = "remove it: settings are placeholders by their own names here, as in `<domain>`";
    let by_row = "remove it: one change is one call";
    [
        ("param_values", raw.param_values.is_some(), own_name),
        ("grouped_inputs", raw.grouped_inputs.is_some(), own_name),
        ("skip_missing_param_values", raw.skip_missing_param_values.is_some(), own_name),
        ("request_override", raw.request_override.is_some(), "write `method` and `path`"),
        ("when", raw.when.is_some(), "write `when` at the section, for all of it"),
        (
            "ignore_errors",
            raw.ignore_errors.is_some(),
            "write `unavailable: […]` beside the request, or `gone: […]` for what is not there",
        ),
        ("async_config", raw.async_config.is_some(), "remove it: answers are read at once here"),
        (
            "correlation_id_path",
            raw.correlation_id_path.is_some(),
            "remove it: answers are read at once here",
        ),
        ("output", raw.output.is_some(), "remove it: expressions say what an item is"),
        ("batch", raw.batch.is_some(), by_row),
        ("per", raw.per.is_some(), by_row),
        (
            "verify",
            raw.verify.is_some(),
            "remove it: a change is always read back, from the list or by `get`",
        ),
        ("track", raw.track.is_some(), "remove it: a change is always read back, from the list or by `get`"),
    ]
}

impl Access<'_, '_> {
    /// A request that lists or asks.
    pub(super) fn listing(&mut self, place: &str, raw: raw::Request, placeholders: &[String]) -> Request {
        let raw = self.without_foreign_keys(place, raw);
        let request = self.lowering.request(place, raw, Kind::Listing);
        match request.effect {
            Effect::Read => {}
            Effect::Write => {
                let message = "this request writes, and a list must only read";
                let help =
                    "use a method that reads, or `effect: read` if the documentation of the API says so";
                self.lowering.key_error(place, Finding::new("spec::write_in_a_read", message, help));
            }
        }
        self.placeholders(&request, placeholders);
        request
    }

    /// The one request of a change.
    pub(super) fn change(&mut self, place: &str, raw: raw::Request, placeholders: &[String]) -> Request {
        let paging = [
            ("pagination", raw.pagination.is_some()),
            ("data_path", raw.data_path.is_some()),
            ("postprocessors", raw.postprocessors.is_some()),
        ];
        for (key, _) in paging.into_iter().filter(|(_, written)| *written) {
            let message = format!("`{key}` is about what a list answers, and this request changes something");
            let finding = Finding::new("spec::misplaced_key", message, "remove it here");
            self.lowering.key_error(&format!("{place}.{key}"), finding);
        }
        let raw = self.without_foreign_keys(place, raw);
        let request = self.lowering.request(place, raw, Kind::Access);
        match request.effect {
            Effect::Write => {}
            Effect::Read if request.target.is_none() => {}
            Effect::Read => {
                let message = "this request only reads, and a change of access must write";
                let help = "use the method that changes it: `POST`, `PUT`, `PATCH` or `DELETE`";
                self.lowering.key_error(place, Finding::new("spec::read_in_a_write", message, help));
            }
        }
        self.placeholders(&request, placeholders);
        request
    }

    /// Reports and takes out what has no place in these sections.
    fn without_foreign_keys(&mut self, place: &str, raw: raw::Request) -> raw::Request {
        for (key, _, help) in foreign(&raw).into_iter().filter(|(_, written, _)| *written) {
            let message = format!("`{key}` has no meaning in a request about access");
            let finding = Finding::new("spec::misplaced_key", message, help);
            self.lowering.key_error(&format!("{place}.{key}"), finding);
        }
        raw::Request {
            param_values: None,
            grouped_inputs: None,
            skip_missing_param_values: None,
            request_override: None,
            when: None,
            ignore_errors: None,
            async_config: None,
            correlation_id_path: None,
            output: None,
            batch: None,
            per: None,
            verify: None,
            track: None,
            ..raw
        }
    }
}
