use std::collections::{HashMap, HashSet};

use model::kill_point;
use protos::annotations;
use protos::c1::connector::v2::{
    Entitlement, Grant, GrantExpandable, Resource, ResourceId, ResourceType, SkipSyncAnomalyDetection,
};
use store::{InventoryChunkId, InventoryCounts, InventoryKey, SealedChunk, Store};
use tokio::runtime::Handle;

use super::KeepError;
use crate::inventory::part::{OpenChunk, RowKind};
use crate::sink::{SinkError, SyncSink};

/// More parts than this are not what people look after.
const MOST_PARTS: usize = 5_000;
/// Longest id of a kind, in bytes.
const LONGEST_KIND: usize = 256;
/// So much may wait to become chunks, of all parts together.
const MOST_OPEN_BYTES: usize = 32 << 20;
/// So much of sealed chunks is committed at once.
const COMMIT_BYTES: usize = 1 << 20;

/// Whose rows they are, which decides what of them was reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Teller {
    /// A sync of ours: what follows from grants is known to be that, and is left out.
    Ourselves,
    /// A file: what its maker says follows from grants is kept, marked so.
    Somebody,
}

/// Takes the rows of a sync and keeps them in chunks; memory holds what is not yet one. Belongs on a thread that
/// may wait.
#[derive(Debug)]
pub(super) struct Keeper {
    store: Store,
    key: InventoryKey,
    runtime: Handle,
    teller: Teller,
    /// Chunks that are kept already.
    known: HashSet<InventoryChunkId>,
    kinds: Vec<String>,
    /// Kinds that come and go by their nature.
    unsteady: HashSet<String>,
    /// By kind and holder.
    parts: HashMap<String, HashMap<String, OpenPart>>,
    part_count: usize,
    open_bytes: usize,
    sealed: Vec<SealedChunk>,
    sealed_bytes: usize,
    written_bytes: u64,
}

#[derive(Debug, Default)]
struct OpenPart {
    open: OpenChunk,
    chunks: Vec<InventoryChunkId>,
    counts: InventoryCounts,
}

/// A part all of whose chunks are kept.
#[derive(Debug)]
pub(super) struct KeptPart {
    pub(super) kind: String,
    pub(super) holder: String,
    pub(super) chunks: Vec<InventoryChunkId>,
    pub(super) counts: InventoryCounts,
}

/// What came of all rows.
#[derive(Debug)]
pub(super) struct KeptRows {
    pub(super) parts: Vec<KeptPart>,
    /// Kinds that rows name, in the order in which they came.
    pub(super) kinds: Vec<String>,
    pub(super) unsteady: HashSet<String>,
    pub(super) written_bytes: u64,
}

impl Keeper {
    pub(super) fn new(
        (store, key): (Store, InventoryKey),
        known: HashSet<InventoryChunkId>,
        teller: Teller,
    ) -> Self {
        Self {
            store,
            key,
            runtime: Handle::current(),
            teller,
            known,
            kinds: Vec::new(),
            unsteady: HashSet::new(),
            parts: HashMap::new(),
            part_count: 0,
            open_bytes: 0,
            sealed: Vec::new(),
            sealed_bytes: 0,
            written_bytes: 0,
        }
    }

    pub(super) fn key(&self) -> &InventoryKey {
        &self.key
    }

    /// Keeps what is left.
    pub(super) fn finish(mut self) -> Result<KeptRows, KeepError> {
        self.cut_all()?;
        self.commit()?;
        let parts = std::mem::take(&mut self.parts).into_iter().flat_map(|(kind, parts)| {
            parts.into_iter().map(move |(holder, part)| KeptPart {
                kind: kind.clone(),
                holder,
                chunks: part.chunks,
                counts: part.counts,
            })
        });
        let mut parts: Vec<KeptPart> = parts.collect();
        parts.sort_by(|one, two| (&one.kind, &one.holder).cmp(&(&two.kind, &two.holder)));
        Ok(KeptRows { parts, kinds: self.kinds, unsteady: self.unsteady, written_bytes: self.written_bytes })
    }

    fn push(
        &mut self,
        (kind, holder): (&str, &str),
        row_kind: RowKind,
        row: &impl prost::Message,
    ) -> Result<(), KeepError> {
        let is_there = self.parts.get(kind).is_some_and(|parts| parts.contains_key(holder));
        if !is_there {
            self.make_part(kind, holder)?;
        }
        let part = self.parts.get_mut(kind).and_then(|parts| parts.get_mut(holder));
        let part = part.expect("it was made, if it was not there");
        match row_kind {
            RowKind::ResourceType => {}
            RowKind::Resource => part.counts.resources += 1,
            RowKind::Entitlement => part.counts.entitlements += 1,
            RowKind::Grant => part.counts.grants += 1,
        }
        let before = part.open.len();
        let ends = part.open.push(row_kind, row);
        self.open_bytes += part.open.len() - before;
        if ends {
            self.cut(kind, holder)?;
        }
        if self.open_bytes > MOST_OPEN_BYTES { self.cut_all() } else { Ok(()) }
    }

