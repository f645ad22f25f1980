//! Settings that may be changed while the server runs. What flags, environment or file say stays
//! above what is set here (architecture §13.11).

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use spec::server_settings::nested;
use spec::{SourceFile, check_server};
use store::OtherSettings;
use utoipa::{IntoParams, ToSchema};

use crate::body::{Body, from_value};
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::query::Query;
use crate::state::ApiState;
use crate::{ApiError, Invalid};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(read, change, replace, reset))
}

/// Settings that may be set here. What is absent stays as it is, or goes if all is replaced.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConfigChange {
    /// Where packages go.
    #[serde(skip_serializing_if = "Option::is_none")]
    storage: Option<StorageChange>,
    /// Messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    notifications: Option<NotificationsChange>,
    /// How requests of people are carried out. Other keys are passed over.
    #[serde(skip_serializing_if = "Option::is_none")]
    execution: Option<ExecutionChange>,
    /// Who may call.
    #[serde(skip_serializing_if = "Option::is_none")]
    security: Option<SecurityChange>,
    /// Consent.
    #[serde(skip_serializing_if = "Option::is_none")]
    consent: Option<ConsentChange>,
    /// The console.
    #[serde(skip_serializing_if = "Option::is_none")]
    admin_ui: Option<AdminUiChange>,
    /// The page for the people themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    privacy_center: Option<PrivacyCenterChange>,
    /// Which requests count as the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    privacy_request_duplicate_detection: Option<DuplicatesChange>,
    /// Action → key of the policy that is taken where none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    default_policies: Option<BTreeMap<String, String>>,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StorageChange {
    /// The kind of place that is taken where a rule names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    active_default_storage_type: Option<StorageKind>,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum StorageKind {
    /// Amazon S3, or what speaks its protocol.
    S3,
    /// Google Cloud Storage.
    Gcs,
    /// A folder of the server.
    Local,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NotificationsChange {
    /// The service that sends.
    #[serde(skip_serializing_if = "Option::is_none")]
    notification_service_type: Option<MessagingService>,
    /// Whether the arrival of a request is confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    send_request_receipt_notification: Option<bool>,
    /// Whether approval and denial are told.
    #[serde(skip_serializing_if = "Option::is_none")]
    send_request_review_notification: Option<bool>,
    /// Whether the end of a request is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    send_request_completion_notification: Option<bool>,
    /// Whether templates of the property decide in place of these switches.
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_property_specific_messaging: Option<bool>,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum MessagingService {
    /// E-mail by Mailgun.
    Mailgun,
    /// E-mail by Twilio.
    TwilioEmail,
    /// E-mail by Mailchimp.
    MailchimpTransactional,
    /// E-mail by Amazon.
    AwsSes,
    /// Text messages by Twilio.
    TwilioText,
}

#[derive(Serialize, Deserialize, ToSchema)]
struct ExecutionChange {
    /// Whether only updates that mask may erase.
    #[serde(skip_serializing_if = "Option::is_none")]
    masking_strict: Option<bool>,
    /// Whether a code that is sent to the identity must be given back first.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject_identity_verification_required: Option<bool>,
    /// Whether consent requests go without that code.
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_consent_identity_verification: Option<bool>,
    /// Whether each request waits for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    require_manual_request_approval: Option<bool>,
    /// Kept for clients of Fides; memory is bounded anyway.
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_watchdog_enabled: Option<bool>,
    /// Kept for clients of Fides.
    #[serde(skip_serializing_if = "Option::is_none")]
    sql_dry_run: Option<String>,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SecurityChange {
    /// Origins whose pages may call the API from a browser. Holds from the next start of the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    cors_origins: Option<Vec<String>>,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConsentChange {
    /// Whether the purposes that vendors declare are replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    override_vendor_purposes: Option<bool>,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AdminUiChange {
    /// Whether there is a console.
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
    /// Where people find it.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// How errors are shown in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_notification_mode: Option<String>,
    /// Whether it shows consent.
    #[serde(skip_serializing_if = "Option::is_none")]
    consent_module_enabled: Option<bool>,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PrivacyCenterChange {
    /// Where people find it.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DuplicatesChange {
    /// Whether the same request is noticed.
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
    /// For how many days, 1 to 3650.
    #[serde(skip_serializing_if = "Option::is_none")]
    time_window_days: Option<u32>,
    /// Which identities have to be equal.
    #[serde(skip_serializing_if = "Option::is_none")]
    match_identity_fields: Option<Vec<String>>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Only what was set over the API.
    #[serde(default)]
    api_set: bool,
}

/// Show the settings that hold, or only those that were set over the API.
#[utoipa::path(
    get,
    path = "/config",
    tag = "Configuration",
    params(Which),
    security(("oauth2" = ["config:read"])),
    responses((status = 200, body = Value))
)]
async fn read(State(state): State<ApiState>, Query(which): Query<Which>) -> Result<Json<Value>, ApiError> {
    let over_api = set_over_api(&state).await?;
    if which.api_set {
        return Ok(Json(over_api));
    }
    let mut whole = state.settings().configured.with_api(&over_api).document();
    add_absent(&mut whole, over_api);
    Ok(Json(whole))
}

/// Set some settings; the others stay.
#[utoipa::path(
    patch,
    path = "/config",
    tag = "Configuration",
    request_body = ConfigChange,
    security(("oauth2" = ["config:update"])),
    responses((status = 200, body = Value))
)]
async fn change(
    State(state): State<ApiState>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Result<Json<Value>, ApiError> {
    put(&state, caller, &body, OtherSettings::Keep).await
}

/// Set settings; all others that were set over the API go back to what they were.
#[utoipa::path(
    put,
    path = "/config",
    tag = "Configuration",
    request_body = ConfigChange,
    security(("oauth2" = ["config:update"])),
    responses((status = 200, body = Value))
)]
async fn replace(
    State(state): State<ApiState>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Result<Json<Value>, ApiError> {
    put(&state, caller, &body, OtherSettings::Remove).await
}

/// Take everything back that was set over the API.
#[utoipa::path(
    delete,
    path = "/config",
    tag = "Configuration",
    security(("oauth2" = ["config:update"])),
    responses((status = 200, body = Value))
)]
async fn reset(State(state): State<ApiState>, caller: Caller) -> Result<Json<Value>, ApiError> {
    state.store().setting_put(&[], OtherSettings::Remove, caller.actor).await?;
    Ok(Json(set_over_api(&state).await?))
}

