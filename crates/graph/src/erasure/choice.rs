use spec::ConditionError;
use spec::connector_file::{ConnectorFile, Endpoint, Request};

/// What `masking_strict` says (architecture §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MaskingMode {
    /// `true`: only updates that mask.
    #[default]
    Strict,
    /// `false`: also requests that delete, of rows or of a person.
    Any,
}

/// What a write request of a connector file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestKind {
    /// Masks a row in place.
    Update,
    /// Erases a person in the whole application.
    DataProtection,
    /// Deletes a row.
    Delete,
}

/// Names one write request of a connector file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestRef {
    /// What it is for.
    pub kind: RequestKind,
    /// Its endpoint; `None` for that of the whole application.
    pub endpoint: Option<String>,
    /// Which of its variants.
    pub variant: usize,
}

impl RequestRef {
    /// The request itself.
    pub fn find<'a>(&self, file: &'a ConnectorFile) -> Option<&'a Request> {
        let endpoint = || file.find_endpoint(self.endpoint.as_deref()?);
        let variants = match self.kind {
            RequestKind::Update => &endpoint()?.update,
            RequestKind::Delete => &endpoint()?.delete,
            RequestKind::DataProtection => &file.data_protection_request,
        };
        variants.get(self.variant)
    }
}

/// Decides whether a variant of a request applies to a connection.
pub(super) type Applies<'a> = &'a dyn Fn(&Request) -> Result<bool, ConditionError>;

/// What erases a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Choice {
    /// This request.
    Request(RequestRef),
    /// This one would, but only updates are allowed.
    OnlyIfNotStrict(RequestRef),
    /// No request applies.
    Nothing,
}

/// `update`, else the request for the whole person, else `delete` (saas-config 20.3); of variants
/// the first that applies.
pub(super) fn choose(
    file: &ConnectorFile,
    endpoint: Option<&Endpoint>,
    mode: MaskingMode,
    applies: Applies<'_>,
) -> Result<Choice, ConditionError> {
    let of_endpoint = |kind, variants: fn(&Endpoint) -> &Vec<Request>| {
        endpoint.map(|endpoint| (kind, Some(endpoint.name.clone()), variants(endpoint)))
    };
    let candidates = [
        of_endpoint(RequestKind::Update, |endpoint| &endpoint.update),
        Some((RequestKind::DataProtection, None, &file.data_protection_request)),
        of_endpoint(RequestKind::Delete, |endpoint| &endpoint.delete),
    ];
    for (kind, endpoint, variants) in candidates.into_iter().flatten() {
        for (variant, request) in variants.iter().enumerate() {
            if applies(request)? {
                let request = RequestRef { kind, endpoint, variant };
                return Ok(match (kind, mode) {
                    (RequestKind::Update, _) | (_, MaskingMode::Any) => Choice::Request(request),
                    (RequestKind::DataProtection | RequestKind::Delete, MaskingMode::Strict) => {
                        Choice::OnlyIfNotStrict(request)
                    }
                });
            }
        }
    }
    Ok(Choice::Nothing)
}
