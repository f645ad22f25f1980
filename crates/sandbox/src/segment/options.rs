use std::sync::Arc;
use std::time::Duration;

use model::{Clock, SystemClock};
use serde::{Deserialize, Serialize};

use super::plan::{PlanLimits, RefusedWith};
use super::workspace::WorkspaceOptions;
use crate::Faults;

/// How the simulated Segment is set up.
#[derive(Debug, Clone)]
pub struct SegmentOptions {
    /// Port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// Everything follows from it: ids, names, tokens, the order of faults.
    pub seed: u64,
    /// Number of workspace users.
    pub users: usize,
    /// What the workspace has beside its users.
    pub workspace: WorkspaceOptions,
    /// What the workspace's plan lacks.
    pub plan: PlanLimits,
    /// How a token with Workspace Member access is refused below the workspace (segment-api A3).
    pub member_refused_with: RefusedWith,
    /// Number of generated people (`person-0@example.com` and on) beside the named ones.
    pub profiles: u64,
    /// How many events each generated person has; none: a few, by chance.
    pub events: Option<u32>,
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
    /// Most entries of one page of the Profile API, whatever the client asks for (but at least one),
    /// so that few entries show paging.
    pub page_entries: usize,
    /// The permissions of every n-th user are left out of user lists; 0: of none.
    pub hide_permissions_every: usize,
    /// The same for groups.
    pub hide_group_permissions_every: usize,
    /// Whether lists of the Public API say things twice.
    pub page_borders: PageBorders,
    /// Simulated time that one destination takes for a regulation.
    pub regulation_time: Duration,
}

/// Whether rate limits are enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limits {
    /// Calls beyond the limits get 429.
    On,
    /// Any number of calls.
    #[default]
    Off,
}

/// What happens between two pages of a list of the Public API (segment-api A22).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageBorders {
    /// Every entry comes once.
    #[default]
    Clean,
    /// Each page begins with the last entry of the one before, as if something had been added meanwhile.
    Repeated,
}

/// The shapes of `cursor.url` that Segment's documents show (segment-api B14, B15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
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
            workspace: WorkspaceOptions::default(),
            plan: PlanLimits::default(),
            member_refused_with: RefusedWith::Unauthorized,
            profiles: 1000,
            events: None,
            latency: Duration::ZERO,
            limits: Limits::Off,
            faults: Faults::default(),
            clock: Arc::new(SystemClock),
            cursors: CursorShape::default(),
            page_entries: usize::MAX,
            hide_permissions_every: 0,
            hide_group_permissions_every: 0,
            page_borders: PageBorders::Clean,
            regulation_time: Duration::from_hours(1),
        }
    }
}
