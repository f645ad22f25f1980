use crate::connector_file::ConnectorFile;
use crate::dataset_file::Dataset;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::source::SourceFile;
use crate::yaml::{Entry, Node};

/// What stands for the connection's key in a file that serves several connections.
pub(crate) const INSTANCE_KEY: &str = "<instance_fides_key>";

/// saas-config 25.11 and 25.12, the latter for fields at every depth.
///
/// The file is looked at as written: settings of object fields are gone from the checked form.
pub(crate) fn check_attached(
    connector: &ConnectorFile,
    dataset: &Dataset,
    source: &SourceFile,
    root: &Node,
) -> Diagnostics {
    let mut found = Diagnostics::default();
    let Some(entry) = dataset_entry(root, &dataset.fides_key) else { return found };
    if dataset.fides_key != connector.fides_key {
        let span = match entry.find_entry("fides_key") {
            Some(key) => key.value.span.clone(),
            None => entry.span.clone(),
        };
        let message = format!(
            "the dataset's fides_key `{}` does not match the fides_key `{}` of the connector file",
            dataset.fides_key, connector.fides_key
        );
        let help = format!("write `fides_key: {}`, or `{INSTANCE_KEY}` in both files", connector.fides_key);
        found.push(Diagnostic::error(source, span, "spec::dataset_key", message).with_help(help));
    }
    for collection in items_of(entry, "collections") {
        fields(source, items_of(collection, "fields"), "", &mut found);
    }
    found
}

fn dataset_entry<'a>(root: &'a Node, key: &str) -> Option<&'a Node> {
    let entries = items_of(root, "dataset");
    let has_key = |entry: &&Node| match entry.find_entry("fides_key").map(|entry| &entry.value.content) {
        Some(crate::yaml::Content::Scalar(scalar)) => {
            scalar.text == key || scalar.text.contains(INSTANCE_KEY)
        }
        _ => false,
    };
    entries.iter().find(has_key).or_else(|| entries.first())
}

fn fields(source: &SourceFile, fields_of: &[Node], above: &str, found: &mut Diagnostics) {
    for field in fields_of {
        let path = format!("{above}{}", text_of(field, "name"));
        // If both spellings are there, the newer one counts (saas-config 25.5).
        let meta = field.find_entry("fides_meta").or_else(|| field.find_entry("fidesops_meta"));
        let forbidden = |key: &str| {
            meta.and_then(|meta| meta.value.find_entry(key)).filter(|entry| says_something(entry))
        };
        for entry in ["references", "identity"].into_iter().filter_map(forbidden) {
            let message = format!(
                "field `{path}` has `{}`: fields of a connector's dataset are not allowed to have references or identities",
                entry.key
            );
            let help = "remove it here; param values of the connector file connect fields and identities";
            let span = entry.key_span.clone();
            found.push(Diagnostic::error(source, span, "spec::dataset_reference", message).with_help(help));
        }
        fields(source, items_of(field, "fields"), &format!("{path}."), found);
    }
}

fn says_something(entry: &Entry) -> bool {
    !entry.value.is_null() && (!entry.value.is_list() || !entry.value.items().is_empty())
}

fn items_of<'a>(node: &'a Node, key: &str) -> &'a [Node] {
    node.find_entry(key).map_or(&[], |entry| entry.value.items())
}

fn text_of<'a>(node: &'a Node, key: &str) -> &'a str {
    match node.find_entry(key).map(|entry| &entry.value.content) {
        Some(crate::yaml::Content::Scalar(scalar)) => &scalar.text,
        _ => "",
    }
}
