//! Kinds whose resources hold things and do nothing else, as accounts do: they are gone through once.
//!
//! Nothing is held on them, derived from them or listed for them, and nothing comes through them to others. So their rows
//! wait until all is known that they may hold, and then each page says at once what its resources are and what they hold. They
//! are the longest lists as a rule, and often what is still being read while rows are made.

use spec::connector_file::governance::{EntitlementSource, Governance, ResourceSource, ResourceType};

use super::grants::{KnownTargets, Principal};
use super::{Assembly, rows};
use crate::sync::SyncError;

impl Assembly<'_> {
    /// Whether the kind at a place is gone through once.
    pub(super) fn only_holds(&self, place: usize) -> bool {
        let is_whole = self.plan.reads_grants() && !self.plan.is_of_resources();
        let kind = self.governance.resource_types.get(place).filter(|_| is_whole);
        kind.is_some_and(|kind| only_holds(self.governance, kind))
    }

    /// The rows of all resources of such a kind, and of what they say they hold.
    pub(super) fn resources_and_held(&mut self, place: usize) -> Result<(), SyncError> {
        let Some(kind) = self.governance.resource_types.get(place) else { return Ok(()) };
        let children = rows::children(self.governance, kind);
        let mut known = KnownTargets::default();
        self.each(place, |this, item, parent| {
            // One that came before is left out: lists shift while they are read (segment-api A22).
            let Some(number) = this.names.add(place, &item.id) else { return Ok(()) };
            this.resource(place, rows::resource(kind, item, (parent, &children)))?;
            let principal = Principal { kind: place, id: &item.id, number };
            this.held_by(kind, (principal, &item.holds), &mut known)
        })
    }
}

fn only_holds(governance: &Governance, kind: &ResourceType) -> bool {
    let brings_others = kind.grants.iter().any(|rule| !rule.expand.is_empty());
    let mut all = governance.resource_types.iter();
    let is_named = all.any(|other| {
        let is_listed_for = match &other.source {
            ResourceSource::Listed(listed) => listed.per.as_ref() == Some(&kind.id),
            ResourceSource::Static(_) => false,
        };
        let is_held = other.grants.iter().any(|rule| rule.resource.types.contains(&kind.id));
        let is_part = other.entitlements.iter().any(|entitlements| {
            let is_origin = match &entitlements.source {
                EntitlementSource::Derived { of, .. } => *of == kind.id,
                EntitlementSource::Static | EntitlementSource::Listed { .. } => false,
            };
            let brings = |list: &spec::connector_file::governance::EntitlementGrants| {
                !list.expand.is_empty() && list.principal.types.contains(&kind.id)
            };
            is_origin || entitlements.grants.iter().any(brings)
        });
        is_listed_for || is_held || is_part
    });
    !kind.grants.is_empty() && kind.entitlements.is_empty() && !brings_others && !is_named
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use spec::{CheckOptions, SourceFile};

    use super::*;

    const SEGMENT: &str = include_str!("../../../../connectors/segment/connector.yml");

    fn segment() -> Governance {
        let text = SEGMENT.replace("<instance_fides_key>", "segment");
        let file = SourceFile::new("segment.yml".to_owned(), text);
        let options =
            CheckOptions { instance_key: Some("segment".parse().unwrap()), ..CheckOptions::default() };
        let file = spec::check_connector(&file, &options).value.unwrap();
        file.governance.as_deref().unwrap().clone()
    }

    /// The kind called `id`, to be changed.
    fn kind<'a>(governance: &'a mut Governance, id: &str) -> &'a mut ResourceType {
        governance.resource_types.iter_mut().find(|kind| kind.id == id).unwrap()
    }

    fn as_it_is(_governance: &mut Governance) {}

    fn holds_nothing(governance: &mut Governance) {
        kind(governance, "user").grants.clear();
    }

    fn brings_others(governance: &mut Governance) {
        kind(governance, "user").grants[0].expand = vec!["member".to_owned()];
    }

    fn has_entitlements(governance: &mut Governance) {
        let entitlements = kind(governance, "group").entitlements.clone();
        kind(governance, "user").entitlements = entitlements;
    }

    fn is_held(governance: &mut Governance) {
        kind(governance, "group").grants[0].resource.types.push("user".to_owned());
    }

    fn is_listed_for(governance: &mut Governance) {
        let ResourceSource::Listed(listed) = &mut kind(governance, "source").source else { panic!() };
        listed.per = Some("user".to_owned());
    }

    fn is_origin(governance: &mut Governance) {
        let EntitlementSource::Derived { of, .. } = &mut kind(governance, "source").entitlements[0].source
        else {
            panic!()
        };
        "user".clone_into(of);
    }

    fn members_bring_others(governance: &mut Governance) {
        kind(governance, "group").entitlements[0].grants[0].expand = vec!["member".to_owned()];
    }

    // Whatever needs to know an account before all of them are known makes it a kind as any other.
    #[rstest]
    #[case(as_it_is, &["user"])]
    #[case(holds_nothing, &[])]
    #[case(brings_others, &[])]
    #[case(has_entitlements, &[])]
    #[case(is_held, &[])]
    #[case(is_listed_for, &[])]
    #[case(is_origin, &[])]
    #[case(members_bring_others, &[])]
    fn accounts_are_gone_through_once_if_nothing_else_needs_them(
        #[case] change: fn(&mut Governance),
        #[case] expected: &[&str],
    ) {
        let mut governance = segment();
        change(&mut governance);

        let all = governance.resource_types.iter().filter(|kind| only_holds(&governance, kind));
        let all: Vec<&str> = all.map(|kind| kind.id.as_str()).collect();

        assert_eq!(all, expected);
    }
}
