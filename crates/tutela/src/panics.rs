use std::panic::{Location, PanicHookInfo};

use crate::output;

/// Reports panics by their place in the program only.
///
/// The text of a panic may hold the value that it is about (a text cut in the middle of a letter is
/// shown whole), and that value may be a secret or a person's.
pub(crate) fn report_without_values() {
    std::panic::set_hook(Box::new(hook(output::complain)));
}

fn hook(say: impl Fn(&str)) -> impl Fn(&PanicHookInfo<'_>) {
    move |panic| say(&text(panic.location()))
}

fn text(location: Option<&Location<'_>>) -> String {
    let place = location.map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    format!("error: a defect of Tutela at {place}; please report this line")
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn a_panic_is_reported_by_its_place_and_without_its_text() {
        let said: Arc<Mutex<String>> = Arc::default();
        let ear = Arc::clone(&said);
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(hook(move |text| ear.lock().unwrap().push_str(text))));

        let caught = catch_unwind(|| panic!("{}", String::from("canary")));
        std::panic::set_hook(before);

        let said = said.lock().unwrap().clone();
        assert!(said.contains("panics.rs:"), "{said}");
        assert!(!said.contains("canary"), "{said}");
        assert_eq!(caught.unwrap_err().downcast_ref::<String>().unwrap(), "canary", "the text was there");
    }
}
