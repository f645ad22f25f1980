use model::Effect;
use serde_json::Value;

use super::client_config::template;
use super::{Finding, Lowering};
use crate::connector_file::{
    IgnoreErrors, Method, NameTemplate, Per, QueryParam, QueryValue, Request, ScriptHook, Target,
};
use crate::raw::{self, EffectWord, MethodWord, PerWord, Scalar};
use crate::template::Template;

/// What a request is for, as far as the rules differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Reads a collection.
    Read,
    /// Changes or deletes a row.
    Masking,
    /// Erases a person.
    DataProtection,
    /// Tests a connection.
    Test,
    /// Carries consent.
    Consent,
    /// Gets a token, or is the page where a person agrees to one.
    Token,
    /// Follows, proves or lists: state, result, `verify`, `track`, `same`.
    Other,
    /// Lists who has access, or asks for one resource.
    Listing,
    /// Changes who has access.
    Access,
}

impl Kind {
    /// What a `POST` does here (architecture §5).
    fn effect_of_post(self) -> Effect {
        match self {
            Self::Read | Self::Token | Self::Other | Self::Listing => Effect::Read,
            Self::Masking | Self::DataProtection | Self::Test | Self::Consent | Self::Access => Effect::Write,
        }
    }
}

impl Lowering<'_> {
    pub(super) fn request(&mut self, place: &str, mut raw: raw::Request, kind: Kind) -> Request {
        self.misplaced_keys(place, &raw, kind);
        let overridden = self.overrides(place, &raw);
        let target = if overridden { None } else { self.target(place, &mut raw, kind) };
        let effect = effect(&raw, target.as_ref(), kind);
        let script = self.script(place, &mut raw, kind);
        self.write_keys(place, &raw, effect);

        let param_values =
            self.param_values(&format!("{place}.param_values"), raw.param_values.take().unwrap_or_default());
        let grouped_inputs = raw.grouped_inputs.take().unwrap_or_default();
        self.grouped_inputs(place, &grouped_inputs, &param_values);
        let query_params = self.query_params(&format!("{place}.query_params"), raw.query_params.take());
        let pagination = raw
            .pagination
            .take()
            .and_then(|raw| self.pagination(&format!("{place}.pagination"), raw, &query_params));
        let id_path = self.path(&format!("{place}.correlation_id_path"), raw.correlation_id_path.take());
        let client_retry = match &raw.client_config {
            Some(client) => client.retry.clone(),
            None => self.default_retry.clone(),
        };
        let retry = match raw.retry.take() {
            Some(retry) => Some(self.retry(&format!("{place}.retry"), retry)),
            None => client_retry.map(Self::inherited_retry),
        };
        let batch =
            raw.batch.take().and_then(|batch| self.batch(&format!("{place}.batch"), batch, &param_values));
        let verify = raw.verify.take().map(|verify| self.verify(&format!("{place}.verify"), verify));
        let track = raw.track.take().and_then(|track| self.track(&format!("{place}.track"), track));

        Request {
            place: place.to_owned(),
            effect,
            target,
            headers: headers(raw.headers.take()),
            query_params,
            body: raw.body.take().filter(|body| !body.is_empty()).map(|body| Template::parse(&body)),
            param_values,
            client_config: raw
                .client_config
                .take()
                .map(|client| self.client_config(&format!("{place}.client_config"), client)),
            data_path: self.path(&format!("{place}.data_path"), raw.data_path.take()),
            postprocessors: self.postprocessors(
                &format!("{place}.postprocessors"),
                raw.postprocessors.take().unwrap_or_default(),
                kind,
            ),
            pagination,
            grouped_inputs,
            ignore_errors: self.ignore_errors(&format!("{place}.ignore_errors"), raw.ignore_errors.take()),
            gone: self.statuses(&format!("{place}.gone"), raw.gone.take().unwrap_or_default()),
            rate_limits: raw
                .rate_limit_config
                .take()
                .map(|limits| self.rate_limits(&format!("{place}.rate_limit_config"), limits)),
            skip_missing_param_values: raw.skip_missing_param_values.unwrap_or_default(),
            output: raw
                .output
                .take()
                .filter(|output| !output.is_empty())
                .map(|output| Template::parse(&output)),
            when: self.condition_on_params(&format!("{place}.when"), raw.when.take()),
            retry,
            request_override: raw.request_override.take().filter(|name| !name.is_empty()),
            script,
            async_config: raw
                .async_config
                .take()
                .and_then(|raw| self.async_config(&format!("{place}.async_config"), raw, id_path)),
            repeatable: raw.repeatable.unwrap_or_default(),
            per: match raw.per {
                Some(PerWord::Person) => Per::Person,
                Some(PerWord::Row) | None => Per::Row,
            },
            batch,
            verify,
            track: track.map(Box::new),
        }
    }

    /// Keys of a request that belong to requests of another kind (saas-config 2.3, 9.1).
    fn misplaced_keys(&mut self, place: &str, raw: &raw::Request, kind: Kind) {
        let written = [
            ("output", raw.output.is_some() && kind != Kind::Read, "a read request"),
            ("status_path", raw.status_path.is_some(), "the status request of polling"),
            ("status_completed_value", raw.status_completed_value.is_some(), "the status request of polling"),
            ("result_path", raw.result_path.is_some(), "the result request of polling"),
        ];
        for (key, _, home) in written.into_iter().filter(|(_, is_wrong, _)| *is_wrong) {
            let message = format!("key `{key}` belongs into {home}: Extra inputs are not permitted");
            self.key_error(
                &format!("{place}.{key}"),
                Finding::new("spec::unknown_key", message, "remove it here"),
            );
        }
    }

    /// Our own keys that only mean something on a write.
    fn write_keys(&mut self, place: &str, raw: &raw::Request, effect: Effect) {
        if effect == Effect::Write {
            return;
        }
        let written = [
            ("repeatable", raw.repeatable.is_some()),
            ("per", raw.per.is_some()),
            ("batch", raw.batch.is_some()),
            ("verify", raw.verify.is_some()),
            ("track", raw.track.is_some()),
        ];
        for (key, _) in written.into_iter().filter(|(_, is_there)| *is_there) {
            let message = format!("`{key}` has a meaning only for a request that writes, and this one reads");
            self.key_error(
                &format!("{place}.{key}"),
                Finding::new("spec::misplaced_key", message, "remove it here"),
            );
        }
    }

    /// Whether a function takes the place of the request; then nothing else may describe it
    /// (saas-config 9.5).
    fn overrides(&mut self, place: &str, raw: &raw::Request) -> bool {
        let by_script = is_named(raw.script.as_deref());
        if !is_named(raw.request_override.as_deref()) {
            return by_script;
        }
        if by_script {
            let message = "`script` and `request_override` exclude each other";
            self.key_error(
                &format!("{place}.script"),
                Finding::new("spec::override_twice", message, "keep `script`"),
            );
        }
        let offending = truthy_keys(raw);
        let first =
            offending.iter().min_by_key(|key| self.spans.nearest_key(&format!("{place}.{key}")).start);
        if let Some(first) = first {
            let message = format!("Invalid properties [{}] next to `request_override`", offending.join(", "));
            let help = "with an override only `param_values` and `grouped_inputs` may stand";
            self.key_error(
                &format!("{place}.{first}"),
                Finding::new("spec::keys_next_to_override", message, help),
            );
        }
        true
    }

    /// The function in place of the request (architecture §5); what describes a request has no meaning
    /// next to it.
    fn script(&mut self, place: &str, raw: &mut raw::Request, kind: Kind) -> Option<ScriptHook> {
        let text = raw.script.take().filter(|text| !text.is_empty())?;
        if is_named(raw.request_override.as_deref()) {
            return None;
        }
        match kind {
            Kind::Read | Kind::Masking | Kind::DataProtection | Kind::Test => {}
            Kind::Consent | Kind::Token | Kind::Other | Kind::Listing | Kind::Access => {
                let message = "a script cannot take the place of this request";
                let help = "describe it with `method` and `path`; `read`, `update`, `delete`, \
                            `data_protection_request`, `rectify` and `test_request` may be scripts";
                self.key_error(
                    &format!("{place}.script"),
                    Finding::new("spec::misplaced_script", message, help),
                );
                return None;
            }
        }
        let offending = keys_beside_script(raw);
        if let Some(first) =
            offending.iter().min_by_key(|key| self.spans.nearest_key(&format!("{place}.{key}")).start)
        {
            let message = format!("[{}] says nothing next to `script`", offending.join(", "));
            let help = "remove it: the function makes the request";
            self.key_error(
                &format!("{place}.{first}"),
                Finding::new("spec::keys_next_to_script", message, help),
            );
        }
        self.script_hook(&format!("{place}.script"), &text)
    }

    /// Method and path (saas-config 9.3, 9.4).
    fn target(&mut self, place: &str, raw: &mut raw::Request, kind: Kind) -> Option<Target> {
        let method = raw.method.map(lower_method);
        let path = raw.path.take().filter(|path| !path.is_empty());
        let is_read = kind == Kind::Read;
        let has_output = is_read && is_named(raw.output.as_deref());
        if path.is_none() && has_output {
            return None;
        }
        if path.is_none() && !self.was_reported(place, "path") {
            let message = if is_read {
                "a read request must specify either a path or an output"
            } else {
                "a request must specify a path"
            };
            let inner = format!("{place}.path");
            let place = if self.is_written(&inner) { &inner } else { place };
            self.key_error(place, Finding::new("spec::no_path", message, "add `path: /…`"));
        }
        if method.is_none() && (path.is_some() || !is_read) && !self.was_reported(place, "method") {
            let message = if is_read {
                "a read request must specify a method if a path is provided"
            } else {
                "a request must specify a method"
            };
            self.second_key_error(place, Finding::new("spec::no_method", message, "add `method: GET`"));
        }
        Some(Target { method: method?, path: Template::parse(&path?) })
    }

    fn query_params(&mut self, place: &str, params: Option<Vec<raw::QueryParam>>) -> Vec<QueryParam> {
        let mut lowered = Vec::new();
        for (index, param) in params.unwrap_or_default().into_iter().enumerate() {
            let name = param.name.clone().unwrap_or_default();
            let value = query_value(self, &format!("{place}[{index}]"), param);
            // A value that was refused leaves its name, which pagination may ask for.
            lowered.push(QueryParam { name, value: value.unwrap_or(QueryValue::Integer(0)) });
        }
        lowered
    }

    fn ignore_errors(&mut self, place: &str, raw: Option<Value>) -> IgnoreErrors {
        match raw {
            Some(Value::Bool(true)) => IgnoreErrors::Always,
            Some(Value::Array(items)) if !items.is_empty() => {
                let codes = items.iter().filter_map(Value::as_i64).collect();
                IgnoreErrors::Statuses(self.statuses(place, codes))
            }
            _ => IgnoreErrors::Never,
        }
    }
}

