//! Signing: from a finished request and the name of a secret to headers.

use http::{HeaderName, HeaderValue};
use model::{Row, text_form};
use serde_json::{Value, json};
use spec::connector_file::ScriptHook;
use spec::script::{ScriptCall, ScriptHost, ScriptHostError};

use super::{HookError, context};
use crate::auth::{AuthError, Draft};
use crate::connector::Connector;
use crate::secrets::Secrets;
use crate::writes::secret_mark;

/// What a function that signs may ask for: codes, no answers.
struct Signer<'a> {
    secrets: &'a Secrets,
}

impl ScriptHost for Signer<'_> {
    fn fetch(&self, _: Value) -> Result<Value, ScriptHostError> {
        Err(ScriptHostError::NotHere { function: "fetch" })
    }

    fn hmac_sha256(&self, secret: &str, text: &str) -> Result<[u8; 32], ScriptHostError> {
        let unknown = || ScriptHostError::NoSecret { name: secret.to_owned() };
        let key = self.secrets.find_truthy(secret).and_then(text_form).ok_or_else(unknown)?;
        let key = crypto::Secret::new(key);
        Ok(crypto::HashKey::from_bytes(key.expose().as_bytes()).keyed_hash(text.as_bytes()))
    }
}

impl Connector {
    /// Puts the headers into `draft` that `hook` makes of it. They are made for this one sending and
    /// stand in no plan.
    pub(crate) async fn sign(
        &self,
        (hook, secret): (&ScriptHook, &str),
        method: &http::Method,
        draft: &mut Draft,
    ) -> Result<(), AuthError> {
        let failed = |error: HookError| AuthError::Script { source: Box::new(error) };
        let arguments = [self.request_to_sign(method, draft), secret.into()];
        let (connector, run) = (self.clone(), hook.clone());
        let ended = tokio::task::spawn_blocking(move || {
            let signer = Signer { secrets: &connector.connection().secrets };
            run.script().run(ScriptCall::new(run.function(), &arguments), &signer)
        });
        let result =
            ended.await.map_err(|_| failed(HookError::Ended))?.map_err(|error| failed(error.into()))?;
        let expected = "a dict of headers, each a text";
        let bad = || failed(HookError::Result { hook: hook.to_string(), expected });
        let Value::Object(headers) = result else { return Err(bad()) };
        for (name, value) in headers {
            if let Some(name) = spec::script::refused_header(&name) {
                return Err(failed(HookError::Header { hook: hook.to_string(), name }));
            }
            let text = value.as_str().ok_or_else(bad)?;
            let text = secret_mark::reveal(text, self.connection(), str::to_owned).ok_or_else(bad)?;
            let header = || AuthError::Header { name: name.clone() };
            let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| header())?;
            let mut value = HeaderValue::from_str(&text).map_err(|_| header())?;
            value.set_sensitive(true);
            draft.headers.insert(key, value);
            draft.redact.push(text);
        }
        Ok(())
    }

    fn request_to_sign(&self, method: &http::Method, draft: &Draft) -> Value {
        let text = |bytes: &[u8]| Value::from(String::from_utf8_lossy(bytes).into_owned());
        let headers: Row = draft
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes())))
            .collect();
        json!({
            "method": method.as_str(),
            "host": draft.url.host_str().unwrap_or_default(),
            "path": draft.url.path(),
            "query": draft.url.query().unwrap_or_default(),
            "headers": headers,
            "body": text(draft.body.as_deref().unwrap_or_default()),
            "time": context::time(self.clock().now()),
            "params": context::params(self.connection()),
            "secrets": context::secrets(self.connection()),
        })
    }
}