async fn put(
    state: &ApiState,
    caller: Caller,
    body: &Value,
    others: OtherSettings,
) -> Result<Json<Value>, ApiError> {
    let settings = checked(body)?;
    state.store().setting_put(&settings, others, caller.actor).await?;
    Ok(Json(set_over_api(state).await?))
}

async fn set_over_api(state: &ApiState) -> Result<Value, ApiError> {
    Ok(nested(state.store().setting_list().await?))
}

/// The settings that a body names, by key.
fn checked(body: &Value) -> Result<Vec<(String, Value)>, ApiError> {
    if body.as_object().is_some_and(serde_json::Map::is_empty) {
        return Err(ApiError::invalid("value_error", vec![json!("body")], "name at least one setting"));
    }
    let change: ConfigChange =
        from_value(&[json!("body")], body).map_err(|invalid| ApiError::Invalid(vec![invalid]))?;
    let wrong = wrong(&change);
    if !wrong.is_empty() {
        return Err(ApiError::Invalid(wrong));
    }
    let whole = serde_json::to_value(change).map_err(|error| ApiError::Private(Box::new(error)))?;
    let sections = whole.as_object().into_iter().flatten();
    let settings = sections.flat_map(|(section, members)| {
        let members = members.as_object().into_iter().flatten();
        members.map(move |(key, value)| (format!("{section}.{key}"), value.clone()))
    });
    Ok(settings.collect())
}

/// What fits its type and has no meaning all the same.
fn wrong(change: &ConfigChange) -> Vec<Invalid> {
    let at = |path: &[Value]| [&[json!("body")], path].concat();
    let mut wrong = Vec::new();
    let origins = change.security.as_ref().and_then(|security| security.cors_origins.as_ref());
    for (index, origin) in origins.into_iter().flatten().enumerate() {
        // The same rule as for the server file.
        let file = json!({"security": {"cors_origins": [origin]}}).to_string();
        if check_server(&SourceFile::new("body", file)).value.is_none() {
            let loc = at(&[json!("security"), json!("cors_origins"), json!(index)]);
            wrong.push(Invalid::new(
                "url_parsing",
                loc,
                "write an origin: scheme, host and perhaps a port, as in `https://console.example.com`",
            ));
        }
    }
    let days = change.privacy_request_duplicate_detection.as_ref().and_then(|found| found.time_window_days);
    if days.is_some_and(|days| !(1..=3650).contains(&days)) {
        let loc = at(&[json!("privacy_request_duplicate_detection"), json!("time_window_days")]);
        wrong.push(Invalid::new("value_error", loc, "write a number of days from 1 to 3650"));
    }
    wrong
}

/// Adds what `whole` does not say.
fn add_absent(whole: &mut Value, others: Value) {
    let (Value::Object(whole), Value::Object(others)) = (whole, others) else { return };
    for (key, value) in others {
        match whole.get_mut(&key) {
            Some(there) => add_absent(there, value),
            None => {
                whole.insert(key, value);
            }
        }
    }
}
