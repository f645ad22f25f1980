//! The operations, one file per noun. Paths are below `/api/v1` unless the noun says otherwise.

pub(crate) mod connection_type;
pub(crate) mod connector_file;
pub(crate) mod connector_template;
pub(crate) mod health;
pub(crate) mod policy;
pub(crate) mod storage;

use utoipa_axum::router::OpenApiRouter;

use crate::state::ApiState;

/// All nouns below `/api/v1`.
pub(crate) fn api() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .merge(connection_type::routes())
        .merge(connector_file::routes())
        .merge(connector_template::routes())
        .merge(policy::routes())
        .merge(storage::routes())
}
