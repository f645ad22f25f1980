/// Flags that go together: one of a row alone is an error (baton C-5).
pub const TOGETHER: &[&[&str]] = &[
    &["grant-entitlement", "grant-principal"],
    &["client-id", "client-secret"],
    &["create-ticket", "ticket-template-path"],
    &["bulk-create-ticket", "bulk-ticket-template-path"],
    &["get-ticket", "ticket-id"],
    &["diff-syncs", "base-sync-id", "applied-sync-id"],
    &["compact-syncs", "compact-output-path", "compact-file-paths", "compact-sync-ids"],
];

/// Flags of which only one of a row may be given (baton C-5).
pub const EXCLUSIVE: &[&[&str]] = &[
    &[
        "grant-entitlement",
        "revoke-grant",
        "create-account-login",
        "delete-resource",
        "rotate-credentials",
        "event-feed",
        "create-ticket",
        "get-ticket",
        "list-ticket-schemas",
        "bulk-create-ticket",
    ],
    &[
        "grant-entitlement",
        "revoke-grant",
        "create-account-email",
        "delete-resource-type",
        "rotate-credentials-type",
        "event-feed",
        "diff-syncs",
        "compact-syncs",
        "list-ticket-schemas",
    ],
];

/// Flags that say nothing without another (baton §12.2).
pub const NEEDS: &[(&str, &str)] = &[
    ("skip-grants", "sync-resources"),
    ("external-resource-entitlement-id-filter", "external-resource-c1z"),
    ("external-resource-traits", "external-resource-c1z"),
];
