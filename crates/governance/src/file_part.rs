//! Which rows of a sync a file has.

use std::collections::BTreeSet;

use protos::c1::connector::v2::{Entitlement, Grant, GrantExpandable, Resource, ResourceId, ResourceType};

use crate::sink::{SinkError, SyncSink};

/// A part of the rows of a sync; everything, if nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilePart {
    /// Only resources of these kinds; empty for all.
    pub kinds: BTreeSet<String>,
    /// How much of each.
    pub depth: FileDepth,
}

/// How much of each resource a file has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FileDepth {
    /// Also what can be held on it, and who holds it.
    #[default]
    Everything,
    /// Itself only (baton S-23).
    ResourcesOnly,
}

impl FilePart {
    /// What a file with this part calls its run.
    pub(crate) fn sync_type(&self) -> c1z::SyncType {
        match self.depth {
            FileDepth::Everything => c1z::SyncType::Full,
            FileDepth::ResourcesOnly => c1z::SyncType::ResourcesOnly,
        }
    }

    /// Hands this part of the rows to `sink`.
    pub(crate) fn sink<S: SyncSink>(&self, sink: S) -> PartSink<S> {
        PartSink { part: self.clone(), sink }
    }

    fn has_kind(&self, kind: &str) -> bool {
        self.kinds.is_empty() || self.kinds.contains(kind)
    }

    fn has(&self, id: Option<&ResourceId>) -> bool {
        self.kinds.is_empty() || id.is_some_and(|id| self.kinds.contains(&id.resource_type))
    }

    fn has_on(&self, on: Option<&Resource>) -> bool {
        self.depth == FileDepth::Everything && self.has(on.and_then(|on| on.id.as_ref()))
    }
}

/// Passes on what belongs to a part.
pub(crate) struct PartSink<S> {
    part: FilePart,
    sink: S,
}

impl<S> PartSink<S> {
    pub(crate) fn into_inner(self) -> S {
        self.sink
    }
}

impl<S: SyncSink> SyncSink for PartSink<S> {
    fn resource_type(&mut self, row: &ResourceType) -> Result<(), SinkError> {
        if self.part.has_kind(&row.id) { self.sink.resource_type(row) } else { Ok(()) }
    }

    fn resource(&mut self, row: &Resource) -> Result<(), SinkError> {
        if self.part.has(row.id.as_ref()) { self.sink.resource(row) } else { Ok(()) }
    }

    fn entitlement(&mut self, row: &Entitlement) -> Result<(), SinkError> {
        if self.part.has_on(row.resource.as_ref()) { self.sink.entitlement(row) } else { Ok(()) }
    }

    /// A grant with an end that the file does not have could be neither shown nor revoked.
    fn grant(&mut self, row: &Grant, expandable: Option<&GrantExpandable>) -> Result<(), SinkError> {
        let on = row.entitlement.as_ref().and_then(|entitlement| entitlement.resource.as_ref());
        if self.part.has_on(on) && self.part.has_on(row.principal.as_ref()) {
            self.sink.grant(row, expandable)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Counted([usize; 4]);

    impl SyncSink for Counted {
        fn resource_type(&mut self, _row: &ResourceType) -> Result<(), SinkError> {
            self.0[0] += 1;
            Ok(())
        }

        fn resource(&mut self, _row: &Resource) -> Result<(), SinkError> {
            self.0[1] += 1;
            Ok(())
        }

        fn entitlement(&mut self, _row: &Entitlement) -> Result<(), SinkError> {
            self.0[2] += 1;
            Ok(())
        }

        fn grant(&mut self, _row: &Grant, _expandable: Option<&GrantExpandable>) -> Result<(), SinkError> {
            self.0[3] += 1;
            Ok(())
        }
    }

    fn resource(kind: &str) -> Resource {
        let id =
            ResourceId { resource_type: kind.to_owned(), resource: "1".to_owned(), ..ResourceId::default() };
        Resource { id: Some(id), ..Resource::default() }
    }

    /// A user and a group that holds a role, and their types.
    fn count(part: &FilePart) -> [usize; 4] {
        let mut sink = part.sink(Counted::default());
        for kind in ["user", "group", "role"] {
            sink.resource_type(&ResourceType { id: kind.to_owned(), ..ResourceType::default() }).unwrap();
            sink.resource(&resource(kind)).unwrap();
        }
        let member = |kind| Entitlement { resource: Some(resource(kind)), ..Entitlement::default() };
        for kind in ["group", "role"] {
            sink.entitlement(&member(kind)).unwrap();
        }
        for (on, holder) in [("group", "user"), ("role", "group")] {
            let row = Grant {
                entitlement: Some(member(on)),
                principal: Some(resource(holder)),
                ..Grant::default()
            };
            sink.grant(&row, None).unwrap();
        }
        sink.into_inner().0
    }

    // rule: baton S-23, 12.2 sync-resource-types
    #[test]
    fn a_part_has_no_grant_without_both_of_its_ends() {
        let kinds = |kinds: &[&str]| kinds.iter().map(|&kind| kind.to_owned()).collect::<BTreeSet<String>>();
        let some = FilePart { kinds: kinds(&["user", "group"]), depth: FileDepth::Everything };
        let bare = FilePart { kinds: BTreeSet::new(), depth: FileDepth::ResourcesOnly };

        assert_eq!(count(&FilePart::default()), [3, 3, 2, 2]);
        assert_eq!(count(&some), [2, 2, 1, 1]);
        assert_eq!(count(&bare), [3, 3, 0, 0]);
        assert_eq!((some.sync_type(), bare.sync_type()), (c1z::SyncType::Full, c1z::SyncType::ResourcesOnly));
    }
}
