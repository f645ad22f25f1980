use std::fmt;

use thiserror::Error;

/// Where the system's users are listed.
#[cfg(unix)]
const LIST: &str = "/etc/passwd";

/// A user of the machine, and its group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OsUser {
    /// As configured.
    name: String,
    pub(super) user: u32,
    pub(super) group: u32,
}

/// A user that the machine does not have.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OsUserError {
    /// No such user.
    #[error("the machine has no user `{name}`; write the name or the number of one in /etc/passwd")]
    Unknown {
        /// As configured.
        name: String,
    },
    /// Only root starts programs as somebody else.
    #[error(
        "this process may not start a program as user `{name}`: only root may start programs as somebody else; name \
         the user that it runs as"
    )]
    Foreign {
        /// As configured.
        name: String,
    },
    /// The list.
    #[error("the users of the machine cannot be listed ({kind})")]
    List {
        /// Why.
        kind: std::io::ErrorKind,
    },
}

impl OsUser {
    /// The user with this name or number.
    ///
    /// # Errors
    /// [`OsUserError`] if there is none.
    #[cfg(unix)]
    pub fn find(name: &str) -> Result<Self, OsUserError> {
        let list = std::fs::read_to_string(LIST).map_err(|error| OsUserError::List { kind: error.kind() })?;
        Self::find_in(&list, name)
    }

    /// Programs are not run here.
    ///
    /// # Errors
    /// [`OsUserError`], always.
    #[cfg(not(unix))]
    pub fn find(name: &str) -> Result<Self, OsUserError> {
        Err(OsUserError::Unknown { name: name.to_owned() })
    }

    fn find_in(list: &str, name: &str) -> Result<Self, OsUserError> {
        let user = |line: &str| {
            let mut fields = line.split(':');
            let (known, _, user, group) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
            let is_meant = !name.is_empty() && (known == name || user == name);
            is_meant.then_some((user.parse().ok()?, group.parse().ok()?))
        };
        let (user, group) =
            list.lines().find_map(user).ok_or_else(|| OsUserError::Unknown { name: name.to_owned() })?;
        Ok(Self { name: name.to_owned(), user, group })
    }

    /// Whether this process may start programs as that user.
    ///
    /// # Errors
    /// [`OsUserError::Foreign`] if not.
    #[cfg(unix)]
    pub fn check_startable(&self) -> Result<(), OsUserError> {
        let may = self.is_own() || rustix::process::geteuid().is_root();
        if may { Ok(()) } else { Err(OsUserError::Foreign { name: self.name.clone() }) }
    }

    /// Programs are not run here.
    ///
    /// # Errors
    /// [`OsUserError`], always.
    #[cfg(not(unix))]
    pub fn check_startable(&self) -> Result<(), OsUserError> {
        Err(OsUserError::Unknown { name: self.name.clone() })
    }

    /// Whether this process runs as that user.
    #[cfg(unix)]
    pub(super) fn is_own(&self) -> bool {
        rustix::process::geteuid().as_raw() == self.user
    }
}

impl fmt::Display for OsUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_name_or_number() {
        let list =
            "root:x:0:0:root:/root:/bin/sh\n# broken\nbaton:x:990:991::/nonexistent:/usr/sbin/nologin\n";

        let found = |name: &str| OsUser::find_in(list, name).map(|user| (user.user, user.group));

        assert_eq!(found("baton"), Ok((990, 991)));
        assert_eq!(found("990"), Ok((990, 991)));
        assert_eq!(found("root"), Ok((0, 0)));
        for name in ["", "991", "bat", "x"] {
            assert!(matches!(found(name), Err(OsUserError::Unknown { .. })), "{name}");
        }
    }
}
