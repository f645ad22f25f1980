//! Rows on their way from the thread that puts them together to those that keep them.
//!
//! Each sink has a thread of its own, so that a file and an inventory are written while the rows are still being
//! put together. All of them see the same rows in the same order.

use std::sync::Arc;

use prost::Message as _;
use prost_types::Any;
use protos::c1::connector::v2::{Entitlement, Grant, GrantExpandable, Resource, ResourceType};
use thiserror::Error;
use tokio::sync::mpsc;

use crate::sink::{SinkError, SyncSink};
use crate::sync_part::SyncPart;

/// So much travels together.
const PARCEL_BYTES: usize = 128 << 10;
const PARCEL_ROWS: usize = 512;
/// Parcels that wait for a sink.
const WAITING: usize = 4;

/// A row of a sync.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SyncRow {
    ResourceType(ResourceType),
    Resource(Box<Resource>),
    Entitlement(Box<Entitlement>),
    /// With whom it extends to.
    Grant(Box<Grant>, Option<GrantExpandable>),
}

#[derive(Debug, Clone)]
enum Parcel {
    Rows(Arc<Vec<SyncRow>>),
    /// There are no more.
    End,
}

/// Where rows are handed out, as far as they are of the part that is wanted.
#[derive(Debug)]
pub(crate) struct Outlet {
    part: SyncPart,
    open: Vec<SyncRow>,
    open_bytes: usize,
    inlets: Vec<mpsc::Sender<Parcel>>,
}

/// Where a sink gets them from. Belongs on a thread that may wait, and is to have it before rows are put: whoever puts
/// them waits for it.
#[derive(Debug)]
pub(crate) struct Inlet {
    parcels: mpsc::Receiver<Parcel>,
}

/// Somebody who was to take rows takes none any more; what stopped it knows more.
#[derive(Debug, Error)]
#[error("whoever keeps the rows of the sync stopped")]
struct NobodyThere;

impl Outlet {
    /// For this part of the rows; nobody gets them yet.
    pub(crate) fn new(part: SyncPart) -> Self {
        Self { part, open: Vec::new(), open_bytes: 0, inlets: Vec::new() }
    }

    /// One more who gets every row.
    pub(crate) fn inlet(&mut self) -> Inlet {
        let (sender, parcels) = mpsc::channel(WAITING);
        self.inlets.push(sender);
        Inlet { parcels }
    }

    /// Hands out a row.
    ///
    /// # Errors
    /// If a sink is gone. Why, the sink says.
    pub(crate) fn put(&mut self, row: SyncRow) -> Result<(), SinkError> {
        if !self.part.wants(&row) {
            return Ok(());
        }
        self.open_bytes += row.len();
        self.open.push(row);
        if self.open_bytes >= PARCEL_BYTES || self.open.len() >= PARCEL_ROWS { self.send() } else { Ok(()) }
    }

    /// Hands out what is left, and says that it is the last.
    ///
    /// # Errors
    /// As [`Outlet::put`].
    pub(crate) fn end(mut self) -> Result<(), SinkError> {
        self.send()?;
        self.give(&Parcel::End)
    }

    fn send(&mut self) -> Result<(), SinkError> {
        self.open_bytes = 0;
        let rows = std::mem::take(&mut self.open);
        if rows.is_empty() { Ok(()) } else { self.give(&Parcel::Rows(Arc::new(rows))) }
    }

    fn give(&self, parcel: &Parcel) -> Result<(), SinkError> {
        let mut inlets = self.inlets.iter();
        inlets.try_for_each(|inlet| {
            inlet.blocking_send(parcel.clone()).map_err(|_| SinkError::new(NobodyThere))
        })
    }
}

impl Inlet {
    /// Gives all rows to `sink`; nothing if they broke off before their end.
    pub(crate) fn give_to<S: SyncSink>(mut self, mut sink: S) -> Result<Option<S>, SinkError> {
        while let Some(parcel) = self.parcels.blocking_recv() {
            let Parcel::Rows(rows) = parcel else { return Ok(Some(sink)) };
            for row in rows.iter() {
                match row {
                    SyncRow::ResourceType(row) => sink.resource_type(row)?,
                    SyncRow::Resource(row) => sink.resource(row)?,
                    SyncRow::Entitlement(row) => sink.entitlement(row)?,
                    SyncRow::Grant(row, expandable) => sink.grant(row, expandable.as_ref())?,
                }
            }
        }
        Ok(None)
    }
}

