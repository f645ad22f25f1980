use std::process::ExitCode;

/// How a command ended (architecture §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// All was done.
    Done,
    /// Something was written, and something of it is missing.
    Incomplete,
    /// Nothing could be produced.
    Failed,
    /// The input is wrong; nothing was sent.
    BadInput,
    /// Refused by plan, policy or limits; nothing was sent.
    Refused,
    /// A connector process ended with this status of its own (baton C-15).
    Connector(u8),
}

impl Exit {
    /// The code that the shell sees.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::BadInput => 2,
            Self::Incomplete => 3,
            Self::Refused => 4,
            Self::Connector(status) => status,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_contract() {
        let codes =
            [Exit::Done, Exit::Failed, Exit::BadInput, Exit::Incomplete, Exit::Refused].map(Exit::code);

        assert_eq!(codes, [0, 1, 2, 3, 4]);
    }
}
