//! The `tutela` program: command line, configuration, wiring.

mod access_recording;
mod arguments;
mod capability;
mod client;
mod command;
mod csv_table;
mod data_request;
mod diagnostics;
mod duration;
mod exit;
mod failure;
mod files;
mod logging;
mod moment;
mod on_server;
mod output;
mod panics;
mod progress;
mod project;
mod recording;
mod remote;
mod runtime;
mod server;
mod service;
mod state;
mod summary;
mod table;
mod traces;

use std::process::ExitCode;

use clap::Parser as _;

use crate::arguments::{Arguments, Command};
use crate::command::baton::Baton;
use crate::failure::Failure;
use crate::traces::TraceSettings;

#[cfg(all(unix, feature = "jemalloc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    panics::report_without_values();
    let mut words = std::env::args_os();
    let program = words.next().unwrap_or_default();
    if let Some(connector) = Baton::by_name(&program, words) {
        return command::baton::run(&connector).into();
    }
    let arguments = Arguments::parse();
    let output = arguments.output();
    let checked = arguments.check_format();
    let done = checked
        .and_then(|()| start_logging(&arguments))
        .and_then(|()| command::run(arguments.command, output));
    match done {
        Ok(exit) => exit.into(),
        Err(failure) => {
            match &failure {
                Failure::Shown(_) => {}
                Failure::BadInput(text) | Failure::Failed(text) | Failure::Refused(text) => {
                    output.failure(text);
                }
            }
            failure.exit().into()
        }
    }
}

/// Log lines, and traces if the operator wants them.
fn start_logging(arguments: &Arguments) -> Result<(), Failure> {
    if matches!(arguments.command, Command::Baton(_)) {
        // A connector process logs as its own flags say.
        return Ok(());
    }
    let variable = |name: &str| std::env::var(name).ok();
    let traces =
        TraceSettings::from_environment(variable).start().map_err(|error| Failure::bad_input(&error))?;
    let format = (arguments.log_format, traces);
    Ok(logging::start(arguments.verbose, variable("RUST_LOG").as_deref(), format)?)
}
