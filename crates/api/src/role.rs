use crate::Scope;

/// A set of scopes that people are given by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// May do everything.
    Owner,
    /// May do everything but what gives power over others or leads data out.
    Contributor,
    /// May look, except at privacy requests.
    Viewer,
    /// May deal with privacy requests.
    Approver,
    /// Both viewer and approver.
    ViewerAndApprover,
    /// A viewer who says which systems belong to which integrations.
    DataSteward,
    /// Answers manual tasks.
    Respondent,
    /// Answers manual tasks from outside, without an account page.
    ExternalRespondent,
}

impl Role {
    /// Every role.
    pub const ALL: &[Self] = &[
        Self::Owner,
        Self::Contributor,
        Self::Viewer,
        Self::Approver,
        Self::ViewerAndApprover,
        Self::DataSteward,
        Self::Respondent,
        Self::ExternalRespondent,
    ];

    /// Its text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Contributor => "contributor",
            Self::Viewer => "viewer",
            Self::Approver => "approver",
            Self::ViewerAndApprover => "viewer_and_approver",
            Self::DataSteward => "data_steward",
            Self::Respondent => "respondent",
            Self::ExternalRespondent => "external_respondent",
        }
    }

    /// The role of a text, if there is one.
    pub fn find(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.as_str() == text)
    }

    /// What it may do, in alphabetical order.
    pub fn scopes(self) -> Vec<Scope> {
        Scope::ALL.iter().copied().filter(|scope| self.has(*scope)).collect()
    }

    /// Whether it may do this.
    pub fn has(self, scope: Scope) -> bool {
        match self {
            Self::Owner => true,
            Self::Contributor => !NOT_CONTRIBUTOR.contains(&scope),
            Self::Viewer => VIEWER.contains(&scope),
            Self::Approver => APPROVER.contains(&scope),
            Self::ViewerAndApprover => VIEWER.contains(&scope) || APPROVER.contains(&scope),
            Self::DataSteward => VIEWER.contains(&scope) || STEWARD.contains(&scope),
            Self::Respondent => RESPONDENT.contains(&scope) || scope == Scope::UserReadOwn,
            Self::ExternalRespondent => RESPONDENT.contains(&scope),
        }
    }
}

const NOT_CONTRIBUTOR: &[Scope] = &[
    Scope::AccessChange,
    Scope::ConnectorTemplateRegister,
    Scope::StorageCreateOrUpdate,
    Scope::StorageDelete,
    Scope::MessagingCreateOrUpdate,
    Scope::MessagingDelete,
    Scope::PrivacyRequestNotificationsCreateOrUpdate,
    Scope::PrivacyRequestEmailIntegrationsSend,
    Scope::UserPermissionAssignOwners,
    Scope::HeapDumpExec,
];

const VIEWER: &[Scope] = &[
    Scope::CliObjectsRead,
    Scope::ClientRead,
    Scope::ConnectionRead,
    Scope::ConnectionTypeRead,
    Scope::ConsentRead,
    Scope::ConsentSettingsRead,
    Scope::CtlDatasetRead,
    Scope::CtlPolicyRead,
    Scope::DataCategoryRead,
    Scope::DataSubjectRead,
    Scope::DataUseRead,
    Scope::DatasetRead,
    Scope::EvaluationRead,
    Scope::MaskingExec,
    Scope::MaskingRead,
    Scope::MessagingRead,
    Scope::OrganizationRead,
    Scope::PolicyRead,
    Scope::PrivacyExperienceRead,
    Scope::PrivacyNoticeRead,
    Scope::PrivacyRequestNotificationsRead,
    Scope::RuleRead,
    Scope::SaasConfigRead,
    Scope::ScopeRead,
    Scope::StorageRead,
    Scope::SystemRead,
    Scope::SystemIntegrationLinkRead,
    Scope::SystemManagerRead,
    Scope::UserRead,
    Scope::WebhookRead,
];

const APPROVER: &[Scope] = &[
    Scope::PrivacyRequestCreate,
    Scope::PrivacyRequestRead,
    Scope::PrivacyRequestReview,
    Scope::PrivacyRequestResume,
    Scope::PrivacyRequestDelete,
    Scope::PrivacyRequestUploadData,
    Scope::PrivacyRequestViewData,
    Scope::PrivacyRequestManualStepsReview,
    Scope::UserRead,
];

const STEWARD: &[Scope] = &[Scope::SystemIntegrationLinkCreateOrUpdate, Scope::SystemIntegrationLinkDelete];

const RESPONDENT: &[Scope] = &[Scope::PrivacyRequestManualStepsRespond];

#[cfg(test)]
mod tests {
    use super::*;

    // rule: fides-api 2.4
    #[test]
    fn what_a_viewer_sees_has_no_privacy_requests_in_it() {
        let names: Vec<_> = Role::Viewer.scopes().into_iter().map(Scope::as_str).collect();

        assert_eq!(names.len(), 30);
        assert!(!names.iter().any(|name| name.starts_with("privacy-request:")));
        assert!(names.iter().all(|name| name.ends_with(":read") || *name == "masking:exec"));
    }

    // rule: fides-api 2.4
    #[test]
    fn only_owners_make_owners_and_lead_data_elsewhere() {
        for scope in [Scope::UserPermissionAssignOwners, Scope::StorageCreateOrUpdate] {
            let who: Vec<_> = Role::ALL.iter().filter(|role| role.has(scope)).collect();
            assert_eq!(who, [&Role::Owner], "{}", scope.as_str());
        }
        assert_eq!(Role::Owner.scopes(), Scope::ALL);
        assert_eq!(Role::Contributor.scopes().len(), Scope::ALL.len() - NOT_CONTRIBUTOR.len());
    }

    #[test]
    fn texts_of_roles_and_scopes_lead_back_to_them() {
        assert!(Role::ALL.iter().all(|role| Role::find(role.as_str()) == Some(*role)));
        assert!(Scope::ALL.iter().all(|scope| Scope::find(scope.as_str()) == Some(*scope)));
        assert_eq!((Role::find("Owner"), Scope::find("all")), (None, None));
    }

    #[test]
    fn scopes_stand_in_order() {
        let names: Vec<_> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();

        assert_eq!(names, sorted);
    }
}
