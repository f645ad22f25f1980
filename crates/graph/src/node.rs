//! What the graph is made of: datasets, collections and fields after merging.

use model::{CollectionAddress, FieldAddress};
use spec::dataset_file::{DataType, Dataset, Field, MaskingStrategy};
use spec::reference::{Direction, FieldReference};

use crate::edge;

/// One dataset, ready for the graph.
#[derive(Debug, Clone)]
pub struct GraphDataset {
    /// Key; a connection's own dataset has the connection's key.
    pub fides_key: String,
    /// Keys of datasets whose collections are visited first; unknown ones are ignored.
    pub after: Vec<String>,
    /// Collections that take part; those with `skip_processing` are gone.
    pub collections: Vec<GraphCollection>,
}

/// One collection that takes part in traversals.
#[derive(Debug, Clone)]
pub struct GraphCollection {
    /// Its address.
    pub address: CollectionAddress,
    /// Categories of all rows as a whole.
    pub data_categories: Vec<String>,
    /// Top-level fields: those of the dataset first, then params that are no dataset field.
    pub fields: Vec<GraphField>,
    /// Names of params whose values belong together (saas-config 17.6).
    pub grouped_inputs: Vec<String>,
    /// Collections read first.
    pub after: Vec<CollectionAddress>,
    /// Collections erased first.
    pub erase_after: Vec<CollectionAddress>,
    /// Fields whose rows a `filter` postprocessor looks at (saas-config 15.5).
    pub filter_references: Vec<FieldReference>,
    /// Rows are erased by deletion.
    pub masking_strategy_override: Option<MaskingStrategy>,
    /// Packages for people to read do not show its name.
    pub redacted: bool,
    /// Nor that of its dataset.
    pub dataset_redacted: bool,
}

/// One field of a [`GraphCollection`].
#[expect(clippy::struct_excessive_bools, reason = "each is a mark that files give by its own name")]
#[derive(Debug, Clone, Default)]
pub struct GraphField {
    /// Name.
    pub name: String,
    /// What the field holds.
    pub data_categories: Vec<String>,
    /// Nested fields; empty for a leaf.
    pub fields: Vec<GraphField>,
    /// Declared type; `None` = untyped.
    pub data_type: Option<DataType>,
    /// Part of the row's key.
    pub primary_key: bool,
    /// Longest masked text, in characters.
    pub length: Option<u64>,
    /// Never masked, never sent in updates.
    pub read_only: bool,
    /// Array filtering is off here; already inherited from the fields above.
    pub return_all_elements: bool,
    /// Packages for people to read do not show its name.
    pub redacted: bool,
    /// Replaces the rule's strategy.
    pub masking_strategy_override: Option<MaskingStrategy>,
    /// Where values come from, or go to.
    pub references: Vec<FieldReference>,
    /// Identity kinds that seed this field, in order of definition.
    pub identities: Vec<String>,
    /// The custom field of requests that finds rows by this field; it seeds nothing.
    pub custom_request_field: Option<String>,
}

impl GraphDataset {
    /// A dataset on its own, with the references and identities written in it: a database, or a
    /// connection whose connector file has another key (saas-config 16.4).
    pub fn from_dataset(dataset: &Dataset) -> Self {
        let collections = dataset
            .collections
            .iter()
            .filter(|collection| !collection.skip_processing)
            .map(|collection| GraphCollection {
                address: CollectionAddress::new(&dataset.fides_key, &collection.name),
                data_categories: collection.data_categories.clone(),
                fields: collection.fields.iter().map(|field| GraphField::from_field(field, false)).collect(),
                grouped_inputs: Vec::new(),
                after: collection.after.clone(),
                erase_after: collection.erase_after.clone(),
                filter_references: Vec::new(),
                masking_strategy_override: collection.masking_strategy_override.clone(),
                redacted: collection.redacted,
                dataset_redacted: dataset.redacted,
            })
            .collect();
        Self { fides_key: dataset.fides_key.clone(), after: dataset.after.clone(), collections }
    }

    /// The dataset as it is read by itself: a field whose values come from another dataset takes them as
    /// an identity that is called as that field's address, and nothing else of other datasets is left.
    #[must_use]
    pub fn alone(mut self) -> Self {
        let own = self.fides_key.as_str();
        for collection in &mut self.collections {
            collection.erase_after.retain(|first| first.dataset() == own);
            for field in &mut collection.fields {
                field.stand_alone(own);
            }
        }
        self
    }
}

