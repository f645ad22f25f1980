//! Which privacy requests something is done to: ids, or a search.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Ref, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::filter::Search;
use crate::body::from_value;
use crate::{ApiError, Invalid};

/// The most requests that are changed at once.
pub(super) const MOST: usize = 10_000;

/// Which privacy requests, and why.
#[derive(Debug)]
pub(super) struct Selection {
    /// Which.
    pub(super) which: Which,
    /// Why, for those who read it later.
    pub(super) reason: Option<String>,
}

/// Which privacy requests.
#[derive(Debug)]
pub(super) enum Which {
    /// These.
    Ids(Vec<String>),
    /// Those that fit, but for some.
    Found {
        /// What they have to fit.
        filters: Box<Search>,
        /// Those left out.
        except: Vec<String>,
    },
}

#[derive(Deserialize)]
struct Written {
    request_ids: Option<Vec<String>>,
    filters: Option<Search>,
    exclude_ids: Option<Vec<String>>,
    reason: Option<String>,
}

const NEITHER: &str =
    "At least one of 'request_ids' or 'filters' must be provided. 'request_ids' cannot be empty.";
const BOTH: &str = "'request_ids' and 'filters' are mutually exclusive. Please provide only one.";
const NOTHING_TO_EXCLUDE: &str = "'exclude_ids' can only be used with 'filters', not with 'request_ids'";

/// The longest reason, in characters.
const LONGEST_REASON: usize = 10_000;

impl Selection {
    /// Reads a list of ids, `{request_ids}`, or `{filters, exclude_ids}`.
    pub(super) fn read(body: &Value) -> Result<Self, ApiError> {
        let at_body = [json!("body")];
        let list = |invalid| ApiError::Invalid(vec![invalid]);
        if body.is_array() {
            let ids: Vec<String> = from_value(&at_body, body).map_err(list)?;
            return Self::of_ids(ids, None, &[]);
        }
        let written: Written = from_value(&at_body, body).map_err(list)?;
        let reason = written.reason.filter(|reason| !reason.trim().is_empty());
        if reason.as_ref().is_some_and(|reason| reason.chars().count() > LONGEST_REASON) {
            let text = format!("at most {LONGEST_REASON} characters");
            return Err(ApiError::invalid("string_too_long", vec![json!("body"), json!("reason")], text));
        }
        match (written.request_ids, written.filters, written.exclude_ids) {
            (Some(_), Some(_), _) => Err(refused(BOTH)),
            (Some(ids), None, Some(except)) if !ids.is_empty() && !except.is_empty() => {
                Err(refused(NOTHING_TO_EXCLUDE))
            }
            (Some(ids), None, _) => Self::of_ids(ids, reason, &[json!("request_ids")]),
            (None, Some(filters), except) => {
                let which = Which::Found { filters: Box::new(filters), except: except.unwrap_or_default() };
                Ok(Self { which, reason })
            }
            (None, None, _) => Err(refused(NEITHER)),
        }
    }

    fn of_ids(mut ids: Vec<String>, reason: Option<String>, at: &[Value]) -> Result<Self, ApiError> {
        if ids.is_empty() {
            return Err(refused(NEITHER));
        }
        if ids.len() > MOST {
            let loc = [&[json!("body")], at].concat();
            return Err(ApiError::invalid("too_long", loc, format!("at most {MOST} ids at once")));
        }
        let mut seen = std::collections::HashSet::new();
        ids.retain(|id| seen.insert(id.clone()));
        Ok(Self { which: Which::Ids(ids), reason })
    }
}

fn refused(text: &str) -> ApiError {
    ApiError::Invalid(vec![Invalid::new("value_error", vec![json!("body")], text)])
}

/// Too many fit.
pub(super) fn too_many(found: u64) -> ApiError {
    ApiError::BadRequest(format!(
        "{found} privacy requests fit; at most {MOST} are changed at once, so narrow the filters"
    ))
}

impl PartialSchema for Selection {
    fn schema() -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let ids = || ArrayBuilder::new().items(text());
        let object = ObjectBuilder::new()
            .property("request_ids", ids())
            .property("filters", Ref::from_schema_name("Search"))
            .property("exclude_ids", ids())
            .property("reason", text());
        OneOfBuilder::new().item(ids()).item(object).into()
    }
}

impl ToSchema for Selection {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Selection")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Search::name().into_owned(), Search::schema()));
        Search::schemas(schemas);
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    // rule: fides-api 11.4
    #[rstest]
    #[case(json!(["a", "b", "a"]), &["a", "b"], None)]
    #[case(json!({"request_ids": ["a"], "reason": "why"}), &["a"], Some("why"))]
    #[case(json!({"request_ids": ["a"], "reason": " ", "exclude_ids": []}), &["a"], None)]
    fn ids_come_as_a_list_or_by_name(
        #[case] body: Value,
        #[case] expected: &[&str],
        #[case] reason: Option<&str>,
    ) {
        let selection = Selection::read(&body).unwrap();

        let Which::Ids(ids) = selection.which else { panic!("ids") };
        assert_eq!(
            (ids, selection.reason.as_deref()),
            (expected.iter().map(|id| (*id).to_owned()).collect(), reason)
        );
    }

    // rule: fides-api 11.4
    #[rstest]
    #[case(json!([]), NEITHER)]
    #[case(json!({}), NEITHER)]
    #[case(json!({"request_ids": []}), NEITHER)]
    #[case(json!({"request_ids": [], "exclude_ids": ["a"]}), NEITHER)]
    #[case(json!({"request_ids": ["a"], "filters": {}}), BOTH)]
    #[case(json!({"request_ids": ["a"], "exclude_ids": ["b"]}), NOTHING_TO_EXCLUDE)]
    #[case(json!({"filters": {"statuss": "x"}}), "no such key here")]
    #[case(json!(null), "expected struct Written")]
    fn what_names_nothing_or_two_things_is_refused(#[case] body: Value, #[case] expected: &str) {
        let ApiError::Invalid(wrong) = Selection::read(&body).unwrap_err() else { panic!("a list") };

        assert_eq!(wrong[0].msg, expected);
    }

    // rule: fides-api 11.4
    #[test]
    fn a_search_may_leave_some_out() {
        let body = json!({"filters": {"status": "pending"}, "exclude_ids": ["a"]});

        let Which::Found { except, .. } = Selection::read(&body).unwrap().which else { panic!("a search") };

        assert_eq!(except, ["a"]);
    }
}
