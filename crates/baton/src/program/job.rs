use std::path::Path;

use governance::change::ResourceName;

/// What a program is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProgramJob<'a> {
    /// To read everything into a new file.
    Sync,
    /// To give somebody an entitlement that a file has.
    Grant {
        /// The file of a sync of the same program.
        file: &'a Path,
        /// The entitlement's id.
        entitlement: &'a str,
        /// Who gets it.
        principal: &'a ResourceName,
    },
    /// To take back a grant that a file has.
    Revoke {
        /// The file of a sync of the same program.
        file: &'a Path,
        /// The grant's id.
        grant: &'a str,
    },
    /// To remove a resource.
    Delete {
        /// The file of a sync of the same program.
        file: &'a Path,
        /// Which.
        resource: &'a ResourceName,
    },
}

impl ProgramJob<'_> {
    /// The file that it looks things up in.
    pub(super) fn file(&self) -> Option<&Path> {
        match self {
            Self::Sync => None,
            Self::Grant { file, .. } | Self::Revoke { file, .. } | Self::Delete { file, .. } => Some(file),
        }
    }

    /// What it is told (baton §12.2), by the names of flags.
    pub(super) fn flags(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Sync => Vec::new(),
            Self::Grant { entitlement, principal, .. } => vec![
                ("grant-entitlement", (*entitlement).to_owned()),
                ("grant-principal", principal.id.clone()),
                ("grant-principal-type", principal.kind.clone()),
            ],
            Self::Revoke { grant, .. } => vec![("revoke-grant", (*grant).to_owned())],
            Self::Delete { resource, .. } => vec![
                ("delete-resource", resource.id.clone()),
                ("delete-resource-type", resource.kind.clone()),
            ],
        }
    }
}
