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
