//! A function of a script, in place of a request or of an authentication (architecture §5, `script`).

use std::fmt;

use crate::script::{Script, ScriptError, ScriptHostError, ScriptProblem};

/// A function of a script file that lies beside the connector file; it is known to be there.
#[derive(Clone)]
pub struct ScriptHook {
    script: Script,
    function: String,
}

impl ScriptHook {
    pub(crate) fn new(script: Script, function: String) -> Self {
        Self { script, function }
    }

    /// The file.
    pub fn script(&self) -> &Script {
        &self.script
    }

    /// Name of the function.
    pub fn function(&self) -> &str {
        &self.function
    }

    /// That the function was stopped where it asked for something, at line and column.
    pub fn stopped(&self, why: ScriptHostError, place: (usize, usize)) -> ScriptError {
        self.script.stopped(&self.function, ScriptProblem::Host(why), place)
    }
}

/// As it is written in the connector file: `people.star:delete`.
impl fmt::Display for ScriptHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.script.source().file_name(), self.function)
    }
}

impl fmt::Debug for ScriptHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ScriptHook").field(&self.to_string()).finish()
    }
}
