use std::ffi::OsString;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use clap_complete::Shell;
use crypto::Secret;

use super::split::split;
use super::{CommandLineError, Given, Inputs, Origin, help};
use crate::flag::{ConnectorFields, Flag, FlagKind, Visibility};
use crate::health::HealthEndpoint;

/// What the arguments say.
pub(super) enum Parsed {
    /// To print a text.
    Print(String),
    /// To do something.
    Asked(Asked),
}

/// A subcommand and the flags around it.
pub(super) struct Asked {
    pub(super) subcommand: Subcommand,
    pub(super) given: Vec<Given>,
}

/// The subcommands that do something (baton §12.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subcommand {
    None,
    Capabilities,
    Config,
    HealthCheck { endpoint: HealthEndpoint, timeout: Duration },
    ConnectorService,
}

/// Reads the arguments.
pub(super) fn parse(fields: &ConnectorFields, inputs: &Inputs) -> Result<Parsed, CommandLineError> {
    let flags: Vec<Flag> = fields.flags().collect();
    let mut command = command(fields, &flags, inputs);
    let program = OsString::from(&inputs.program);
    let arguments = std::iter::once(&program).chain(&inputs.arguments);
    let matches = match command.try_get_matches_from_mut(arguments) {
        Ok(matches) => matches,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            return Ok(Parsed::Print(error.render().to_string()));
        }
        Err(error) => return Err(CommandLineError::Usage(without_values(&error))),
    };
    let subcommand = match matches.subcommand() {
        None => Subcommand::None,
        Some(("capabilities", _)) => Subcommand::Capabilities,
        Some(("config", _)) => Subcommand::Config,
        Some(("_connector-service", _)) => Subcommand::ConnectorService,
        Some(("health-check", below)) => Subcommand::HealthCheck {
            endpoint: match below.get_one::<String>("endpoint").map(String::as_str) {
                Some("ready") => HealthEndpoint::Ready,
                Some("live") => HealthEndpoint::Live,
                Some(_) | None => HealthEndpoint::Health,
            },
            timeout: Duration::from_secs(below.get_one::<u64>("timeout").copied().unwrap_or(5)),
        },
        Some(("completion", below)) => {
            let shell = below.get_one::<Shell>("shell").copied().unwrap_or(Shell::Bash);
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command, inputs.program.clone(), &mut script);
            return Ok(Parsed::Print(String::from_utf8_lossy(&script).into_owned()));
        }
        // Hosting without a server, which other runtimes have (baton W-5).
        Some((other, _)) => {
            return Err(CommandLineError::Usage(format!(
                "`{other}` is not supported here; run the connector as a process, see --help"
            )));
        }
    };
    Ok(Parsed::Asked(Asked { subcommand, given: given(&flags, &matches) }))
}

/// What was given on the command line. A flag that stands behind the subcommand counts too: such flags are
/// handed up.
fn given(flags: &[Flag], matches: &ArgMatches) -> Vec<Given> {
    let below = matches.subcommand().map(|(_, below)| below);
    let find = |flag: &Flag| {
        let places = below.into_iter().chain([matches]);
        for place in places {
            if place.value_source(&flag.name) == Some(ValueSource::CommandLine) {
                let texts = place.get_many::<String>(&flag.name)?.cloned();
                let texts: Vec<String> = if flag.kind == FlagKind::List {
                    texts.flat_map(|text| split(&text)).collect()
                } else {
                    texts.collect()
                };
                let origin = Origin::Flag(flag.name.clone());
                return Some(Given { flag: flag.name.clone(), texts: Secret::new(texts), origin });
            }
        }
        None
    };
    flags.iter().filter_map(find).collect()
}

fn command(fields: &ConnectorFields, flags: &[Flag], inputs: &Inputs) -> Command {
    let health_check = Command::new("health-check")
        .about("Ask a connector that runs here whether it is healthy")
        .arg(
            Arg::new("endpoint")
                .long("endpoint")
                .value_parser(PossibleValuesParser::new(["health", "ready", "live"]))
                .default_value("health")
                .help("What to ask"),
        )
        .arg(
            Arg::new("timeout")
                .long("timeout")
                .value_parser(value_parser!(u64).range(1..=300))
                .default_value("5")
                .help("How many seconds to wait"),
        );
    let shell = Arg::new("shell").required(true).value_parser(value_parser!(Shell)).help("For which shell");
    Command::new(inputs.program.clone())
        .bin_name(inputs.program.clone())
        .version(env!("CARGO_PKG_VERSION"))
        .about(help::about(fields))
        .after_help(help::after(&inputs.program))
        .max_term_width(100)
        .args_override_self(true)
        .args(flags.iter().map(argument))
        .subcommand(Command::new("capabilities").about("Print what the connector can do, as JSON"))
        .subcommand(Command::new("config").about("Print which fields the connector has, as JSON"))
        .subcommand(health_check)
        .subcommand(Command::new("completion").about("Print a script that completes flags").arg(shell))
        .subcommand(Command::new("_connector-service").hide(true))
        .subcommand(Command::new("lambda").hide(true))
}

fn argument(flag: &Flag) -> Arg {
    let argument = Arg::new(flag.name.clone())
        .long(flag.name.clone())
        .visible_aliases(flag.aliases.clone())
        .help(help::flag(flag))
        .hide(flag.visibility == Visibility::Hidden)
        .value_parser(clap::builder::StringValueParser::new())
        .global(true);
    let argument = match flag.short {
        Some(short) => argument.short(short),
        None => argument,
    };
    match flag.kind {
        FlagKind::Switch => argument
            .action(ArgAction::Set)
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .value_name("true|false")
            .hide_possible_values(true),
        FlagKind::List => argument.action(ArgAction::Append).value_name("list").allow_hyphen_values(true),
        FlagKind::Choice(words) => argument.action(ArgAction::Set).value_name(words.join("|")),
        FlagKind::Number { .. } => {
            argument.action(ArgAction::Set).value_name("number").allow_hyphen_values(true)
        }
        FlagKind::Instant => argument.action(ArgAction::Set).value_name("time"),
        // Tokens may begin with a hyphen.
        FlagKind::Text | FlagKind::Secret => {
            argument.action(ArgAction::Set).value_name("text").allow_hyphen_values(true)
        }
    }
}

/// What the parser says, unless it repeats an argument that may be a secret in the wrong place.
fn without_values(error: &clap::Error) -> String {
    let said = match error.get(ContextKind::InvalidArg).or(error.get(ContextKind::InvalidSubcommand)) {
        Some(ContextValue::String(said)) => said.as_str(),
        _ => "",
    };
    let is_guess = error.get(ContextKind::SuggestedSubcommand).is_some();
    match error.kind() {
        ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand if !said.starts_with("--") && !is_guess => {
            "an argument belongs to no flag (it is not shown: it may be a secret); \
             write `--flag value`, see --help"
                .to_owned()
        }
        _ => error.render().to_string().trim_end().to_owned(),
    }
}
