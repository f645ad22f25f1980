use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use model::{IdSource, Path, Row};
use serde_json::Value;
use spec::connector_file::{ParamSource, ParamValue};
use zeroize::Zeroize;

use crate::bound::{Bound, BoundKind};

/// The values that placeholders are looked up in, each with where it came from (saas-config 11.6).
///
/// Values are personal data and secrets: `Debug` shows names only, texts are wiped on drop.
#[derive(Clone)]
pub(crate) struct ValueMap {
    /// Always an object.
    values: Value,
    origins: HashMap<String, Origin>,
    /// Names of which `"<name>"` stands for a list: one text for each element.
    spread: HashSet<String>,
    /// Whether values were bound: then every placeholder that is no param of the connector narrows the answer.
    is_bound: bool,
}

/// Where a value came from; decides how far it is trusted and whether a recording hides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// An identity of the person.
    Identity,
    /// A field of a row read before.
    Reference,
    /// A secret of the connection: the operator's own text.
    Secret,
    /// Part of the privacy request (saas-config 11.12).
    Request,
    /// Made by us (saas-config 11.10).
    Special,
    /// Bound by whoever asks, about no person of a privacy request.
    Bound(BoundKind),
}

impl Origin {
    /// Whether the value says something about a person.
    pub(crate) fn is_personal(self) -> bool {
        match self {
            Self::Identity | Self::Reference | Self::Request | Self::Bound(BoundKind::Personal) => true,
            Self::Secret | Self::Special | Self::Bound(BoundKind::Plain | BoundKind::Moment) => false,
        }
    }

    /// Whether the value differs in every run.
    pub(crate) fn is_changing(self) -> bool {
        match self {
            Self::Special | Self::Bound(BoundKind::Moment) => true,
            Self::Identity | Self::Reference | Self::Request | Self::Secret => false,
            Self::Bound(BoundKind::Personal | BoundKind::Plain) => false,
        }
    }
}

impl From<&ParamSource> for Origin {
    fn from(source: &ParamSource) -> Self {
        match source {
            ParamSource::Identity(_) => Self::Identity,
            ParamSource::References(_) => Self::Reference,
            ParamSource::ConnectorParam(_) => Self::Secret,
        }
    }
}

/// What the special placeholders of one request are made from (saas-config 11.10–11.13).
#[derive(Clone, Copy)]
pub(crate) struct SpecialValues<'a> {
    /// Id of the privacy request.
    pub(crate) privacy_request_id: &'a str,
    /// Members of the privacy request.
    pub(crate) privacy_request: &'a Row,
    /// Custom fields of the privacy request; left out when empty.
    pub(crate) custom_fields: &'a Row,
    /// Names of the typed top-level fields of the collection, in alphabetical order.
    pub(crate) field_list: Option<&'a str>,
    /// What the answer is to bring when it comes later, by a call of the application.
    pub(crate) reply_to_token: Option<&'a str>,
}

/// Where an application calls back (saas-config 11.10).
const REPLY_TO: &str = "/api/v1/request-task/callback";

impl ValueMap {
    /// A map without values.
    pub(crate) fn new() -> Self {
        Self {
            values: Value::Object(Row::new()),
            origins: HashMap::new(),
            spread: HashSet::new(),
            is_bound: false,
        }
    }

    /// Sets `name`; null leaves it unresolved.
    pub(crate) fn insert(&mut self, name: impl Into<String>, value: Value, origin: Origin) {
        let name = name.into();
        self.origins.insert(name.clone(), origin);
        if let Value::Object(members) = &mut self.values {
            members.insert(name, value);
        }
    }

    /// Sets the value of a declared param value under its param name.
    pub(crate) fn insert_param(&mut self, param: &ParamValue, value: Value) {
        self.insert(param.name.clone(), value, Origin::from(&param.source));
    }

    /// Sets `name` to all values of a batch: `"<name>"` in JSON becomes one text for each.
    pub(crate) fn insert_batch(&mut self, name: &str, values: Vec<Value>, origin: Origin) {
        self.spread.insert(name.to_owned());
        self.insert(name, Value::Array(values), origin);
    }

    /// Whether `name` holds the values of a batch.
    pub(crate) fn is_batch(&self, name: &str) -> bool {
        self.spread.contains(name)
    }

    /// Sets the special placeholders; they win over params of the same name. Call it once for each
    /// prepared request: `<uuid>` is new every time.
    pub(crate) fn insert_special(&mut self, special: SpecialValues<'_>, now: Timestamp, ids: &dyn IdSource) {
        self.insert("privacy_request_id", special.privacy_request_id.into(), Origin::Special);
        self.insert("privacy_request", Value::Object(special.privacy_request.clone()), Origin::Request);
        if !special.custom_fields.is_empty() {
            self.insert(
                "custom_privacy_request_fields",
                Value::Object(special.custom_fields.clone()),
                Origin::Request,
            );
        }
        self.insert_chance(now, ids);
        if let Some(field_list) = special.field_list {
            self.insert("field_list", field_list.into(), Origin::Special);
        }
        if let Some(token) = special.reply_to_token {
            self.insert("reply_to", REPLY_TO.into(), Origin::Special);
            // Whoever has it can answer in the application's place.
            self.insert("reply_to_token", token.into(), Origin::Secret);
        }
    }

