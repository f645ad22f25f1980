//! The same result found the slow way: grants are copied until nothing changes, and who is in a
//! circle with whom is asked of every pair. Shares no code with what it checks.

use std::collections::{BTreeMap, BTreeSet};

use super::{Depth, Given, Origin, Standing, Told};

/// What a twin of the oracle gets wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defect {
    None,
    LostFilter,
    ShallowIsDeep,
    LostDirect,
    OneRoundOnly,
    EchoInCircles,
}

pub(super) fn told(given: &Given, defect: Defect) -> Vec<Told> {
    let principals: BTreeSet<_> = given.grants.iter().map(|grant| (grant.1, grant.2)).collect();
    principals.into_iter().flat_map(|principal| told_of(given, principal, defect)).collect()
}

fn told_of(given: &Given, (principal, principal_type): (u32, u32), defect: Defect) -> Vec<Told> {
    let own = given.grants.iter().filter(|grant| (grant.1, grant.2) == (principal, principal_type));
    let mut reported: BTreeMap<u32, bool> = BTreeMap::new();
    for grant in own {
        *reported.entry(grant.0).or_default() |= grant.3 == Origin::Direct && defect != Defect::LostDirect;
    }
    let is_direct = |entitlement: u32| reported.get(&entitlement).copied().unwrap_or(false);
    let open: Vec<_> = given
        .edges
        .iter()
        .filter(|(source, destination, _, types)| {
            let passes = types.is_empty() || types.contains(&principal_type) || defect == Defect::LostFilter;
            passes && source != destination
        })
        .map(|(source, destination, depth, _)| {
            (*source, *destination, *depth == Depth::Deep || defect == Defect::ShallowIsDeep)
        })
        .collect();
    let mut held: BTreeSet<u32> = reported.keys().copied().collect();
    loop {
        let carried: BTreeSet<_> = open
            .iter()
            .filter(|(source, _, deep)| held.contains(source) && (*deep || is_direct(*source)))
            .map(|(_, destination, _)| *destination)
            .collect();
        let before = held.len();
        held.extend(carried);
        if held.len() == before || defect == Defect::OneRoundOnly {
            break;
        }
    }
    let leads = leads(&open);
    let together = |one: u32, two: u32| {
        let circle = leads.contains(&(one, two)) && leads.contains(&(two, one));
        one == two || circle && defect != Defect::EchoInCircles
    };
    let touched: BTreeSet<_> = given.edges.iter().flat_map(|edge| [edge.0, edge.1]).collect();
    let mut told = vec![];
    for entitlement in held.iter().copied().filter(|entitlement| touched.contains(entitlement)) {
        let outside = open.iter().filter(|(source, destination, deep)| {
            together(*destination, entitlement)
                && !together(*source, entitlement)
                && held.contains(source)
                && (*deep || is_direct(*source))
        });
        let members = reported.iter().filter(|(member, direct)| **direct && together(**member, entitlement));
        let mut sources: BTreeMap<u32, bool> = outside.map(|edge| (edge.0, is_direct(edge.0))).collect();
        sources.extend(members.map(|(member, _)| (*member, true)));
        if sources.is_empty() {
            let inherited = reported.keys().filter(|member| together(**member, entitlement));
            sources.extend(inherited.map(|member| (*member, false)));
            sources.remove(&entitlement);
        }
        if sources.keys().any(|source| *source != entitlement) {
            let standing =
                if reported.contains_key(&entitlement) { Standing::Reported } else { Standing::New };
            told.push(((principal, entitlement), standing, sources.into_iter().collect()));
        }
    }
    told
}

/// All pairs of which the first leads to the second through deep edges.
fn leads(open: &[(u32, u32, bool)]) -> BTreeSet<(u32, u32)> {
    let mut pairs: BTreeSet<_> =
        open.iter().filter(|(_, _, deep)| *deep).map(|(from, to, _)| (*from, *to)).collect();
    loop {
        let longer: BTreeSet<_> = pairs
            .iter()
            .flat_map(|(from, middle)| {
                pairs.iter().filter(move |(start, _)| start == middle).map(move |(_, to)| (*from, *to))
            })
            .collect();
        let before = pairs.len();
        pairs.extend(longer);
        if pairs.len() == before {
            return pairs;
        }
    }
}
