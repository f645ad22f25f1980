//! Places at which tests stop the process the hard way.
//!
//! A process that is killed runs no destructor and flushes nothing, so only a real `SIGKILL` shows
//! what a crash leaves behind. Without feature `kill-points` a point is nothing at all.

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
/// point called `NAME`.
#[cfg(feature = "kill-points")]
#[macro_export]
macro_rules! kill_point {
    ($name:literal) => {
        $crate::pass_kill_point($name)
    };
}

#[cfg(feature = "kill-points")]
pub(crate) mod on {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// The point that kills, with the passings that are left.
    struct Chosen {
        name: String,
        left: AtomicU64,
    }

    /// Comes by the point `name`; the macro calls this.
    pub fn pass_kill_point(name: &str) {
        static CHOSEN: OnceLock<Option<Chosen>> = OnceLock::new();
        let chosen = CHOSEN.get_or_init(|| std::env::var("TUTELA_KILL_AT").ok().map(|text| chosen(&text)));
        let Some(chosen) = chosen else { return };
        if chosen.name == name && chosen.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            let own = rustix::process::getpid();
            rustix::process::kill_process(own, rustix::process::Signal::KILL)
                .expect("a process may always end itself");
            // The signal is on its way; nothing more may happen.
            loop {
                std::thread::park();
            }
        }
    }

    fn chosen(text: &str) -> Chosen {
        let (name, times) = text.rsplit_once(':').unwrap_or((text, "1"));
        let times = times.parse().expect("TUTELA_KILL_AT is NAME or NAME:N");
        Chosen { name: name.to_owned(), left: AtomicU64::new(times) }
    }
}
