mod connection;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::Arc;

use ::baton::command_line::{Inputs, Invocation, Permission, Settings, Stdout};
use ::baton::description;
use ::baton::exit::{Code, Exit as Status};
use ::baton::flag::ConnectorFields;
use clap::CommandFactory as _;
use engine::Canceller;
use model::{Clock, SystemClock};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use self::connection::{Described, Work};
use crate::arguments::Arguments;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::runtime;

/// A connector, and what it is told. What stands behind its name is not read by the rest of the program.
#[derive(clap::Args)]
#[command(
    disable_help_flag = true,
    override_usage = "tutela baton <NAME> [FLAGS]\n       tutela baton --connector <FILE> [FLAGS]",
    after_help = "Examples:
  BATON_TOKEN=… tutela baton segment -f sync.c1z
  tutela baton segment --grant-entitlement group:g1:member --grant-principal u1 --grant-principal-type user
  tutela baton segment capabilities
  tutela baton segment --help
  tutela baton --connector ./connector.yml -f sync.c1z
  BATON_CLIENT_ID=… BATON_CLIENT_SECRET=… BATON_TOKEN=… tutela baton segment --provisioning

With a client id it serves the control plane that gave it until it is asked to end. Under the name `baton-segment` (a link to this program) it does the same as `tutela baton segment`. It ends with 0,
or with the number of the gRPC code that says what is wrong."
)]
pub(crate) struct Baton {
    /// Name of a connector of the library, or `--connector` and a file; then flags and subcommands of the
    /// connector.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "NAME")]
    arguments: Vec<OsString>,
}

/// The arguments may be secrets.
impl fmt::Debug for Baton {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Baton").finish_non_exhaustive()
    }
}

/// What the names of such programs begin with.
const PREFIX: &str = "baton-";
/// The variable with the number of the socket that was handed down (baton W-2).
const LISTENER: &str = "BATON_CONNECTOR_SERVICE_LISTENER_FD";

impl Baton {
    /// What is meant if the program was started under the name of a connector.
    pub(crate) fn by_name(program: &OsStr, arguments: impl Iterator<Item = OsString>) -> Option<Self> {
        let name = Path::new(program).file_name()?.to_str()?;
        let name = name.strip_suffix(".exe").unwrap_or(name).strip_prefix(PREFIX)?;
        Some(Self { arguments: std::iter::once(name.into()).chain(arguments).collect() })
    }
}

/// Why it ended without success.
struct Ended {
    text: String,
    status: Status,
}

impl Ended {
    fn new(text: impl fmt::Display, status: Status) -> Self {
        Self { text: text.to_string(), status }
    }

    fn of_code(text: impl fmt::Display, code: Code) -> Self {
        Self::new(text, Status::of(code))
    }
}

/// What was wrong before anything of the connector began.
impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        let code = match &failure {
            Failure::BadInput(_) | Failure::Shown(_) => Code::InvalidArgument,
            Failure::Failed(_) => Code::Internal,
            Failure::Refused(_) => Code::FailedPrecondition,
        };
        Self::of_code(failure, code)
    }
}

/// Runs a connector as a process of its own kind: with its flags, its log, its status.
pub(crate) fn run(baton: &Baton) -> Exit {
    let status = match start(&baton.arguments) {
        Ok(()) => Status::SUCCESS,
        Err(ended) => {
            // A record for programs, where the connector's log had begun, and a line for people.
            tracing::error!(code = ?ended.status.code(), "{}", ended.text);
            if !ended.text.is_empty() {
                output::complain(&ended.text);
            }
            ended.status
        }
    };
    Exit::Connector(status.number())
}

fn start(arguments: &[OsString]) -> Result<(), Ended> {
    let (described, rest, named) = match arguments {
        [] => {
            help();
            return Ok(());
        }
        [only] if only == "--help" || only == "-h" => {
            help();
            return Ok(());
        }
        [first, file, rest @ ..] if first == "--connector" => {
            (Described::of_file(Path::new(file))?, rest, None)
        }
        [first, rest @ ..] => match first.to_str().map(|first| (first, first.strip_prefix("--connector="))) {
            Some((_, Some(file))) => (Described::of_file(Path::new(file))?, rest, None),
            Some((name, None)) if !name.starts_with('-') => {
                (Described::of_library(name)?, rest, Some(format!("{PREFIX}{name}")))
            }
            Some(_) | None => {
                let text = "error: the first argument is the name of a connector, or `--connector FILE`; see \
                            `tutela help baton`";
                return Err(Ended::of_code(text, Code::InvalidArgument));
            }
        },
    };
    // Under which name help is given, and under which a control plane knows the program.
    let program = named.clone().unwrap_or_else(|| "tutela baton --connector FILE".to_owned());
    let name = named.unwrap_or_else(|| format!("{PREFIX}{}", described.file.connector_type.as_str()));
    invoke(described, rest, (program, name))
}

