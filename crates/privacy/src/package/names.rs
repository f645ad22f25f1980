//! Names of files inside an archive, made of names that other people chose.

use std::collections::HashSet;

/// Longest name of one file or folder.
const MOST_CHARACTERS: usize = 100;

/// Names that Windows gives to devices.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];

/// Gives each name one that every system can unpack, different from all others of the same folder
/// also where upper and lower case are the same.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: HashSet<String>,
}

impl Names {
    /// The name of a file or folder for `wanted`.
    pub(super) fn take(&mut self, wanted: &str) -> String {
        let mut name: String = wanted
            .chars()
            .take(MOST_CHARACTERS)
            .map(|letter| if letter.is_ascii_alphanumeric() || "-_.".contains(letter) { letter } else { '_' })
            .collect();
        let stem = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
        let is_device = DEVICES.iter().any(|device| {
            stem.strip_prefix(device)
                .is_some_and(|rest| rest.len() <= 1 && rest.bytes().all(|byte| byte.is_ascii_digit()))
        });
        // Leading dots hide a file, and trailing ones are dropped by Windows.
        if name.is_empty() || is_device || name.starts_with('.') || name.ends_with('.') {
            name = format!("_{}_", name.trim_matches('.'));
        }
        let mut unique = name.clone();
        let mut number = 2;
        while !self.taken.insert(unique.to_ascii_lowercase()) {
            unique = format!("{name}_{number}");
            number += 1;
        }
        unique
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("customers", "customers")]
    #[case("a/../../b", "a_.._.._b")]
    #[case("..", "__")]
    #[case("", "__")]
    #[case(".hidden", "_hidden_")]
    #[case("C:\\x", "C__x")]
    #[case("nul", "_nul_")]
    #[case("COM1.txt", "_COM1.txt_")]
    #[case("console", "console")]
    #[case("größe", "gr__e")]
    fn a_name_can_be_unpacked_everywhere(#[case] wanted: &str, #[case] expected: &str) {
        assert_eq!(Names::default().take(wanted), expected);
    }

    #[test]
    fn no_two_names_are_the_same_whatever_their_case() {
        let mut names = Names::default();

        let given: Vec<String> = ["a:b", "a_b", "A_B", "a_b_2"].iter().map(|name| names.take(name)).collect();

        assert_eq!(given, ["a_b", "a_b_2", "A_B_3", "a_b_2_2"]);
    }
}
