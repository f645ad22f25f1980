use rstest::rstest;
use tonic::{Code, Status};

use super::fake::Gate;
use super::stub::CancelBy;
use super::*;
use crate::service::TaskFailure;
use crate::service::upload::PIECE_BYTES;

// rule: baton P-23
// rule: baton P-26
// rule: baton T-6
#[rstest]
#[case(1)]
#[case(PIECE_BYTES)]
#[case(3 * PIECE_BYTES + 17)]
#[tokio::test]
async fn file_of_a_sync_comes_over_whole_with_its_checksum(#[case] bytes: usize) {
    let bench = Bench::new().await;
    let content: Vec<u8> = (0..bytes).map(|at| (at % 251) as u8).collect();
    bench.fake.content(content.clone());
    bench.give([sync(1)]);

    let finished = bench.finish(1).await;

    assert_eq!(answer(&finished[0]), None);
    bench.stub.with(|state| {
        let [upload] = &state.uploads[..] else { panic!("{} uploads", state.uploads.len()) };
        assert!(upload.bytes == content, "the file is another");
        assert!(upload.longest_piece <= PIECE_BYTES);
        assert_eq!(upload.task_id, id(1));
        let order: Vec<&str> = state.calls.iter().copied().filter(|call| *call != "poll").collect();
        assert_eq!((order[0], order[1]), ("hello", "beat"));
        let place = |call: &str| order.iter().position(|known| *known == call).unwrap();
        assert!(place("upload") < place("finish"), "{order:?}");
    });
    bench.assert_clean();
}

// rule: baton P-12
// rule: baton P-25
#[tokio::test]
async fn heart_beats_and_grants_are_made_while_a_sync_runs() {
    let bench = Bench::new().await;
    bench.fake.set(Gate::Closed);
    bench.give([sync(1)]);
    let running = bench.start();
    bench.stub.until("it beats", |state| state.beats.get(&id(1)).is_some_and(|beats| *beats > 3)).await;

    bench.give([grant(2)]);
    while bench.fake.done().len() < 2 {
        tokio::task::yield_now().await;
    }
    bench.fake.set(Gate::Open);
    bench.stub.until_finished(2).await;

    running.stop().await.unwrap();
    let beat_waits = bench.clock.sleeps().iter().filter(|wait| **wait == Duration::from_secs(30)).count();
    assert!(beat_waits >= 3, "nothing said is 30 seconds");
    bench.assert_clean();
}

// rule: baton P-25
#[rstest]
#[case::at_once(0, CancelBy::Flag, Gate::Closed)]
#[case::by_flag(2, CancelBy::Flag, Gate::Closed)]
#[case::by_list(2, CancelBy::List, Gate::Closed)]
#[case::of_a_deaf_one(2, CancelBy::List, Gate::Stuck)]
#[tokio::test]
async fn sync_that_is_given_up_ends_and_uploads_nothing(
    #[case] after: usize,
    #[case] by: CancelBy,
    #[case] gate: Gate,
) {
    let bench = Bench::new().await;
    bench.fake.set(gate);
    bench.stub.with(|state| state.script.cancel_after = Some((after, by)));
    bench.give([sync(1)]);

    let finished = bench.finish(1).await;

    assert_eq!(failure(&finished[0]), (1, "task was cancelled".to_owned(), false));
    assert!(bench.stub.with(|state| state.uploads.is_empty()));
    assert_eq!(bench.stub.with(|state| state.broken.clone()), Vec::<String>::new());
}

// rule: baton P-25
#[tokio::test]
async fn ten_heartbeats_that_fail_end_the_task() {
    let bench = Bench::new().await;
    bench.fake.set(Gate::Closed);
    bench.stub.with(|state| state.script.refuse_beats_after = Some(1));
    bench.give([sync(1)]);

    let finished = bench.finish(1).await;

    let (code, message, non_retryable) = failure(&finished[0]);
    assert_eq!((code, non_retryable), (1, false));
    assert!(message.contains("ten heartbeats"), "{message}");
    assert_eq!(bench.stub.with(|state| state.beats[&id(1)]), 11);
    bench.assert_clean();
}

