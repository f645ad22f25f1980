use std::str::FromStr;

use thiserror::Error;

/// What the workspace has, beside its users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceOptions {
    /// Number of groups; if absent a tenth of the users, but at least six.
    pub groups: Option<usize>,
    /// Users in each group; if absent every user is in one.
    pub group_members: Option<usize>,
    /// Number of sources.
    pub sources: usize,
    /// Number of warehouses.
    pub warehouses: usize,
    /// Number of spaces; the Profile API answers for the first.
    pub spaces: usize,
    /// Number of functions, of all types in turn.
    pub functions: usize,
    /// Number of invited addresses (`invited-0@example.com` and on). The first is in the first group.
    pub invites: usize,
    /// Every n-th user has no name; 0: none.
    pub nameless_users_every: usize,
    /// Every n-th user, and every n-th group, also has access to something of a kind that no list shows
    /// (`JOURNEY`); 0: none.
    pub unknown_kinds_every: usize,
    /// Which group (from 0) holds Workspace Owner; if absent only the first user does.
    pub owner_group: Option<usize>,
}

/// A setting of the workspace that cannot be.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum WorkspaceError {
    /// Not `name=number`.
    #[error("`{part}` is not a setting of the workspace; write `name=number`, as in `groups=20`")]
    Form {
        /// The offending part.
        part: String,
    },
    /// A name that is no setting.
    #[error(
        "`{name}` is not a setting of the workspace; there are groups, group_members, sources, warehouses, spaces, \
         functions, invites, nameless_users_every, unknown_kinds_every, owner_group"
    )]
    Name {
        /// The offending name.
        name: String,
    },
}

impl Default for WorkspaceOptions {
    fn default() -> Self {
        Self {
            groups: None,
            group_members: None,
            sources: 6,
            warehouses: 3,
            spaces: 2,
            functions: 7,
            invites: 3,
            nameless_users_every: 11,
            unknown_kinds_every: 0,
            owner_group: None,
        }
    }
}

impl FromStr for WorkspaceOptions {
    type Err = WorkspaceError;

    /// Reads `name=number` parts separated by commas; what is left out has its default.
    fn from_str(text: &str) -> Result<Self, WorkspaceError> {
        let mut options = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let form = || WorkspaceError::Form { part: part.to_owned() };
            let (name, number) = part.split_once('=').ok_or_else(form)?;
            let number = number.trim().parse().map_err(|_| form())?;
            match name.trim() {
                "groups" => options.groups = Some(number),
                "group_members" => options.group_members = Some(number),
                "sources" => options.sources = number,
                "warehouses" => options.warehouses = number,
                "spaces" => options.spaces = number,
                "functions" => options.functions = number,
                "invites" => options.invites = number,
                "nameless_users_every" => options.nameless_users_every = number,
                "unknown_kinds_every" => options.unknown_kinds_every = number,
                "owner_group" => options.owner_group = Some(number),
                name => return Err(WorkspaceError::Name { name: name.to_owned() }),
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_is_read_and_mistakes_are_named() {
        let options: WorkspaceOptions = "groups=20, invites=0".parse().unwrap();

        let expected = WorkspaceOptions { groups: Some(20), invites: 0, ..WorkspaceOptions::default() };
        assert_eq!(options, expected);
        let form = WorkspaceError::Form { part: "groups=many".into() };
        assert_eq!("groups=many".parse::<WorkspaceOptions>(), Err(form));
        assert_eq!("teams=1".parse::<WorkspaceOptions>(), Err(WorkspaceError::Name { name: "teams".into() }));
    }
}
