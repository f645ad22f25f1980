use std::time::Duration;

use clap::ValueEnum;
use sandbox::Faults;
use sandbox::segment::{Limits, PlanLimits, SegmentOptions, SegmentSandbox, WorkspaceOptions};

use crate::duration::duration;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::runtime;

/// How to simulate it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela sandbox segment
  tutela sandbox segment --port 8787 --latency 5ms --limits off
  tutela sandbox segment --users 1000 --workspace groups=50,group_members=20,sources=200
  tutela sandbox segment --plan-lacks groups=404,spaces=403
  tutela sandbox segment --faults rate_429=0.05,rate_500=0.05,reset_before=0.05,truncated=0.05

Prints one line of JSON with the address and the tokens, then runs until Ctrl-C.
Look inside under /__sandbox/ of its address.")]
pub(crate) struct Segment {
    /// Port on 127.0.0.1; 0 takes any free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Everything simulated follows from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of workspace users.
    #[arg(long, default_value_t = 25)]
    users: usize,
    /// What the workspace has beside users: `name=number`, separated by commas. Names: groups, group_members,
    /// sources, warehouses, spaces, functions, invites, nameless_users_every, unknown_kinds_every, owner_group.
    #[arg(long, default_value = "", hide_default_value = true)]
    workspace: WorkspaceOptions,
    /// Features that the plan lacks: groups, warehouses, spaces, functions, separated by commas, each with the
    /// status of its refusal (401, 403, 404) as in `groups=404`; without one it is 403.
    #[arg(long, default_value = "", hide_default_value = true)]
    plan_lacks: PlanLimits,
    /// Number of generated people (person-N@example.com) beside the named ones.
    #[arg(long, default_value_t = 1000)]
    profiles: u64,
    /// How many events each generated person has; a few, by chance, if it is not given.
    #[arg(long)]
    events: Option<u32>,
    /// Time per answer, as in `5ms` or `1s`.
    #[arg(long, default_value = "0ms", value_parser = duration)]
    latency: Duration,
    /// Whether rate limits are enforced.
    #[arg(long, value_enum, default_value_t = Switch::On)]
    limits: Switch,
    /// What goes wrong how often: `name=probability`, separated by commas. Names: latency, rate_429,
    /// rate_500, reset_before, reset_after, truncated, malformed.
    #[arg(long, default_value = "", hide_default_value = true)]
    faults: Faults,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Switch {
    On,
    Off,
}

/// Starts it, prints where it is, and waits for Ctrl-C.
pub(crate) fn run(segment: &Segment) -> Result<Exit, Failure> {
    let options = SegmentOptions {
        port: segment.port,
        seed: segment.seed,
        users: segment.users,
        workspace: segment.workspace.clone(),
        plan: segment.plan_lacks,
        profiles: segment.profiles,
        events: segment.events,
        latency: segment.latency,
        limits: match segment.limits {
            Switch::On => Limits::On,
            Switch::Off => Limits::Off,
        },
        faults: segment.faults,
        ..SegmentOptions::default()
    };
    runtime::run(async {
        let sandbox = SegmentSandbox::start(options).await.map_err(|error| {
            Failure::Failed(format!(
                "port {} cannot be used: {error}; `--port 0` takes a free one",
                segment.port
            ))
        })?;
        output::json_line(sandbox.description());
        runtime::interrupted().await;
        sandbox.shutdown();
        Ok(Exit::Done)
    })
}
