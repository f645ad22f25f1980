//! Measurements of speed and memory.

use anyhow::{Result, bail};

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {}

/// Measures and prints.
pub(crate) fn run(_arguments: &Arguments) -> Result<()> {
    bail!("nothing to measure yet")
}
