use std::str::FromStr;

use model::{PrivacyRequestId, RunId};

use crate::failure::Failure;

/// What a command is about: a run of a data folder, or a request of a server.
#[derive(Debug, Clone)]
pub(crate) enum Named {
    /// A run.
    Run(RunId),
    /// A request.
    Request(PrivacyRequestId),
}

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(request) = text.parse() {
            return Ok(Self::Request(request));
        }
        text.parse().map(Self::Run).map_err(|_| {
            "write the id of a run, `run_…`, or with `--server` the number of a request, `pri_…`".to_owned()
        })
    }
}

impl Named {
    /// The run, where no server is named.
    ///
    /// # Errors
    /// Bad input if it is a request of a server.
    pub(crate) fn run(&self) -> Result<&RunId, Failure> {
        match self {
            Self::Run(run) => Ok(run),
            Self::Request(request) => Err(Failure::BadInput(format!(
                "{request} is a request of a server; name the server with `--server`"
            ))),
        }
    }

    /// The request, where a server is named.
    ///
    /// # Errors
    /// Bad input if it is a run of a data folder.
    pub(crate) fn request(&self) -> Result<&PrivacyRequestId, Failure> {
        match self {
            Self::Request(request) => Ok(request),
            Self::Run(run) => Err(Failure::BadInput(format!(
                "{run} is a run; a server knows requests by their number, `pri_…`, as the command that made it printed"
            ))),
        }
    }
}
