//! What messages say.

use axum::Json;
use axum::extract::State;
use messages::{Template, TemplateName};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ApiError;
use crate::bulk::{Bulk, BulkReply, Element};
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list, put))
}

/// What messages of one kind say.
#[derive(Debug, Serialize, ToSchema)]
struct MessageTemplateReply {
    /// Which messages.
    #[serde(rename = "type")]
    name: &'static str,
    /// What they are called for people.
    label: &'static str,
    /// What they say.
    content: TemplateContent,
}

/// Subject and text, with `{{ name }}` or `__NAME__` for what is filled in, and parts in `{{#name}}` and
/// `{{/name}}` that stand only where the name has a value. A text that begins with `<` is HTML.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct TemplateContent {
    /// The subject.
    subject: String,
    /// The text.
    body: String,
}

/// What messages of one kind are to say.
#[derive(Debug, Deserialize, ToSchema)]
struct TemplateInput {
    /// Which messages.
    #[serde(rename = "type")]
    name: String,
    /// What they are to say.
    content: TemplateContent,
}

impl MessageTemplateReply {
    fn of(template: Template) -> Self {
        Self {
            name: template.name.as_str(),
            label: template.name.label(),
            content: TemplateContent { subject: template.subject, body: template.body },
        }
    }
}

/// List what messages say, each as it was put, or as it comes with the program.
#[utoipa::path(
    get,
    path = "/messaging/templates",
    tag = "Messages",
    security(("oauth2" = ["messaging-template:update"])),
    responses((status = 200, body = Vec<MessageTemplateReply>))
)]
async fn list(State(state): State<ApiState>) -> Result<Json<Vec<MessageTemplateReply>>, ApiError> {
    let templates = state.messages().templates().await?;
    Ok(Json(templates.into_iter().map(MessageTemplateReply::of).collect()))
}

/// Say what messages say; those of other types stay.
#[utoipa::path(
    put,
    path = "/messaging/templates",
    tag = "Messages",
    security(("oauth2" = ["messaging-template:update"])),
    request_body = Vec<TemplateInput>,
    responses((status = 200, body = BulkReply<MessageTemplateReply>))
)]
async fn put(
    State(state): State<ApiState>,
    caller: Caller,
    Bulk(elements): Bulk<TemplateInput>,
) -> Result<Json<BulkReply<MessageTemplateReply>>, ApiError> {
    let mut reply = BulkReply::default();
    let mut kept = Vec::new();
    for Element { input, data } in elements {
        match checked(&input) {
            Ok(template) => {
                kept.push(template.clone());
                reply.enter(Ok(MessageTemplateReply::of(template)), data);
            }
            Err(why) => reply.enter(Err(why), data),
        }
    }
    state.messages().templates_put(&kept, &caller.actor).await?;
    Ok(Json(reply))
}

fn checked(input: &TemplateInput) -> Result<Template, String> {
    let name = TemplateName::find(&input.name).ok_or_else(|| {
        let all: Vec<&str> = TemplateName::ALL.into_iter().map(TemplateName::as_str).collect();
        format!("there are no messages of this type; there are {}", all.join(", "))
    })?;
    let TemplateContent { subject, body } = &input.content;
    Template::checked(name, subject, body).map_err(|error| error.to_string())
}
