use rstest::rstest;
use testkit::Canary;
use tonic::{Code, Status};

use super::fake::Gate;
use super::*;

fn polls(state: &stub::State) -> usize {
    state.calls.iter().filter(|call| **call == "poll").count()
}

/// Whether there is a wait that is `most` or a fifth less at most.
fn waited(sleeps: &[Duration], most: Duration) -> bool {
    sleeps.iter().any(|wait| *wait <= most && *wait > most * 4 / 5)
}

// rule: baton P-9
// rule: baton P-11
// rule: baton P-15
#[tokio::test]
async fn hello_comes_first_and_says_who_is_there() {
    let bench = Bench::new().await;
    let running = bench.start();
    bench.stub.until("it polls", |state| polls(state) > 0).await;
    running.stop().await.unwrap();

    bench.stub.with(|state| {
        assert_eq!(state.calls[0], "hello");
        let hello = &state.hellos[0];
        assert_eq!((hello.host_id.as_str(), hello.task_id.as_str()), ("host-1", ""));
        let build = hello.build_info.as_ref().unwrap();
        assert_eq!((build.package.as_str(), build.package_version.as_str()), ("baton-fake", "1.2.3"));
        assert_eq!(hello.connector_metadata.as_ref().unwrap().display_name, "Fake");
        assert!(
            state.agents.iter().all(|agent| agent.starts_with("baton-fake baton-sdk/")),
            "{:?}",
            state.agents
        );
    });
    bench.assert_clean();
}

// rule: baton P-11
#[tokio::test]
async fn hello_is_said_again_until_it_is_heard() {
    let bench = Bench::new().await;
    bench.stub.with(|state| state.script.hello = vec![Status::unavailable("starting"); 4].into());

    let running = bench.start();
    bench.stub.until("it polls", |state| polls(state) > 0).await;
    running.stop().await.unwrap();

    let sleeps = bench.clock.sleeps();
    for (at, most_s) in [1, 2, 4, 8].into_iter().enumerate() {
        assert!(waited(&sleeps[at..=at], Duration::from_secs(most_s)), "{sleeps:?}");
    }
}

// rule: baton P-11
#[rstest]
#[case(Code::PermissionDenied)]
#[case(Code::InvalidArgument)]
#[case(Code::Unimplemented)]
#[case(Code::FailedPrecondition)]
#[case(Code::NotFound)]
#[tokio::test]
async fn hello_that_is_refused_for_good_ends_the_process(#[case] code: Code) {
    let bench = Bench::new().await;
    bench.stub.with(|state| state.script.hello = vec![Status::new(code, "no")].into());

    let error = bench.start().end().await.unwrap_err();

    assert_eq!(error.exit().code(), code, "{error}");
    assert_eq!(bench.stub.with(|state| polls(state)), 0);
}

// rule: baton P-7
// rule: baton P-11
#[rstest]
#[case(Some("Thu, 15 Jan 2026 12:00:01 GMT"), "Rotate")]
#[case(Some("Thu, 15 Jan 2026 11:50:00 GMT"), "set the clock")]
#[tokio::test]
async fn credential_that_is_not_taken_ends_the_process_and_a_wrong_clock_is_named(
    #[case] date: Option<&'static str>,
    #[case] says: &str,
) {
    let bench = Bench::new().await;
    bench.stub.with(|state| state.script.token_refusal = Some((401, date)));

    let error = bench.start().end().await.unwrap_err();

    assert_eq!(error.exit().code(), Code::Unauthenticated);
    assert!(error.to_string().contains(says), "{error}");
}

// rule: baton P-14
#[tokio::test]
async fn control_plane_that_is_away_is_asked_ever_more_rarely_and_found_again() {
    let bench = Bench::new().await;
    let refusals =
        [vec![Status::unavailable("away"); 5], vec![Status::permission_denied("paused"); 5]].concat();
    bench.stub.with(|state| state.script.poll = refusals.into());
    bench.give([grant(1)]);

    let finished = bench.finish(1).await;

    assert!(answer(&finished[0]).is_some());
    let sleeps = bench.clock.sleeps();
    for errors in 1..=7_u64 {
        assert!(waited(&sleeps, Duration::from_secs(errors * errors)), "{errors}: {sleeps:?}");
    }
    assert!(sleeps.iter().all(|wait| *wait <= Duration::from_mins(1)), "{sleeps:?}");
}

// rule: architecture law 10
#[tokio::test]
async fn question_that_hangs_is_given_up_and_asked_again() {
    let mut bench = Bench::new().await;
    bench.times.poll = Duration::from_millis(300);
    bench.stub.with(|state| state.script.hang_polls = 1);
    bench.give([grant(1)]);

    let finished = bench.finish(1).await;

    assert!(answer(&finished[0]).is_some());
    assert!(waited(&bench.clock.sleeps(), Duration::from_secs(1)));
}

// rule: baton P-12
#[tokio::test]
async fn next_question_comes_when_the_control_plane_wants_it() {
    let bench = Bench::new().await;
    let seconds = |seconds| Some(prost_types::Duration { seconds, nanos: 0 });
    bench.stub.with(|state| state.script.next_poll = seconds(7));
    let running = bench.start();
    bench.stub.until("it polls", |state| polls(state) > 2).await;
    bench.stub.with(|state| state.script.next_poll = seconds(100_000));
    let asked = bench.stub.with(|state| polls(state));
    bench.stub.until("it polls", |state| polls(state) > asked + 3).await;
    running.stop().await.unwrap();

    let sleeps = bench.clock.sleeps();
    assert!(
        sleeps.contains(&Duration::from_secs(7)) && sleeps.contains(&Duration::from_mins(5)),
        "{sleeps:?}"
    );
    assert!(sleeps.iter().all(|wait| *wait <= Duration::from_mins(5)));
}

