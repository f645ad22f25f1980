use std::collections::{BTreeMap, BTreeSet};

use engine::Source;
use graph::{NotErasedReason, TraversalNode};
use model::{CollectionAddress, Outcome};
use spec::Access;
use spec::connector_file::Request;

use super::PlanningError;
use super::deciding::{Deciding, not_changed};
use super::draft::{Draft, Stays, Tally};
use super::goal::Fix;
use super::new_values::NewValues;
use super::row_requests::RowRequests;
use super::row_step::RowStep;
use super::rows::RowStream;

impl Deciding<'_> {
    /// Right values for the rows that have wrong ones, collection by collection.
    pub(super) async fn rectify(&self, fixes: &[Fix], draft: &mut Draft) -> Result<(), PlanningError> {
        let mut by_collection: BTreeMap<&CollectionAddress, Vec<&Fix>> = BTreeMap::new();
        for fix in fixes {
            by_collection.entry(&fix.address).or_default().push(fix);
        }
        for (address, fixes) in by_collection {
            let Some(node) = self.node(address) else { continue };
            self.rectify_collection(node, fixes, draft).await?;
        }
        Ok(())
    }

    async fn rectify_collection(
        &self,
        node: &TraversalNode,
        fixes: Vec<&Fix>,
        draft: &mut Draft,
    ) -> Result<(), PlanningError> {
        let address = node.address();
        let Some(read) = self.read(address).filter(|read| read.rows > 0) else { return Ok(()) };
        let facts = self.service.find_facts(address.dataset());
        if facts.is_none_or(|facts| facts.access == Access::Read) {
            let rows = self.wrong_rows(node, &fixes).await?;
            let stays = not_changed((address, rows), NotErasedReason::NoWriteAccess);
            draft.not_covered.extend(stays.filter(|_| rows > 0));
            return Ok(());
        }
        match self.source(address.dataset()) {
            Some(Source::Database(database)) => {
                let values = Some(NewValues::corrections(&node.collection, fixes, &self.secrets)?);
                RowStep { deciding: self, database, node, read, values }.plan(draft).await
            }
            Some(Source::Connector(connector)) => {
                let connection = connector.connection();
                let rectify = connection
                    .file
                    .find_endpoint(address.collection())
                    .and_then(|endpoint| endpoint.rectify.as_ref());
                let request = match rectify {
                    Some(rectify) => variant(&rectify.requests, connector, address)?,
                    None => None,
                };
                let allows = |fix: &&Fix| {
                    let listed = rectify.and_then(|rectify| rectify.fields.as_ref());
                    listed.is_none_or(|fields| fields.contains(&fix.path.join(".")))
                };
                let (possible, refused): (Vec<&Fix>, Vec<&Fix>) =
                    fixes.into_iter().partition(|fix| request.is_some() && allows(fix));
                self.note_not_rectifiable(node, refused, draft).await?;
                let Some(request) = request.filter(|_| !possible.is_empty()) else { return Ok(()) };
                let values = Some(NewValues::corrections(&node.collection, possible, &self.secrets)?);
                let writing = RowRequests {
                    deciding: self,
                    connector,
                    request,
                    endpoint: address.collection(),
                    node,
                    values,
                    rules: &[],
                };
                writing.plan(draft).await
            }
            None => Ok(()),
        }
    }

    async fn note_not_rectifiable(
        &self,
        node: &TraversalNode,
        fixes: Vec<&Fix>,
        draft: &mut Draft,
    ) -> Result<(), PlanningError> {
        if fixes.is_empty() {
            return Ok(());
        }
        let rows = self.wrong_rows(node, &fixes).await?;
        if rows == 0 {
            return Ok(());
        }
        let stays = Stays::new(
            Outcome::Unsupported,
            "not_rectifiable",
            "the connector file has no `rectify` that corrects it; correct it in the application itself",
        );
        let mut tally = Tally::default();
        tally.add(stays.clone(), rows, None);
        for field in fixes.iter().map(|fix| fix.path.join(".")).collect::<BTreeSet<_>>() {
            tally.add(stays.clone(), 0, Some(&field));
        }
        draft.not_covered.extend(tally.finish(node.address()));
        Ok(())
    }

    /// How many rows have another value than the right one.
    async fn wrong_rows(&self, node: &TraversalNode, fixes: &[&Fix]) -> Result<u64, PlanningError> {
        let Some(read) = self.read(node.address()) else { return Ok(0) };
        let values = NewValues::corrections(&node.collection, fixes.to_vec(), &self.secrets)?;
        let mut stream = RowStream::new(read.sealed.clone());
        let mut rows = 0;
        while let Some(page) = stream.next_page().await? {
            rows += page.iter().filter(|row| values.of(row, row).changes(row)).count() as u64;
        }
        Ok(rows)
    }
}

/// The first variant that applies to the connection.
fn variant<'r>(
    requests: &'r [Request],
    connector: &connector::Connector,
    address: &CollectionAddress,
) -> Result<Option<&'r Request>, PlanningError> {
    for request in requests {
        let applies = connector.connection().applies(request);
        let applies =
            applies.map_err(|source| graph::ErasureError { collection: address.clone(), source })?;
        if applies {
            return Ok(Some(request));
        }
    }
    Ok(None)
}