impl GraphCollection {
    /// A collection without fields and without order.
    pub(crate) fn empty(address: CollectionAddress) -> Self {
        Self {
            address,
            data_categories: Vec::new(),
            fields: Vec::new(),
            grouped_inputs: Vec::new(),
            after: Vec::new(),
            erase_after: Vec::new(),
            filter_references: Vec::new(),
            masking_strategy_override: None,
            redacted: false,
            dataset_redacted: false,
        }
    }

    /// The field at `path`, nested or not.
    pub fn find_field<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> Option<&GraphField> {
        let mut levels = path.into_iter();
        let first = levels.next()?;
        let mut field = self.fields.iter().find(|field| field.name == first)?;
        for level in levels {
            field = field.fields.iter().find(|field| field.name == level)?;
        }
        Some(field)
    }

    /// Whether rows are found by custom fields of requests.
    pub fn has_custom_request_field(&self) -> bool {
        self.all_fields().iter().any(|(_, field)| field.custom_request_field.is_some())
    }

    /// Every field with its path, object fields before what is nested in them.
    pub fn all_fields(&self) -> Vec<(Vec<&str>, &GraphField)> {
        let mut found = Vec::new();
        for field in &self.fields {
            field.collect_into(&[], &mut found);
        }
        found
    }
}

impl GraphField {
    /// A scalar, untyped field.
    pub(crate) fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// The field of another dataset than `own` that the values come from. One way in is enough: how the
    /// collection is reached does not matter.
    pub fn outside_input(&self, own: &str) -> Option<FieldAddress> {
        let first = self.references.first()?;
        (first.direction == Direction::From && first.dataset != own).then(|| edge::address_of(first))
    }

    fn stand_alone(&mut self, own: &str) {
        let input = self.outside_input(own).map(|field| field.to_string());
        self.identities.extend(input);
        self.references.retain(|reference| reference.dataset == own);
        for inner in &mut self.fields {
            inner.stand_alone(own);
        }
    }

    /// A field of a dataset document. An object field keeps only name, categories, type and
    /// `return_all_elements`; the last is handed down (privacy-requests D-12, D-13).
    pub(crate) fn from_field(field: &Field, inherited: bool) -> Self {
        let return_all_elements = inherited || field.return_all_elements;
        let base = Self {
            name: field.name.clone(),
            data_categories: field.data_categories.clone(),
            data_type: field.data_type,
            return_all_elements,
            redacted: field.redacted,
            ..Self::default()
        };
        if field.fields.is_empty() {
            Self {
                primary_key: field.primary_key,
                length: field.length,
                read_only: field.read_only,
                masking_strategy_override: field.masking_strategy_override.clone(),
                references: field.references.clone(),
                identities: field.identity.iter().cloned().collect(),
                custom_request_field: field.custom_request_field.clone(),
                ..base
            }
        } else {
            let nested =
                field.fields.iter().map(|inner| Self::from_field(inner, return_all_elements)).collect();
            Self { fields: nested, ..base }
        }
    }

    fn collect_into<'a>(&'a self, above: &[&'a str], found: &mut Vec<(Vec<&'a str>, &'a GraphField)>) {
        let path = [above, &[self.name.as_str()]].concat();
        if self.fields.is_empty() {
            found.push((path, self));
            return;
        }
        found.push((path.clone(), self));
        for field in &self.fields {
            field.collect_into(&path, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use model::Identities;

    use crate::fixture::dataset;
    use crate::{Graph, Targets};

    #[test]
    fn a_dataset_by_itself_takes_fields_of_others_as_identities() {
        let mut whole = dataset(&["A: id email^email", "B: aid<A.id text", "C: other<X.id more-X.id"]);
        for collection in &mut whole.collections {
            for field in &mut collection.fields {
                let outside = field.references.iter_mut().filter(|reference| reference.collection == "X");
                outside.for_each(|reference| reference.dataset = "elsewhere".to_owned());
            }
        }
        Graph::build(std::slice::from_ref(&whole)).unwrap_err();

        let graph = Graph::build(&[whole.alone()]).unwrap();

        let kinds: Vec<&str> = graph.identity_kinds().into_iter().collect();
        assert_eq!(kinds, ["elsewhere:X:id", "email"]);
        let mut identities = Identities::default();
        identities.insert("elsewhere:X:id", 7.into()).unwrap();
        let traversal = graph.traverse(&identities, Targets::Everything).unwrap();
        let read: Vec<String> = traversal.nodes().iter().map(|node| node.address().to_string()).collect();
        assert_eq!(read, ["d:C"]);
        assert_eq!(traversal.skipped().len(), 2);
    }
}
