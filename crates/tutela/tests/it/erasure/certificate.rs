use super::{Journey, MONTH};

/// A run that was erased and certified; gives the name of the certificate's file.
fn certified(journey: &Journey) -> String {
    let planned = journey.plan("ana@example.com");
    journey.apply(&planned).expect(3);
    journey.sandbox.advance(MONTH);
    journey.apply(&planned).expect(0);
    journey.run(&["privacy", "verify", &planned.run]).expect(0);
    format!("{}.certificate.json", planned.run)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_worth_nothing_without_a_key_or_with_a_changed_byte() {
    let journey = Journey::on_sqlite().await;
    let file = certified(&journey);
    let program = &journey.program;
    let bytes = std::fs::read(program.folder().join(&file)).unwrap();
    let key = program.read(".tutela/signing-key.pub");
    program.file("elsewhere/key.pub", &key);

    program.run(&["certificate", "verify", &file, "--data", "nowhere"]).expect(1);
    program.run(&["certificate", "verify", &file, "--key", "elsewhere/key.pub"]).expect(0);

    let step = (bytes.len() / 40).max(1);
    for at in (0..bytes.len()).step_by(step) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        std::fs::write(program.folder().join("changed.json"), &changed).unwrap();
        let ran = program.run(&["certificate", "verify", "changed.json", "--key", "elsewhere/key.pub"]);
        assert_eq!(ran.code, 1, "byte {at}: {}", ran.stdout);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_in_other_bytes_of_the_same_meaning_is_refused() {
    let journey = Journey::on_sqlite().await;
    let file = certified(&journey);
    let text = journey.program.read(&file);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();

    journey.program.file("pretty.json", &format!("{value:#}"));
    journey.program.file("longer.json", &format!("{text}\n"));

    for other in ["pretty.json", "longer.json"] {
        journey.run(&["certificate", "verify", other]).expect(1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificate_page_and_log_hold_no_personal_data() {
    let journey = Journey::on_sqlite().await;
    let file = certified(&journey);

    let log = journey.run(&["audit", "export"]).expect(0).stdout;
    let page = journey.program.read(&file.replace(".json", ".html"));

    for text in [journey.program.read(&file), page, log] {
        for personal in ["ana@example.com", "Ana\"", "Rua Nova"] {
            assert!(!text.contains(personal), "{personal} stands in\n{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_changed_after_its_checkpoint_is_noticed() {
    let journey = Journey::on_sqlite().await;
    certified(&journey);
    let program = &journey.program;
    program.run(&["audit", "export", "--out", "log.jsonl"]).expect(0);
    program.run(&["audit", "export", "--checkpoint", "--out", "checkpoint.json"]).expect(0);
    let log = program.read("log.jsonl");

    program.run(&["audit", "verify", "--against", "checkpoint.json"]).expect(0);
    program.run(&["audit", "verify", "--log", "log.jsonl", "--against", "checkpoint.json"]).expect(0);

    let lines: Vec<&str> = log.lines().collect();
    let without_first = lines[1..].join("\n");
    let renamed = log.replacen("\"actor\":\"person:", "\"actor\":\"person:x", 1);
    assert_ne!(renamed, log);
    let cut = lines[0].to_owned();
    for changed in [without_first, renamed, cut] {
        program.file("changed.jsonl", &changed);
        program.run(&["audit", "verify", "--log", "changed.jsonl", "--against", "checkpoint.json"]).expect(1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_that_no_checkpoint_vouches_for_are_not_believed() {
    let journey = Journey::on_sqlite().await;
    certified(&journey);
    let program = &journey.program;
    program.run(&["audit", "export", "--out", "log.jsonl"]).expect(0);
    program.run(&["audit", "export", "--checkpoint", "--out", "checkpoint.json"]).expect(0);
    let log = program.read("log.jsonl");

    let entries: Vec<&str> = log.lines().filter(|line| !line.starts_with("{\"checkpoint\"")).collect();
    program.file("bare.jsonl", &entries.join("\n"));

    assert!(entries.len() > 3 && entries.len() < log.lines().count());
    program.run(&["audit", "verify", "--log", "bare.jsonl"]).expect(1).complains(&["no signed checkpoint"]);
    program.run(&["audit", "verify", "--log", "bare.jsonl", "--against", "checkpoint.json"]).expect(0);
}

/// The planted defect: with the file gone as well, the same cut goes unnoticed.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_whose_end_was_cut_off_is_noticed_by_the_checkpoints_beside_it() {
    const CUT: &[&str] = &[
        "DELETE FROM audit_checkpoint WHERE size > (SELECT MIN(size) FROM audit_checkpoint)",
        "DELETE FROM audit_entry WHERE number >= (SELECT MIN(size) FROM audit_checkpoint)",
    ];
    let journey = Journey::on_sqlite().await;
    certified(&journey);
    let program = &journey.program;
    program.run(&["audit", "verify"]).expect(0);

    program.change_state(CUT).await;

    program.run(&["audit", "verify"]).expect(1).complains(&["its end was cut off"]);
    std::fs::remove_file(program.folder().join(".tutela/checkpoints.jsonl")).unwrap();
    program.run(&["audit", "verify"]).expect(0);
    program.change_state(&["DELETE FROM audit_checkpoint"]).await;
    program.run(&["audit", "verify"]).expect(1).complains(&["no signed checkpoint", "--against"]);
}
