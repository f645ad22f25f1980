use model::{CallStats, Effect};
use serde_json::Value;
use spec::connector_file::{Request, ScriptHook};

use crate::build::Build;
use crate::connector::Connector;
use crate::script::{HookCall, HookError};
use crate::send::{Answer, CallError};

/// How a connection test ended (saas-config 7.3).
#[derive(Debug)]
pub enum TestOutcome {
    /// A status below 400, or an ignored one.
    Passed,
    /// A failing status, no answer, or an authentication that does not work.
    Failed(CallError),
}

impl Connector {
    /// Sends the file's test request (saas-config 7). Its placeholders are names of secrets.
    ///
    /// # Errors
    /// [`CallError::Build`] if the request cannot be built, and [`CallError::Write`] for a test
    /// request that may change something: such a one needs a permit, and nobody can give one yet.
    pub async fn test(&self) -> Result<TestOutcome, CallError> {
        let connection = self.connection();
        let request = self.test_variant()?;
        if let Some(hook) = &request.script {
            return Ok(match self.test_by_script(request, hook).await {
                Ok(()) => TestOutcome::Passed,
                Err(error) => TestOutcome::Failed(Box::new(error).into()),
            });
        }
        let values = connection.secrets.as_values();
        let prepared =
            Build { connection, endpoint: "test_request", request, params: &[], values }.prepare()?;
        if request.effect == Effect::Write {
            return Err(CallError::Write { place: request.place.clone() });
        }
        let mut stats = CallStats::default();
        Ok(match self.call(&prepared, &mut stats, |_| Ok(())).await {
            Ok(Answer::Accepted(()) | Answer::Gone | Answer::Ignored(_)) => TestOutcome::Passed,
            Err(error) => TestOutcome::Failed(error),
        })
    }

    /// The function passes if it returns nothing, or true.
    async fn test_by_script(&self, request: &Request, hook: &ScriptHook) -> Result<(), HookError> {
        let endpoint = "test_request";
        let mut call = HookCall::new(self, request, (hook, endpoint), Vec::new());
        let mut stats = CallStats::default();
        match call.run(self.script_context(endpoint, None), [], &mut stats).await? {
            Value::Null | Value::Bool(true) => Ok(()),
            Value::Bool(false) => Err(HookError::TestFailed { hook: hook.to_string() }),
            Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                Err(HookError::Result { hook: hook.to_string(), expected: "`True` or `False`" })
            }
        }
    }

    /// The variant of the test request that applies (architecture §5, `when`).
    fn test_variant(&self) -> Result<&Request, CallError> {
        let connection = self.connection();
        for request in &connection.file.test_request {
            let holds = connection
                .applies(request)
                .map_err(|source| CallError::Condition { place: request.place.clone(), source })?;
            if holds {
                return Ok(request);
            }
        }
        Err(CallError::NoVariant { connection: connection.key.clone() })
    }
}

#[cfg(test)]
mod tests;
