//! Whether the dataset fields that an operator chose exist (saas-config 4.12).

use spec::reference::FieldReference;
use spec::secrets::check_external_reference;
use store::StoreError;

use crate::{Connections, DatasetDocument, PlaceStep, Problem};

impl Connections {
    /// What is wrong with the fields chosen for external references: a line for each that is not there.
    pub(crate) async fn check_references(
        &self,
        references: &[(String, FieldReference)],
    ) -> Result<Vec<Problem>, StoreError> {
        let mut problems = Vec::new();
        for (name, reference) in references {
            let kept = self.store().dataset_find(&reference.dataset).await?;
            let document = kept.and_then(|kept| DatasetDocument::of_kept(&kept.body));
            let datasets: Vec<_> = document.iter().map(|document| &document.dataset).collect();
            if let Err(error) = check_external_reference(name, reference, &datasets) {
                problems.push(Problem::value_error(vec![PlaceStep::from(name.as_str())], error));
            }
        }
        Ok(problems)
    }
}
