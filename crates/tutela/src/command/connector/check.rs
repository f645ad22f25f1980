use std::path::PathBuf;

use model::visible;
use serde::Serialize;
use serde_json::json;
use spec::connector_file::ConnectorFile;
use spec::dataset_file::Dataset;
use spec::{CheckOptions, Diagnostics, Severity};

use super::server::{self, ServersWord};
use crate::arguments::Format;
use crate::diagnostics::Sources;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files::{self, ConnectorSources};
use crate::on_server::ServerOption;
use crate::output::{self, Output};
use crate::table::table;

/// What to check.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela connector check connector.yml --dataset dataset.yml
  tutela connector check ./acme
  tutela connector check connectors/*.yml --format json
  tutela connector check connector.yml --server https://tutela.example.com

Warnings are shown and do not change the exit code; errors end with 2. With --server the server says as well
whether it would take each file, by its own settings; nothing is kept there.")]
pub(crate) struct Check {
    /// Connector files, or folders with connector.yml and dataset.yml.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The dataset that belongs to the file; with several files, once for each in the same order.
    #[arg(long)]
    dataset: Vec<PathBuf>,
    #[command(flatten)]
    server: ServerOption,
}

/// One file in the summary.
#[derive(Debug, Serialize)]
struct Summary {
    file: String,
    errors: usize,
    warnings: usize,
    /// POST requests that are sent as reads: nothing asks before they are sent.
    post_reads: Vec<PostRead>,
    /// What the server says of it, if one was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<ServersWord>,
}

/// A POST that counts as a read.
#[derive(Debug, Serialize)]
struct PostRead {
    place: String,
    path: String,
}

/// Checks all files, shows all findings, then one line for each file.
pub(crate) fn run(check: &Check, output: Output) -> Result<Exit, Failure> {
    if !check.dataset.is_empty() && check.dataset.len() != check.files.len() {
        let (files, datasets) = (check.files.len(), check.dataset.len());
        return Err(Failure::BadInput(format!(
            "{files} connector files and {datasets} datasets; give --dataset once for each file, in the same order"
        )));
    }
    let mut sources = Sources::default();
    let mut all = Diagnostics::default();
    let mut summaries = Vec::new();
    let mut pairs = Vec::new();
    let address = check.server.address()?;
    for (position, path) in check.files.iter().enumerate() {
        let mut pair = files::connector(path)?;
        if let Some(dataset) = check.dataset.get(position) {
            pair.dataset = Some(files::read(dataset)?);
        }
        summaries.push(check_one(&pair, &mut all));
        sources.add(pair.connector.clone());
        pair.dataset.iter().for_each(|dataset| sources.add(dataset.clone()));
        pairs.push(pair);
    }
    if let Some(address) = address {
        let words = server::ask(&pairs, &address, output)?;
        for (summary, word) in summaries.iter_mut().zip(words) {
            summary.server = word;
        }
    }
    match output.format() {
        Format::Json => {
            output::json(&json!({ "diagnostics": all.iter().collect::<Vec<_>>(), "files": summaries }));
        }
        Format::Table => {
            output.diagnostics(&all, &sources);
            show(&summaries);
        }
    }
    let refused = |summary: &Summary| summary.server.as_ref().is_some_and(|word| !word.accepted);
    Ok(if all.has_errors() || summaries.iter().any(refused) { Exit::BadInput } else { Exit::Done })
}

fn check_one(pair: &ConnectorSources, all: &mut Diagnostics) -> Summary {
    let options = CheckOptions::default();
    let connector = spec::check_connector(&pair.connector, &options);
    let mut found: Diagnostics = connector.diagnostics;
    if let Some(source) = &pair.dataset {
        let datasets = spec::check_datasets(source, &options);
        found.extend(datasets.diagnostics);
        if let (Some(file), Some(datasets)) = (&connector.value, &datasets.value)
            && let Some(dataset) = own_dataset(file, datasets)
        {
            found.extend(spec::check_pair(file, dataset, source));
        }
    }
    let count = |severity| found.iter().filter(|item| item.severity == severity).count();
    let summary = Summary {
        file: pair.connector.name().to_owned(),
        errors: count(Severity::Error),
        warnings: count(Severity::Warning),
        post_reads: connector.value.as_ref().map(post_reads).unwrap_or_default(),
        server: None,
    };
    all.extend(found);
    summary
}

/// The dataset with the file's key, else the first (saas-config 2.4).
fn own_dataset<'a>(file: &ConnectorFile, datasets: &'a [Dataset]) -> Option<&'a Dataset> {
    datasets.iter().find(|dataset| dataset.fides_key == file.fides_key).or_else(|| datasets.first())
}

fn post_reads(file: &ConnectorFile) -> Vec<PostRead> {
    spec::lint::reads_by_post(file)
        .into_iter()
        .map(|request| PostRead {
            place: request.place.clone(),
            path: request.target.as_ref().map(|target| target.path.source().to_owned()).unwrap_or_default(),
        })
        .collect()
}

fn show(summaries: &[Summary]) {
    let verdict = |summary: &Summary| if summary.errors == 0 { "ok" } else { "refused" }.to_owned();
    let rows = summaries.iter().map(|summary| {
        [summary.file.clone(), verdict(summary), summary.errors.to_string(), summary.warnings.to_string()]
    });
    output::text(&table(["file", "result", "errors", "warnings"], rows, &[2, 3]));
    for (summary, word) in summaries.iter().filter_map(|summary| Some((summary, summary.server.as_ref()?))) {
        let verdict = if word.accepted { "would take" } else { "would not take" };
        output::text(&format!("the server {verdict} {}", summary.file));
        word.says.iter().for_each(|line| output::text(&format!("  {}", visible(line))));
    }
    let posts: Vec<[String; 3]> = summaries
        .iter()
        .flat_map(|summary| {
            summary
                .post_reads
                .iter()
                .map(|post| [summary.file.clone(), post.place.clone(), post.path.clone()])
        })
        .collect();
    if !posts.is_empty() {
        output::text("POST requests that count as reads and are sent without asking:");
        output::text(&table(["file", "place", "path"], posts, &[]));
    }
}

#[cfg(test)]
mod tests {
    use spec::SourceFile;

    use super::*;

    #[test]
    fn the_scaffold_of_a_new_connector_is_valid() {
        let pair = ConnectorSources {
            connector: SourceFile::new("connector.yml", include_str!("new/connector.yml")),
            dataset: Some(SourceFile::new("dataset.yml", include_str!("new/dataset.yml"))),
        };
        let mut found = Diagnostics::default();

        let summary = check_one(&pair, &mut found);

        assert_eq!((summary.errors, summary.warnings), (0, 0), "{found:?}");
    }
}
