//! The simulated Segment: Public API, Profile API and Config API on one port.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use model::Clock;
use serde::Serialize;

use crate::Faults;
use crate::server::{Answer, Call, Server};

/// How the simulated Segment is set up.
#[derive(Debug, Clone)]
pub struct SegmentOptions {
    /// Port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// Everything follows from it: ids, names, tokens, the order of faults.
    pub seed: u64,
    /// Number of workspace users.
    pub users: usize,
    /// Number of generated people (`person-N@example.com`, N from 0) beside the named ones.
    pub profiles: u64,
    /// Time per answer.
    pub latency: Duration,
    /// Whether rate limits are enforced.
    pub limits: Limits,
    /// What goes wrong, and how often.
    pub faults: Faults,
    /// Time of rate limits; everything else follows the simulation's own time.
    pub clock: Arc<dyn Clock>,
    /// How `cursor.url` of the Profile API looks.
    pub cursors: CursorShape,
    /// The permissions of every n-th user are left out of user lists; 0: of none.
    pub hide_permissions_every: usize,
    /// Simulated time that one destination takes for a regulation.
    pub regulation_time: Duration,
}

/// Whether rate limits are enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Limits {
    /// Calls beyond the limits get 429.
    On,
    /// Any number of calls.
    #[default]
    Off,
}

/// The shapes of `cursor.url` that Segment's documents show (segment-api B14, B15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CursorShape {
    /// Absolute, with the query; empty on the last page.
    #[default]
    Absolute,
    /// Path and query.
    Relative,
    /// Path and query, which repeats route parameters.
    RouteParameters,
    /// The path only, although there is more.
    WithoutQuery,
    /// Absolute, and set on the last page too.
    SetAtEnd,
}

impl Default for SegmentOptions {
    fn default() -> Self {
        Self {
            port: 0,
            seed: 1,
            users: 25,
            profiles: 1000,
            latency: Duration::ZERO,
            limits: Limits::Off,
            faults: Faults::default(),
            clock: Arc::new(model::SystemClock),
            cursors: CursorShape::default(),
            hide_permissions_every: 0,
            regulation_time: Duration::from_hours(1),
        }
    }
}

/// What a client needs to use the simulated Segment; `tutela sandbox segment` prints it as one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Description {
    /// Where it listens.
    pub url: String,
    /// Public API token with Workspace Owner access.
    pub public_token: String,
    /// Public API token with Workspace Member access.
    pub member_token: String,
    /// Config API token.
    pub config_token: String,
    /// Access secret of the space.
    pub access_secret: String,
    /// Id of the space whose profiles can be read.
    pub space: String,
    /// Slug of the workspace.
    pub workspace: String,
    /// People worth asking about.
    pub people: Vec<PersonDescription>,
}

/// One person worth asking about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonDescription {
    /// The address to ask for.
    pub email: String,
    /// The user ids the person has.
    pub user_ids: Vec<String>,
}

/// A running simulated Segment. Dropping it closes the port.
#[derive(Debug)]
pub struct SegmentSandbox {
    server: Server,
    description: Description,
}

impl SegmentSandbox {
    /// Starts it on 127.0.0.1.
    ///
    /// # Errors
    /// The port is taken or may not be used.
    pub async fn start(options: SegmentOptions) -> io::Result<Self> {
        let server =
            Server::start(options.port, Arc::new(|_call: Call| Answer::text(404, "not found"))).await?;
        let description = Description {
            url: server.url(),
            public_token: String::new(),
            member_token: String::new(),
            config_token: String::new(),
            access_secret: String::new(),
            space: String::new(),
            workspace: String::new(),
            people: vec![PersonDescription { email: "ana@example.com".into(), user_ids: Vec::new() }],
        };
        Ok(Self { server, description })
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What a client needs to use it.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Closes the port and every connection.
    pub fn shutdown(self) {}
}
