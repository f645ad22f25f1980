use spec::connector_file::governance::{EntitlementGrants, Governance, ListPlace, ResourceType};

/// Which kinds hold something on which.
#[derive(Debug)]
pub(super) struct Flows {
    all: Vec<Flow>,
}

/// Resources of one kind hold something on those of another.
#[derive(Debug, Clone, Copy)]
struct Flow {
    /// Place of the kind that holds.
    holder: usize,
    /// Place of the kind that it is held on.
    on: usize,
    /// Whether whoever holds something on the holder holds this too.
    brings: bool,
    /// Whether the items of the holder say so.
    is_held: bool,
}

impl Flows {
    pub(super) fn of(governance: &Governance) -> Self {
        let kinds = governance.resource_types.as_slice();
        let place = |id: &String| kinds.iter().position(|kind| kind.id == *id);
        let mut all = Vec::new();
        for (own, kind) in kinds.iter().enumerate() {
            for rule in &kind.grants {
                let brings = !rule.expand.is_empty();
                let on = rule.resource.types.iter().filter_map(place);
                all.extend(on.map(|on| Flow { holder: own, on, brings, is_held: true }));
            }
            for (_, list) in lists(kind) {
                let brings = !list.expand.is_empty();
                let holders = list.principal.types.iter().filter_map(place);
                all.extend(holders.map(|holder| Flow { holder, on: own, brings, is_held: false }));
            }
        }
        Self { all }
    }

    /// Whether the items of a kind say what they hold on one of `on`.
    pub(super) fn says_held(&self, kind: usize, on: &[bool]) -> bool {
        self.all.iter().any(|flow| flow.is_held && flow.holder == kind && is(on, flow.on))
    }

    /// `wanted`, and the kinds that bring resources of these kinds something on resources of these kinds.
    pub(super) fn with_bringers(&self, wanted: &[bool]) -> Vec<bool> {
        // Kinds on which a wanted one can hold something, through however many others.
        let mut reached = wanted.to_vec();
        grow(&mut reached, &self.all, |flow, reached| (is(reached, flow.holder), flow.on));
        let mut all = wanted.to_vec();
        grow(&mut all, &self.all, |flow, all| {
            (flow.brings && is(all, flow.on) && is(&reached, flow.holder), flow.holder)
        });
        all
    }
}

/// Adds what a flow leads to, until nothing is added any more.
fn grow(kinds: &mut [bool], flows: &[Flow], leads: impl Fn(&Flow, &[bool]) -> (bool, usize)) {
    loop {
        let mut has_grown = false;
        for flow in flows {
            let (does, to) = leads(flow, kinds);
            if let Some(kind) = kinds.get_mut(to).filter(|kind| does && !**kind) {
                *kind = true;
                has_grown = true;
            }
        }
        if !has_grown {
            return;
        }
    }
}

/// Whether the kind at a place is among those.
pub(super) fn is(kinds: &[bool], place: usize) -> bool {
    kinds.get(place).copied().unwrap_or_default()
}

/// The lists of holders of a kind, with their places.
pub(super) fn lists(kind: &ResourceType) -> impl Iterator<Item = (ListPlace, &EntitlementGrants)> {
    kind.entitlements.iter().enumerate().flat_map(|(entitlement, entitlements)| {
        let lists = entitlements.grants.iter().enumerate();
        lists.map(move |(list, grants)| (ListPlace { entitlement, list }, grants))
    })
}
