//! The disk of a server is full, and then has room again.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::fleet::{Caller, Fleet, Kind};
use crate::segment_office::{self as office, Wish};

const LIMIT: Duration = Duration::from_mins(3);
/// How long the disk stays full once callers noticed.
const FULL_FOR: Duration = Duration::from_secs(5);

/// Starts a program with a small disk of its own for its data, which nobody else sees.
const SMALL_DISK: [&str; 6] = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"];
const MOUNTED: &str =
    "mkdir -p data && mount -t tmpfs -o size=24m,mode=0700 tmpfs data && exec \"$0\" \"$@\"";

/// Whether this machine lets us have one.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn has_small_disks() -> bool {
    let [program, arguments @ ..] = SMALL_DISK;
    let tried = Command::new(program)
        .args(arguments)
        .arg("mount -t tmpfs -o size=1m tmpfs /mnt")
        .stderr(Stdio::null())
        .status();
    let can = tried.is_ok_and(|status| status.success());
    if !can {
        println!("skipped: this account may not mount anything, not even for itself alone");
    }
    can
}

/// A file that takes up all the room that is left.
struct Ballast(PathBuf);

impl Ballast {
    fn drop_into(folder: &Path) -> Self {
        use std::io::Write as _;

        let path = folder.join("ballast");
        let mut file = std::fs::File::create(&path).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
        Self(path)
    }

    fn take_away(self) {
        std::fs::remove_file(self.0).unwrap();
    }
}

/// Tries those again that went wrong, as a person would who made room.
async fn retry_failed(caller: &Caller) {
    for (id, status) in caller.statuses().await {
        if status == "error" {
            caller.call(&format!("POST /api/v1/privacy-request/{id}/retry"), None).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_full_disk_nothing_is_taken_in_or_sent_that_is_not_kept() {
    if !has_small_disks() {
        return;
    }
    let vendor = office::vendor().await;
    let starter = [&SMALL_DISK[..], &[MOUNTED]].concat();
    let program = Arc::new(office::program(&vendor).with_starter(&starter));
    let mut fleet = Fleet::start(Arc::clone(&program), &[Kind::Serve], &[]).await;
    let caller = fleet.caller().await;
    office::set_up(&caller, &vendor).await;
    // As the process itself sees it.
    let inside = program.folder().join("data");
    let inside = format!("/proc/{}/root{}", fleet.process(0), inside.display());

    let ballast = Ballast::drop_into(Path::new(&inside));
    let asking = caller.clone();
    let asked =
        tokio::spawn(async move { office::ask(&asking, Wish::MIX.iter().copied().cycle().take(40)).await });
    let begun = Instant::now();
    while caller.troubles().is_empty() {
        assert!(begun.elapsed() < LIMIT, "the disk is full, and nobody notices");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let live = caller.call_once("GET /live", None).await.unwrap().status;
    let list = caller.call_once("GET /api/v1/privacy-request", None).await.unwrap();
    tokio::time::sleep(FULL_FOR).await;
    ballast.take_away();
    let asked = asked.await.unwrap();
    office::settled(&caller, &vendor, LIMIT).await;
    retry_failed(&caller).await;
    let statuses = office::settled(&caller, &vendor, LIMIT).await;

    assert!(fleet.all_run(), "{}", fleet.said());
    let troubles = caller.troubles();
    assert!(troubles.keys().all(|trouble| trouble.starts_with("503")), "{troubles:?}");
    assert_eq!((live, list.status), (200, 200), "what is there can be read: {}", list.text);
    assert_eq!(statuses.len(), asked.len(), "each was made once");
    assert_eq!(office::wrongs_of(&vendor, &asked), Vec::<String>::new());
    let open: Vec<Value> =
        statuses.values().filter(|status| *status != "complete").map(|one| one.as_str().into()).collect();
    assert_eq!(open, Vec::<Value>::new(), "{}", fleet.said());
}