    fn make_part(&mut self, kind: &str, holder: &str) -> Result<(), KeepError> {
        for id in [kind, holder] {
            if id.len() > LONGEST_KIND || id.contains(char::is_control) {
                return Err(KeepError::Kind);
            }
        }
        if self.part_count == MOST_PARTS {
            return Err(KeepError::TooManyKinds { most: MOST_PARTS });
        }
        self.part_count += 1;
        for id in [kind, holder] {
            if !id.is_empty() && !self.kinds.iter().any(|known| known == id) {
                self.kinds.push(id.to_owned());
            }
        }
        self.parts.entry(kind.to_owned()).or_default().insert(holder.to_owned(), OpenPart::default());
        Ok(())
    }

    /// Makes a chunk of what waits of a part.
    fn cut(&mut self, kind: &str, holder: &str) -> Result<(), KeepError> {
        let Some(part) = self.parts.get_mut(kind).and_then(|parts| parts.get_mut(holder)) else {
            return Ok(());
        };
        let rows = part.open.take();
        if rows.is_empty() {
            return Ok(());
        }
        self.open_bytes -= rows.len();
        let id = self.key.chunk_id(&rows);
        part.chunks.push(id.clone());
        if self.known.insert(id.clone()) {
            let sealed = self.key.seal(id, &rows)?;
            self.sealed_bytes += sealed.size();
            self.sealed.push(sealed);
        }
        if self.sealed_bytes >= COMMIT_BYTES { self.commit() } else { Ok(()) }
    }

    fn cut_all(&mut self) -> Result<(), KeepError> {
        let names = self
            .parts
            .iter()
            .flat_map(|(kind, parts)| parts.keys().map(move |holder| (kind.clone(), holder.clone())));
        for (kind, holder) in names.collect::<Vec<_>>() {
            self.cut(&kind, &holder)?;
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), KeepError> {
        let sealed = std::mem::take(&mut self.sealed);
        self.written_bytes += self.sealed_bytes as u64;
        self.sealed_bytes = 0;
        self.runtime.block_on(self.store.inventory_chunk_put(&sealed))?;
        kill_point!("sync.chunks");
        Ok(())
    }

    fn keep_grant(&mut self, row: &Grant, expandable: Option<&GrantExpandable>) -> Result<(), KeepError> {
        let sources = row.sources.as_ref().map(|sources| &sources.sources).filter(|all| !all.is_empty());
        let entitlement = row.entitlement.as_ref().ok_or(KeepError::NoKind { what: "grant" })?;
        // One that was reported is among its own sources.
        let follows = sources.is_some_and(|sources| !sources.contains_key(&entitlement.id));
        if follows && self.teller == Teller::Ourselves {
            return Ok(());
        }
        let on = kind_of(entitlement.resource.as_ref(), "grant")?;
        let principal = kind_of(row.principal.as_ref(), "grant")?;
        // Rows of our own name their ends by ids only already.
        if self.teller == Teller::Ourselves && row.sources.is_none() && expandable.is_none() {
            return self.push((&on.resource_type, &principal.resource_type), RowKind::Grant, row);
        }
        let by_id = |id: &ResourceId| Some(Resource { id: Some(id.clone()), ..Resource::default() });
        let mut kept = Grant {
            entitlement: Some(Entitlement {
                id: entitlement.id.clone(),
                resource: by_id(on),
                ..Entitlement::default()
            }),
            principal: by_id(principal),
            id: row.id.clone(),
            sources: row.sources.clone().filter(|_| follows),
            annotations: row.annotations.clone(),
        };
        if let Some(expandable) = expandable {
            annotations::replace(&mut kept.annotations, expandable);
        }
        self.push((&on.resource_type, &principal.resource_type), RowKind::Grant, &kept)
    }
}

/// Kind and id of a resource that a row names.
fn kind_of<'a>(resource: Option<&'a Resource>, what: &'static str) -> Result<&'a ResourceId, KeepError> {
    let id = resource.and_then(|resource| resource.id.as_ref());
    id.filter(|id| !id.resource_type.is_empty()).ok_or(KeepError::NoKind { what })
}

impl SyncSink for Keeper {
    fn resource_type(&mut self, row: &ResourceType) -> Result<(), SinkError> {
        if row.id.is_empty() {
            return Err(SinkError::new(KeepError::NoKind { what: "resource type" }));
        }
        if annotations::contains::<SkipSyncAnomalyDetection>(&row.annotations) {
            self.unsteady.insert(row.id.clone());
        }
        self.push((&row.id, ""), RowKind::ResourceType, row).map_err(SinkError::new)
    }

    fn resource(&mut self, row: &Resource) -> Result<(), SinkError> {
        let id = kind_of(Some(row), "resource").map_err(SinkError::new)?;
        self.push((&id.resource_type, ""), RowKind::Resource, row).map_err(SinkError::new)
    }

    fn entitlement(&mut self, row: &Entitlement) -> Result<(), SinkError> {
        let id = kind_of(row.resource.as_ref(), "entitlement").map_err(SinkError::new)?;
        self.push((&id.resource_type, ""), RowKind::Entitlement, row).map_err(SinkError::new)
    }

    fn grant(&mut self, row: &Grant, expandable: Option<&GrantExpandable>) -> Result<(), SinkError> {
        self.keep_grant(row, expandable).map_err(SinkError::new)
    }
}
