//! Starlark hooks: what a request cannot say (architecture §5, `script`).
//!
//! A script is a file of functions beside the connector file. A function gets plain data and returns
//! plain data. It reads only through `fetch`, which its caller supplies; it never writes: it *returns*
//! its write requests ([`writes`]), which stand in a plan and are sent from there. It has no files, no
//! clock, no randomness and no `load`, so the same data give the same result.
//!
//! Functions of the language, and `json.encode`, `json.decode`, and four of ours:
//!
//! | function | does |
//! | --- | --- |
//! | `fetch({"path": …})` | asks the application, and gives its answer ([`ScriptFetch`]) |
//! | `quote(text)` | `text` as one segment of a path |
//! | `hmac_sha256(secret, text)` | signs `text` with the secret of this name; lower-case hex |
//! | `hmac_sha256_base64(secret, text)` | the same as base64 |
//!
//! Numbers keep their digits: integers are exact however long, and a decimal that the language would
//! write in another way (`1.10`, `1e999`) comes as text.
//!
//! The limits count steps, calls, depth and the memory of values; a single step may still ask for
//! much memory at once, and `%` may write a value that is nested hundred thousands deep. They stop
//! mistakes. Install scripts from people you trust.
//!
//! ```
//! use serde_json::json;
//! use spec::SourceFile;
//! use spec::script::{NoHost, Script, ScriptCall};
//!
//! let source = SourceFile::new("people.star", "def double(n):\n    return {\"twice\": n * 2}\n");
//! let script = Script::compile(&source).expect("it is Starlark");
//!
//! let result = script.run(ScriptCall::new("double", &[json!(21)]), &NoHost)?;
//! assert_eq!(result, json!({"twice": 42}));
//! # Ok::<(), spec::script::ScriptError>(())
//! ```

mod board;
mod data;
mod error;
mod fetch;
mod host;
mod language;
mod page;
mod path;
mod refused;
mod run;
mod write;

pub use board::Ask;
pub use error::{ScriptError, ScriptProblem};
pub use fetch::{ScriptFetch, fetch};
pub use host::{NoHost, ScriptHost, ScriptHostError};
pub use page::{ScriptPage, ScriptPageError, page};
pub use refused::refused_header;
pub use run::{Script, ScriptCall, ScriptLimits, Step};
pub use write::{ScriptWrite, ScriptWriteError, writes};

#[cfg(test)]
mod tests;
