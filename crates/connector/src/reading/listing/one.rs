use egress::HttpReply;
use model::CallStats;
use serde_json::Value;
use spec::connector_file::Request;

use super::ListAnswers;
use crate::bound::Bound;
use crate::connector::Connector;
use crate::reading::ReadError;
use crate::response::{self, ResponseError};
use crate::send::{Answer, CallError, Rejected};

impl Connector {
    /// Asks for one thing, with one call; `None` if the application says that it is not there: a status
    /// under `gone`, or an empty list where the file says. `place` is its name for logs and budgets;
    /// `stats` counts every attempt.
    ///
    /// # Errors
    /// [`ReadError`] if it cannot be asked for, or nothing was learned. An answer without what the file says is
    /// tried again, and then an error: never "not there".
    ///
    /// # Cancel safety
    /// Dropping the future gives up the call.
    pub async fn get_one(
        &self,
        (request, place): (&Request, &str),
        bound: &Bound,
        stats: &mut CallStats,
    ) -> Result<Option<Value>, ReadError> {
        let listing = self.list((request, place), bound, ListAnswers::default())?;
        let parts = &listing.parts;
        let accept = |reply: HttpReply| response::read_items(request, &reply).map_err(Rejected::from);
        let json = match self.call(&parts.prepared, stats, accept).await? {
            Answer::Accepted(json) => json,
            Answer::Gone => return Ok(None),
            // Nothing is known about the thing, and a guess would decide about a write.
            Answer::Ignored(code) => {
                let (place, host) = (request.place.clone(), parts.prepared.shared().client.host());
                return Err(CallError::Status { place, host, status: code, attempts: 1 }.into());
            }
        };
        let mut items = parts.items(json)?;
        match items.len() {
            0 | 1 => Ok(items.pop()),
            count => {
                let source = ResponseError::Several { count };
                Err(ReadError::Response { place: request.place.clone(), source })
            }
        }
    }
}
