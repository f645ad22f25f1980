use schemars::JsonSchema;
use serde::Deserialize;

use crate::raw::Request;

/// Events of use: who did what to which resource, and when. Expressions see `item` and the connection's settings
/// that are no secrets.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Activity {
    /// CEL condition over the connection's settings: for which connections the section can be used. Without
    /// it, for all.
    pub(crate) when: Option<String>,
    /// Lists the events.
    #[schemars(required)]
    pub(crate) list: Option<ActivityList>,
    /// CEL: id of an event.
    #[schemars(required)]
    pub(crate) id: Option<String>,
    /// CEL: when it happened, as RFC 3339 text or in seconds since 1970.
    #[schemars(required)]
    pub(crate) time: Option<String>,
    /// Who did it.
    #[schemars(required)]
    pub(crate) actor: Option<ActivityActor>,
    /// CEL: what was done.
    #[schemars(required)]
    pub(crate) action: Option<String>,
    /// What it was done to.
    pub(crate) resource: Option<ActivityResource>,
    /// How far back the application keeps events, as in `90d`.
    pub(crate) kept: Option<String>,
}

/// Lists events.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActivityList {
    /// The call; `<since>` and `<until>` stand for times in RFC 3339.
    #[schemars(required)]
    pub(crate) request: Option<Request>,
}

/// Who did something.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActivityActor {
    /// CEL: id of the kind, as in `'"user"'`.
    #[schemars(required)]
    pub(crate) r#type: Option<String>,
    /// CEL: the id; where it gives nothing, the address says who it was.
    #[schemars(required)]
    pub(crate) id: Option<String>,
    /// Every kind that `type` can give; may be left out where `type` is a text.
    pub(crate) types: Option<Vec<String>>,
    /// CEL: the address.
    pub(crate) email: Option<String>,
}

/// What something was done to.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActivityResource {
    /// CEL: the kind, in the application's own words or as an id of a kind.
    #[schemars(required)]
    pub(crate) r#type: Option<String>,
    /// CEL: the id.
    #[schemars(required)]
    pub(crate) id: Option<String>,
    /// CEL: the name.
    pub(crate) display_name: Option<String>,
}
