/// What a reading does while an application works on what it was asked for (saas-config 23.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobWait {
    /// It stays, and looks again when it is time: whoever runs it has nothing else to do.
    Here,
    /// It ends with [`RunError::Waits`](crate::RunError::Waits), with nothing held, and goes on when it is
    /// run again. What it waits for is in the store.
    SetAside,
    /// No job is started: nobody has the time. What would need one is not read.
    Refused,
}

/// What rows are waited for by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WaitsFor {
    /// A job of an application, which is asked about.
    Job,
    /// A call of an application.
    Call,
}
