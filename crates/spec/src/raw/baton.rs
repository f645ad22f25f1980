use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::AccessWord;

/// A connection of the server: a Baton connector of somebody else, a program that is run or a file that it wrote.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServerBatonSection {
    /// Path of the program; a relative path starts in the folder that the server is started in. It gets `secrets` and
    /// `settings`, and nothing else of where it is run.
    pub(crate) program: Option<String>,
    /// SHA-256 of the program, 64 hexadecimal digits, as `sha256sum` prints it. Required with `program`:
    /// another program is not started.
    pub(crate) sha256: Option<String>,
    /// User of the machine that the program runs as, by name or by number in quotes. Required with
    /// `program`.
    pub(crate) user: Option<String>,
    /// Settings that are no secrets, by the names of the program's flags: texts, numbers, `true`,
    /// `false`, and lists of texts.
    pub(crate) settings: Option<serde_json::Map<String, Value>>,
    /// Secrets by the names of the program's flags, each as `${NAME}`: the variable of the server's environment that
    /// holds it.
    pub(crate) secrets: Option<serde_json::Map<String, Value>>,
    /// Whether access may be changed through the program; `read` if absent.
    pub(crate) access: Option<AccessWord>,
    /// Kinds of resources that may be removed through the program, as in `[user]`, by their ids in its files;
    /// with `access: write` only. `[]` if absent.
    pub(crate) delete: Option<Vec<String>>,
    /// In place of a program: path of a `.c1z` file.
    pub(crate) file: Option<String>,
}
