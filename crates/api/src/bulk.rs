use axum::extract::{FromRequest, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::body::{from_slice, from_value, json_bytes};
use crate::state::ApiState;
use crate::{ApiError, Invalid};

/// A list of elements that are done one by one; at most `MOST`.
///
/// All elements that cannot be read are told at once, and then none is done.
#[derive(Debug)]
pub(crate) struct Bulk<In, const MOST: usize = 50>(pub(crate) Vec<Element<In>>);

/// One element of a list, read, and as it was sent.
#[derive(Debug)]
pub(crate) struct Element<In> {
    /// What it says.
    pub(crate) input: In,
    /// As sent, without `secrets`.
    pub(crate) data: Value,
}

impl<In: DeserializeOwned, const MOST: usize> FromRequest<ApiState> for Bulk<In, MOST> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, ApiError> {
        let bytes = json_bytes(request, state).await?;
        let list: Vec<Value> = from_slice(&bytes).map_err(|invalid| ApiError::Invalid(vec![invalid]))?;
        elements(list, MOST).map(Self).map_err(ApiError::Invalid)
    }
}

fn elements<In: DeserializeOwned>(list: Vec<Value>, most: usize) -> Result<Vec<Element<In>>, Vec<Invalid>> {
    if list.len() > most {
        let text = format!("at most {most} elements at once, not {}", list.len());
        return Err(vec![Invalid::new("too_long", vec![json!("body")], text)]);
    }
    let mut elements = Vec::with_capacity(list.len());
    let mut wrong = Vec::new();
    for (position, mut data) in list.into_iter().enumerate() {
        match from_value(&[json!("body"), json!(position)], &data) {
            Ok(input) => {
                if let Value::Object(object) = &mut data {
                    object.shift_remove("secrets");
                }
                elements.push(Element { input, data });
            }
            Err(invalid) => wrong.push(invalid),
        }
    }
    if wrong.is_empty() { Ok(elements) } else { Err(wrong) }
}

/// What became of the elements of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BulkReply<T> {
    /// Those that were done.
    pub(crate) succeeded: Vec<T>,
    /// Those that were not.
    pub(crate) failed: Vec<Failure>,
}

/// An element that was not done.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Failure {
    /// Why.
    pub(crate) message: String,
    /// The element as sent, without secrets.
    pub(crate) data: Value,
}

impl<T> Default for BulkReply<T> {
    fn default() -> Self {
        Self { succeeded: Vec::new(), failed: Vec::new() }
    }
}

impl<T> BulkReply<T> {
    /// Enters what became of one element.
    pub(crate) fn enter(&mut self, outcome: Result<T, String>, data: Value) {
        match outcome {
            Ok(done) => self.succeeded.push(done),
            Err(message) => self.failed.push(Failure { message, data }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Thing {
        name: String,
    }

    // rule: fides-api 1.3
    #[test]
    fn all_wrong_elements_are_told_together() {
        let list = vec![json!({"name": 1}), json!({"name": "a"}), json!({}), json!(null)];

        let wrong = elements::<Thing>(list, 50).unwrap_err();

        let found: Vec<_> = wrong.iter().map(|one| json!([one.kind, one.loc])).collect();
        let expected = [
            json!(["string_type", ["body", 0, "name"]]),
            json!(["missing", ["body", 2, "name"]]),
            json!(["model_type", ["body", 3]]),
        ];
        assert_eq!(found, expected);
    }

    // rule: fides-api 1.3
    #[test]
    fn an_element_is_kept_as_it_was_sent_but_for_its_secrets() {
        let sent = r#"{"name": "a", "secrets": {"token": "canary"}, "other": [1.50]}"#.parse().unwrap();

        let elements = elements::<Thing>(vec![sent], 50).unwrap();

        assert_eq!(elements[0].input, Thing { name: "a".to_owned() });
        assert_eq!(elements[0].data.to_string(), r#"{"name":"a","other":[1.50]}"#);
    }

    // rule: fides-api 1.3
    #[test]
    fn a_list_may_have_so_many_elements_and_no_more() {
        let list = |count| vec![json!({"name": "a"}); count];

        assert_eq!(elements::<Thing>(list(50), 50).unwrap().len(), 50);
        assert_eq!(elements::<Thing>(list(51), 50).unwrap_err()[0].kind, "too_long");
        assert!(elements::<Thing>(Vec::new(), 50).unwrap().is_empty());
    }
}
