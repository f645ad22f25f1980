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
    ($name:literal $(, $number:expr)?) => {{}};
}

/// Names a place at which a test may have the process killed, and maybe the number of what it is about.
///
/// `TUTELA_KILL_AT=NAME:N` makes the process kill itself the `N`th time (from 1) that it comes by the
/// point called `NAME`; `NAME#NUMBER:N` counts only what has this number. `TUTELA_STOP_AT`, of the same
/// form, makes it stop there until it is told to go on and the file `TUTELA_STOP_UNTIL` is there.
/// `TUTELA_KILL_LOG=FILE` adds the name of every point that it comes by to the file.
#[cfg(feature = "kill-points")]
#[macro_export]
macro_rules! kill_point {
    ($name:literal) => {
        $crate::pass_kill_point($name, None)
    };
    ($name:literal, $number:expr) => {
        $crate::pass_kill_point($name, Some(u64::from($number)))
    };
}

#[cfg(feature = "kill-points")]
pub(crate) mod on {
    use std::io::Write as _;
    use std::path::PathBuf;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use rustix::process::{Signal, getpid, kill_process};

    /// What the environment asks for.
    struct Asked {
        kill: Option<Passing>,
        stop: Option<(Passing, PathBuf)>,
        /// Every passing is added to this file, a line each.
        log: Option<std::ffi::OsString>,
    }

    impl Asked {
        fn of_environment() -> Self {
            let passing = |name: &str| Some(Passing::parse(&std::env::var(name).ok()?));
            let stop = passing("TUTELA_STOP_AT").map(|stop| {
                let until = std::env::var_os("TUTELA_STOP_UNTIL");
                (stop, until.expect("who stops a process says what it waits for").into())
            });
            Self { kill: passing("TUTELA_KILL_AT"), stop, log: std::env::var_os("TUTELA_KILL_LOG") }
        }
    }

    /// One passing of one point.
    #[derive(Debug)]
    struct Passing {
        name: String,
        number: Option<u64>,
        left: AtomicU64,
    }

    impl Passing {
        fn parse(text: &str) -> Self {
            let count = |text: &str| text.parse().expect("the variable is NAME, NAME:N or NAME#NUMBER:N");
            let (point, times) = text.rsplit_once(':').map_or((text, 1), |(point, n)| (point, count(n)));
            let (name, number) =
                point.split_once('#').map_or((point, None), |(name, number)| (name, Some(count(number))));
            Self { name: name.to_owned(), number, left: AtomicU64::new(times) }
        }

        fn is(&self, name: &str, number: Option<u64>) -> bool {
            self.name == name
                && self.number.is_none_or(|own| number == Some(own))
                && self.left.fetch_sub(1, Ordering::SeqCst) == 1
        }
    }

    /// Comes by the point `name`; the macro calls this.
    ///
    /// # Panics
    /// A variable that asks for something is not as it must be.
    pub fn pass_kill_point(name: &str, number: Option<u64>) {
        static ASKED: OnceLock<Asked> = OnceLock::new();
        let asked = ASKED.get_or_init(Asked::of_environment);
        if let Some(path) = &asked.log {
            let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
            let written = file.and_then(|mut file| file.write_all(format!("{name}\n").as_bytes()));
            written.expect("the file of passings can be written");
        }
        if asked.kill.as_ref().is_some_and(|kill| kill.is(name, number)) {
            kill_process(getpid(), Signal::KILL).expect("a process may always end itself");
            // The signal is on its way; nothing more may happen.
            loop {
                std::thread::park();
            }
        }
        if let Some((stop, until)) = &asked.stop
            && stop.is(name, number)
        {
            kill_process(getpid(), Signal::STOP).expect("a process may always stop itself");
            // The signal may meet another thread first; this one may not run on meanwhile.
            while !until.exists() {
                std::thread::park_timeout(Duration::from_millis(1));
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn passings_are_counted_by_name_and_if_asked_by_number() {
            let (second, of_seven) = (Passing::parse("write.intent:2"), Passing::parse("write.intent#7"));
            let passed = [("write.intent", Some(3)), ("write.answered", Some(7)), ("write.intent", Some(7))];

            assert_eq!(passed.map(|(name, number)| second.is(name, number)), [false, false, true]);
            assert_eq!(passed.map(|(name, number)| of_seven.is(name, number)), [false, false, true]);
            assert!(!of_seven.is("write.intent", Some(7)), "once only");
        }
    }
}
