use crypto::MasterKey;

use super::*;

fn entry(at_s: i64) -> JournalEntry {
    JournalEntry {
        at: Timestamp::from_second(at_s).unwrap(),
        run: "run_1".to_owned(),
        policy: "erase_customer".to_owned(),
        plan: "sha256:00".to_owned(),
        subject: "canary-ana@example.com".to_owned(),
    }
}

struct Bench {
    journal: ErasureJournal,
    keys: KeyRing,
    folder: tempfile::TempDir,
}

/// A journal with entries of the seconds 1, 2, 3.
fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let journal = ErasureJournal::new(folder.path().join("erasures.journal"));
    let keys = KeyRing::new(MasterKey::random());
    for at in 1..=3 {
        journal.append(&keys, &entry(at)).unwrap();
    }
    Bench { journal, keys, folder }
}

impl Bench {
    fn lines(&self) -> Vec<String> {
        std::fs::read_to_string(&self.journal.path).unwrap().lines().map(str::to_owned).collect()
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.journal.path, text).unwrap();
    }

    fn read(&self, since_s: i64) -> Result<(Vec<i64>, u64), JournalError> {
        let reading = self.journal.since(&self.keys, Timestamp::from_second(since_s).unwrap())?;
        Ok((reading.entries.iter().map(|entry| entry.at.as_second()).collect(), reading.cut))
    }
}

#[test]
fn entries_come_back_since_a_time_and_lie_sealed() {
    let bench = bench();

    assert_eq!(bench.read(2).unwrap(), (vec![2, 3], 0));
    let text = std::fs::read_to_string(&bench.journal.path).unwrap();
    assert!(!text.contains("canary") && !format!("{:?}", entry(1)).contains("canary"));
    let missing = ErasureJournal::new(bench.folder.path().join("none"));
    assert!(missing.since(&bench.keys, Timestamp::UNIX_EPOCH).unwrap().entries.is_empty());
}

#[test]
fn removed_moved_and_changed_lines_are_noticed() {
    let bench = bench();
    let lines = bench.lines();
    let [one, two, three] = [&lines[0], &lines[1], &lines[2]];
    let changed = two.replace(&two[20..24], if &two[20..24] == "AAAA" { "BBBB" } else { "AAAA" });

    for text in [
        format!("{two}\n{three}\n"),
        format!("{one}\n{three}\n"),
        format!("{two}\n{one}\n{three}\n"),
        format!("{one}\n{changed}\n{three}\n"),
    ] {
        bench.write(&text);
        assert!(matches!(bench.read(0), Err(JournalError::Line { .. })));
        let fresh = ErasureJournal::new(&bench.journal.path);
        assert!(fresh.append(&bench.keys, &entry(4)).is_err());
    }
}

#[test]
fn a_line_cut_by_a_crash_is_skipped_and_the_next_entry_follows_the_last_whole_one() {
    let bench = bench();
    let text = std::fs::read_to_string(&bench.journal.path).unwrap();
    let last = bench.lines()[2].len();

    for cut in [1, 2, last / 2, last] {
        bench.write(&text[..text.len() - cut]);
        let (before, torn) = bench.read(0).unwrap();
        bench.journal.append(&bench.keys, &entry(9)).unwrap();
        let (after, torn_after) = bench.read(0).unwrap();

        // Without its line end only, the line is whole.
        let whole = cut == 1;
        assert_eq!(before, if whole { vec![1, 2, 3] } else { vec![1, 2] }, "cut {cut}");
        assert_eq!(after, if whole { vec![1, 2, 3, 9] } else { vec![1, 2, 9] }, "cut {cut}");
        assert_eq!((torn, torn_after), if whole { (0, 0) } else { (1, 1) }, "cut {cut}");
    }
}

#[test]
fn what_was_read_once_is_not_read_again_by_the_next_entry() {
    let bench = bench();
    let (text, first) = (std::fs::read_to_string(&bench.journal.path).unwrap(), bench.lines()[0].len());
    bench.write(&format!("{}{}", "A".repeat(first), &text[first..]));

    let added = bench.journal.append(&bench.keys, &entry(4));
    let found_out = bench.read(0);

    assert!(added.is_ok(), "only the last line was looked at: {added:?}");
    assert!(matches!(found_out, Err(JournalError::Line { .. })), "who reads it all notices");
}

/// The twin: a file that is another one by now is read from its beginning.
#[test]
fn a_journal_that_was_replaced_in_its_place_is_gone_on_with_as_it_is() {
    let bench = bench();
    let other = ErasureJournal::new(bench.folder.path().join("other.journal"));
    for at in 10..=15 {
        other.append(&bench.keys, &entry(at)).unwrap();
    }
    bench.write(&std::fs::read_to_string(&other.path).unwrap());

    bench.journal.append(&bench.keys, &entry(16)).unwrap();

    assert_eq!(bench.read(0).unwrap(), ((10..=16).collect(), 0));
}

#[test]
fn a_plan_is_entered_once_and_others_of_another_process_are_seen() {
    let bench = bench();
    let plan = |plan: &str| JournalEntry { plan: plan.to_owned(), ..entry(7) };
    let elsewhere = ErasureJournal::new(&bench.journal.path);

    let first = bench.journal.append_once(&bench.keys, &plan("sha256:01")).unwrap();
    let other = elsewhere.append_once(&bench.keys, &plan("sha256:02")).unwrap();
    let again = [
        bench.journal.append_once(&bench.keys, &plan("sha256:02")).unwrap(),
        bench.journal.clone().append_once(&bench.keys, &plan("sha256:01")).unwrap(),
        elsewhere.append_once(&bench.keys, &plan("sha256:00")).unwrap(),
    ];

    assert_eq!((first, other, again), (true, true, [false; 3]));
    assert_eq!(bench.read(0).unwrap(), (vec![1, 2, 3, 7, 7], 0));
}

#[test]
fn entries_written_at_the_same_time_all_stand_in_the_journal() {
    let bench = bench();
    let write = |from: i64| {
        let (journal, keys) = (ErasureJournal::new(&bench.journal.path), &bench.keys);
        move || (from..from + 10).for_each(|at| journal.append(keys, &entry(at)).unwrap())
    };

    std::thread::scope(|scope| {
        for from in [100, 200, 300] {
            scope.spawn(write(from));
        }
    });

    let (mut times, cut) = bench.read(0).unwrap();
    times.sort_unstable();
    assert_eq!((times.len(), cut), (33, 0));
}

#[test]
fn a_change_of_the_key_keeps_every_entry() {
    let folder = tempfile::tempdir().unwrap();
    let journal = ErasureJournal::new(folder.path().join("erasures.journal"));
    let (old, new) = (MasterKey::random(), MasterKey::random().to_base64());
    let new_ring = || KeyRing::new(MasterKey::from_base64(new.expose()).unwrap());
    let both = new_ring().with_older(MasterKey::from_base64(old.to_base64().expose()).unwrap());
    journal.append(&KeyRing::new(old), &entry(5)).unwrap();
    let only_new = journal.since(&new_ring(), Timestamp::UNIX_EPOCH);

    let resealed = journal.reseal(&both).unwrap();

    assert!(matches!(only_new, Err(JournalError::Line { source: UnsealError::UnknownKey { .. }, .. })));
    assert_eq!(resealed, 1);
    assert_eq!(journal.since(&new_ring(), Timestamp::UNIX_EPOCH).unwrap().entries, [entry(5)]);
}
