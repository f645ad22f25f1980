use std::collections::HashSet;

use protos::baton::v1::{PrincipalsCompareOutput, ResourceOutput};
use protos::c1::connector::v2::Grant;

use super::{Explorer, GrantNames};
use crate::{Filter, ReadError};

impl Explorer<'_> {
    /// Who holds one of the entitlements that the filter leaves, each once, in the order of their first grants.
    pub fn principals<'b>(
        &'b self,
        filter: &'b Filter,
    ) -> impl Iterator<Item = Result<ResourceOutput, ReadError>> + 'b {
        let mut seen = HashSet::new();
        self.reader.rows::<Grant>(self.run, filter).filter_map(move |row| {
            let id = match row {
                Ok(grant) => GrantNames::of(&grant).principal,
                Err(error) => return Some(Err(error)),
            };
            let new = seen.insert((id.resource_type.clone(), id.resource.clone()));
            new.then(|| self.resource(&id).and_then(|resource| self.resource_output(resource)))
        })
    }
}

/// Compares who holds what in two files: `missing` are those of the first that the second has not, `extra` the others.
pub fn compare(
    (base, base_filter): (&Explorer<'_>, &Filter),
    (compared, compared_filter): (&Explorer<'_>, &Filter),
) -> Result<PrincipalsCompareOutput, ReadError> {
    let base: Vec<_> = base.principals(base_filter).collect::<Result<_, _>>()?;
    let compared: Vec<_> = compared.principals(compared_filter).collect::<Result<_, _>>()?;
    let without = |list: &[ResourceOutput], others: &[ResourceOutput]| {
        let others: HashSet<_> = others.iter().map(id).collect();
        list.iter().filter(|one| !others.contains(&id(one))).cloned().collect()
    };
    Ok(PrincipalsCompareOutput {
        missing: without(&base, &compared),
        extra: without(&compared, &base),
        base,
        compared,
    })
}

fn id(output: &ResourceOutput) -> (&str, &str) {
    let id = output.resource.as_ref().and_then(|resource| resource.id.as_ref());
    id.map(|id| (id.resource_type.as_str(), id.resource.as_str())).unwrap_or_default()
}