// rule: baton P-23
#[tokio::test]
async fn task_whose_first_heartbeat_fails_is_left_without_a_word() {
    let bench = Bench::new().await;
    bench.stub.with(|state| state.script.refuse_beats_after = Some(0));
    bench.give([sync(1), grant(2)]);

    let finished = bench.finish(1).await;

    assert_eq!(finished[0].task_id, id(2));
    assert_eq!(bench.fake.done(), ["grant group:g1:member"]);
}

// rule: baton P-26
#[tokio::test]
async fn upload_is_tried_three_times() {
    let bench = Bench::new().await;
    let refusals = [Status::unavailable("a"), Status::internal("b")];
    bench.stub.with(|state| state.script.upload = refusals.into());
    bench.give([sync(1)]);

    let finished = bench.finish(1).await;

    assert_eq!(answer(&finished[0]), None);
    assert_eq!(bench.stub.with(|state| state.calls.iter().filter(|call| **call == "upload").count()), 3);
    bench.assert_clean();
}

// rule: baton P-26
// rule: baton P-27
#[tokio::test]
async fn upload_that_fails_three_times_fails_the_task_and_it_may_be_tried_again() {
    let bench = Bench::new().await;
    bench.stub.with(|state| state.script.upload = vec![Status::unavailable("no room"); 3].into());
    bench.give([sync(1)]);

    let (code, message, non_retryable) = failure(&bench.finish(1).await[0]);

    assert_eq!((code, non_retryable), (Code::Unavailable as i32, false));
    assert!(message.contains("no room"), "{message}");
    bench.assert_clean();
}

// rule: baton P-27
// rule: baton S-20
#[rstest]
#[case(TaskFailure::new(Code::Unavailable, "the application is away"), false)]
#[case(TaskFailure::for_good(Code::DataLoss, "groups exclude each other"), true)]
#[tokio::test]
async fn sync_that_fails_uploads_nothing_and_only_verdicts_are_final(
    #[case] why: TaskFailure,
    #[case] is_final: bool,
) {
    let bench = Bench::new().await;
    bench.fake.fail(Some(why.clone()));
    bench.give([sync(1)]);

    let (code, message, non_retryable) = failure(&bench.finish(1).await[0]);

    assert_eq!((code, non_retryable), (why.code() as i32, is_final));
    assert!(message.starts_with(why.message()), "{message}");
    assert!(bench.stub.with(|state| state.uploads.is_empty()));
    bench.assert_clean();
}

#[tokio::test]
async fn second_sync_waits_for_the_first_with_its_heart_beating() {
    let bench = Bench::new().await;
    bench.fake.set(Gate::Closed);
    bench.give([sync(1), sync(2)]);
    let running = bench.start();
    let both = |state: &stub::State| state.beats.len() == 2 && state.beats.values().all(|beats| *beats > 2);
    bench.stub.until("both beat", both).await;
    assert_eq!(bench.fake.done(), ["sync"]);

    bench.fake.set(Gate::Open);
    let finished = bench.stub.until_finished(2).await;

    running.stop().await.unwrap();
    assert!(finished.iter().all(|finish| answer(finish).is_none()));
    assert_eq!(bench.stub.with(|state| state.uploads.len()), 2);
    bench.assert_clean();
}

// rule: baton P-28
#[tokio::test]
async fn task_to_be_looked_into_uploads_its_record_as_a_second_asset() {
    let bench = Bench::new().await;
    bench.give([Task { debug: true, ..sync(1) }]);

    bench.finish(1).await;

    bench.stub.with(|state| {
        let texts: Vec<_> =
            state.uploads.iter().map(|upload| String::from_utf8_lossy(&upload.bytes)).collect();
        assert_eq!(texts.len(), 2);
        assert!(texts[0] == "a small file" && texts[1].contains("file uploaded"), "{texts:?}");
    });
    bench.assert_clean();
}
