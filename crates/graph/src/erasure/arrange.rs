use std::collections::{BTreeMap, BTreeSet};

use model::CollectionAddress;

use super::step::Decision;
use super::{ErasureOrder, ErasureStep, ErasureSteps, NotErased};

/// Steps as they are made, collection by collection.
#[derive(Default)]
pub(super) struct Made {
    steps: Vec<ErasureStep>,
    pub(super) not_erased: Vec<NotErased>,
}

impl Made {
    pub(super) fn add(&mut self, address: &CollectionAddress, decision: Decision) {
        let is_same = |step: &&mut ErasureStep| {
            step.dataset == address.dataset() && step.action == decision.action && decision.is_for_person()
        };
        match self.steps.iter_mut().find(is_same) {
            Some(step) => step.collections.push(address.clone()),
            None => self.steps.push(ErasureStep {
                dataset: address.dataset().to_owned(),
                collections: vec![address.clone()],
                action: decision.action,
                per: decision.per,
                waits_for: BTreeSet::new(),
            }),
        }
    }

    /// Puts each step behind those it waits for. A request for the whole person may stand for
    /// collections on both sides of another step; then it waits, and the other does not.
    pub(super) fn ordered(self, order: &ErasureOrder) -> ErasureSteps {
        let step_of: BTreeMap<&CollectionAddress, usize> = self
            .steps
            .iter()
            .enumerate()
            .flat_map(|(index, step)| step.collections.iter().map(move |address| (address, index)))
            .collect();
        let direct = |index: usize| -> BTreeSet<usize> {
            let collections = self.steps.get(index).into_iter().flat_map(|step| &step.collections);
            let first = collections.flat_map(|address| closure(order, address));
            first.filter_map(|first| step_of.get(first).copied()).filter(|other| *other != index).collect()
        };
        let mut waits: Vec<BTreeSet<usize>> = (0..self.steps.len()).map(direct).collect();
        let mut position = vec![None; self.steps.len()];
        let mut sorted: Vec<usize> = Vec::new();
        while sorted.len() < self.steps.len() {
            let open = |index: &usize| position.get(*index).is_some_and(Option::is_none);
            let free = (0..self.steps.len()).filter(open).find(|index| {
                waits.get(*index).is_some_and(|first| {
                    first.iter().all(|other| position.get(*other).is_some_and(Option::is_some))
                })
            });
            // A circle: a step for one collection goes before one for many.
            let next = free.or_else(|| {
                (0..self.steps.len())
                    .filter(open)
                    .min_by_key(|index| (self.steps.get(*index).map(|step| step.collections.len()), *index))
            });
            let Some(next) = next else { break };
            if let Some(first) = waits.get_mut(next) {
                first.retain(|other| position.get(*other).is_some_and(Option::is_some));
            }
            if let Some(slot) = position.get_mut(next) {
                *slot = Some(sorted.len());
            }
            sorted.push(next);
        }
        let mut steps: Vec<Option<ErasureStep>> = self.steps.into_iter().map(Some).collect();
        let placed = sorted.into_iter().filter_map(|index| {
            let mut step = steps.get_mut(index)?.take()?;
            let first = waits.get(index).into_iter().flatten();
            step.waits_for = first.filter_map(|other| position.get(*other).copied().flatten()).collect();
            Some(step)
        });
        ErasureSteps { steps: placed.collect(), not_erased: self.not_erased }
    }
}

/// All that `address` waits for, directly or not: a collection between may stay.
fn closure<'a>(order: &'a ErasureOrder, address: &'a CollectionAddress) -> BTreeSet<&'a CollectionAddress> {
    let mut found = BTreeSet::new();
    let mut open = vec![address];
    while let Some(next) = open.pop() {
        for first in order.waits_for(next) {
            if found.insert(first) {
                open.push(first);
            }
        }
    }
    found
}
