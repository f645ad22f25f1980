/// Scopes, each with its text.
macro_rules! scopes {
    ($($name:ident = $text:literal,)+) => {
        /// What a caller may do, `<area>:<action>`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Scope { $(#[doc = $text] $name,)+ }

        impl Scope {
            /// Every scope, in alphabetical order of their texts.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Its text.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

scopes! {
    AccessChange = "access:change",
    AccessRead = "access:read",
    AuditLogRead = "audit-log:read",
    CliObjectsRead = "cli-objects:read",
    ClientCreate = "client:create",
    ClientDelete = "client:delete",
    ClientRead = "client:read",
    ClientUpdate = "client:update",
    ConfigRead = "config:read",
    ConfigUpdate = "config:update",
    ConnectionAuthorize = "connection:authorize",
    ConnectionCreateOrUpdate = "connection:create_or_update",
    ConnectionDelete = "connection:delete",
    ConnectionInstantiate = "connection:instantiate",
    ConnectionRead = "connection:read",
    ConnectionTypeRead = "connection_type:read",
    ConnectorTemplateRead = "connector_template:read",
    ConnectorTemplateRegister = "connector_template:register",
    ConsentRead = "consent:read",
    ConsentSettingsRead = "consent_settings:read",
    CtlDatasetCreate = "ctl_dataset:create",
    CtlDatasetDelete = "ctl_dataset:delete",
    CtlDatasetRead = "ctl_dataset:read",
    CtlDatasetUpdate = "ctl_dataset:update",
    CtlPolicyRead = "ctl_policy:read",
    DataCategoryCreate = "data_category:create",
    DataCategoryDelete = "data_category:delete",
    DataCategoryRead = "data_category:read",
    DataCategoryUpdate = "data_category:update",
    DataSubjectCreate = "data_subject:create",
    DataSubjectDelete = "data_subject:delete",
    DataSubjectRead = "data_subject:read",
    DataSubjectUpdate = "data_subject:update",
    DataUseCreate = "data_use:create",
    DataUseDelete = "data_use:delete",
    DataUseRead = "data_use:read",
    DataUseUpdate = "data_use:update",
    DatasetCreateOrUpdate = "dataset:create_or_update",
    DatasetDelete = "dataset:delete",
    DatasetRead = "dataset:read",
    DatasetTest = "dataset:test",
    EncryptionExec = "encryption:exec",
    EvaluationRead = "evaluation:read",
    HeapDumpExec = "heap_dump:exec",
    MaskingExec = "masking:exec",
    MaskingRead = "masking:read",
    MessagingTemplateUpdate = "messaging-template:update",
    MessagingCreateOrUpdate = "messaging:create_or_update",
    MessagingDelete = "messaging:delete",
    MessagingRead = "messaging:read",
    OrganizationCreate = "organization:create",
    OrganizationDelete = "organization:delete",
    OrganizationRead = "organization:read",
    OrganizationUpdate = "organization:update",
    PolicyCreateOrUpdate = "policy:create_or_update",
    PolicyDelete = "policy:delete",
    PolicyRead = "policy:read",
    PrivacyExperienceRead = "privacy-experience:read",
    PrivacyNoticeRead = "privacy-notice:read",
    PrivacyRequestAccessResultsRead = "privacy-request-access-results:read",
    PrivacyRequestEmailIntegrationsSend = "privacy-request-email-integrations:send",
    PrivacyRequestNotificationsCreateOrUpdate = "privacy-request-notifications:create_or_update",
    PrivacyRequestNotificationsRead = "privacy-request-notifications:read",
    PrivacyRequestRedactionPatternsRead = "privacy-request-redaction-patterns:read",
    PrivacyRequestRedactionPatternsUpdate = "privacy-request-redaction-patterns:update",
    PrivacyRequestCreate = "privacy-request:create",
    PrivacyRequestDelete = "privacy-request:delete",
    PrivacyRequestManualStepsRespond = "privacy-request:manual-steps:respond",
    PrivacyRequestManualStepsReview = "privacy-request:manual-steps:review",
    PrivacyRequestRead = "privacy-request:read",
    PrivacyRequestResume = "privacy-request:resume",
    PrivacyRequestReview = "privacy-request:review",
    PrivacyRequestTransfer = "privacy-request:transfer",
    PrivacyRequestUploadData = "privacy-request:upload_data",
    PrivacyRequestViewData = "privacy-request:view_data",
    RuleCreateOrUpdate = "rule:create_or_update",
    RuleDelete = "rule:delete",
    RuleRead = "rule:read",
    SaasConfigCreateOrUpdate = "saas_config:create_or_update",
    SaasConfigDelete = "saas_config:delete",
    SaasConfigRead = "saas_config:read",
    ScopeRead = "scope:read",
    StorageCreateOrUpdate = "storage:create_or_update",
    StorageDelete = "storage:delete",
    StorageRead = "storage:read",
    SystemCreate = "system:create",
    SystemDelete = "system:delete",
    SystemRead = "system:read",
    SystemUpdate = "system:update",
    SystemIntegrationLinkCreateOrUpdate = "system_integration_link:create_or_update",
    SystemIntegrationLinkDelete = "system_integration_link:delete",
    SystemIntegrationLinkRead = "system_integration_link:read",
    SystemManagerDelete = "system_manager:delete",
    SystemManagerRead = "system_manager:read",
    SystemManagerUpdate = "system_manager:update",
    UserPermissionAssignOwners = "user-permission:assign_owners",
    UserPermissionCreate = "user-permission:create",
    UserPermissionRead = "user-permission:read",
    UserPermissionUpdate = "user-permission:update",
    UserCreate = "user:create",
    UserDelete = "user:delete",
    UserPasswordReset = "user:password-reset",
    UserRead = "user:read",
    UserReadOwn = "user:read-own",
    UserUpdate = "user:update",
    WebhookCreateOrUpdate = "webhook:create_or_update",
    WebhookDelete = "webhook:delete",
    WebhookRead = "webhook:read",
    WorkerStatsRead = "worker-stats:read",
}

impl Scope {
    /// The scope of a text, if there is one.
    pub fn find(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|scope| scope.as_str() == text)
    }
}
