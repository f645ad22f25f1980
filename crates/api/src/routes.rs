//! The operations, one file per noun. Paths are below `/api/v1` unless the noun says otherwise.

#![expect(unused_qualifications, reason = "the macro that describes operations writes paths around names")]

pub(crate) mod access_change;
pub(crate) mod application;
pub(crate) mod audit_log;
pub(crate) mod config;
pub(crate) mod connection;
pub(crate) mod connection_instance;
pub(crate) mod connection_sync;
pub(crate) mod connection_type;
pub(crate) mod connector_file;
pub(crate) mod connector_template;
pub(crate) mod connector_token;
pub(crate) mod consent_request;
pub(crate) mod cryptography;
pub(crate) mod ctl_dataset;
pub(crate) mod dataset;
pub(crate) mod docs;
pub(crate) mod drp;
pub(crate) mod failure_notice;
pub(crate) mod health;
pub(crate) mod hold;
pub(crate) mod inventory;
pub(crate) mod manual_task;
pub(crate) mod manual_webhook;
pub(crate) mod masking;
pub(crate) mod messaging;
pub(crate) mod metrics;
pub(crate) mod oauth_client;
pub(crate) mod oauth_scope;
pub(crate) mod oauth_token;
pub(crate) mod owner;
pub(crate) mod policy;
pub(crate) mod portal;
pub(crate) mod privacy_request;
mod resource;
pub(crate) mod self_hosted;
pub(crate) mod session;
pub(crate) mod sign_in;
pub(crate) mod storage;
pub(crate) mod system;
pub(crate) mod taxonomy;
pub(crate) mod user;
pub(crate) mod webhook;
pub(crate) mod worker;

use crate::documented::OpenApiRouter;
use crate::state::ApiState;

/// All nouns below `/api/v1`.
pub(crate) fn api() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .merge(access_change::routes())
        .merge(application::routes())
        .merge(audit_log::routes())
        .merge(config::routes())
        .merge(connection::routes())
        .merge(connection_instance::routes())
        .merge(connection_sync::routes())
        .merge(connection_type::routes())
        .merge(connector_file::routes())
        .merge(connector_template::routes())
        .merge(consent_request::routes())
        .merge(cryptography::routes())
        .merge(ctl_dataset::routes())
        .merge(dataset::routes())
        .merge(drp::routes())
        .merge(failure_notice::routes())
        .merge(hold::routes())
        .merge(inventory::routes())
        .merge(manual_task::routes())
        .merge(manual_webhook::routes())
        .merge(masking::routes())
        .merge(messaging::routes())
        .merge(oauth_client::routes())
        .merge(oauth_scope::routes())
        .merge(oauth_token::routes())
        .merge(owner::routes())
        .merge(policy::routes())
        .merge(privacy_request::routes())
        .merge(self_hosted::routes())
        .merge(session::routes())
        .merge(sign_in::routes())
        .merge(storage::routes())
        .merge(system::routes())
        .merge(taxonomy::routes())
        .merge(user::routes())
        .merge(webhook::routes())
        .merge(worker::routes())
}
