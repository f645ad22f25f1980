use serde_json::Value;
use thiserror::Error;

/// What a script may ask of its caller.
pub trait ScriptHost {
    /// Sends a read and gives its answer.
    ///
    /// # Errors
    /// [`ScriptHostError`] if the read is refused or fails; the script ends with it.
    fn fetch(&self, request: Value) -> Result<Value, ScriptHostError>;

    /// HMAC-SHA-256 of `text` with the secret called `secret` as the key.
    ///
    /// # Errors
    /// [`ScriptHostError`] if there is no such secret, or scripts of this kind may not sign.
    fn hmac_sha256(&self, secret: &str, text: &str) -> Result<[u8; 32], ScriptHostError>;

    /// Whether the time for this script is over; asked every some thousand steps.
    fn is_out_of_time(&self) -> bool {
        false
    }
}

/// Why a caller does not do what a script asks for. No personal data, no secrets.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScriptHostError {
    /// A script of this kind may not do this.
    #[error("`{function}` cannot be used here; give the function what it needs as arguments")]
    NotHere {
        /// The function.
        function: &'static str,
    },
    /// A read that is none, or goes elsewhere.
    #[error("`fetch` refused the request: {reason}")]
    Refused {
        /// Why.
        reason: String,
    },
    /// The application did not answer.
    #[error("`fetch` brought no answer: {reason}")]
    Failed {
        /// Why.
        reason: String,
    },
    /// A secret that the connection does not have.
    #[error("the connection has no secret `{name}`; declare it among the `connector_params`")]
    NoSecret {
        /// Its name.
        name: String,
    },
}

/// A caller that offers nothing: for functions that only compute.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHost;

impl ScriptHost for NoHost {
    fn fetch(&self, _: Value) -> Result<Value, ScriptHostError> {
        Err(ScriptHostError::NotHere { function: "fetch" })
    }

    fn hmac_sha256(&self, _: &str, _: &str) -> Result<[u8; 32], ScriptHostError> {
        Err(ScriptHostError::NotHere { function: "hmac_sha256" })
    }
}
