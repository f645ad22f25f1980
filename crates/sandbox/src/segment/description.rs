use serde::Serialize;

/// What a client needs to use the simulated Segment; `tutela sandbox segment` prints it as one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Description {
    /// Where it listens.
    pub url: String,
    /// What opens it, under the names that the connectors of the library give them.
    pub tokens: Tokens,
    /// Id of the space whose profiles can be read.
    pub space: String,
    /// Slug of the workspace.
    pub workspace: String,
    /// People worth asking about.
    pub people: Vec<PersonDescription>,
}

/// Tokens and secrets of the simulated Segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tokens {
    /// Public API token with Workspace Owner access.
    pub access_token: String,
    /// Access secret of the space, for the Profile API.
    pub access_secret: String,
    /// Public API token with Workspace Member access: sees the workspace and nothing below it.
    pub member_token: String,
    /// Config API token.
    pub config_token: String,
    /// Config API token that may only read.
    pub config_read_token: String,
}

/// One person worth asking about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonDescription {
    /// The address to ask for.
    pub email: String,
    /// The user ids the person has.
    pub user_ids: Vec<String>,
    /// What is special about the person.
    pub note: String,
}