    /// Sets the special placeholders that are about no person.
    pub(crate) fn insert_chance(&mut self, now: Timestamp, ids: &dyn IdSource) {
        self.insert("uuid", ids.random_uuid().to_string().into(), Origin::Special);
        self.insert(
            "iso_8601_datetime",
            now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into(),
            Origin::Special,
        );
    }

    /// Sets what `bound` binds; its names win.
    pub(crate) fn bind(&mut self, bound: &Bound) {
        self.is_bound = true;
        for (name, value) in bound.values() {
            // An origin belongs to what stood there before.
            self.origins.retain(|path, _| path.split('.').next() != Some(name));
            if let Value::Object(members) = &mut self.values {
                members.insert(name.to_owned(), value.clone());
            }
        }
        self.origins.extend(bound.origins().map(|(path, kind)| (path.to_owned(), Origin::Bound(kind))));
    }

    /// Whether values were bound.
    pub(crate) fn is_bound(&self) -> bool {
        self.is_bound
    }

    /// The value at `path`; null counts as missing (saas-config 11.3).
    pub(crate) fn find(&self, path: &Path) -> Option<&Value> {
        path.find(&self.values)
    }

    /// Where the value at `path` came from: what is known about the nearest path that leads to it.
    pub(crate) fn origin(&self, path: &Path) -> Option<Origin> {
        let mut segments = path.segments();
        let mut name = segments.next()?.to_owned();
        let mut found = self.origins.get(&name);
        for segment in segments {
            name.push('.');
            name.push_str(segment);
            found = self.origins.get(&name).or(found);
        }
        found.copied()
    }

    /// The value called `name`, no path; null counts as missing.
    pub(crate) fn find_name(&self, name: &str) -> Option<&Value> {
        self.values.get(name).filter(|value| !value.is_null())
    }

    /// The names, in the order set.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.values.as_object().into_iter().flat_map(|members| members.keys().map(String::as_str))
    }
}

impl Drop for ValueMap {
    fn drop(&mut self) {
        wipe(&mut self.values);
    }
}

impl std::fmt::Debug for ValueMap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// Wipes every text in `value`.
pub(crate) fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use model::RandomIds;
    use serde_json::json;

    use super::*;

    fn special_of<'a>(request: &'a Row, custom: &'a Row) -> SpecialValues<'a> {
        SpecialValues {
            privacy_request_id: "pri_1",
            privacy_request: request,
            custom_fields: custom,
            field_list: Some("name,zip"),
            reply_to_token: None,
        }
    }

    fn find(values: &ValueMap, path: &str) -> Option<Value> {
        values.find(&path.parse().unwrap()).cloned()
    }

    // rule: saas-config 11.3
    #[test]
    fn a_name_is_a_path_into_the_map() {
        let mut values = ValueMap::new();
        values.insert("user", json!({"name": "Ana"}), Origin::Reference);
        values.insert("list", json!([{"id": 7}]), Origin::Reference);

        assert_eq!(find(&values, "user.name"), Some(json!("Ana")));
        assert_eq!(find(&values, "list.0.id"), Some(json!(7)));
        assert_eq!(values.origin(&"user.name".parse().unwrap()), Some(Origin::Reference));
        assert_eq!(find(&values, "user.age"), None);
    }

    // rule: saas-config 11.10
    // rule: saas-config 11.11
    // rule: saas-config 11.12
    // rule: saas-config 11.13
    #[test]
    fn special_placeholders_win_over_params_and_time_is_utc() {
        let request = json!({"id": "pri_1", "location": "FR"}).as_object().unwrap().clone();
        let custom = Row::new();
        let mut values = ValueMap::new();
        values.insert("uuid", json!("mine"), Origin::Reference);
        let now: Timestamp = "2025-03-01T10:20:30.5+02:00".parse().unwrap();

        values.insert_special(special_of(&request, &custom), now, &RandomIds);

        assert_ne!(find(&values, "uuid"), Some(json!("mine")));
        assert_eq!(find(&values, "iso_8601_datetime"), Some(json!("2025-03-01T08:20:30Z")));
        assert_eq!(find(&values, "privacy_request_id"), Some(json!("pri_1")));
        assert_eq!(find(&values, "privacy_request.location"), Some(json!("FR")));
        assert_eq!(find(&values, "field_list"), Some(json!("name,zip")));
        assert_eq!(find(&values, "custom_privacy_request_fields"), None, "left out when empty");
    }

    // rule: saas-config 11.10
    #[test]
    fn uuid_is_new_for_each_prepared_request() {
        let (request, custom) = (Row::new(), json!({"branch": "north"}).as_object().unwrap().clone());
        let mut values = ValueMap::new();

        values.insert_special(special_of(&request, &custom), Timestamp::UNIX_EPOCH, &RandomIds);
        let first = find(&values, "uuid");
        values.insert_special(special_of(&request, &custom), Timestamp::UNIX_EPOCH, &RandomIds);

        assert_ne!(first, find(&values, "uuid"));
        assert_eq!(find(&values, "custom_privacy_request_fields.branch"), Some(json!("north")));
    }

    #[test]
    fn debug_shows_names_only() {
        let mut values = ValueMap::new();
        values.insert("token", json!("canary"), Origin::Secret);

        assert_eq!(format!("{values:?}"), "{\"token\"}");
    }
}
