use std::time::Duration;

use rstest::rstest;
use store::WorkerReport;

use crate::bench::Backend;

const RECENTLY: Duration = Duration::from_secs(30);

fn report(name: &str, busy: u64) -> WorkerReport {
    WorkerReport { name: name.to_owned(), version: "1.2.3".to_owned(), slots: 4, busy }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn workers_are_known_while_they_say_something(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let names = async || {
        let list = bench.store.worker_list(RECENTLY).await.unwrap();
        list.into_iter().map(|worker| (worker.report.name, worker.report.busy)).collect::<Vec<_>>()
    };

    bench.store.worker_seen(&report("b", 0)).await.unwrap();
    bench.clock.advance(RECENTLY / 2);
    bench.store.worker_seen(&report("a", 1)).await.unwrap();
    bench.store.worker_seen(&report("a", 2)).await.unwrap();
    let both = names().await;
    bench.clock.advance(RECENTLY * 3 / 4);
    let one = names().await;
    bench.store.worker_gone("a").await.unwrap();
    let none = names().await;

    assert_eq!(both, [("a".to_owned(), 2), ("b".to_owned(), 0)]);
    assert_eq!(one, [("a".to_owned(), 2)]);
    assert_eq!(none, []);
}