impl SyncRow {
    /// About how many bytes it takes. Of the many it is told by what may be long: to go over all of them would take longer.
    fn len(&self) -> usize {
        let noted = |annotations: &[Any]| annotations.iter().map(|any| any.value.len()).sum::<usize>();
        match self {
            Self::ResourceType(row) => row.encoded_len(),
            Self::Entitlement(row) => row.encoded_len(),
            Self::Resource(row) => {
                let ids = [&row.id, &row.parent_resource_id].into_iter().flatten();
                let ids: usize = ids.map(|id| id.resource.len()).sum();
                ids + row.display_name.len() + row.description.len() + noted(&row.annotations)
            }
            Self::Grant(row, expandable) => {
                let sources = row.sources.iter().flat_map(|of| of.sources.keys()).map(String::len);
                let expandable = expandable.iter().flat_map(|of| &of.entitlement_ids).map(String::len);
                // Its id has those of entitlement and principal in it.
                2 * row.id.len() + noted(&row.annotations) + sources.chain(expandable).sum::<usize>()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aside::aside;

    /// Keeps the ids of types, and stops at one.
    #[derive(Debug, Default)]
    struct Ids {
        ids: Vec<String>,
        stops_at: Option<&'static str>,
    }

    #[derive(Debug, Error)]
    #[error("the disk is full")]
    struct Full;

    impl SyncSink for Ids {
        fn resource_type(&mut self, row: &ResourceType) -> Result<(), SinkError> {
            if self.stops_at == Some(&row.id) {
                return Err(SinkError::new(Full));
            }
            self.ids.push(row.id.clone());
            Ok(())
        }

        fn resource(&mut self, _row: &Resource) -> Result<(), SinkError> {
            Ok(())
        }

        fn entitlement(&mut self, _row: &Entitlement) -> Result<(), SinkError> {
            Ok(())
        }

        fn grant(&mut self, _row: &Grant, _expandable: Option<&GrantExpandable>) -> Result<(), SinkError> {
            Ok(())
        }
    }

    /// More than wait for a sink at once.
    const ROWS: usize = PARCEL_ROWS * (WAITING + 3) + 1;

    fn put_all(outlet: &mut Outlet) -> Result<(), SinkError> {
        let of = |number: usize| ResourceType { id: number.to_string(), ..ResourceType::default() };
        (0..ROWS).try_for_each(|number| outlet.put(SyncRow::ResourceType(of(number))))
    }

    // One row may be larger than what travels together.
    #[tokio::test]
    async fn a_large_row_goes_its_way_with_the_others() {
        let mut outlet = Outlet::new(SyncPart::default());
        let sink = taken(outlet.inlet(), Ids::default());
        let large = "x".repeat(PARCEL_BYTES + 1);
        let ids = ["a".to_owned(), large, "b".to_owned()];
        let rows =
            ids.clone().map(|id| SyncRow::ResourceType(ResourceType { id, ..ResourceType::default() }));
        let put =
            aside(move || rows.into_iter().try_for_each(|row| outlet.put(row)).and_then(|()| outlet.end()));

        let (sink, put) = futures::future::join(sink, put).await;

        put.unwrap();
        assert_eq!(sink.unwrap().unwrap().ids, ids);
    }

    async fn taken(inlet: Inlet, sink: Ids) -> Result<Option<Ids>, SinkError> {
        aside(move || inlet.give_to(sink)).await
    }

    #[tokio::test]
    async fn each_sink_gets_every_row_in_its_order() {
        let mut outlet = Outlet::new(SyncPart::default());
        let sinks = [outlet.inlet(), outlet.inlet()].map(|inlet| taken(inlet, Ids::default()));
        let put = aside(move || put_all(&mut outlet).and_then(|()| outlet.end()));

        let (put, sinks) = futures::future::join(put, futures::future::join_all(sinks)).await;

        put.unwrap();
        let all: Vec<String> = (0..ROWS).map(|number| number.to_string()).collect();
        for sink in sinks {
            assert_eq!(sink.unwrap().unwrap().ids, all);
        }
    }

    // Half of the rows would pass for all of them.
    #[tokio::test]
    async fn rows_that_break_off_are_nothing_to_a_sink() {
        let mut outlet = Outlet::new(SyncPart::default());
        let sink = taken(outlet.inlet(), Ids::default());
        let put = aside(move || put_all(&mut outlet));

        let (put, sink) = futures::future::join(put, sink).await;

        put.unwrap();
        assert!(sink.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_sink_that_stops_says_why_and_all_others_stop_with_it() {
        let mut outlet = Outlet::new(SyncPart::default());
        let full = taken(outlet.inlet(), Ids { stops_at: Some("3"), ..Ids::default() });
        let other = taken(outlet.inlet(), Ids::default());
        let put = aside(move || put_all(&mut outlet).and_then(|()| outlet.end()));

        let (put, full, other) = futures::future::join3(put, full, other).await;

        assert!(put.is_err());
        let error = full.unwrap_err();
        assert!(error.to_string().contains("the disk is full"), "{error}");
        assert!(other.unwrap().is_none());
    }
}