// rule: baton P-7
#[tokio::test]
async fn tokens_of_a_second_last_over_many_cycles() {
    let bench = Bench::new().await;
    bench.stub.with(|state| state.script.token_life_s = Some(1));
    bench.give((1..=40).map(grant));

    bench.finish(40).await;

    bench.stub.with(|state| {
        assert!(state.tokens_given > 3, "{}", state.tokens_given);
        // One that ended on its way is replaced within the same call.
        let refused = state.calls.iter().filter(|call| **call == "refused").count();
        assert!(refused <= state.tokens_given, "{:?}", state.calls);
        assert_eq!(state.finished.len(), 40);
    });
    bench.assert_clean();
}

// rule: baton P-7
#[tokio::test]
async fn token_that_is_not_taken_any_more_is_replaced_within_the_call() {
    let bench = Bench::new().await;
    let running = bench.start();
    bench.stub.until("it polls", |state| polls(state) > 1).await;

    bench.stub.with(|state| state.tokens.clear());
    bench.give([grant(1)]);
    bench.stub.until_finished(1).await;

    running.stop().await.unwrap();
    assert_eq!(bench.stub.with(|state| state.tokens_given), 2);
    assert!(!waited(&bench.clock.sleeps(), Duration::from_secs(1)), "no question failed");
}

// rule: baton §13.5, hello
#[tokio::test]
async fn task_hello_is_answered_with_hello_and_nothing_else() {
    let bench = Bench::new().await;
    bench.give([task(1, TaskType::Hello(task::HelloTask::default())), grant(2)]);

    let finished = bench.finish(1).await;
    bench
        .stub
        .with(|state| assert_eq!(state.hellos.iter().filter(|hello| hello.task_id == id(1)).count(), 1));

    assert_eq!(finished[0].task_id, id(2));
    bench.assert_clean();
}

// rule: baton P-13
#[rstest]
#[case(1, 2)]
#[case(100, 100)]
#[tokio::test]
async fn several_tasks_are_asked_for_within_the_limit(#[case] concurrency: usize, #[case] page: u32) {
    let mut bench = Bench::new().await;
    (bench.get_tasks, bench.concurrency) = (Permission::Allowed, concurrency);
    bench.give((1..=9).map(grant));

    let finished = bench.finish(9).await;

    assert_eq!(finished.len(), 9);
    bench.stub.with(|state| {
        assert_eq!(state.asked[0].page_size, page);
        assert!(state.asked.iter().all(|asked| (1..=100).contains(&asked.page_size)));
    });
    bench.assert_clean();
}

// rule: baton P-13
#[tokio::test]
async fn what_is_at_hand_is_named_when_more_is_asked_for() {
    let mut bench = Bench::new().await;
    (bench.get_tasks, bench.concurrency) = (Permission::Allowed, 2);
    bench.fake.set(Gate::Closed);
    bench.give((1..=3).map(grant));
    let running = bench.start();
    let known = |state: &stub::State| state.asked.last().is_some_and(|asked| asked.known_task_ids.len() == 3);
    bench.stub.until("all three are known", known).await;
    bench.fake.set(Gate::Open);
    bench.stub.until_finished(3).await;

    running.stop().await.unwrap();
    bench.stub.with(|state| {
        let with_three = state.asked.iter().find(|asked| asked.known_task_ids.len() == 3).unwrap();
        assert_eq!(with_three.page_size, 1);
    });
    bench.assert_clean();
}

// rule: baton P-13
#[tokio::test]
async fn control_plane_that_gives_one_task_at_a_time_is_asked_so() {
    let mut bench = Bench::new().await;
    bench.get_tasks = Permission::Allowed;
    bench.stub.with(|state| state.script.several = Some(Status::unimplemented("older")));
    bench.give([grant(1)]);

    let finished = bench.finish(1).await;

    assert!(answer(&finished[0]).is_some());
}

#[derive(Clone, Default)]
struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

// rule: architecture law 8
#[tokio::test]
async fn neither_logs_nor_answers_show_a_token_or_a_person() {
    let (canary, log) = (Canary::new("service"), Log::default());
    let made = log.clone();
    let logger = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || made.clone())
        .with_env_filter("info,baton=trace,egress=trace")
        .finish();
    let _kept = tracing::subscriber::set_default(logger);
    let bench = Bench::new().await;
    let repeated = format!("who is {}?", canary.secret);
    bench.stub.with(|state| {
        state.script.token_text = Some(canary.secret.clone());
        state.script.hello = vec![Status::unavailable(repeated.clone())].into();
        state.script.poll = vec![Status::internal(repeated.clone())].into();
        state.script.upload = vec![Status::internal(repeated.clone()); 3].into();
        state.script.lose_finish = 1;
    });
    let mut about_a_person = grant(2);
    if let Some(TaskType::Grant(asked)) = &mut about_a_person.task_type {
        asked.principal = Some(resource("user", &canary.personal));
    }
    bench.give([Task { debug: true, ..sync(1) }, about_a_person]);

    let finished = bench.finish(2).await;

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("task begins") && text.contains("repeats the access token"), "{text}");
    canary.assert_absent([text, format!("{finished:?}")]);
    canary.assert_absent(
        bench.stub.with(|state| state.uploads.drain(..).map(|upload| upload.bytes).collect::<Vec<_>>()),
    );
}
