use std::time::Duration;

use clap::ValueEnum;
use sandbox::Faults;
use sandbox::segment::{Limits, SegmentOptions, SegmentSandbox};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::runtime;

/// How to simulate it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela sandbox segment
  tutela sandbox segment --port 8787 --latency 5ms --limits off
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
    /// Number of generated people (person-N@example.com) beside the named ones.
    #[arg(long, default_value_t = 1000)]
    profiles: u64,
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
        profiles: segment.profiles,
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

/// Reads `250ms`, `5s`, `2m`, `1h`.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let milliseconds = match unit {
        "ms" => Some(1),
        "s" => Some(1000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        _ => None,
    };
    let number: Option<u64> = number.parse().ok();
    let total = number.zip(milliseconds).and_then(|(number, unit)| number.checked_mul(unit));
    total
        .map(Duration::from_millis)
        .ok_or_else(|| "write a number and a unit, as in `5ms` or `1s`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(duration("5ms"), Ok(Duration::from_millis(5)));
        assert_eq!(duration("2m"), Ok(Duration::from_mins(2)));
        for bad in ["5", "ms", "5 ms", "-1s", "5d", "99999999999999999h"] {
            assert!(duration(bad).is_err(), "{bad:?} should be refused");
        }
    }
}
