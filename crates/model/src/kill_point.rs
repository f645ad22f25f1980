//! Places at which tests stop the process the hard way.
//!
//! A process that is killed runs no destructor and flushes nothing, so only a real `SIGKILL` shows
//! what a crash leaves behind. Without feature `kill-points` a point is nothing at all.

#[cfg(all(feature = "kill-points", not(debug_assertions)))]
compile_error!("kill points are for tests; build a release without feature `kill-points`");

/// Names a place at which a test may have the process killed.
///
/// With feature `kill-points` of this crate, `TUTELA_KILL_AT=NAME:N` makes the process kill itself the
/// `N`th time (from 1) that it comes by the point called `NAME`. Without the feature, which no release
/// has, the macro expands to nothing.
#[cfg(not(feature = "kill-points"))]
#[macro_export]
macro_rules! kill_point {
    ($name:literal) => {{}};
}

/// Names a place at which a test may have the process killed.
///
/// `TUTELA_KILL_AT=NAME:N` makes the process kill itself the `N`th time (from 1) that it comes by the
/// point called `NAME`; `TUTELA_STOP_AT=NAME:N` makes it stop there until it is told to go on;
/// `TUTELA_KILL_LOG=FILE` adds the name of every point that it comes by to the file.
#[cfg(feature = "kill-points")]
#[macro_export]
macro_rules! kill_point {
    ($name:literal) => {
        $crate::pass_kill_point($name)
    };
}

#[cfg(feature = "kill-points")]
pub(crate) mod on {
    use std::io::Write as _;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use rustix::process::{Signal, getpid, kill_process};

    /// What the environment asks for.
    struct Asked {
        kill: Option<Passing>,
        stop: Option<Passing>,
        /// Every passing is added to this file, a line each.
        log: Option<std::ffi::OsString>,
    }

    /// One passing of one point.
    struct Passing {
        name: String,
        left: AtomicU64,
    }

    impl Passing {
        fn of(variable: &str) -> Option<Self> {
            let text = std::env::var(variable).ok()?;
            let (name, times) = text.rsplit_once(':').unwrap_or((&text, "1"));
            let times = times.parse().expect("the variable is NAME or NAME:N");
            Some(Self { name: name.to_owned(), left: AtomicU64::new(times) })
        }

        fn is(&self, name: &str) -> bool {
            self.name == name && self.left.fetch_sub(1, Ordering::SeqCst) == 1
        }
    }

    /// Comes by the point `name`; the macro calls this.
    ///
    /// # Panics
    /// A variable that asks for something is not as it must be.
    pub fn pass_kill_point(name: &str) {
        static ASKED: OnceLock<Asked> = OnceLock::new();
        let asked = ASKED.get_or_init(|| Asked {
            kill: Passing::of("TUTELA_KILL_AT"),
            stop: Passing::of("TUTELA_STOP_AT"),
            log: std::env::var_os("TUTELA_KILL_LOG"),
        });
        if let Some(path) = &asked.log {
            let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
            let written = file.and_then(|mut file| file.write_all(format!("{name}\n").as_bytes()));
            written.expect("the file of passings can be written");
        }
        if asked.kill.as_ref().is_some_and(|kill| kill.is(name)) {
            kill_process(getpid(), Signal::KILL).expect("a process may always end itself");
            // The signal is on its way; nothing more may happen.
            loop {
                std::thread::park();
            }
        }
        if asked.stop.as_ref().is_some_and(|stop| stop.is(name)) {
            kill_process(getpid(), Signal::STOP).expect("a process may always stop itself");
        }
    }
}
