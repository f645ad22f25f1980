use model::Path;

use super::authentication::fill;
use super::request::Kind;
use super::{Finding, Lowering};
use crate::connector_file::{Filter, Postprocessor, Wanted};
use crate::raw;
use crate::reference::{Direction, FieldReference};

impl Lowering<'_> {
    /// Consent requests do not run their postprocessors (saas-config 22.6), so a broken one there is
    /// only worth a warning.
    pub(super) fn postprocessors(
        &mut self,
        place: &str,
        processors: Vec<raw::Postprocessor>,
        kind: Kind,
    ) -> Vec<Postprocessor> {
        let mut lowered = Vec::new();
        for (index, processor) in processors.into_iter().enumerate() {
            let place = format!("{place}[{index}].configuration");
            let Some(strategy) = processor.strategy else { continue };
            let configuration = processor.configuration.unwrap_or_default();
            match strategy.as_str() {
                "unwrap" => {
                    let raw: raw::UnwrapConfiguration = fill(configuration);
                    let data_path: Option<Path> = self.path(&format!("{place}.data_path"), raw.data_path);
                    lowered.extend(data_path.map(|data_path| Postprocessor::Unwrap { data_path }));
                }
                "filter" => {
                    lowered.extend(self.filter(&place, fill(configuration), kind).map(Postprocessor::Filter));
                }
                "extract_for_execution_log" => {
                    let raw: raw::ExtractConfiguration = fill(configuration);
                    let path = self.path(&format!("{place}.path"), raw.path);
                    lowered.push(Postprocessor::ExtractForExecutionLog { path });
                }
                _ => {}
            }
        }
        lowered
    }

    fn filter(&mut self, place: &str, raw: raw::FilterConfiguration, kind: Kind) -> Option<Filter> {
        let wanted = match raw.value {
            Some(raw::Wanted::Text(text)) => Some(Wanted::Text(text)),
            Some(raw::Wanted::Source(source)) => match (source.identity, source.dataset_reference) {
                (Some(identity), None) => Some(Wanted::Identity(identity)),
                (None, Some(reference)) => Some(Wanted::DatasetReference(three_parts(&reference))),
                (Some(_), Some(_)) | (None, None) => None,
            },
            None => None,
        };
        if wanted.is_none() && !self.was_reported(place, "value") {
            let message =
                "Field required: a filter needs a `value`: text, an identity or a dataset reference";
            let help = "write `value: {identity: email}` or `value: some text`";
            let place = format!("{place}.value");
            if kind == Kind::Consent {
                self.warning(&place, Finding::new("spec::missing_key", message, help));
            } else {
                self.key_error(&place, Finding::new("spec::missing_key", message, help));
            }
        }
        Some(Filter {
            field: raw.field?.split('.').map(str::to_owned).collect(),
            wanted: wanted?,
            exact: raw.exact.unwrap_or(true),
            case_sensitive: raw.case_sensitive.unwrap_or(true),
        })
    }
}

/// A reference of exactly three parts; any other finds nothing (saas-config 15.5).
fn three_parts(reference: &str) -> Option<FieldReference> {
    let parts: Vec<&str> = reference.split('.').collect();
    let [dataset, collection, field] = parts.as_slice() else { return None };
    Some(FieldReference {
        dataset: (*dataset).to_owned(),
        collection: (*collection).to_owned(),
        path: vec![(*field).to_owned()],
        direction: Direction::From,
    })
}
