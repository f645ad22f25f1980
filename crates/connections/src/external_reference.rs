//! Whether the dataset fields that an operator chose exist (saas-config 4.12, privacy-requests W-23).

use spec::dataset_file::Field;
use spec::reference::FieldReference;
use spec::secrets::{check_external_reference, parse_external_reference};
use store::StoreError;

use crate::secret_schema::FieldKind;
use crate::{Connections, DatasetDocument, PlaceStep, Problem, SecretSchema, SecretValues};

impl Connections {
    /// What is wrong with the fields chosen for external references: a line for each that is not there.
    pub(crate) async fn check_references(
        &self,
        references: &[(String, FieldReference)],
    ) -> Result<Vec<Problem>, StoreError> {
        let mut problems = Vec::new();
        for (name, reference) in references {
            let document = self.document_of(reference).await?;
            let datasets: Vec<_> = document.iter().map(|document| &document.dataset).collect();
            if let Err(error) = check_external_reference(name, reference, &datasets) {
                problems.push(Problem::value_error(vec![PlaceStep::from(name.as_str())], error));
            }
        }
        Ok(problems)
    }

    /// What is wrong with the fields that name the vendors of a connection: they must be there, in one
    /// collection whose rows are found by a custom field of requests (privacy-requests W-23).
    pub(crate) async fn check_vendor_fields(
        &self,
        schema: &SecretSchema,
        values: &SecretValues,
    ) -> Result<Vec<Problem>, StoreError> {
        let mut references: Vec<(String, FieldReference)> = Vec::new();
        for field in schema.fields.iter().filter(|field| field.kind == FieldKind::Reference) {
            let Some(value) = values.find(&field.name) else { continue };
            match parse_external_reference(&field.name, value) {
                Ok(reference) => references.push((field.name.clone(), reference)),
                Err(error) => {
                    let place = vec![PlaceStep::from(field.name.as_str())];
                    return Ok(vec![Problem::value_error(place, error)]);
                }
            }
        }
        let problems = self.check_references(&references).await?;
        let Some((_, first)) = references.first().filter(|_| problems.is_empty()) else {
            return Ok(problems);
        };
        let place = |one: &FieldReference| (one.dataset.clone(), one.collection.clone());
        if references.iter().any(|(_, other)| place(other) != place(first)) {
            let text = "the fields must belong to one collection: one row says what a vendor is called and where it is written to";
            return Ok(vec![Problem::value_error(Vec::new(), text)]);
        }
        let document = self.document_of(first).await?;
        let collections = document.iter().flat_map(|document| &document.dataset.collections);
        let mut fields = collections.filter(|one| one.name == first.collection).flat_map(|one| &one.fields);
        if fields.any(has_custom_request_field) {
            return Ok(Vec::new());
        }
        let text = format!(
            "no field of `{}:{}` has a `custom_request_field`; give it to the field of the dataset that rows are found by",
            first.dataset, first.collection
        );
        Ok(vec![Problem::value_error(Vec::new(), text)])
    }

    async fn document_of(&self, reference: &FieldReference) -> Result<Option<DatasetDocument>, StoreError> {
        let kept = self.store().dataset_find(&reference.dataset).await?;
        Ok(kept.and_then(|kept| DatasetDocument::of_kept(&kept.body)))
    }
}

fn has_custom_request_field(field: &Field) -> bool {
    field.custom_request_field.is_some() || field.fields.iter().any(has_custom_request_field)
}
