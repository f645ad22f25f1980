use governance::change::AccessChange;

use super::change::{self, ChangeArguments};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// What is made.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela governance create --connection segment --type invite --param email=ana@example.com

The plan is shown first; exit codes as of `grant`.")]
pub(crate) struct Create {
    #[command(flatten)]
    pub(super) arguments: ChangeArguments,
    /// Kind of what is made.
    #[arg(long = "type", value_name = "KIND")]
    kind: String,
    /// What is said about it, once for each param of the connector file.
    #[arg(long = "param", value_name = "NAME=VALUE")]
    params: Vec<String>,
}

/// Plans and carries out.
pub(crate) fn run(create: &Create, output: Output) -> Result<Exit, Failure> {
    let param = |text: &String| match text.split_once('=') {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err(Failure::BadInput("a param is written as its name, `=` and its value".to_owned())),
    };
    let params = create.params.iter().map(param).collect::<Result<Vec<_>, Failure>>()?;
    let change = AccessChange::Create { kind: create.kind.clone(), params };
    change::run(&create.arguments, &change, output)
}
