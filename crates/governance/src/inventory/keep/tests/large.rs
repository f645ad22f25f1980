use super::bench::{Bench, Facts};
use crate::inventory::At;
use crate::report::KindStatus::Complete;

const KINDS: [(&str, crate::report::KindStatus); 2] = [("user", Complete), ("group", Complete)];

fn members(count: usize) -> Facts {
    let mut facts = Facts::default().with("group", &["eng"]);
    for number in 0..count {
        let name = format!("u{number}");
        facts = facts.with("user", &[&name]).grant(("group", "eng"), ("user", &name));
    }
    facts
}

// rule: architecture §4
#[tokio::test(flavor = "multi_thread")]
async fn one_member_more_of_many_writes_a_few_pieces_and_not_all() {
    let bench = Bench::new().await;
    let many = members(20_000);
    let all = bench.sync(&KINDS, &many).await;

    let one_more = bench
        .sync(&KINDS, &many.clone().with("user", &["new"]).grant(("group", "eng"), ("user", "new")))
        .await;
    let one_less = bench.sync(&KINDS, &many.without("user", "u10000")).await;

    for changed in [&one_more, &one_less] {
        assert_eq!(changed.changed.len(), 2, "{changed:?}");
        let (part, whole) = (changed.written_bytes, all.written_bytes);
        assert!(part * 5 < whole, "{part} of {whole}");
    }
    assert!(bench.rows(&At::Now).await.contains("group:eng <- user:u19999"));
}
