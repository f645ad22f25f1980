use protos::c1::connector::v2::{Entitlement, Grant, Resource, ResourceId, ResourceType};

use super::bench::Bench;
use crate::inventory::keep::KeepError;
use crate::inventory::keep::sink::{Keeper, Teller};
use crate::sink::{SinkError, SyncSink};

/// What a keeper says to rows.
async fn said(
    bench: &Bench,
    rows: impl FnOnce(&mut Keeper) -> Result<(), SinkError> + Send + 'static,
) -> KeepError {
    let key = bench.store.inventory_key_get(&bench.connection).await.unwrap();
    let mut keeper =
        Keeper::new((bench.store.clone(), key), std::collections::HashSet::new(), Teller::Somebody);
    let said = tokio::task::spawn_blocking(move || rows(&mut keeper)).await.unwrap();
    said.unwrap_err().into()
}

fn resource(kind: &str) -> Resource {
    let id = ResourceId { resource_type: kind.to_owned(), resource: "1".to_owned(), ..ResourceId::default() };
    Resource { id: Some(id), ..Resource::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_belong_to_nothing_are_refused() {
    let bench = Bench::new().await;
    let nameless = said(&bench, |keeper| keeper.resource(&Resource::default())).await;
    let on_nothing = said(&bench, |keeper| keeper.entitlement(&Entitlement::default())).await;
    let by_nobody = said(&bench, |keeper| {
        let on = Entitlement { resource: Some(resource("role")), ..Entitlement::default() };
        keeper.grant(&Grant { entitlement: Some(on), ..Grant::default() }, None)
    })
    .await;
    let no_kind = said(&bench, |keeper| keeper.resource_type(&ResourceType::default())).await;

    for (error, expected) in [
        (nameless, "resource"),
        (on_nothing, "entitlement"),
        (by_nobody, "grant"),
        (no_kind, "resource type"),
    ] {
        assert!(matches!(error, KeepError::NoKind { what } if what == expected), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kinds_without_end_are_refused_before_they_fill_the_memory() {
    let bench = Bench::new().await;
    let many = said(&bench, |keeper| {
        (0..100_000).try_for_each(|number| keeper.resource(&resource(&format!("kind-{number}"))))
    })
    .await;
    let long = said(&bench, |keeper| keeper.resource(&resource(&"k".repeat(257)))).await;
    let control = said(&bench, |keeper| keeper.resource(&resource("a\u{0}b"))).await;

    assert!(matches!(many, KeepError::TooManyKinds { .. }), "{many}");
    assert!(matches!(long, KeepError::Kind) && matches!(control, KeepError::Kind));
}
