use spec::connector_file::Request;

use super::prepare::check_answer;
use super::{UnwrittenReason, WriteRequest, secret_mark};
use crate::bound::{Bound, SecretForm};
use crate::build::Build;
use crate::connector::Connector;

impl Connector {
    /// The one write of `request` with what is bound; nothing is sent. `place` is its name for logs and
    /// budgets, such as `governance.group`.
    ///
    /// A bound list or object stands in a JSON body as it is, where the placeholder has no quotes around it.
    ///
    /// # Errors
    /// [`UnwrittenReason`] if the call cannot be built from these values.
    pub fn prepare_bound_write(
        &self,
        (request, place): (&Request, &str),
        bound: &Bound,
    ) -> Result<WriteRequest, UnwrittenReason> {
        check_answer(request)?;
        if bound.values().any(|(_, value)| secret_mark::stands_in(value)) {
            return Err(UnwrittenReason::SecretMark { place: request.place.clone() });
        }
        let values = self.bound_values(request, bound, SecretForm::Marked);
        let build = Build {
            connection: self.connection(),
            endpoint: place,
            request,
            params: &request.param_values,
            values: &values,
        };
        WriteRequest::checked(&build.prepare()?, &request.place)
    }
}
