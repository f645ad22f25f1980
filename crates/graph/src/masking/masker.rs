use crypto::MaskSecrets;
use model::{CollectionAddress, FieldAddress, Row};
use serde_json::Value;
use spec::dataset_file::DataKind;
use thiserror::Error;

use super::walk::Walk;
use super::{ErasureRule, MaskedRow, Strategy, StrategyError};
use crate::category::covers;
use crate::{GraphCollection, GraphField};

/// Masks the rows of one collection under the erasure rules of a policy.
///
/// Equal values under one strategy get equal masks as long as the secrets are the same
/// (privacy-requests E-8): one set serves all collections of a plan and is then dropped.
#[derive(Debug)]
pub struct Masker<'a> {
    pub(super) rules: &'a [ErasureRule],
    pub(super) secrets: &'a MaskSecrets,
    pub(super) fields: Vec<MaskField>,
    collection_is_targeted: bool,
}

/// A strategy of a dataset that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MaskerError {
    /// The override of a field is no strategy.
    #[error("`masking_strategy_override` of `{field}`: {source}")]
    Override {
        /// The field.
        field: Box<FieldAddress>,
        /// What is wrong.
        #[source]
        source: StrategyError,
    },
    /// The override of a field needs secrets (privacy-requests M-7).
    #[error(
        "Masking strategy '{strategy}' with required secrets not allowed as an override: `{field}`; use \
         `null_rewrite`, `string_rewrite` or `random_string_rewrite`"
    )]
    SecretOverride {
        /// The field.
        field: Box<FieldAddress>,
        /// The strategy.
        strategy: &'static str,
    },
}

/// A field with everything that masking asks about it.
#[derive(Debug)]
pub(super) struct MaskField {
    pub(super) name: String,
    /// Declared path, with dots.
    pub(super) path: String,
    pub(super) kind: Option<DataKind>,
    pub(super) length: Option<u64>,
    pub(super) read_only: bool,
    pub(super) strategy: Option<Strategy>,
    /// The rule that targets it, with the category.
    pub(super) rule: Option<(usize, String)>,
    pub(super) fields: Vec<MaskField>,
    /// A rule targets it or something below.
    pub(super) is_touched: bool,
    /// Something below must stay or has a strategy of its own, so it cannot be masked as a whole.
    pub(super) has_exception: bool,
}

impl<'a> Masker<'a> {
    /// A masker for `collection`. A field that two rules target belongs to the later one
    /// (privacy-requests E-6).
    ///
    /// # Errors
    /// [`MaskerError`] for a field whose own strategy cannot be used.
    pub fn new(
        collection: &GraphCollection,
        rules: &'a [ErasureRule],
        secrets: &'a MaskSecrets,
    ) -> Result<Self, MaskerError> {
        let compile = Compile { address: &collection.address, rules };
        let collection_is_targeted = rules.iter().any(|rule| {
            let covered = |category: &String| rule.targets.iter().any(|target| covers(target, category));
            collection.data_categories.iter().any(covered)
        });
        let fields = compile.fields(&collection.fields, "")?;
        Ok(Self { rules, secrets, fields, collection_is_targeted })
    }

    /// Whether some field is targeted, so that there can be anything to mask.
    pub fn has_targets(&self) -> bool {
        self.fields.iter().any(|field| field.is_touched)
    }

    /// Whether the collection as a whole has a targeted category. Masking goes by fields only
    /// (privacy-requests E-2): what has no category of its own stays, and the plan has to say so.
    pub fn collection_is_targeted(&self) -> bool {
        self.collection_is_targeted
    }

    /// Masks one row. `received` is the row as it was read; `marked` its erasure form, in which
    /// [`DO_NOT_MASK`](crate::DO_NOT_MASK) stands for elements that are not the person's.
    pub fn mask(&self, received: &Row, marked: &Row) -> MaskedRow {
        Walk::new(self).row(received, marked)
    }

    /// `masked_object_fields`: the masked values alone, nested as in the row (saas-config 20.12).
    /// Elements of an array that are not masked are there as they were received, so that writing
    /// the array changes only what is meant (the better side of 20.17).
    pub fn masked_object_fields(&self, received: &Row, masked: &MaskedRow) -> Row {
        super::object::masked_only(&self.fields, received, masked)
    }

    /// `all_object_fields`: the row with the masked values in it, without read-only fields and
    /// without top-level fields that the collection does not declare (saas-config 20.13).
    pub fn all_object_fields(&self, received: &Row, masked: &MaskedRow) -> Row {
        super::object::all(&self.fields, received, masked)
    }

    /// The top-level fields that change, whole: what a database writes into its columns.
    pub fn columns(&self, received: &Row, masked: &MaskedRow) -> Row {
        super::object::columns(received, masked)
    }
}

impl MaskField {
    pub(super) fn find<'a>(fields: &'a [Self], name: &str) -> Option<&'a Self> {
        fields.iter().find(|field| field.name == name)
    }
}

/// What fields are compiled with.
struct Compile<'a> {
    address: &'a CollectionAddress,
    rules: &'a [ErasureRule],
}

impl Compile<'_> {
    fn fields(&self, fields: &[GraphField], above: &str) -> Result<Vec<MaskField>, MaskerError> {
        fields.iter().map(|field| self.field(field, above)).collect()
    }

    fn field(&self, field: &GraphField, above: &str) -> Result<MaskField, MaskerError> {
        let path = if above.is_empty() { field.name.clone() } else { format!("{above}.{}", field.name) };
        let fields = self.fields(&field.fields, &path)?;
        let strategy = field.masking_strategy_override.as_ref().map(Strategy::parse).transpose();
        let own = || Box::new(self.address.field(&path));
        let strategy = strategy.map_err(|source| MaskerError::Override { field: own(), source })?;
        if let Some(strategy) = strategy.as_ref().filter(|strategy| strategy.needs_secrets()) {
            return Err(MaskerError::SecretOverride { field: own(), strategy: strategy.name() });
        }
        let targeting = self.rules.iter().enumerate().rev().find_map(|(index, rule)| {
            rule.targeted(&field.data_categories).map(|category| (index, category.to_owned()))
        });
        Ok(MaskField {
            name: field.name.clone(),
            kind: field.data_type.map(|data_type| data_type.kind),
            length: field.length,
            read_only: field.read_only,
            is_touched: targeting.is_some() || fields.iter().any(|below| below.is_touched),
            has_exception: fields
                .iter()
                .any(|below| below.read_only || below.strategy.is_some() || below.has_exception),
            rule: targeting,
            strategy,
            fields,
            path,
        })
    }
}

/// Whether the element of `marked` that stands for `received` says that it is not the person's.
/// A value that happens to be that text is not spared by it.
pub(super) fn is_marked(received: &Value, marked: Option<&Value>) -> bool {
    let is_mark = |value: &Value| value.as_str() == Some(crate::DO_NOT_MASK);
    marked.is_some_and(is_mark) && !is_mark(received)
}
