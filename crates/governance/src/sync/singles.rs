//! Which resources are asked for one by one, and when that is known.

use std::collections::HashSet;

use serde_json::Value;

use super::known::Known;
use super::reading::{RunFor, Schedule};
use super::unit::UnitWork;
use crate::listing::Listing;
use crate::mapping::UnitView;
use crate::plan::Extent;
use crate::sync_part::NamedResource;

/// Most resources of a kind that are asked for one by one: the list of more of them is shorter than the calls.
const MOST: usize = 100;

/// A resource that is asked for, and below what, if that was said.
struct Asked {
    id: String,
    named: Option<NamedResource>,
}

impl Schedule<'_> {
    /// Notes the resources that a list of holders names. One that was not read to its end leaves its kind out, so that
    /// nobody asks for whom it names.
    pub(super) fn name(&mut self, known: Vec<Known>) {
        let kinds = &self.sync.governance().resource_types;
        for known in known {
            let place = kinds.iter().position(|kind| Some(&kind.id) == known.kind.as_ref());
            if let Some(place) = place {
                self.named.entry(place).or_default().push(known.id);
            }
        }
    }

    /// Begins what waits to know which resources to ask for, as far as that is known.
    pub(super) fn begin_singles(&mut self) {
        let plan = &self.sync.plan;
        let is_known = |list: &u32| match plan.extent(*list) {
            Extent::Singles { after } => after.iter().all(|list| self.ends.contains_key(list)),
            Extent::Nothing | Extent::Everything | Extent::OfNamed => true,
        };
        let mut ready: Vec<u32> = self.pending.keys().copied().filter(is_known).collect();
        ready.sort_unstable();
        for list in ready {
            // What the one before led to may have begun it.
            if let (Some(of), Some(listing)) = (self.pending.remove(&list), self.sync.listings.get(list)) {
                self.singles(listing, &of);
            }
        }
    }

    fn singles(&mut self, listing: Listing, of: &[RunFor]) {
        let asked = self.asked(listing);
        let views = self.views(listing, of);
        match placed(asked, &views) {
            Some(units) => self.line_up(listing, units),
            // Below which of several each is, only the list says.
            None => self.start(listing, of),
        }
    }

    /// Those that were named first, then those that lists name; each once.
    fn asked(&mut self, listing: Listing) -> Vec<Asked> {
        let named = self.sync.plan.named().iter().filter(|(kind, _)| *kind == listing.of);
        let named = named.map(|(_, named)| Asked { id: named.name.id.clone(), named: Some(named.clone()) });
        let listed = self.named.remove(&listing.of).unwrap_or_default();
        let listed = listed.into_iter().map(|id| Asked { id, named: None });
        let mut seen = HashSet::new();
        named.chain(listed).filter(|asked| seen.insert(asked.id.clone())).collect()
    }
}

/// The units that ask for them; `None` if the list has to be read.
fn placed(asked: Vec<Asked>, views: &[(usize, UnitView)]) -> Option<Vec<(usize, UnitView, UnitWork)>> {
    if asked.len() > MOST {
        return None;
    }
    let mut units: Vec<(usize, Vec<String>)> = views.iter().map(|(place, _)| (*place, Vec::new())).collect();
    for Asked { id, named } in asked {
        let is_below = |view: &UnitView| is_below(named.as_ref(), view);
        let mut fitting =
            views.iter().enumerate().filter(|(_, (_, view))| views.len() == 1 || is_below(view));
        let (Some((at, _)), None) = (fitting.next(), fitting.next()) else { return None };
        units.get_mut(at)?.1.push(id);
    }
    let units = units.into_iter().zip(views).filter(|((_, ids), _)| !ids.is_empty());
    Some(units.map(|((place, ids), (_, view))| (place, view.clone(), UnitWork::Singles(ids))).collect())
}

/// Whether a resource is below what the list is run for, as far as that was said.
fn is_below(named: Option<&NamedResource>, view: &UnitView) -> bool {
    let Some(parent) = named.and_then(|named| named.parent.as_ref()) else { return false };
    let Some(of) = &view.of else { return false };
    let member = |name| of.get(name).and_then(Value::as_str);
    member("type") == Some(&parent.kind) && member("id") == Some(&parent.id)
}
