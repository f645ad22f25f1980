use crate::pages::{Entries, Index, TableLayout};

/// The tables of a file, in the order of [`TABLES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    ResourceTypes,
    Resources,
    Entitlements,
    Grants,
    Assets,
    SyncRuns,
}

impl Table {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ResourceTypes => "v1_resource_types",
            Self::Resources => "v1_resources",
            Self::Entitlements => "v1_entitlements",
            Self::Grants => "v1_grants",
            Self::Assets => "v1_assets",
            Self::SyncRuns => "v1_sync_runs",
        }
    }

    /// Its place in [`TABLES`].
    pub(crate) fn place(self) -> usize {
        self as usize
    }
}

/// Tables, columns and indexes as the newest runtime makes them (baton DB-1, DB-2). The names of two indexes of
/// resources are swapped against what they hold; they are looked for by name, so they stay.
pub(crate) static TABLES: &[TableLayout] = &[
    TableLayout {
        name: "v1_resource_types",
        sql: "CREATE TABLE v1_resource_types (id integer primary key, external_id text not null, \
              data blob not null, sync_id text not null, discovered_at datetime not null)",
        indexes: &[Index {
            name: "idx_resource_types_external_sync_v1",
            sql: "CREATE UNIQUE INDEX idx_resource_types_external_sync_v1 on v1_resource_types \
                  (external_id, sync_id)",
            columns: &[0, 2],
            entries: Entries::Unique,
        }],
    },
    TableLayout {
        name: "v1_resources",
        sql: "CREATE TABLE v1_resources (id integer primary key, resource_type_id text not null, \
              external_id text not null, parent_resource_type_id text, parent_resource_id text, \
              data blob not null, sync_id text not null, discovered_at datetime not null)",
        indexes: &[
            Index {
                name: "idx_resources_resource_type_id_v1",
                sql: "CREATE INDEX idx_resources_resource_type_id_v1 on v1_resources (resource_type_id)",
                columns: &[0],
                entries: Entries::Rows,
            },
            Index {
                name: "idx_resources_external_sync_v1",
                sql: "CREATE INDEX idx_resources_external_sync_v1 on v1_resources \
                      (parent_resource_type_id, parent_resource_id)",
                columns: &[2, 3],
                entries: Entries::Rows,
            },
            Index {
                name: "idx_resources_parent_resource_id_v1",
                sql: "CREATE UNIQUE INDEX idx_resources_parent_resource_id_v1 on v1_resources \
                      (external_id, sync_id)",
                columns: &[1, 5],
                entries: Entries::Unique,
            },
        ],
    },
    TableLayout {
        name: "v1_entitlements",
        sql: "CREATE TABLE v1_entitlements (id integer primary key, resource_type_id text not null, \
              resource_id text not null, external_id text not null, data blob not null, \
              sync_id text not null, discovered_at datetime not null)",
        indexes: &[
            Index {
                name: "idx_entitlements_resource_id_v1",
                sql: "CREATE INDEX idx_entitlements_resource_id_v1 on v1_entitlements \
                      (resource_type_id, resource_id)",
                columns: &[0, 1],
                entries: Entries::Rows,
            },
            Index {
                name: "idx_entitlements_external_sync_v1",
                sql: "CREATE UNIQUE INDEX idx_entitlements_external_sync_v1 on v1_entitlements \
                      (external_id, sync_id)",
                columns: &[2, 4],
                entries: Entries::Unique,
            },
        ],
    },
    TableLayout {
        name: "v1_grants",
        sql: "CREATE TABLE v1_grants (id integer primary key, resource_type_id text not null, \
              resource_id text not null, entitlement_id text not null, \
              principal_resource_type_id text not null, principal_resource_id text not null, \
              external_id text not null, expansion blob, needs_expansion integer not null default 0, \
              data blob not null, sync_id text not null, discovered_at datetime not null)",
        indexes: &[
            Index {
                name: "idx_grants_resource_type_id_resource_id_v1",
                sql: "CREATE INDEX idx_grants_resource_type_id_resource_id_v1 on v1_grants \
                      (resource_type_id, resource_id)",
                columns: &[0, 1],
                entries: Entries::Rows,
            },
            Index {
                name: "idx_grants_principal_id_v1",
                sql: "CREATE INDEX idx_grants_principal_id_v1 on v1_grants \
                      (principal_resource_type_id, principal_resource_id)",
                columns: &[3, 4],
                entries: Entries::Rows,
            },
            Index {
                name: "idx_grants_entitlement_id_principal_id_v1",
                sql: "CREATE INDEX idx_grants_entitlement_id_principal_id_v1 on v1_grants \
                      (entitlement_id, principal_resource_type_id, principal_resource_id)",
                columns: &[2, 3, 4],
                entries: Entries::Rows,
            },
            Index {
                name: "idx_grants_external_sync_v1",
                sql: "CREATE UNIQUE INDEX idx_grants_external_sync_v1 on v1_grants (external_id, sync_id)",
                columns: &[5, 9],
                entries: Entries::Unique,
            },
            Index {
                name: "idx_grants_entitlement_sync_grant_v1",
                sql: "CREATE INDEX idx_grants_entitlement_sync_grant_v1 on v1_grants \
                      (entitlement_id, sync_id, id)",
                columns: &[2, 9],
                entries: Entries::RowsWithId,
            },
            Index {
                name: "idx_grants_sync_expansion_v1",
                sql: "CREATE INDEX idx_grants_sync_expansion_v1 on v1_grants (sync_id) \
                      where expansion is not null",
                columns: &[9],
                entries: Entries::RowsWith(6),
            },
            Index {
                name: "idx_grants_sync_needs_expansion_v1",
                sql: "CREATE INDEX idx_grants_sync_needs_expansion_v1 on v1_grants (sync_id) \
                      where needs_expansion = 1",
                columns: &[9],
                entries: Entries::RowsWith(7),
            },
        ],
    },
    TableLayout {
        name: "v1_assets",
        sql: "CREATE TABLE v1_assets (id integer primary key, external_id text not null, \
              content_type text not null, data blob not null, sync_id text not null, \
              discovered_at datetime not null)",
        indexes: &[Index {
            name: "idx_assets_external_sync_v1",
            sql: "CREATE UNIQUE INDEX idx_assets_external_sync_v1 on v1_assets (external_id, sync_id)",
            columns: &[0, 3],
            entries: Entries::Unique,
        }],
    },
    TableLayout {
        name: "v1_sync_runs",
        sql: "CREATE TABLE v1_sync_runs (id integer primary key, sync_id text not null, \
              started_at datetime not null, ended_at datetime, sync_token text not null, \
              sync_type text not null default 'full', parent_sync_id text not null default '', \
              linked_sync_id text not null default '', supports_diff integer not null default 0, \
              grants_backfilled integer not null default 0, stats text, \
              ingest_invariant_generation text not null default '', \
              ingest_invariant_coverage text not null default '', \
              ingest_invariant_mode text not null default '')",
        indexes: &[Index {
            name: "idx_sync_runs_sync_id_v1",
            sql: "CREATE UNIQUE INDEX idx_sync_runs_sync_id_v1 on v1_sync_runs (sync_id)",
            columns: &[0],
            entries: Entries::Unique,
        }],
    },
    TableLayout {
        name: "v1_connector_sessions",
        sql: "CREATE TABLE v1_connector_sessions (id integer primary key, sync_id text not null, \
              key text not null, value blob not null)",
        indexes: &[Index {
            name: "idx_session_store_sync_key_v1",
            sql: "CREATE UNIQUE INDEX idx_session_store_sync_key_v1 on v1_connector_sessions (sync_id, key)",
            columns: &[0, 1],
            entries: Entries::Unique,
        }],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_table_stands_at_its_place() {
        for table in [
            Table::ResourceTypes,
            Table::Resources,
            Table::Entitlements,
            Table::Grants,
            Table::Assets,
            Table::SyncRuns,
        ] {
            assert_eq!(TABLES.get(table.place()).map(|layout| layout.name), Some(table.name()));
        }
    }
}
