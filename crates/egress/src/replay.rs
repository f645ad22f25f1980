use crate::{Cassette, HttpReply, HttpRequest, SendError};

#[derive(Debug)]
pub(crate) struct Replay {}
impl Replay {
    pub(crate) fn new(_cassette: Cassette) -> Self {
        Self {}
    }
    pub(crate) fn answer(&self, request: &HttpRequest) -> Result<HttpReply, SendError> {
        Err(SendError::NotRecorded {
            method: request.method.to_string(),
            host: request.host().into(),
            endpoint: request.endpoint.clone(),
        })
    }
}
