//! The OpenAPI document: its frame, and what every operation has in common.

use serde::Serialize;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, ClientCredentials, Flow, OAuth2, Scopes, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{Components, ContentBuilder, OpenApi, Ref, ResponseBuilder};
use utoipa::{OpenApi as _, ToSchema};

use crate::{Invalid, Scope};

/// The document's frame; operations come from the handlers.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Tutela",
        description = "Privacy requests, and the connections, datasets and policies they are done with."
    ),
    components(schemas(Problem, Problems, Invalid))
)]
struct Frame;

/// Why a call was not done.
#[derive(Serialize, ToSchema)]
struct Problem {
    /// In words.
    detail: String,
}

/// Everything that is wrong with a request.
#[derive(Serialize, ToSchema)]
struct Problems {
    /// A list, or a text where one thing is wrong with the whole.
    #[schema(value_type = Value)]
    detail: Vec<Invalid>,
}

/// The document without operations.
pub(crate) fn frame() -> OpenApi {
    let mut document = Frame::openapi();
    let scopes = Scope::ALL.iter().map(|scope| (scope.as_str(), scope.as_str()));
    let flow = Flow::ClientCredentials(ClientCredentials::new(TOKEN_URL, scopes.collect::<Scopes>()));
    let cookie = ApiKeyValue::with_description(
        "tutela_session",
        "A browser that is signed in (`POST /api/v1/session`). Behind TLS the name begins with `__Host-`. \
         Calls that change something need the session's `csrf_token` in the header `X-CSRF-Token`, too.",
    );
    let components = document.components.get_or_insert_with(Components::new);
    components.add_security_scheme("oauth2", SecurityScheme::OAuth2(OAuth2::new([flow])));
    components.add_security_scheme(SESSION, SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    document
}

const SESSION: &str = "session";
const TOKEN_URL: &str = "/api/v1/oauth/token";

/// Gives every operation a name of its own, and the answers that any may give where it does not
/// describe them itself.
pub(crate) fn complete(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let operations = [
            ("get", &mut item.get),
            ("put", &mut item.put),
            ("post", &mut item.post),
            ("delete", &mut item.delete),
            ("patch", &mut item.patch),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                operation.operation_id = Some(name(method, path));
                add_problems(operation);
                add_session(operation);
            }
        }
    }
}

/// `get_api_v1_connection_by_connection_key` for `GET /api/v1/connection/{connection_key}`.
fn name(method: &str, path: &str) -> String {
    let path = path.replace('{', "by_").replace('}', "");
    let words = path.split(|character: char| !character.is_ascii_alphanumeric());
    let words: Vec<&str> = [method].into_iter().chain(words).filter(|word| !word.is_empty()).collect();
    words.join("_")
}

/// Whoever may call with a token may call with a session.
fn add_session(operation: &mut Operation) {
    if let Some(all) = &mut operation.security
        && all.iter().any(|one| *one != SecurityRequirement::default())
    {
        all.push(SecurityRequirement::new::<_, _, String>(SESSION, []));
    }
}

fn add_problems(operation: &mut Operation) {
    const ALL: [(&str, &str, &str); 4] = [
        ("413", "The body is larger than the server takes", "Problem"),
        ("422", "The request does not have the form that is described here", "Problems"),
        ("429", "Too many calls; `Retry-After` says for how many seconds to wait", "Problem"),
        ("500", "The server could not do it; its log says why", "Problem"),
    ];
    const OF_TOKENS: [(&str, &str, &str); 2] = [
        ("401", "No token was sent", "Problem"),
        ("403", "The token is not good any more, or is not good for this", "Problem"),
    ];
    let with_token = operation.security.iter().flatten().any(|one| *one != SecurityRequirement::default());
    let of_tokens = OF_TOKENS.into_iter().filter(|_| with_token);
    for (status, description, schema) in of_tokens.chain(ALL) {
        let schema = Ref::from_schema_name(schema);
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let response = ResponseBuilder::new().description(description).content("application/json", content);
        operation.responses.responses.entry(status.to_owned()).or_insert_with(|| response.build().into());
    }
}
