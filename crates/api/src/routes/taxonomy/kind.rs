//! The six operations of each kind: the same but for path and scopes, which have to stand in the text.

/// Six operations on entries of one kind.
macro_rules! operations {
    (
        $(#[doc = $doc:literal])+
        $module:ident, $kind:ident, $tag:literal,
        $path:literal, $upsert:literal, $entry:literal,
        ($read:literal, $create:literal, $update:literal, $delete:literal)
    ) => {
        $(#[doc = $doc])+
        pub(super) mod $module {
            use axum::Json;
            use axum::extract::{Path, State};
            use http::StatusCode;
            use serde_json::Value;
            use store::{PutMode, TaxonomyKind};

            use crate::documented::{OpenApiRouter, routes};
            use crate::ApiError;
            use crate::body::Body;
            use crate::bulk::Bulk;
            use crate::caller::Caller;
            use crate::paging::PageOrAll;
            use crate::query::Query;
            use crate::routes::resource::{Removed, Upserted};
            use crate::routes::taxonomy::{self, ListQuery, MOST};
            use crate::state::ApiState;

            const KIND: TaxonomyKind = TaxonomyKind::$kind;

            pub(in crate::routes::taxonomy) fn routes() -> OpenApiRouter<ApiState> {
                OpenApiRouter::new()
                    .routes(routes!(list, create, update))
                    .routes(routes!(upsert))
                    .routes(routes!(get, remove))
            }

            /// Entries, the default ones included: a page if `page` or `size` is given, else all.
            #[utoipa::path(
                get,
                path = $path,
                tag = $tag,
                security(("oauth2" = [$read])),
                params(PageOrAll, ListQuery),
                responses((status = 200, body = Object))
            )]
            async fn list(
                State(state): State<ApiState>,
                paging: PageOrAll,
                Query(query): Query<ListQuery>,
            ) -> Result<Json<Value>, ApiError> {
                taxonomy::list(&state, KIND, (paging, query)).await
            }

            /// One entry.
            #[utoipa::path(
                get,
                path = $entry,
                tag = $tag,
                security(("oauth2" = [$read])),
                params(("key" = String, Path, description = "Key of the entry")),
                responses((status = 200, body = Object), (status = 404))
            )]
            async fn get(
                State(state): State<ApiState>,
                Path(key): Path<String>,
            ) -> Result<Json<Value>, ApiError> {
                Ok(Json(state.connections().taxonomy_get(KIND, &key).await?))
            }

            /// Keeps a new entry.
            #[utoipa::path(
                post,
                path = $path,
                tag = $tag,
                security(("oauth2" = [$create])),
                request_body = Object,
                responses((status = 201, body = Object), (status = 409), (status = 422))
            )]
            async fn create(
                State(state): State<ApiState>,
                caller: Caller,
                Body(document): Body<Value>,
            ) -> Result<(StatusCode, Json<Value>), ApiError> {
                let kept = taxonomy::put(&state, caller, (KIND, &document, PutMode::Create)).await?;
                Ok((StatusCode::CREATED, kept))
            }

            /// Replaces an entry; a default one stays one.
            #[utoipa::path(
                put,
                path = $path,
                tag = $tag,
                security(("oauth2" = [$update])),
                request_body = Object,
                responses((status = 200, body = Object), (status = 404), (status = 422))
            )]
            async fn update(
                State(state): State<ApiState>,
                caller: Caller,
                Body(document): Body<Value>,
            ) -> Result<Json<Value>, ApiError> {
                taxonomy::put(&state, caller, (KIND, &document, PutMode::Update)).await
            }

            /// Keeps entries, whether there are any of their keys or not: all, or none.
            #[utoipa::path(
                post,
                path = $upsert,
                tag = $tag,
                security(("oauth2" = [$create, $update])),
                request_body = [Object],
                responses(
                    (status = 200, body = Upserted), (status = 201, body = Upserted), (status = 422)
                )
            )]
            async fn upsert(
                State(state): State<ApiState>,
                caller: Caller,
                Bulk(elements): Bulk<Value, MOST>,
            ) -> Result<(StatusCode, Json<Upserted>), ApiError> {
                taxonomy::put_all(&state, caller, (KIND, elements)).await
            }

            /// Removes an entry that nothing uses and that is no default one.
            #[utoipa::path(
                delete,
                path = $entry,
                tag = $tag,
                security(("oauth2" = [$delete])),
                params(("key" = String, Path, description = "Key of the entry")),
                responses((status = 200, body = Removed), (status = 404), (status = 409))
            )]
            async fn remove(
                State(state): State<ApiState>,
                caller: Caller,
                Path(key): Path<String>,
            ) -> Result<Json<Removed>, ApiError> {
                taxonomy::remove(&state, caller, (KIND, &key)).await
            }
        }
    };
}

operations!(
    /// Which data it is.
    data_category, DataCategory, "Data categories",
    "/data_category", "/data_category/upsert", "/data_category/{key}",
    ("data_category:read", "data_category:create", "data_category:update", "data_category:delete")
);
operations!(
    /// What data is used for.
    data_use, DataUse, "Data uses",
    "/data_use", "/data_use/upsert", "/data_use/{key}",
    ("data_use:read", "data_use:create", "data_use:update", "data_use:delete")
);
operations!(
    /// Whom data is about.
    data_subject, DataSubject, "Data subjects",
    "/data_subject", "/data_subject/upsert", "/data_subject/{key}",
    ("data_subject:read", "data_subject:create", "data_subject:update", "data_subject:delete")
);
operations!(
    /// Whose data it is.
    organization, Organization, "Organizations",
    "/organization", "/organization/upsert", "/organization/{key}",
    ("organization:read", "organization:create", "organization:update", "organization:delete")
);