/// The value of a query param in any of its spellings; without one it is reported.
pub(super) fn query_value(
    lowering: &mut Lowering<'_>,
    place: &str,
    raw: raw::QueryParam,
) -> Option<QueryValue> {
    if let Some(param) = raw.connector_param {
        return Some(QueryValue::Text(Template::parse(&format!("<{param}>"))));
    }
    match raw.value.or(raw.default_value) {
        Some(Scalar::Text(text)) => Some(QueryValue::Text(Template::parse(&text))),
        Some(Scalar::Integer(number)) => Some(QueryValue::Integer(number)),
        None => {
            if !lowering.is_written(&format!("{place}.value")) {
                let message = "Field required: this item has no `value`";
                lowering.key_error(place, Finding::new("spec::missing_key", message, "add `value: …`"));
            }
            None
        }
    }
}

/// A name with its value.
pub(super) fn name_template(name: String, value: Template) -> NameTemplate {
    NameTemplate { name, value }
}

fn headers(raw: Option<Vec<raw::NameValue>>) -> Vec<NameTemplate> {
    let complete =
        |header: raw::NameValue| Some(NameTemplate { name: header.name?, value: template(header.value?) });
    raw.unwrap_or_default().into_iter().filter_map(complete).collect()
}

/// The effect table of architecture §5.
fn effect(raw: &raw::Request, target: Option<&Target>, kind: Kind) -> Effect {
    match raw.effect {
        Some(EffectWord::Read) => return Effect::Read,
        Some(EffectWord::Write) => return Effect::Write,
        None => {}
    }
    if is_named(raw.script.as_deref()) && kind == Kind::Test {
        return Effect::Read;
    }
    match target.map(|target| target.method) {
        Some(Method::Get | Method::Head | Method::Options) => Effect::Read,
        Some(Method::Put | Method::Patch | Method::Delete) => Effect::Write,
        Some(Method::Post) | None => kind.effect_of_post(),
    }
}