fn help() {
    let mut command = Arguments::command();
    command.build();
    if let Some(baton) = command.find_subcommand_mut("baton") {
        output::text(&baton.render_long_help().to_string());
    }
}

fn invoke(
    described: Described,
    arguments: &[OsString],
    (program, name): (String, String),
) -> Result<(), Ended> {
    let fields =
        ConnectorFields::of(&described.file).map_err(|error| Ended::of_code(error, Code::InvalidArgument))?;
    let inputs = Inputs {
        program,
        arguments: arguments.to_vec(),
        environment: environment(),
        folder: std::env::current_dir().unwrap_or_default(),
        stdout: if std::io::stdout().is_terminal() { Stdout::Terminal } else { Stdout::Elsewhere },
        now: SystemClock.now(),
    };
    let invocation = Invocation::read(&fields, &inputs).map_err(|error| Ended::new(&error, error.exit()))?;
    match invocation {
        Invocation::Print(text) => output::text(&text),
        Invocation::Capabilities => print(&description::in_any(&description::capabilities(&described.file)))?,
        Invocation::Config => print(&protos::json::to_value(&description::configuration(&fields)))?,
        Invocation::HealthCheck(check) => {
            let asked = async { check.run().await.map_err(|error| Failure::failed(&error)) };
            runtime::run(asked).map_err(|error| Ended::of_code(error, Code::Unavailable))?;
        }
        Invocation::ConnectorService { settings, provisioning } => {
            be_driven(described, (settings, provisioning), name)?;
        }
        Invocation::Run(settings) => work(described, settings, name)?,
    }
    Ok(())
}

/// The variables that a connector may look at.
fn environment() -> Vec<(String, String)> {
    let text =
        |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    std::env::vars_os().filter_map(text).filter(|(name, _)| name.starts_with("BATON_")).collect()
}

fn print(described: &Result<serde_json::Value, protos::json::JsonError>) -> Result<(), Ended> {
    match described {
        Ok(value) => output::json(value),
        Err(error) => return Err(Ended::of_code(error, Code::Internal)),
    }
    Ok(())
}

/// Begins the connector's own log.
fn begin_log(settings: &Settings, clock: &Arc<dyn Clock>) -> Result<(), Ended> {
    let layer = settings
        .log
        .layer(Arc::clone(clock))
        .map_err(|error| Ended::of_code(error, Code::InvalidArgument))?;
    // The program starts once; a second start would keep the first.
    let _ = tracing_subscriber::registry().with(layer).try_init();
    Ok(())
}

/// Serves the process that started this one (baton W-1).
fn be_driven(
    described: Described,
    (settings, provisioning): (Box<Settings>, Permission),
    name: String,
) -> Result<(), Ended> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    begin_log(&settings, &clock)?;
    let (canceller, cancellation) = Canceller::new();
    let driven = described.driven((settings, provisioning), name, (clock, cancellation))?;
    let descriptor = std::env::var(LISTENER).ok();
    let done = runtime::run(async {
        let served = Box::pin(driven.run(std::io::stdin(), descriptor.as_deref()));
        let done = runtime::cancelled_when_interrupted(&canceller, served).await;
        Ok(done.map_err(|error| Ended::new(&error, error.exit())))
    });
    done?
}

fn work(described: Described, settings: Box<Settings>, name: String) -> Result<(), Ended> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    begin_log(&settings, &clock)?;
    let (canceller, cancellation) = Canceller::new();
    let work = described.work(settings, name, (clock, cancellation))?;
    let done = runtime::run(async {
        Ok(match work {
            Work::OneShot(job) => {
                let done = runtime::cancelled_when_interrupted(&canceller, Box::pin(job.run())).await;
                done.map_err(|error| Ended::new(&error, error.exit()))
            }
            Work::Serving(serving) => {
                let done = runtime::cancelled_when_interrupted(&canceller, Box::pin(serving.run())).await;
                done.map_err(|error| Ended::new(&error, error.exit()))
            }
        })
    });
    done?
}
