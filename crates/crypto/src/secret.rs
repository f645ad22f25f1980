use zeroize::Zeroize;

/// A value that must not be seen: no `Display`, a `Debug` that shows nothing, wiped on drop.
///
/// Opened with [`Secret::expose`] at the last line that needs it. Not serializable on purpose.
#[derive(Clone)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Takes the value in.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> std::fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    #[expect(dead_code, reason = "only its debug form is looked at")]
    struct Settings {
        token: Secret<String>,
    }

    #[test]
    fn debug_of_a_struct_around_a_secret_shows_nothing_of_it() {
        let settings = Settings { token: Secret::new("canary-secret-1".to_owned()) };

        let text = format!("{settings:?} {settings:#?}");

        assert!(!text.contains("canary"), "{text}");
    }
}