/// Keys that describe a request, of which there is none next to a script.
fn keys_beside_script(raw: &raw::Request) -> Vec<&'static str> {
    let says_how_it_ends = ["client_config", "ignore_errors", "rate_limit_config", "postprocessors"];
    let mut keys = truthy_keys(raw);
    keys.retain(|key| !says_how_it_ends.contains(key));
    if raw.batch.is_some() {
        keys.push("batch");
    }
    keys
}

/// Keys of the contract, besides the two that may stand next to an override, that say something.
fn truthy_keys(raw: &raw::Request) -> Vec<&'static str> {
    let keys = [
        ("method", raw.method.is_some()),
        ("path", is_named(raw.path.as_deref())),
        ("headers", raw.headers.as_ref().is_some_and(|items| !items.is_empty())),
        ("query_params", raw.query_params.as_ref().is_some_and(|items| !items.is_empty())),
        ("body", is_named(raw.body.as_deref())),
        ("client_config", raw.client_config.is_some()),
        ("data_path", is_named(raw.data_path.as_deref())),
        ("postprocessors", raw.postprocessors.as_ref().is_some_and(|items| !items.is_empty())),
        ("pagination", raw.pagination.is_some()),
        ("ignore_errors", raw.ignore_errors.as_ref().is_some_and(|value| !model::is_falsy(value))),
        ("rate_limit_config", raw.rate_limit_config.is_some()),
        ("skip_missing_param_values", raw.skip_missing_param_values == Some(true)),
        ("async_config", raw.async_config.is_some()),
        ("correlation_id_path", is_named(raw.correlation_id_path.as_deref())),
        ("output", is_named(raw.output.as_deref())),
    ];
    keys.into_iter().filter(|(_, is_truthy)| *is_truthy).map(|(key, _)| key).collect()
}

fn is_named(text: Option<&str>) -> bool {
    text.is_some_and(|text| !text.is_empty())
}

fn lower_method(word: MethodWord) -> Method {
    match word {
        MethodWord::Get => Method::Get,
        MethodWord::Post => Method::Post,
        MethodWord::Put => Method::Put,
        MethodWord::Patch => Method::Patch,
        MethodWord::Delete => Method::Delete,
        MethodWord::Options => Method::Options,
        MethodWord::Head => Method::Head,
    }
}
