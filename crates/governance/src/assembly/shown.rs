//! Which resources have rows, where single ones were asked for (baton S-22).

use std::collections::HashSet;

use protos::c1::connector::v2::ResourceId;

use super::{Assembly, rows};
use crate::number::ResourceNumber;
use crate::sync::SyncError;

/// The resources that have rows, and those that grants name.
#[derive(Debug, Default)]
pub(super) struct Shown {
    numbers: HashSet<ResourceNumber>,
    principals: HashSet<ResourceNumber>,
}

impl Shown {
    /// Notes that a resource has its row.
    pub(super) fn note(&mut self, number: ResourceNumber) {
        self.numbers.insert(number);
    }

    /// Notes that a grant names a resource.
    pub(super) fn want(&mut self, number: ResourceNumber) {
        self.principals.insert(number);
    }
}

impl Assembly<'_> {
    /// Whether a resource has a row by itself: all have, or it was named, or it is listed below one that has.
    pub(super) fn is_shown(&mut self, (kind, id): (usize, &str), parent: Option<&ResourceId>) -> bool {
        if !self.plan.is_of_resources() {
            return true;
        }
        let number = |place: Option<usize>, id: &str| self.names.find(place?, id);
        let is_below = || {
            let above = parent.and_then(|of| number(self.kinds.find(&of.resource_type), &of.resource));
            self.plan.is_below(kind) && above.is_some_and(|above| self.shown.numbers.contains(&above))
        };
        let is_shown = self.plan.is_named(kind, id) || is_below();
        if is_shown && let Some(number) = number(Some(kind), id) {
            self.shown.note(number);
        }
        is_shown
    }

    /// The rows of the resources of a kind that grants name and that have none yet.
    pub(super) fn principals(&mut self, place: usize) -> Result<(), SyncError> {
        if self.shown.principals.is_empty() {
            return Ok(());
        }
        let Some(kind) = self.governance.resource_types.get(place) else { return Ok(()) };
        let children = rows::children(self.governance, kind);
        self.each_resource(place, |this, item, parent| {
            let Some(number) = this.names.find(place, &item.id) else { return Ok(()) };
            if !this.shown.principals.contains(&number) || !this.shown.numbers.insert(number) {
                return Ok(());
            }
            this.resource(place, rows::resource(kind, item, (parent, &children)))
        })
    }

    /// Says which of the named resources are not there; by their places in the order in which they were named, since an
    /// id may be an address.
    pub(super) fn note_absent(&self) {
        for (at, (place, named)) in self.plan.named().iter().enumerate() {
            let number = self.names.find(*place, &named.name.id);
            let is_there = number.is_some_and(|number| self.shown.numbers.contains(&number));
            if self.kinds.is_shown(*place) && !is_there {
                let (kind, number) = (named.name.kind.as_str(), at + 1);
                tracing::warn!(kind, number, "a resource that was asked for is not there and was skipped");
            }
        }
    }
}
