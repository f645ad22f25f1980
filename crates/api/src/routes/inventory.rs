//! Who has access to an application, as its last sync found it (governance 6, 7).

mod activity;
mod ask;
mod external;
mod finding;
mod lists;
mod owners;
mod people;
mod place;
mod question;
mod unused;

use crate::documented::OpenApiRouter;
use crate::state::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .merge(place::routes())
        .merge(activity::routes())
        .merge(lists::routes())
        .merge(question::routes())
        .merge(owners::routes())
        .merge(external::routes())
        .merge(unused::routes())
        .merge(finding::routes())
}
