use schemars::JsonSchema;
use serde::Deserialize;

use super::{OneOrMany, Rectify, Request};
use crate::raw::extension::Verify;

/// One collection of the application.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct Endpoint {
    /// Name of the collection; the dataset describes its fields under the same name.
    #[schemars(required)]
    pub(crate) name: Option<String>,
    /// How to read, change and delete its rows.
    #[schemars(required)]
    pub(crate) requests: Option<EndpointRequests>,
    /// Leave the collection out.
    pub(crate) skip_processing: Option<bool>,
    /// Collections that are read first, each as `dataset.collection`.
    pub(crate) after: Option<Vec<String>>,
    /// Collections that are erased first, each as `dataset.collection`.
    pub(crate) erase_after: Option<Vec<String>>,
    /// The read that proves a write of this endpoint: the name of an endpoint, or a request.
    pub(crate) verify: Option<Verify>,
    /// How to correct a field of a row.
    pub(crate) rectify: Option<Rectify>,
}

/// The requests of one endpoint.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct EndpointRequests {
    /// Reads rows: one request or a list.
    #[serde(default)]
    #[schemars(with = "OneOrMany<Request>")]
    pub(crate) read: Option<OneOrMany<Request>>,
    /// Overwrites a row with masked values. A list holds variants: the first whose `when` holds is
    /// sent.
    pub(crate) update: Option<OneOrMany<Request>>,
    /// Deletes a row. A list holds variants: the first whose `when` holds is sent.
    pub(crate) delete: Option<OneOrMany<Request>>,
}
