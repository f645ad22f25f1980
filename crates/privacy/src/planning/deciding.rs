use std::collections::BTreeMap;
use std::ops::Range;

use connector::{Connector, Person};
use crypto::{HashKey, MaskSecrets};
use engine::{CollectionOutcome, RunOutcome, Source, Status};
use graph::{
    DatabaseRules, ErasureAction, ErasureRule, ErasureSource, ErasureSteps, GraphCollection, NotErasedReason,
    Traversal, TraversalNode, is_targeted,
};
use model::{CollectionAddress, Outcome};
use spec::connector_file::Request;
use spec::{ActionType, ConditionError};

use super::PlanningError;
use super::draft::{Draft, Reasons};
use super::goal::Goal;
use super::held::Held;
use super::new_values::NewValues;
use super::request_step::RequestStep;
use super::row_step::RowStep;
use crate::PrivacyService;
use crate::plan::NotCovered;

/// Everything that deciding needs.
pub(super) struct Deciding<'a> {
    pub(super) service: &'a PrivacyService,
    pub(super) goal: &'a Goal,
    pub(super) traversal: &'a Traversal,
    pub(super) outcome: &'a RunOutcome,
    pub(super) person: &'a Person,
    /// Of the run's hashes.
    pub(super) key: &'a HashKey,
    /// What a law asks to keep.
    pub(super) held: &'a Held,
    /// Of the masks that are drawn now; forgotten with this value.
    pub(super) secrets: MaskSecrets,
}

impl<'a> Deciding<'a> {
    /// Decides what is done about everything that was read, and what cannot be.
    pub(super) async fn decide(&self) -> Result<Draft, PlanningError> {
        let mut draft = Draft::default();
        match self.goal {
            Goal::Erasure(rules) => self.erase(rules, &mut draft).await?,
            Goal::Rectification(fixes) => self.rectify(fixes, &mut draft).await?,
        }
        self.note_unread(&mut draft);
        draft.not_covered.sort_by(|one, other| {
            (&one.collection, &one.reason, &one.fields).cmp(&(
                &other.collection,
                &other.reason,
                &other.fields,
            ))
        });
        Ok(draft)
    }

    async fn erase(&self, rules: &[ErasureRule], draft: &mut Draft) -> Result<(), PlanningError> {
        let ErasureSteps { steps, not_erased } = self.steps(rules)?;
        let mut ranges: Vec<Range<usize>> = Vec::new();
        let mut along = BTreeMap::new();
        for step in &steps {
            let first = draft.operations.len();
            let held = step.collections.iter().find(|address| self.held.covers(address));
            if let (ErasureAction::Request(_), Some(held)) = (&step.action, held) {
                // The request would take what is held with it.
                along.extend(step.collections.iter().map(|address| (address.clone(), held.clone())));
                ranges.push(first..first);
                continue;
            }
            match &step.action {
                ErasureAction::Request(request) => {
                    let Some(connector) = self.connector(&step.dataset) else { continue };
                    let Some(found) = request.find(&connector.connection().file) else { continue };
                    let step = RequestStep {
                        deciding: self,
                        connector,
                        request: found,
                        kind: request.kind,
                        endpoint: request.endpoint.as_deref().unwrap_or(WHOLE_APPLICATION),
                        collections: &step.collections,
                        per: step.per,
                        rules,
                        secrets: &self.secrets,
                    };
                    step.plan(draft).await?;
                }
                action @ (ErasureAction::MaskRows | ErasureAction::DeleteRows) => {
                    for address in step.collections.iter().filter(|address| !self.held.covers(address)) {
                        let (Some(Source::Database(database)), Some(node), Some(read)) =
                            (self.source(&step.dataset), self.traversal.find(address), self.read(address))
                        else {
                            continue;
                        };
                        let values = if action.is_masking() {
                            Some(NewValues::masks(&node.collection, rules, &self.secrets)?)
                        } else {
                            None
                        };
                        let step = RowStep { deciding: self, database, node, read, values };
                        step.plan(draft).await?;
                    }
                }
            }
            let waited: Vec<Range<usize>> =
                step.waits_for.iter().filter_map(|index| ranges.get(*index).cloned()).collect();
            draft.wait(first, &waited);
            ranges.push(first..draft.operations.len());
        }
        self.note_held(rules, &along, draft);
        let stays = not_erased.iter().filter(|one| !draft.held.contains(&one.collection)).filter_map(|one| {
            let read = self.read(&one.collection)?;
            // What was read to its end and is empty leaves nothing behind.
            let holds_something = read.rows > 0 || !read.completeness.is_complete();
            NotCovered::collection(one, read.rows).filter(|_| holds_something)
        });
        let stays: Vec<NotCovered> = stays.collect();
        draft.not_covered.extend(stays);
        Ok(())
    }

