use std::sync::Arc;

use bytes::Bytes;
use egress::{Limit, RecordingHints};
use http::{HeaderMap, Method};
use model::Effect;
use spec::connector_file::{IgnoreErrors, Retry};
use url::Url;

use crate::client::Client;

/// A request with everything filled in, before authentication.
///
/// Cheap to clone: the next page differs only in path and query (saas-config 18.2). `Debug` shows
/// where it stands in the file and nothing else.
#[derive(Clone)]
pub(crate) struct Prepared {
    shared: Arc<Shared>,
    url: Url,
    /// Statuses that mean that the application does not offer this at all.
    unavailable: Arc<[u16]>,
}

/// What all pages of a request have in common.
pub(crate) struct Shared {
    /// Where the request stands in the file.
    pub(crate) place: String,
    /// Name of the endpoint.
    pub(crate) endpoint: String,
    /// What it does to the other side.
    pub(crate) effect: Effect,
    /// HTTP method.
    pub(crate) method: Method,
    /// Headers without authentication.
    pub(crate) headers: HeaderMap,
    /// Body as sent.
    pub(crate) body: Option<Bytes>,
    /// Host and authentication.
    pub(crate) client: Client,
    /// Limits of the file.
    pub(crate) limits: Vec<Limit>,
    /// Failing statuses that are not errors.
    pub(crate) ignore: IgnoreErrors,
    /// Statuses that mean "not there".
    pub(crate) gone: Vec<u16>,
    /// The file's own reasons to try again.
    pub(crate) retry: Option<Retry>,
    /// Whether it would be the same at any other moment: no value went in that differs each time.
    pub(crate) lasts: bool,
    /// What a recorder must know.
    pub(crate) recording: RecordingHints,
}

impl Prepared {
    /// `path_and_query` is percent-encoded. `None` if it would lead to another host.
    pub(super) fn new(shared: Shared, path_and_query: &str) -> Option<Self> {
        let url = shared.client.url(path_and_query)?;
        Some(Self { shared: Arc::new(shared), url, unavailable: Arc::default() })
    }

    /// A request whose address is known in full. `None` if it would lead to another host.
    pub(super) fn with_address(shared: Shared, url: Url) -> Option<Self> {
        let owns = shared.client.owns(&url);
        owns.then(|| Self { shared: Arc::new(shared), url, unavailable: Arc::default() })
    }

    /// The same request, of which these statuses end the reading at once, whatever else the file says
    /// about them.
    pub(crate) fn with_unavailable(self, statuses: &[u16]) -> Self {
        Self { unavailable: statuses.into(), ..self }
    }

    /// Whether `status` means that the application does not offer this.
    pub(crate) fn means_unavailable(&self, status: u16) -> bool {
        self.unavailable.contains(&status)
    }

    /// What all pages have in common.
    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Where the request stands in the file.
    pub(crate) fn place(&self) -> &str {
        &self.shared.place
    }

    /// The URL of this page, without what authentication adds.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// The same request for another page. `None` if `url` leads to another host: the secret of one
    /// host never reaches another.
    pub(crate) fn with_url(&self, url: Url) -> Option<Self> {
        self.shared.client.owns(&url).then(|| Self { url, ..self.clone() })
    }
}

/// A path and its query params as one text (saas-config 13.1–13.3): a query inside the path stays
/// in front.
pub(super) fn path_and_query(path: &str, query: &[(String, String)]) -> String {
    let path = path.split('#').next().unwrap_or_default();
    if query.is_empty() {
        return path.to_owned();
    }
    let join = match path {
        _ if !path.contains('?') => "?",
        _ if path.ends_with(['?', '&']) => "",
        _ => "&",
    };
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(query);
    format!("{path}{join}{}", form.finish())
}

/// Sets `name`, which keeps its place if it was there (saas-config 12.4).
pub(super) fn set(query: &mut Vec<(String, String)>, name: &str, value: String) {
    match query.iter_mut().find(|(key, _)| key == name) {
        Some((_, old)) => *old = value,
        None => query.push((name.to_owned(), value)),
    }
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared").field("place", &self.shared.place).finish_non_exhaustive()
    }
}
