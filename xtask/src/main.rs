//! Repository chores: demo, tests, rule list, reference pages, measurements.

mod bench;
mod cargo;
mod deploy;
mod layers;
mod probe;
mod rules;
mod services;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Chores of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Build Tutela and show it against the Segment simulator.
    Demo {
        /// Leave when the data request is done.
        #[arg(long)]
        once: bool,
    },
    /// Format, lints, tests, examples in the documentation, layers, rule list, reference pages, made-up
    /// input, image, manifests and unit.
    Test,
    /// The long kill sweep, on SQLite and PostgreSQL; the short one is part of `test`.
    Sweep {
        /// Only every n-th time that the program comes by a point.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
        step: u32,
    },
    /// Run a command while PostgreSQL, MariaDB, an S3 server and an OpenID Connect provider run for tests
    /// (TUTELA_TEST_POSTGRES, TUTELA_TEST_MYSQL, TUTELA_TEST_S3, TUTELA_TEST_OIDC, TUTELA_TEST_SMTP).
    Services {
        /// The command, for example `cargo nextest run -p store`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<std::ffi::OsString>,
    },
    /// Call every operation of the interface with made-up input (schemathesis, installed when it is
    /// missing); fail on a server error. Two minutes of it are part of `test`.
    Probe {
        /// About how long.
        #[arg(long, default_value_t = 600)]
        seconds: u32,
    },
    /// List rule by rule which test holds it; fail if a required one has none.
    Rules {
        /// Show the required rules without a test only.
        #[arg(long)]
        missing: bool,
    },
    /// Fail on a dependency that points up (docs/decisions/001-layers.md).
    Layers,
    /// Check what `deploy/` holds: image file, manifests, chart, unit.
    Deploy {
        /// Run the image's build command, too, in a folder with nothing but what it copies, and the program
        /// that comes out.
        #[arg(long)]
        build: bool,
    },
    /// Write the generated pages below docs/reference.
    Docs {
        /// Write nothing; fail if the pages are out of date.
        #[arg(long)]
        check: bool,
    },
    /// Measure speed and memory against the Segment simulator (release build).
    Bench(bench::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Demo { once } => {
            let once = if once { &["--once"][..] } else { &[] };
            cargo::run(&[&["run", "--quiet", "--package", "tutela", "--", "demo"], once].concat())
        }
        Task::Test => test::run(),
        Task::Sweep { step } => test::sweep(step as usize),
        Task::Probe { seconds } => probe::run(seconds),
        Task::Services { command } => services::run(&command),
        Task::Rules { missing: false } => rules::run(rules::Show::All),
        Task::Rules { missing: true } => rules::run(rules::Show::Missing),
        Task::Layers => layers::run(),
        Task::Deploy { build: false } => deploy::run(deploy::Image::Look),
        Task::Deploy { build: true } => deploy::run(deploy::Image::Build),
        Task::Docs { check } => cargo::docs(check),
        Task::Bench(arguments) => bench::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Writes one line to standard output, the only place where this program does.
#[expect(clippy::print_stdout, reason = "a command line program answers on standard output")]
fn say(line: &str) {
    println!("{line}");
}

/// Writes one line to standard error, the only place where this program does.
#[expect(clippy::print_stderr, reason = "a command line program complains on standard error")]
fn report(line: &str) {
    eprintln!("{line}");
}
