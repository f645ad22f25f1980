use model::{Identities, PrivacyRequestId, Row};

/// Who is being looked for, and under which privacy request.
///
/// `Debug` shows identity kinds and member names only: the values are personal data.
#[derive(Clone)]
pub struct Person {
    /// What is known about the person.
    pub identities: Identities,
    /// The request that the reading belongs to; `<privacy_request_id>` (saas-config 11.10).
    pub privacy_request_id: PrivacyRequestId,
    /// Members of `<privacy_request>` (saas-config 11.12).
    pub privacy_request: Row,
    /// Custom fields of the request; empty means that there are none.
    pub custom_fields: Row,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Person")
            .field("identities", &self.identities)
            .field("privacy_request_id", &self.privacy_request_id)
            .finish_non_exhaustive()
    }
}
