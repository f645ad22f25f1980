//! A template that a customer brings.

use spec::{CheckOptions, Diagnostics, DomainValidation, Severity, SourceFile, check_connector};
use thiserror::Error;

use super::{PLACEHOLDER, Template, first_dataset};
use crate::Categories;

/// Why two files are no template.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TemplateFault {
    /// The connector file is refused.
    #[error("config.yml is not valid: {0}")]
    Config(String),
    /// Its key would be the same for every connection.
    #[error("the `fides_key` of {0} must be `{PLACEHOLDER}`, which each connection fills in")]
    Key(&'static str),
    /// The dataset is refused.
    #[error("dataset.yml is not valid: {0}")]
    Dataset(String),
    /// An override needs a secret, which a dataset cannot bring (saas-config 25.10).
    #[error("Masking strategy '{0}' with required secrets not allowed as an override.")]
    SecretOverride(String),
}

impl Template {
    /// Checks the two files. Where the library has a template of the type, its version takes the place of
    /// the file's, and its scripts are those that the file may name (saas-config 24.8, 24.9). The dataset
    /// may use these categories.
    ///
    /// # Errors
    /// [`TemplateFault`] with the first thing that is wrong.
    pub(crate) fn brought(
        config: String,
        dataset: String,
        categories: &Categories,
    ) -> Result<Self, TemplateFault> {
        let source = SourceFile::new("config.yml", config);
        let found = check_connector(&source, &CheckOptions::default());
        // Scripts of the library's template may be what is missing.
        let connector_type = match &found.value {
            Some(file) => Some(file.connector_type.to_string()),
            None => type_of(&source),
        };
        let own = connector_type.as_deref().and_then(Self::find);
        let text = match own {
            Some(own) => with_version(source.text(), &own.file.version),
            None => source.text().to_owned(),
        };
        let scripts = own.map(|own| own.config.scripts().to_vec()).unwrap_or_default();
        let config = SourceFile::new("config.yml", text).with_scripts(scripts);
        let checked = check_connector(&config, &CheckOptions::default());
        let file = checked.value.ok_or_else(|| TemplateFault::Config(first(&checked.diagnostics)))?;
        if file.fides_key != PLACEHOLDER {
            return Err(TemplateFault::Key("config.yml"));
        }
        let template = Self { file, config, dataset: SourceFile::new("dataset.yml", dataset) };
        template.check_dataset(categories)?;
        Ok(template)
    }

    /// With any key, both documents pass.
    fn check_dataset(&self, categories: &Categories) -> Result<(), TemplateFault> {
        let checked = spec::check_datasets(&self.dataset, &CheckOptions::default());
        let raw = first_dataset(&self.dataset, &CheckOptions::default());
        let raw = raw.ok_or_else(|| TemplateFault::Dataset(first(&checked.diagnostics)))?;
        if raw.get("fides_key").and_then(serde_json::Value::as_str) != Some(PLACEHOLDER) {
            return Err(TemplateFault::Key("dataset.yml"));
        }
        let key = "of_the_check".parse().ok();
        let options = CheckOptions { instance_key: key, domain_validation: DomainValidation::default() };
        let filled = first_dataset(&self.dataset, &options).unwrap_or_default();
        let document = crate::DatasetDocument::check(&filled, categories).map_err(|problems| {
            TemplateFault::Dataset(problems.first().map(|found| found.message.clone()).unwrap_or_default())
        })?;
        match document.refused_overrides.first() {
            Some(strategy) => Err(TemplateFault::SecretOverride(strategy.clone())),
            None => Ok(()),
        }
    }
}

/// The type that a file which does not pass says it is of.
fn type_of(source: &SourceFile) -> Option<String> {
    let document = spec::document(source, &CheckOptions::default())?;
    Some(document.pointer("/saas_config/type")?.as_str()?.to_lowercase())
}

fn first(found: &Diagnostics) -> String {
    let mut errors = found.iter().filter(|found| found.severity == Severity::Error);
    errors.next().map_or_else(|| "it is empty".to_owned(), |found| found.message.clone())
}

/// The text with another value for the key `version` directly below `saas_config`, and nothing else
/// changed. Where the file is not written in lines, it stays.
fn with_version(text: &str, version: &str) -> String {
    let mut inside = false;
    let mut indent = None;
    let line = |line: &str| {
        let content = line.trim_start();
        let depth = line.len() - content.len();
        let says_something = !content.trim_end().is_empty() && !content.starts_with('#');
        if says_something && depth == 0 {
            inside = content.starts_with("saas_config:");
            indent = None;
        } else if says_something && inside {
            let top = *indent.get_or_insert(depth);
            if depth == top && content.starts_with("version:") {
                let end = if line.ends_with("\r\n") { "\r\n" } else { "\n" };
                return format!("{}version: {version}{end}", " ".repeat(depth));
            }
        }
        line.to_owned()
    };
    text.split_inclusive('\n').map(line).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    // rule: saas-config 24.9
    #[test]
    fn only_the_version_of_the_file_itself_is_replaced() {
        let text = "# version: 9\nsaas_config:\n  fides_key: <instance_fides_key>\n  api_version: 3\n  version: 0.0.1\n  client_config:\n    version: 4\nother:\n  version: 5\n";

        let replaced = with_version(text, "1.2.3");

        assert_eq!(replaced, text.replace("  version: 0.0.1\n", "  version: 1.2.3\n"));
    }

    #[test]
    fn template_of_the_library_brought_again_is_the_same_template() {
        for own in Template::list() {
            let brought = Template::brought(
                own.config_text().to_owned(),
                own.dataset_text().to_owned(),
                &Categories::Any,
            )
            .unwrap();

            assert_eq!(brought.connector_type(), own.connector_type());
            assert_eq!(brought.file().version, own.file().version);
            assert_eq!(brought.scripts(), own.scripts());
        }
    }

    // rule: saas-config 24.5
    #[test]
    fn fixed_keys_and_broken_files_are_refused() {
        let own = Template::find("mailchimp").unwrap();
        let brought = |config: &str, dataset: &str| {
            Template::brought(config.to_owned(), dataset.to_owned(), &Categories::Of(HashSet::new()))
                .unwrap_err()
        };
        let (config, dataset) = (own.config_text(), own.dataset_text());

        assert_eq!(brought(&config.replace(PLACEHOLDER, "fixed"), dataset), TemplateFault::Key("config.yml"));
        assert_eq!(
            brought(config, &dataset.replace(PLACEHOLDER, "fixed")),
            TemplateFault::Key("dataset.yml")
        );
        assert!(matches!(brought("saas_config: 3", dataset), TemplateFault::Config(_)));
        assert!(matches!(brought(config, "nothing: here"), TemplateFault::Dataset(_)));
    }
}
