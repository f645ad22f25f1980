use std::borrow::Cow;
use std::fmt::Write as _;

/// The text as it is shown on one line to somebody who decides by it: what would move the cursor,
/// break or turn the line, or not be seen at all, is written as an escape (`\n`, `\u{202e}`).
///
/// ```
/// assert_eq!(model::visible("Zoë · ana@example.com"), "Zoë · ana@example.com");
/// assert_eq!(model::visible("a\n  2  shop\u{1b}[2K"), "a\\n  2  shop\\u{1b}[2K");
/// ```
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for one in text.chars() {
        match one {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            one if is_hidden(one) => {
                // Writing to a `String` cannot fail.
                let _ = write!(shown, "{}", one.escape_unicode());
            }
            one => shown.push(one),
        }
    }
    Cow::Owned(shown)
}

/// Controls (C0, DEL, C1), line and paragraph separators, marks of direction, and marks that have no
/// form of their own. The two joiners stay: names of people are written with them.
fn is_hidden(one: char) -> bool {
    one.is_control()
        || matches!(one,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::line("a\nb", "a\\nb")]
    #[case::carriage("a\rb", "a\\rb")]
    #[case::escape("\u{1b}[1A", "\\u{1b}[1A")]
    #[case::c1("\u{9b}2K", "\\u{9b}2K")]
    #[case::direction("gpj.\u{202e}exe", "gpj.\\u{202e}exe")]
    #[case::separator("a\u{2028}b", "a\\u{2028}b")]
    #[case::unseen("a\u{200b}\u{e0041}", "a\\u{200b}\\u{e0041}")]
    #[case::names_stay("می\u{200c}خواهم Zoë 李", "می\u{200c}خواهم Zoë 李")]
    fn what_could_hide_or_invent_a_line_is_written_out(#[case] text: &str, #[case] shown: &str) {
        assert_eq!(visible(text), shown);
    }

    #[test]
    fn nothing_hidden_is_left_of_any_character() {
        let all: String = (char::MIN..=char::MAX).collect();

        let shown = visible(&all);

        assert!(!shown.contains(is_hidden));
    }
}
