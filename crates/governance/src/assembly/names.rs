use std::collections::HashMap;
use std::sync::Arc;

use crate::number::ResourceNumber;

/// The resources of a sync by kind and id, numbered in the order in which they came.
#[derive(Debug)]
pub(super) struct Names {
    kinds: Vec<OfKind>,
    all: Vec<(usize, Arc<str>)>,
}

#[derive(Debug, Default)]
struct OfKind {
    by_id: HashMap<Arc<str>, u32>,
    order: Vec<u32>,
}

impl Names {
    /// Without resources, for so many kinds.
    pub(super) fn new(kinds: usize) -> Self {
        Self { kinds: (0..kinds).map(|_| OfKind::default()).collect(), all: Vec::new() }
    }

    /// Adds a resource; `None` if it is there already.
    pub(super) fn add(&mut self, kind: usize, id: &str) -> Option<ResourceNumber> {
        let of_kind = self.kinds.get_mut(kind)?;
        if of_kind.by_id.contains_key(id) {
            return None;
        }
        let (number, id) = (u32::try_from(self.all.len()).ok()?, Arc::<str>::from(id));
        of_kind.by_id.insert(Arc::clone(&id), number);
        of_kind.order.push(number);
        self.all.push((kind, id));
        Some(ResourceNumber(number))
    }

    /// The number of a resource.
    pub(super) fn find(&self, kind: usize, id: &str) -> Option<ResourceNumber> {
        self.kinds.get(kind)?.by_id.get(id).copied().map(ResourceNumber)
    }

    /// Kind and id of a resource.
    pub(super) fn get(&self, number: ResourceNumber) -> Option<(usize, &str)> {
        self.all.get(number.0 as usize).map(|(kind, id)| (*kind, &**id))
    }

    /// The resource of a kind at a place, in the order in which they came.
    pub(super) fn at(&self, kind: usize, place: usize) -> Option<&str> {
        let number = self.kinds.get(kind)?.order.get(place)?;
        self.all.get(*number as usize).map(|(_, id)| &**id)
    }

    /// How many resources a kind has.
    pub(super) fn count(&self, kind: usize) -> usize {
        self.kinds.get(kind).map_or(0, |of_kind| of_kind.order.len())
    }
}
