use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::{
    Availability, GovernanceTruth, Origin, TruthEntitlement, TruthGrant, TruthKey, TruthKind, TruthResource,
    TruthSource, TruthUnplaced,
};

/// Collects what a world has, and adds what follows from it.
#[derive(Debug, Default)]
pub(crate) struct TruthBuilder {
    kinds: Vec<(&'static str, Availability)>,
    resources: Vec<TruthResource>,
    entitlements: Vec<TruthEntitlement>,
    numbers: HashMap<Arc<str>, Entitled>,
    /// A grant is there once, however often the vendor says it.
    grants: HashMap<(Entitled, TruthKey), Facts>,
    unplaced: Vec<TruthUnplaced>,
}

/// An entitlement that was added, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Entitled(usize);

/// An entitlement to add.
#[derive(Debug)]
pub(crate) struct NewEntitlement {
    pub(crate) slug: String,
    pub(crate) display_name: String,
    pub(crate) description: String,
    pub(crate) purpose: &'static str,
    pub(crate) grantable_to: &'static [&'static str],
}

/// What is known of one grant.
#[derive(Debug, Default)]
struct Facts {
    direct: bool,
    /// Entitlements of the principal whose holders hold this one, too.
    expandable: BTreeSet<Entitled>,
    /// What it follows from, and whether that is held directly.
    sources: BTreeMap<Entitled, bool>,
}

impl TruthBuilder {
    /// Adds a kind. Resources, entitlements and grants of kinds that are unavailable are not to be added.
    pub(crate) fn kind(&mut self, id: &'static str, availability: Availability) {
        self.kinds.push((id, availability));
    }

    pub(crate) fn resource(&mut self, resource: TruthResource) {
        self.resources.push(resource);
    }

    /// Adds an entitlement on a resource, or finds the one of this slug.
    pub(crate) fn entitlement(&mut self, resource: &TruthKey, entitlement: NewEntitlement) -> Entitled {
        let id = format!("{}:{}:{}", resource.kind, resource.id, entitlement.slug);
        if let Some(known) = self.numbers.get(id.as_str()) {
            return *known;
        }
        let (id, number): (Arc<str>, _) = (id.into(), Entitled(self.entitlements.len()));
        self.numbers.insert(Arc::clone(&id), number);
        self.entitlements.push(TruthEntitlement {
            id,
            slug: entitlement.slug,
            resource: resource.clone(),
            display_name: entitlement.display_name,
            description: entitlement.description,
            purpose: entitlement.purpose,
            grantable_to: entitlement.grantable_to,
        });
        number
    }

    /// Adds a grant of the vendor's. `expandable` are entitlements of the principal.
    pub(crate) fn grant(&mut self, entitlement: Entitled, principal: &TruthKey, expandable: &[Entitled]) {
        let facts = self.grants.entry((entitlement, principal.clone())).or_default();
        facts.direct = true;
        facts.expandable.extend(expandable);
    }

    pub(crate) fn unplaced(&mut self, unplaced: TruthUnplaced) {
        self.unplaced.push(unplaced);
    }

    /// What an inventory has to contain.
    pub(crate) fn finish(mut self) -> GovernanceTruth {
        self.expand();
        let mut kinds: Vec<TruthKind> =
            self.kinds.iter().map(|(id, availability)| kind(id, *availability)).collect();
        for found in &mut kinds {
            found.resources = count(self.resources.iter().map(|resource| resource.key.kind), found.id);
            found.entitlements = count(self.entitlements.iter().map(|held| held.resource.kind), found.id);
        }
        let mut grants = Vec::with_capacity(self.grants.len());
        for (key, facts) in std::mem::take(&mut self.grants) {
            let Some((entitlement, grant)) = self.told(key, facts) else { continue };
            if let Some(found) = kinds.iter_mut().find(|kind| kind.id == entitlement.resource.kind) {
                found.grants += 1;
            }
            grants.push(grant);
        }
        let order = |key: &TruthKey| kinds.iter().position(|kind| kind.id == key.kind);
        self.resources.sort_by(|a, b| (order(&a.key), &a.key.id).cmp(&(order(&b.key), &b.key.id)));
        self.entitlements.sort_by(|a, b| (order(&a.resource), &a.id).cmp(&(order(&b.resource), &b.id)));
        grants.sort_by(|a, b| a.id.cmp(&b.id));
        GovernanceTruth {
            kinds,
            resources: self.resources,
            entitlements: self.entitlements,
            grants,
            unplaced: self.unplaced,
        }
    }

    /// Adds the grants that follow from membership (rule: baton E-1, E-5), until nothing more follows.
    fn expand(&mut self) {
        let passed: Vec<(Entitled, Entitled)> = self
            .grants
            .iter()
            .flat_map(|((given, _), facts)| facts.expandable.iter().map(|source| (*source, *given)))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let sources: HashSet<Entitled> = passed.iter().map(|(source, _)| *source).collect();
        let mut holders: HashMap<Entitled, BTreeSet<TruthKey>> = HashMap::new();
        for (entitlement, principal) in self.grants.keys().filter(|(found, _)| sources.contains(found)) {
            holders.entry(*entitlement).or_default().insert(principal.clone());
        }
        let mut grew = true;
        while grew {
            grew = false;
            for (source, given) in &passed {
                let held = holders.get(source).cloned().unwrap_or_default();
                for principal in held {
                    let direct =
                        self.grants.get(&(*source, principal.clone())).is_some_and(|facts| facts.direct);
                    let facts = self.grants.entry((*given, principal.clone())).or_default();
                    grew |= facts.sources.insert(*source, direct).is_none();
                    if sources.contains(given) {
                        grew |= holders.entry(*given).or_default().insert(principal);
                    }
                }
            }
        }
    }

    /// A grant as it is told, and what it is of. One that is direct and follows from others, too, names itself
    /// among its sources (rule: baton E-6).
    fn told(
        &self,
        (number, principal): (Entitled, TruthKey),
        mut facts: Facts,
    ) -> Option<(&TruthEntitlement, TruthGrant)> {
        let entitlement = self.entitlements.get(number.0)?;
        if facts.direct && !facts.sources.is_empty() {
            facts.sources.insert(number, true);
        }
        let id_of = |number: &Entitled| self.entitlements.get(number.0).map(|found| Arc::clone(&found.id));
        let source = |(number, direct): (&Entitled, &bool)| {
            id_of(number).map(|entitlement| TruthSource { entitlement, direct: *direct })
        };
        let mut sources: Vec<TruthSource> = facts.sources.iter().filter_map(source).collect();
        sources.sort_by(|a, b| a.entitlement.cmp(&b.entitlement));
        let grant = TruthGrant {
            id: format!("{}:{}:{}", entitlement.id, principal.kind, principal.id),
            entitlement: Arc::clone(&entitlement.id),
            principal,
            origin: if facts.direct { Origin::Direct } else { Origin::Expanded },
            sources,
            expandable: facts.expandable.iter().filter_map(id_of).collect(),
        };
        Some((entitlement, grant))
    }
}

fn kind(id: &'static str, availability: Availability) -> TruthKind {
    TruthKind { id, availability, resources: 0, entitlements: 0, grants: 0 }
}

fn count<'a>(kinds: impl Iterator<Item = &'a str>, wanted: &str) -> u64 {
    kinds.filter(|kind| *kind == wanted).fold(0, |sum, _| sum + 1)
}
