use std::fmt;

use thiserror::Error;

/// Longest host id that the protocol takes.
const MAX_BYTES: usize = 256;
/// The name of a host that has none; other runtimes give the same.
const NAMELESS: &str = "baton-sdk";

/// Which running process of a connector it is: several may share one client id (baton P-4).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostId(String);

impl HostId {
    /// What `BATON_HOST_ID` says, else the name of the machine, else a fixed word.
    ///
    /// # Errors
    /// [`HostIdError`] if the variable's value is too long. A machine's name that does not fit is cut.
    pub fn choose(variable: Option<&str>, machine: Option<&str>) -> Result<Self, HostIdError> {
        if let Some(said) = variable.map(str::trim).filter(|said| !said.is_empty()) {
            if said.len() > MAX_BYTES {
                return Err(HostIdError { bytes: said.len() });
            }
            return Ok(Self(said.to_owned()));
        }
        let machine = machine.map(str::trim).filter(|name| !name.is_empty()).unwrap_or(NAMELESS);
        Ok(Self(machine.get(..machine.floor_char_boundary(MAX_BYTES)).unwrap_or(NAMELESS).to_owned()))
    }

    /// The id of this process. `variable` is the value of `BATON_HOST_ID`.
    ///
    /// # Errors
    /// As [`HostId::choose`].
    pub fn of_process(variable: Option<&str>) -> Result<Self, HostIdError> {
        Self::choose(variable, machine_name().as_deref())
    }

    /// The id's text: 1 to 256 bytes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The machine's name: where the kernel tells it, else where the system keeps it, else what the shell says.
fn machine_name() -> Option<String> {
    let told = ["/proc/sys/kernel/hostname", "/etc/hostname"].map(std::fs::read_to_string);
    let said = ["HOSTNAME", "COMPUTERNAME"].map(std::env::var);
    let names = told.into_iter().filter_map(Result::ok).chain(said.into_iter().filter_map(Result::ok));
    names.map(|name| name.trim().to_owned()).find(|name| !name.is_empty())
}

impl fmt::Display for HostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A host id that the protocol does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("BATON_HOST_ID has {bytes} bytes; a host id has 1 to {MAX_BYTES}")]
pub struct HostIdError {
    bytes: usize,
}
