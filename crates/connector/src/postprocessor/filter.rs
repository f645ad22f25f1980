use model::{is_falsy, loosely_equal};
use serde_json::{Number, Value};
use spec::connector_file::{Filter, Wanted};
use unicase::UniCase;

use super::{PostprocessorContext, Problem};

/// Keeps what matches (saas-config 15.5).
pub(super) fn apply(
    filter: &Filter,
    data: Value,
    context: PostprocessorContext<'_>,
) -> Result<Value, Problem> {
    let nothing = || Value::Array(Vec::new());
    if is_falsy(&data) {
        return Ok(nothing());
    }
    let Some(matcher) = Matcher::new(filter, context)? else { return Ok(nothing()) };
    match data {
        Value::Array(items) => {
            let mut kept = Vec::new();
            for item in items {
                if matcher.matches(&item)? {
                    kept.push(item);
                }
            }
            Ok(Value::Array(kept))
        }
        Value::Object(_) => Ok(if matcher.matches(&data)? { data } else { nothing() }),
        Value::String(_) => Err(Problem::Data { kind: "a text" }),
        Value::Number(_) => Err(Problem::Data { kind: "a number" }),
        Value::Bool(_) | Value::Null => Err(Problem::Data { kind: "a boolean" }),
    }
}

/// A filter with its wanted values, ready to be applied to many elements.
struct Matcher<'a> {
    filter: &'a Filter,
    wanted: WantedValues,
}

/// All of one kind; texts are case-folded if the filter ignores case.
enum WantedValues {
    Texts(Vec<String>),
    Integers(Vec<Value>),
}

impl<'a> Matcher<'a> {
    /// `None` where nothing can match, because there is nothing to look for.
    fn new(filter: &'a Filter, context: PostprocessorContext<'_>) -> Result<Option<Self>, Problem> {
        let values = match &filter.wanted {
            Wanted::Text(text) => vec![Value::String(text.clone())],
            Wanted::Identity(kind) => known(identity(kind, context)),
            Wanted::DatasetReference(None) => Vec::new(),
            Wanted::DatasetReference(Some(reference)) => {
                known(context.filter_values.get(reference).ok_or_else(|| Problem::UnknownReference {
                    reference: format!(
                        "{}.{}.{}",
                        reference.dataset,
                        reference.collection,
                        reference.path.join(".")
                    ),
                })?)
            }
        };
        if values.is_empty() {
            return Ok(None);
        }
        let wanted = WantedValues::new(values, filter.case_sensitive)?;
        Ok(Some(Self { filter, wanted }))
    }

    fn matches(&self, element: &Value) -> Result<bool, Problem> {
        match target(&self.filter.field, element) {
            Some(target) => self.matches_target(&target),
            // The element lacks the field: it is dropped, and only it (saas-config 15.8).
            None => Ok(false),
        }
    }

    fn matches_target(&self, target: &Value) -> Result<bool, Problem> {
        let refuse = |kind| Problem::Target { field: self.filter.field.join("."), kind };
        match target {
            Value::Null => Ok(false),
            Value::Bool(_) => Ok(self.matches_integer(target)),
            Value::Number(number) if is_integer(number) => Ok(self.matches_integer(target)),
            Value::Number(_) => Err(refuse("a number with a fraction")),
            Value::String(text) => Ok(self.matches_text(text)),
            Value::Object(_) => Err(refuse("an object")),
            Value::Array(items) if items.iter().all(Value::is_string) => {
                Ok(items.iter().filter_map(Value::as_str).any(|text| self.matches_text(text)))
            }
            Value::Array(items) if items.iter().all(is_integer_value) => {
                Ok(items.iter().any(|item| self.matches_integer(item)))
            }
            Value::Array(_) => Err(refuse("a list of mixed kinds")),
        }
    }

    fn matches_integer(&self, target: &Value) -> bool {
        match &self.wanted {
            WantedValues::Integers(wanted) => wanted.iter().any(|value| loosely_equal(value, target)),
            WantedValues::Texts(_) => false,
        }
    }

    fn matches_text(&self, target: &str) -> bool {
        let WantedValues::Texts(wanted) = &self.wanted else { return false };
        let folded;
        let target = if self.filter.case_sensitive {
            target
        } else {
            folded = fold(target);
            &folded
        };
        wanted
            .iter()
            .any(|text| if self.filter.exact { text == target } else { target.contains(text.as_str()) })
    }
}

impl WantedValues {
    fn new(values: Vec<Value>, case_sensitive: bool) -> Result<Self, Problem> {
        if values.iter().all(is_integer_value) {
            return Ok(Self::Integers(values));
        }
        let mut texts = Vec::with_capacity(values.len());
        for value in values {
            match value {
                Value::String(text) => texts.push(if case_sensitive { text } else { fold(&text) }),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                    return Err(Problem::WantedMixed);
                }
            }
        }
        Ok(Self::Texts(texts))
    }
}

/// Values worth looking for. An empty text is contained in every text: it would match everybody.
fn known(values: &[Value]) -> Vec<Value> {
    values.iter().filter(|value| !value.is_null() && value.as_str() != Some("")).cloned().collect()
}

/// The person's identity of this kind; files of other engines write `customer_id.value` for the plain
/// value of a custom one (saas-config 10.6).
fn identity<'a>(kind: &str, context: PostprocessorContext<'a>) -> &'a [Value] {
    match (context.identities.values(kind), kind.strip_suffix(".value")) {
        ([], Some(plain)) => context.identities.values(plain),
        (values, _) => values,
    }
}

/// What the field holds in `element` (saas-config 15.6); `None` if the key is absent.
fn target(field: &[String], element: &Value) -> Option<Value> {
    let Some((segment, rest)) = field.split_first() else { return Some(element.clone()) };
    match element {
        Value::Object(members) => target(rest, members.get(segment)?),
        Value::Array(items) => {
            let found = items.iter().filter_map(|item| target(field, item));
            Some(Value::Array(super::flatten(found)))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Some(element.clone()),
    }
}

/// Full Unicode case folding: `ß` becomes `ss`.
fn fold(text: &str) -> String {
    UniCase::unicode(text).to_folded_case()
}

fn is_integer(number: &Number) -> bool {
    !number.to_string().contains(['.', 'e', 'E'])
}

fn is_integer_value(value: &Value) -> bool {
    match value {
        Value::Bool(_) => true,
        Value::Number(number) => is_integer(number),
        Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_) => false,
    }
}
