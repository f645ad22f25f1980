use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::body::reason;
use crate::{ApiError, Invalid};

/// The query of a call; a name may come several times where a list is meant.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let pairs = parts.uri.query().unwrap_or_default().as_bytes();
        let reader = serde_html_form::Deserializer::from_bytes(pairs);
        serde_path_to_error::deserialize(reader).map(Self).map_err(|error| {
            let path = error.path().to_string();
            let name = (path != ".").then(|| json!(path));
            let loc = [json!("query")].into_iter().chain(name).collect();
            ApiError::Invalid(vec![parsing(loc, &error.inner().to_string())])
        })
    }
}

/// What is wrong with a text that should have been something else.
fn parsing(loc: Vec<Value>, text: &str) -> Invalid {
    if text.contains("digit") || text.contains("number too") || text.contains("integer") {
        return Invalid::new("int_parsing", loc, "expected a whole number");
    }
    if text.contains("`true` or `false`") {
        return Invalid::new("bool_parsing", loc, "expected `true` or `false`");
    }
    reason(loc, text)
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use rstest::rstest;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Saas,
        Manual,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Filter {
        search: Option<String>,
        disabled: Option<bool>,
        number: Option<u32>,
        #[serde(default)]
        kind: Vec<Kind>,
    }

    async fn read(query: &str) -> Result<Filter, ApiError> {
        let (mut parts, ()) = Request::get(format!("/?{query}")).body(()).unwrap().into_parts();
        Query::from_request_parts(&mut parts, &()).await.map(|Query(filter)| filter)
    }

    #[tokio::test]
    async fn a_name_may_come_several_times_and_values_are_decoded() {
        let filter = read("search=a%26b+c&disabled=false&kind=saas&kind=manual&other=1").await.unwrap();

        let kind = vec![Kind::Saas, Kind::Manual];
        let search = Some("a&b c".to_owned());
        assert_eq!(filter, Filter { search, disabled: Some(false), number: None, kind });
    }

    #[rstest]
    #[case("disabled=maybe", "bool_parsing", json!(["query", "disabled"]), "expected `true` or `false`")]
    #[case("number=x", "int_parsing", json!(["query", "number"]), "expected a whole number")]
    #[case("number=-1", "int_parsing", json!(["query", "number"]), "expected a whole number")]
    #[case("kind=saas&kind=x", "enum", json!(["query", "kind[1]"]), "expected `saas` or `manual`")]
    #[tokio::test]
    async fn a_value_that_does_not_fit_is_told_with_its_name(
        #[case] query: &str,
        #[case] kind: &str,
        #[case] loc: Value,
        #[case] msg: &str,
    ) {
        let ApiError::Invalid(list) = read(query).await.unwrap_err() else { panic!("a list") };

        assert_eq!((list[0].kind.as_str(), json!(list[0].loc), list[0].msg.as_str()), (kind, loc, msg));
    }
}
