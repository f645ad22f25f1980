use sandbox::directories::{Directory as Vendor, DirectoryOptions, DirectorySandbox};
use serde_json::json;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::runtime;

/// How to simulate it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela sandbox github --port 8788
  tutela sandbox pagerduty --port 8789

Prints one line of JSON with the address and the token, then runs until Ctrl-C.
Look inside under /__sandbox/ of its address.")]
pub(crate) struct Directory {
    /// Port on 127.0.0.1; 0 takes any free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Everything simulated follows from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of people.
    #[arg(long, default_value_t = 14)]
    people: usize,
    /// Most entries of one page, so that few entries show paging.
    #[arg(long, default_value_t = 5)]
    page_entries: usize,
}

/// Starts it, prints where it is, and waits for Ctrl-C.
pub(crate) fn run(vendor: Vendor, directory: &Directory) -> Result<Exit, Failure> {
    let options = DirectoryOptions {
        port: directory.port,
        seed: directory.seed,
        people: directory.people,
        page_entries: directory.page_entries,
        ..DirectoryOptions::default()
    };
    runtime::run(async {
        let sandbox = DirectorySandbox::start(vendor, options).await.map_err(|error| {
            Failure::Failed(format!(
                "port {} cannot be used: {error}; `--port 0` takes a free one",
                directory.port
            ))
        })?;
        output::json_line(&json!({
            "url": sandbox.url(), "host": sandbox.host(), "token": sandbox.token(),
        }));
        runtime::interrupted().await;
        Ok(Exit::Done)
    })
}