    /// Targeted collections that a law asks to keep, and those that cannot be erased without them.
    fn note_held(
        &self,
        rules: &[ErasureRule],
        along: &BTreeMap<CollectionAddress, CollectionAddress>,
        draft: &mut Draft,
    ) {
        let targets: Vec<String> = rules.iter().flat_map(|rule| rule.targets.iter().cloned()).collect();
        for node in self.traversal.nodes() {
            let address = node.address();
            let stays = self.held.covers(address) || along.contains_key(address);
            let Some(read) = self.read(address).filter(|_| stays) else { continue };
            if !is_targeted(&node.collection, &targets) {
                continue;
            }
            draft.held.insert(address.clone());
            // What was read to its end and is empty keeps nothing.
            if read.rows > 0 || !read.completeness.is_complete() {
                draft.not_covered.push(self.held.entry((address, read.rows), along));
            }
        }
    }

    fn steps(&self, rules: &[ErasureRule]) -> Result<ErasureSteps, PlanningError> {
        let read = self.traversal.nodes().iter().map(|node| node.address().clone()).collect();
        let applies: BTreeMap<&str, Box<Applies<'_>>> = self
            .parts()
            .connections
            .iter()
            .filter_map(|facts| {
                let connection = self.connector(facts.key.as_str())?.connection();
                let applies: Box<Applies<'_>> = Box::new(|request: &Request| connection.applies(request));
                Some((facts.key.as_str(), applies))
            })
            .collect();
        let mut sources = BTreeMap::new();
        for facts in &self.parts().connections {
            let key = facts.key.to_string();
            let source = match (self.source(&key), applies.get(key.as_str())) {
                _ if !facts.serves(ActionType::Erasure) => ErasureSource::NotServed,
                (Some(Source::Connector(connector)), Some(applies)) => ErasureSource::Connector {
                    file: &connector.connection().file,
                    mode: facts.mode,
                    access: facts.access,
                    applies: &**applies,
                },
                (Some(Source::Database(_)), _) => {
                    ErasureSource::Database { access: facts.access, rules: DatabaseRules::KeyNeeded }
                }
                (Some(Source::Connector(_)) | None, _) => ErasureSource::Disabled,
            };
            sources.insert(key, source);
        }
        Ok(self.parts().graph.erasure_steps(&read, rules, &sources)?)
    }

