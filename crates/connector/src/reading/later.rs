//! Requests that are sent, and whose rows come later by a call of the application (saas-config 23).

use crypto::Secret;
use egress::HttpReply;
use model::{CallStats, Completeness, IncompleteReason};
use spec::connector_file::{AsyncConfig, Request};

use super::{Answers, ReadError, Reading, choice, polled};
use crate::send::{Answer, Rejected};

/// Stands for the token in a request that is only looked at.
const SOME_TOKEN: &str = "token";

/// What sending a request came to whose rows come later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// The application took it, and will call back.
    Taken,
    /// It will not call back; this is how complete a reading without rows is.
    Over(Completeness),
}

impl Reading {
    /// Where the request of unit `unit` stands in the file, if its rows come later.
    pub fn comes_later(&self, unit: usize) -> Option<&str> {
        let (sequence, _) = self.plan.find(unit)?;
        (sequence.answers == Answers::Later).then_some(sequence.defined.request.place.as_str())
    }

    /// Sends the request of unit `unit`, with the token that the later call is to bring. What the answer
    /// says besides its status is of no account (saas-config 23.5). `stats` counts every attempt.
    ///
    /// # Errors
    /// [`ReadError`] if it cannot be sent, or the application does not take it.
    ///
    /// # Cancel safety
    /// Dropping the future leaves open whether the application was asked.
    pub async fn ask(
        &self,
        unit: usize,
        token: &Secret<String>,
        stats: &mut CallStats,
    ) -> Result<Asked, ReadError> {
        let plan = &self.plan;
        let Some((sequence, combination)) = plan.find(unit) else {
            return Ok(Asked::Over(Completeness::Complete));
        };
        let (request, connector) = (&sequence.defined.request, &plan.connector);
        let moment = (connector.clock().now(), connector.ids(), Some(token.expose().as_str()));
        let call = plan.prepare_with(moment, request, &combination)?;
        let accept = |_: HttpReply| Ok::<(), Rejected>(());
        Ok(match connector.call(&call, stats, accept).await? {
            Answer::Accepted(()) => Asked::Taken,
            Answer::Gone => Asked::Over(Completeness::Complete),
            Answer::Ignored(code) => {
                let detail = format!(
                    "{} answered {code}, which `ignore_errors` lets pass; nobody will call back",
                    request.place
                );
                Asked::Over(Completeness::incomplete(IncompleteReason::IgnoredError, detail))
            }
        })
    }
}

/// When the rows of a chosen request come.
pub(super) fn answers(request: &Request) -> Result<Answers, ReadError> {
    match &request.async_config {
        None => Ok(Answers::AtOnce),
        // Its row is made without a call.
        Some(AsyncConfig::Callback) if choice::is_output_only(request) => Ok(Answers::AtOnce),
        Some(AsyncConfig::Callback) => Ok(Answers::Later),
        Some(AsyncConfig::Polling(polling)) => polled::answers(request, polling),
        Some(AsyncConfig::Unknown { strategy }) => {
            let (place, strategy) = (request.place.clone(), strategy.clone());
            Err(ReadError::UnknownStrategy { place, strategy })
        }
    }
}

/// Something that cannot be answered later is.
pub(super) fn not_here(request: &Request) -> ReadError {
    ReadError::NotSupported { place: request.place.clone(), key: "async_config" }
}

/// What stands for the token where the request is only looked at: the same for every look.
pub(super) fn token_of(request: &Request) -> Option<&'static str> {
    request.async_config.as_ref().map(|_| SOME_TOKEN)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::fixture::file;

    fn request(rest: &str) -> Request {
        let read = format!(
            "    - name: things\n      requests:\n        read: {{method: POST, path: /x, effect: read, {rest}}}\n"
        );
        file(&read).endpoints[0].read[0].clone()
    }

    // rule: saas-config 23.2
    // rule: saas-config 23.3
    #[rstest]
    #[case::at_once("body: '{}'", Some(Answers::AtOnce))]
    #[case::later("async_config: {strategy: callback}", Some(Answers::Later))]
    #[case::unknown("async_config: {strategy: pigeon}", None)]
    fn the_strategy_says_when_rows_come(#[case] rest: &str, #[case] expected: Option<Answers>) {
        let found = answers(&request(rest));

        match (expected, found) {
            (Some(expected), Ok(found)) => assert_eq!(found, expected),
            (None, Err(error)) => assert!(error.to_string().contains("`pigeon`"), "{error}"),
            (expected, found) => panic!("{expected:?}, {found:?}"),
        }
    }

    #[test]
    fn the_token_is_no_part_of_what_is_looked_at() {
        assert_eq!(token_of(&request("async_config: {strategy: callback}")), Some(SOME_TOKEN));
        assert_eq!(token_of(&request("body: '{}'")), None);
    }
}
