use std::path::{Path, PathBuf};

use crypto::PublicKey;
use privacy::certificate::Certificate;
use serde::Serialize;
use serde_json::json;

use crate::arguments::Format;
use crate::command::audit;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::on_server::ServerOption;
use crate::output::{self, Output};
use crate::project::ProjectArgument;
use crate::runtime;
use crate::state::{self, StateArgument};
use crate::table::table;

/// Which certificate, and whom to trust.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela certificate verify RUN.certificate.json
  tutela certificate verify RUN.certificate.json --key signing-key.pub
  tutela certificate verify pri_0199b9c2-7a31-7c3e-9d52-6f0f5d1c2b3a.certificate.json --server https://tutela.example.com

Trusts the keys of `--key`, or those in the data folder (`signing-key.pub`), or with --server the key that
the server says is its own, and nothing that stands in the certificate. Ends with 1 if the certificate is not exactly as it was signed.")]
pub(crate) struct Verify {
    /// The certificate.
    file: PathBuf,
    /// File with the public key of the installation that issued it.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    #[command(flatten)]
    project: ProjectArgument,
    #[command(flatten)]
    state: StateArgument,
    #[command(flatten)]
    server: ServerOption,
}

/// Checks a certificate.
pub(crate) fn run(arguments: &Verify, output: Output) -> Result<Exit, Failure> {
    let keys = match (&arguments.key, arguments.server.address()?) {
        (Some(path), _) => state::public_keys(path)?,
        (None, Some(address)) => runtime::run_until_interrupted(audit::public_keys(&address, output))?,
        (None, None) => arguments.state.settings(&arguments.project.project)?.public_keys()?,
    };
    verify(&arguments.file, &keys, output)
}

/// Checks a certificate with these keys and shows what it says.
pub(crate) fn verify(file: &Path, keys: &[PublicKey], output: Output) -> Result<Exit, Failure> {
    let bytes = std::fs::read(file).map_err(|error| Failure::unreadable(file, &error))?;
    let certificate = Certificate::verify(&bytes, keys).map_err(|error| Failure::failed(&error))?;
    show(&certificate, output);
    Ok(Exit::Done)
}

fn show(certificate: &Certificate, output: Output) {
    match output.format() {
        Format::Json => output::json(&json!({ "valid": true, "certificate": certificate })),
        Format::Table => {
            output::text(
                "the certificate is valid: signed by a trusted key, unchanged, and in the audit log",
            );
            draw(certificate);
        }
    }
}

/// Draws what a certificate says for a person.
pub(crate) fn draw(certificate: &Certificate) {
    output::text(&format!("run:        {}", certificate.run));
    output::text(&format!("plan:       {}", certificate.plan_digest));
    output::text(&format!("policy:     {}", certificate.policy));
    output::text(&format!("issued:     {}", certificate.issued_at));
    let conclusion = &certificate.conclusion;
    let proven = if conclusion.proven { "everything is proven" } else { "not everything is proven" };
    let outcome = conclusion.outcome.as_ref().map_or_else(|| "nothing to do".to_owned(), word);
    let grade =
        conclusion.grade.as_ref().map(|grade| format!(", {} at worst", word(grade))).unwrap_or_default();
    output::text(&format!("conclusion: {proven}; {outcome}{grade}"));
    let operations = certificate.operations.iter().map(|operation| {
        [
            operation.order.to_string(),
            operation.connection.clone(),
            addresses(&operation.collections),
            word(&operation.outcome),
            operation.grade.as_ref().map(word).unwrap_or_default(),
        ]
    });
    output::text(&table(["#", "connection", "collections", "outcome", "grade"], operations, &[0]));
    let reads = certificate.verification.reads.iter().map(|read| {
        [read.address.to_string(), read.found(), read.rows_before.to_string(), read.rows_left.to_string()]
    });
    output::text(&table(["read again", "found", "rows before", "rows left"], reads, &[2, 3]));
    for one in &certificate.not_covered {
        output::text(&format!("not covered: {}: {}", one.collection, one.explanation));
    }
    for one in &certificate.exemptions {
        output::text(&format!("exempt: {}: {}", one.collection, one.explanation));
    }
}

fn addresses(collections: &[model::CollectionAddress]) -> String {
    collections.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// A name of ours in words.
pub(crate) fn word(name: &impl Serialize) -> String {
    let value = serde_json::to_value(name).ok();
    value.and_then(|value| value.as_str().map(|text| text.replace('_', " "))).unwrap_or_default()
}
