use bytes::Bytes;
use http::{HeaderMap, Method};
use model::Effect;
use spec::connector_file::IgnoreErrors;
use url::Url;

use super::prepared::Shared;
use super::{Build, BuildError, Prepared, Used, limits};

/// The parts of a request that was built before, secrets put back.
pub(crate) struct Restored {
    /// HTTP method.
    pub(crate) method: Method,
    /// Where to.
    pub(crate) url: Url,
    /// Headers without authentication.
    pub(crate) headers: HeaderMap,
    /// Body.
    pub(crate) body: Option<Bytes>,
}

impl Build<'_> {
    /// The request with these parts; host, authentication and limits are still those of the file.
    ///
    /// # Errors
    /// [`BuildError::Url`] if the address is not one of the host that the file names.
    pub(crate) fn restore(self, parts: Restored) -> Result<Prepared, BuildError> {
        let (shared, url) = self.restored(parts, Used::default())?;
        Prepared::with_address(shared, url).ok_or_else(|| BuildError::Url { place: self.place() })
    }

    /// The same as a read, of which the statuses in `accept` are answers; `personal` are values that a
    /// recording replaces.
    ///
    /// # Errors
    /// [`BuildError::Url`] if the address is not one of the host that the file names.
    pub(crate) fn restore_read(
        self,
        parts: Restored,
        accept: Vec<u16>,
        personal: Vec<String>,
    ) -> Result<Prepared, BuildError> {
        let (shared, url) = self.restored(parts, Used { personal, ..Used::default() })?;
        let ignore = IgnoreErrors::Statuses(accept);
        let shared = Shared { effect: Effect::Read, ignore, gone: Vec::new(), ..shared };
        Prepared::with_address(shared, url).ok_or_else(|| BuildError::Url { place: self.place() })
    }

    fn restored(self, parts: Restored, used: Used) -> Result<(Shared, Url), BuildError> {
        let client = self.client()?;
        let request = self.request;
        let shared = Shared {
            place: self.place(),
            endpoint: self.endpoint.to_owned(),
            effect: request.effect,
            method: parts.method,
            headers: parts.headers,
            body: parts.body,
            client,
            limits: limits(self.connection, request),
            ignore: request.ignore_errors.clone(),
            gone: request.gone.clone(),
            retry: request.retry.clone(),
            lasts: true,
            recording: self.recording(used),
        };
        Ok((shared, parts.url))
    }
}
