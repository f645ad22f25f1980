use std::fmt;

/// Who did something, as the audit log names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor(String);

impl Actor {
    /// A person, by the name they signed in with or the account the command ran under.
    pub fn person(name: &str) -> Self {
        Self(format!("person:{name}"))
    }

    /// A program, by the id of its API client.
    pub fn client(id: &str) -> Self {
        Self(format!("client:{id}"))
    }

    /// A policy that decides by itself.
    pub fn policy(key: &str) -> Self {
        Self(format!("policy:{key}"))
    }

    /// Tutela itself.
    pub fn system() -> Self {
        Self("system".to_owned())
    }

    /// One whose text was kept.
    pub(crate) fn kept(text: String) -> Self {
        Self(text)
    }

    /// The actor's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
