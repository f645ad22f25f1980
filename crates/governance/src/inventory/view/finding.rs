use serde::Serialize;

use super::{EntitlementRef, Inventory, ResourceRef};
use crate::expansion::Finding;

/// Something odd about grants that should bring others, by names: as people and programs are told it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
pub enum FindingView<'a> {
    /// Nobody gets the entitlement through this principal: whose holders should have it hold something on another
    /// resource (baton E-2).
    ForeignSource {
        /// What should be brought.
        entitlement: EntitlementRef<'a>,
        /// Through whom.
        principal: ResourceRef<'a>,
        /// Whose holders should have it.
        source: EntitlementRef<'a>,
    },
    /// Nobody gets the entitlement through this principal: no list has the entitlement whose holders should have it
    /// (baton E-2).
    MissingSource {
        /// What should be brought.
        entitlement: EntitlementRef<'a>,
        /// Through whom.
        principal: ResourceRef<'a>,
    },
    /// Who holds one of these holds all of them, as each passes its holders on to another (baton E-4). It is no fault
    /// of what was read.
    Circle {
        /// At least two.
        entitlements: Vec<EntitlementRef<'a>>,
    },
}

impl Inventory {
    /// What is odd about grants that should bring others (baton E-2, E-4).
    pub fn finding_views(&self) -> impl ExactSizeIterator<Item = FindingView<'_>> {
        self.findings.iter().map(|finding| match finding {
            Finding::ForeignSource { entitlement, principal, source, source_resource: _ } => {
                FindingView::ForeignSource {
                    entitlement: self.entitlement_ref(*entitlement),
                    principal: self.resource_ref(*principal),
                    source: self.entitlement_ref(*source),
                }
            }
            Finding::MissingSource { entitlement, principal, source: _ } => FindingView::MissingSource {
                entitlement: self.entitlement_ref(*entitlement),
                principal: self.resource_ref(*principal),
            },
            Finding::Circle { entitlements } => FindingView::Circle {
                entitlements: entitlements.iter().map(|one| self.entitlement_ref(*one)).collect(),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use protos::c1::connector::v2::GrantExpandable;
    use serde_json::json;

    use crate::inventory::world::World;

    fn through(source: &str) -> GrantExpandable {
        GrantExpandable { entitlement_ids: vec![source.to_owned()], ..GrantExpandable::default() }
    }

    // rule: baton E-2
    #[test]
    fn grants_that_bring_nothing_are_told_by_the_names_of_what_they_should_bring() {
        let mut world = World::new();
        world.group("a", "Growth").group("b", "Sales").thing("source:s", "Website", &["admin", "read"]);
        world.expandable(("source:s", "admin"), "group:a", &through("group:b:member"));
        world.expandable(("source:s", "read"), "group:a", &through("group:gone:member"));
        world.grant(("source:s", "admin"), "group:b");

        let inventory = world.inventory();
        let mut told: Vec<_> = inventory.finding_views().map(|one| json!(one)).collect();
        told.sort_by_key(|one| one["finding"].to_string());

        assert_eq!(told.len(), 2, "the third one brings its members: {told:?}");
        assert_eq!(told[0]["finding"], "foreign_source");
        assert_eq!(told[0]["entitlement"]["id"], "source:s:admin");
        assert_eq!(told[0]["principal"]["display_name"], "Growth");
        assert_eq!(told[0]["source"]["resource"]["display_name"], "Sales");
        assert_eq!(told[1]["finding"], "missing_source");
        assert_eq!(
            (&told[1]["entitlement"]["slug"], &told[1]["principal"]["id"]),
            (&json!("read"), &json!("a"))
        );
    }
}
