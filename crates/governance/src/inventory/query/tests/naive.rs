//! The same answers found the slow way, from the rows. Shares no code with what it checks.

use std::collections::{BTreeMap, BTreeSet};

/// What a twin gets wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defect {
    None,
    /// Members of nested groups are missed.
    OneStep,
    /// Whoever is limited away is let through.
    LostTypes,
    /// Only direct holders should have been let through.
    LostShallow,
}

/// Rows by id: `kind:id` of resources, ids of entitlements.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    pub(super) principals: Vec<String>,
    pub(super) grants: Vec<Row>,
}

#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) on: String,
    pub(super) slug: &'static str,
    pub(super) principal: String,
    pub(super) shallow: bool,
    pub(super) types: Vec<&'static str>,
}

impl Row {
    pub(super) fn entitlement(&self) -> String {
        format!("{}:{}", self.on, self.slug)
    }
}

/// Of each principal each entitlement that it holds: whether directly, and what it holds directly that brings it.
pub(super) type Held = BTreeMap<(String, String), (bool, BTreeSet<String>)>;

pub(super) fn held(rows: &Rows, defect: Defect) -> Held {
    let mut found = Held::new();
    for principal in &rows.principals {
        let own = rows.grants.iter().filter(|row| row.principal == *principal);
        let direct: BTreeSet<String> = own.map(Row::entitlement).collect();
        for start in &direct {
            found.entry((principal.clone(), start.clone())).or_default().0 = true;
            for brought in from(rows, (principal, start), defect) {
                if brought != *start {
                    found.entry((principal.clone(), brought)).or_default().1.insert(start.clone());
                }
            }
        }
    }
    found
}

/// All that comes with one entitlement that is held directly.
fn from(rows: &Rows, (principal, start): (&str, &str), defect: Defect) -> BTreeSet<String> {
    let kind = principal.split(':').next().unwrap();
    let mut reached = BTreeSet::from([start.to_owned()]);
    let mut rounds = 0;
    loop {
        let before = reached.len();
        let next = rows.grants.iter().filter(|row| row.principal.starts_with("group:")).filter(|row| {
            let source = format!("{}:member", row.principal);
            let lets = row.types.is_empty() || row.types.contains(&kind) || defect == Defect::LostTypes;
            let passes = !row.shallow || source == start || defect == Defect::LostShallow;
            reached.contains(&source) && lets && passes
        });
        let next: Vec<String> = next.map(Row::entitlement).collect();
        reached.extend(next);
        rounds += 1;
        if reached.len() == before || (defect == Defect::OneStep && rounds == 1) {
            return reached;
        }
    }
}
