use model::CollectionAddress;
use serde_json::Value;

use super::{Finding, Lowering};
use crate::dataset_file::{Collection, DataKind, DataType, Dataset, Field, MaskingStrategy, Namespace};
use crate::raw;

/// Masking strategies that need a secret, which a dataset cannot bring (saas-config 25.10).
const SECRET_STRATEGIES: [&str; 3] = ["hash", "hmac", "aes_encrypt"];

/// Makes the checked datasets. They are usable only if nothing in [`Lowering::finish`] is an error.
pub(crate) fn lower_datasets(lowering: &mut Lowering<'_>, raw: raw::DatasetDocument) -> Vec<Dataset> {
    raw.dataset
        .unwrap_or_default()
        .into_iter()
        .enumerate()
        .map(|(index, entry)| lowering.dataset(&format!("dataset[{index}]"), entry))
        .collect()
}

/// Whether `redact` hides the name; it knows nothing else.
fn hides_name(redact: Option<&str>) -> bool {
    redact == Some("name")
}

impl Lowering<'_> {
    fn dataset(&mut self, place: &str, raw: raw::DatasetEntry) -> Dataset {
        let is_new_spelling = raw.fides_meta.is_some();
        let meta = raw.fides_meta.or(raw.fidesops_meta).unwrap_or_default();
        let mut collections = Vec::new();
        for (index, collection) in raw.collections.unwrap_or_default().into_iter().enumerate() {
            collections.push(self.dataset_collection(&format!("{place}.collections[{index}]"), collection));
        }
        let names: Vec<&str> =
            collections.iter().map(|collection: &Collection| collection.name.as_str()).collect();
        self.unique_names(&format!("{place}.collections"), &names);
        collections.sort_by(|one, two| one.name.cmp(&two.name));
        let meta_key = if is_new_spelling { "fides_meta" } else { "fidesops_meta" };
        let namespace = meta
            .namespace
            .map(|namespace| self.namespace(&format!("{place}.{meta_key}.namespace"), &namespace));
        Dataset {
            fides_key: raw.fides_key.unwrap_or_default(),
            name: raw.name,
            description: raw.description,
            after: meta.after.unwrap_or_default(),
            namespace,
            redacted: hides_name(meta.redact.as_deref()),
            collections,
        }
    }

    /// Members of other kinds of databases are left to those who know them (privacy-requests Q-16).
    fn namespace(&mut self, place: &str, raw: &serde_json::Map<String, Value>) -> Namespace {
        let mut text = |names: [&str; 2]| {
            let name = names.into_iter().find(|name| raw.get(*name).is_some_and(|value| !value.is_null()))?;
            let value = raw.get(name)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
            if value.is_none() {
                let message = format!("`{name}` must be the name of one");
                let help = "write text, as in `namespace: { schema: public }`";
                self.error(&format!("{place}.{name}"), Finding::new("spec::bad_namespace", message, help));
            }
            value
        };
        Namespace { database: text(["database_name", "database"]), schema: text(["schema", "schema_name"]) }
    }

    fn dataset_collection(&mut self, place: &str, raw: raw::DatasetCollection) -> Collection {
        let meta_key = if raw.fides_meta.is_some() { "fides_meta" } else { "fidesops_meta" };
        let meta = raw.fides_meta.or(raw.fidesops_meta).unwrap_or_default();
        let mut fields = Vec::new();
        for (index, field) in raw.fields.unwrap_or_default().into_iter().enumerate() {
            fields.push(self.dataset_field(&format!("{place}.fields[{index}]"), field, false));
        }
        let names: Vec<&str> = fields.iter().map(|field: &Field| field.name.as_str()).collect();
        self.unique_names(&format!("{place}.fields"), &names);
        fields.sort_by(|one, two| one.name.cmp(&two.name));
        Collection {
            name: raw.name.unwrap_or_default(),
            description: raw.description,
            data_categories: raw.data_categories.unwrap_or_default(),
            fields,
            after: self.addresses(&format!("{place}.{meta_key}.after"), meta.after),
            erase_after: self.addresses(&format!("{place}.{meta_key}.erase_after"), meta.erase_after),
            skip_processing: meta.skip_processing.unwrap_or_default(),
            redacted: hides_name(meta.redact.as_deref()),
            masking_strategy_override: self
                .deletion(&format!("{place}.{meta_key}"), meta.masking_strategy_override),
        }
    }

    /// A collection as a whole can only be deleted (privacy-requests M-8).
    fn deletion(&mut self, place: &str, raw: Option<raw::MaskingOverride>) -> Option<MaskingStrategy> {
        let masking = masking_strategy(raw?)?;
        if masking.strategy != "delete" {
            let message = format!("`{}` is no way to erase a whole collection", masking.strategy);
            let help = "write `strategy: delete`, or give the override to single fields";
            let place = format!("{place}.masking_strategy_override.strategy");
            self.error(&place, Finding::new("spec::collection_masking", message, help));
        }
        Some(masking)
    }

    /// `keeps_all` is inherited from an object field above (privacy-requests D-13).
    fn dataset_field(&mut self, place: &str, raw: raw::DatasetField, keeps_all: bool) -> Field {
        let meta_key = if raw.fides_meta.is_some() { "fides_meta" } else { "fidesops_meta" };
        let meta_place = format!("{place}.{meta_key}");
        let meta = raw.fides_meta.or(raw.fidesops_meta).unwrap_or_default();
        let data_type = self.data_type(&meta_place, meta.data_type.as_deref());
        let own_keeps_all = meta.return_all_elements.unwrap_or_default();
        if own_keeps_all && !data_type.is_some_and(|data_type| data_type.is_array) {
            let message = "`return_all_elements` can only be specified on array fields";
            let help = "give the field a `data_type` that ends in `[]`, or remove the key";
            self.key_error(
                &format!("{meta_place}.return_all_elements"),
                Finding::new("spec::not_an_array", message, help),
            );
        }
        let return_all_elements = own_keeps_all || keeps_all;
        let nested = raw.fields.unwrap_or_default();
        let is_object = !nested.is_empty();
        if is_object && data_type.is_some_and(|data_type| data_type.kind != DataKind::Object) {
            let written = meta.data_type.as_deref().unwrap_or_default();
            let message = format!("data type `{written}` is not compatible with specified sub-fields");
            let help = "write `object` or `object[]`, or remove the nested `fields`";
            self.error(
                &format!("{meta_place}.data_type"),
                Finding::new("spec::fields_in_scalar", message, help),
            );
        }
        let fields: Vec<Field> = nested
            .into_iter()
            .enumerate()
            .map(|(index, field)| {
                self.dataset_field(&format!("{place}.fields[{index}]"), field, return_all_elements)
            })
            .collect();
        let mut field = Field {
            name: raw.name.unwrap_or_default(),
            description: raw.description,
            data_categories: raw.data_categories.unwrap_or_default(),
            fields,
            data_type,
            primary_key: meta.primary_key.unwrap_or_default(),
            length: self.length(&meta_place, meta.length),
            read_only: meta.read_only.unwrap_or_default(),
            return_all_elements,
            redacted: hides_name(meta.redact.as_deref()),
            masking_strategy_override: meta.masking_strategy_override.and_then(masking_strategy),
            references: Vec::new(),
            identity: meta.identity.filter(|identity| !identity.is_empty()),
            custom_request_field: meta.custom_request_field.filter(|name| !name.is_empty()),
        };
        for (index, reference) in meta.references.unwrap_or_default().into_iter().enumerate() {
            field
                .references
                .extend(self.field_reference(&format!("{meta_place}.references[{index}]"), reference));
        }
        if is_object {
            // Of an object field's settings only these count (saas-config 25.7).
            field.primary_key = false;
            field.length = None;
            field.read_only = false;
            field.masking_strategy_override = None;
            field.references = Vec::new();
            field.identity = None;
            field.custom_request_field = None;
        } else {
            self.secret_strategy(&meta_place, field.masking_strategy_override.as_ref());
        }
        field
    }

    fn secret_strategy(&mut self, place: &str, masking: Option<&MaskingStrategy>) {
        let Some(strategy) = masking.map(|masking| masking.strategy.as_str()) else { return };
        if SECRET_STRATEGIES.contains(&strategy) {
            let message =
                format!("masking strategy `{strategy}` needs a secret and is not allowed as an override");
            let place = format!("{place}.masking_strategy_override.strategy");
            let help = "use `null_rewrite`, `string_rewrite` or `random_string_rewrite`";
            self.error(&place, Finding::new("spec::secret_masking_override", message, help));
        }
    }

    fn length(&mut self, place: &str, length: Option<i64>) -> Option<u64> {
        let length = length?;
        if let Ok(length @ 1..) = u64::try_from(length) {
            return Some(length);
        }
        let message = "`length` must be more than zero";
        let finding = Finding::new("spec::out_of_range", message, "write a number of characters");
        self.error(&format!("{place}.length"), finding);
        None
    }

    fn data_type(&mut self, place: &str, written: Option<&str>) -> Option<DataType> {
        let written = written?;
        let (name, is_array) = match written.strip_suffix("[]") {
            Some(name) => (name, true),
            None => (written, false),
        };
        let kind = match name {
            "string" => DataKind::String,
            "integer" => DataKind::Integer,
            "float" => DataKind::Float,
            "boolean" => DataKind::Boolean,
            "object_id" => DataKind::ObjectId,
            "object" => DataKind::Object,
            _ => {
                let message = format!("data type `{written}` is not supported");
                let names = ["string", "integer", "float", "boolean", "object_id", "object"];
                let help = match crate::diagnostic::nearest_of(name, names) {
                    Some(near) => format!("did you mean `{near}`? Possible are {}", names.join(", ")),
                    None => format!("possible are {}, each also with `[]`", names.join(", ")),
                };
                self.error(
                    &format!("{place}.data_type"),
                    Finding::new("spec::unknown_data_type", message, &help),
                );
                return None;
            }
        };
        Some(DataType { kind, is_array })
    }

    fn addresses(&mut self, place: &str, entries: Option<Vec<String>>) -> Vec<CollectionAddress> {
        let collections = self.collections(place, entries);
        collections
            .into_iter()
            .map(|(dataset, collection)| CollectionAddress::new(dataset, collection))
            .collect()
    }

    /// Names of a list must differ; the repetition is reported (saas-config 25.4).
    fn unique_names(&mut self, place: &str, names: &[&str]) {
        for (index, name) in names.iter().enumerate() {
            let repeated = names.iter().take(index).any(|earlier| earlier == name);
            if repeated && !name.is_empty() {
                let message = format!("Duplicate entries found: `{name}` is here for the second time");
                self.error(
                    &format!("{place}[{index}].name"),
                    Finding::new("spec::duplicate_name", message, "unite the two, or rename one"),
                );
            }
        }
    }
}

pub(super) fn masking_strategy(raw: raw::MaskingOverride) -> Option<MaskingStrategy> {
    let configuration =
        raw.configuration.map_or_else(|| Value::Object(serde_json::Map::new()), Value::Object);
    Some(MaskingStrategy { strategy: raw.strategy?, configuration })
}