    /// Targeted collections of which not everything was seen, or nothing could be.
    fn note_unread(&self, draft: &mut Draft) {
        let targets = self.goal.targets();
        for node in self.traversal.nodes() {
            let Some(read) = self.read(node.address()) else { continue };
            let facts = self.service.find_facts(node.address().dataset());
            // Nothing of it is erased, seen or not; that stands with it already.
            if facts.is_some_and(|facts| !facts.serves(ActionType::Erasure)) {
                continue;
            }
            let was_asked = !self.was_not_asked(node.address());
            if read.completeness.is_complete() && was_asked
                || !self.is_about(&node.collection, &targets)
                || draft.held.contains(node.address())
            {
                continue;
            }
            // What is erased as a whole goes, whether it was seen or not.
            let goes_anyway = draft.operations.iter().any(|operation| {
                operation.collections.contains(node.address())
                    && operation.uses.rows.is_empty()
                    && operation.sql_operation().is_none()
            });
            if goes_anyway {
                continue;
            }
            let (reason, explanation) = match read.status {
                Status::Skipped if !was_asked => (
                    "not_asked",
                    "the connector file reads it for other connections only, so nobody was asked and it may hold \
                     data that stay; look there by hand, or add a request whose `when` holds here",
                ),
                Status::Incomplete | Status::Complete => (
                    "incomplete_read",
                    "it was not read to its end, so there may be more rows than the plan changes; plan again \
                     once it can be read",
                ),
                Status::Failed | Status::Skipped => (
                    "not_read",
                    "it could not be read, so nothing of it is in the plan; plan again once it can be read",
                ),
            };
            draft.not_covered.push(NotCovered {
                collection: node.address().clone(),
                fields: Vec::new(),
                rows: read.rows,
                outcome: if was_asked { Outcome::Failed } else { Outcome::Unsupported },
                reason: reason.to_owned(),
                explanation: explanation.to_owned(),
            });
        }
        for skipped in self.traversal.skipped() {
            let Some(collection) = self.parts().graph.find(&skipped.address) else { continue };
            if self.is_about(collection, &targets) {
                draft.not_covered.push(NotCovered {
                    collection: skipped.address.clone(),
                    fields: Vec::new(),
                    rows: 0,
                    outcome: Outcome::NotFound,
                    reason: "not_reached".to_owned(),
                    explanation: skipped.to_string(),
                });
            }
        }
    }

    fn is_about(&self, collection: &GraphCollection, targets: &[String]) -> bool {
        match self.goal {
            Goal::Erasure(_) => is_targeted(collection, targets),
            Goal::Rectification(fixes) => fixes.iter().any(|fix| fix.address == collection.address),
        }
    }

    pub(super) fn parts(&self) -> &'a crate::ServiceParts {
        self.service.parts()
    }

    pub(super) fn source(&self, dataset: &str) -> Option<&'a Source> {
        self.parts().sources.get(&dataset.parse().ok()?)
    }

    pub(super) fn connector(&self, dataset: &str) -> Option<&'a Connector> {
        match self.source(dataset)? {
            Source::Connector(connector) => Some(connector),
            Source::Database(_) => None,
        }
    }

    pub(super) fn read(&self, address: &CollectionAddress) -> Option<&'a CollectionOutcome> {
        self.outcome.collections.get(address)
    }

    /// Whether nobody was asked for a collection that the person leads to: the file reads it, or what
    /// leads there, for other connections only. Then having no rows says nothing.
    pub(super) fn was_not_asked(&self, address: &CollectionAddress) -> bool {
        let is_skipped =
            |read: &CollectionOutcome| read.status == Status::Skipped && read.completeness.is_complete();
        self.node(address).is_some() && self.read(address).is_some_and(is_skipped)
    }

    pub(super) fn node(&self, address: &CollectionAddress) -> Option<&'a TraversalNode> {
        self.traversal.find(address)
    }
}

/// Decides whether a variant of a request applies to a connection.
type Applies<'a> = dyn Fn(&Request) -> Result<bool, ConditionError> + 'a;

/// The name under which the request for the whole person is prepared.
const WHOLE_APPLICATION: &str = "data_protection_request";

/// Why `collections` are erased as they are: every targeted category of theirs.
pub(super) fn reasons_of(collection: &GraphCollection, rules: &[ErasureRule], reasons: &mut Reasons) {
    for rule in rules {
        if let Some(category) = rule.targeted(&collection.data_categories) {
            reasons.add(&rule.key, category, None);
        }
        for (path, field) in collection.all_fields() {
            if let Some(category) = rule.targeted(&field.data_categories) {
                reasons.add(&rule.key, category, Some(&path.join(".")));
            }
        }
    }
}

/// The entry for a whole collection that stays.
pub(super) fn not_changed(read: (&CollectionAddress, u64), reason: NotErasedReason) -> Option<NotCovered> {
    let (collection, rows) = read;
    NotCovered::collection(&graph::NotErased { collection: collection.clone(), reason }, rows)
}
