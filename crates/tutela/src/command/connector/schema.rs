use clap::ValueEnum;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::on_server::NoServer;
use crate::output;

/// Which schema.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela connector schema > connector.schema.json
  tutela connector schema dataset")]
pub(crate) struct Schema {
    /// The file format.
    #[arg(value_enum, default_value_t = Kind::Connector)]
    kind: Kind,
    #[command(flatten)]
    server: NoServer,
}

/// A file format.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// `connector.yml`
    Connector,
    /// `dataset.yml`
    Dataset,
    /// `tutela.yml`
    Project,
    /// `server.yml`
    Server,
}

/// Prints the schema; always JSON, whatever the format asked for.
pub(crate) fn run(schema: &Schema) -> Result<Exit, Failure> {
    schema
        .server
        .refuse("the schema is this program's own, and the same as that of a server of its version")?;
    output::json(&match schema.kind {
        Kind::Connector => spec::connector_schema(),
        Kind::Dataset => spec::dataset_schema(),
        Kind::Project => spec::project_schema(),
        Kind::Server => spec::server_schema(),
    });
    Ok(Exit::Done)
}
