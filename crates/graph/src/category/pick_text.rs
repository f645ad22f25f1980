//! Picking parts of rows from text to text: a package needs no values of them.

use model::{JsonKind, JsonText};

use super::{FieldTree, Selection};

impl Selection {
    /// Adds the selected part of a row that is JSON text to `out`, as the text of what [`Selection::pick`]
    /// gives; whether anything is left of it.
    ///
    /// `None` if values have to be made of the row for that, as [`JsonText`] has it. Where nothing was added
    /// `out` is as it was.
    pub fn pick_text(&self, row: &str, out: &mut Vec<u8>) -> Option<bool> {
        let start = out.len();
        let mut text = JsonText::of(row);
        let picked = match (self, text.kind()?) {
            (Self::Nothing, _) => return Some(false),
            (Self::Fields(tree), JsonKind::Object) => tree.pick_members_text(&mut text, out),
            (Self::Whole, JsonKind::Object) => text.copy(out).map(|()| true),
            (Self::Whole | Self::Fields(_), JsonKind::Array | JsonKind::Scalar) => None,
        };
        let picked = picked.filter(|_| text.is_over());
        if picked != Some(true) {
            out.truncate(start);
        }
        picked
    }
}

impl FieldTree {
    /// Adds the selected part of the value that comes next to `out`, and goes over it; whether anything was
    /// added. `None` as for [`Selection::pick_text`].
    pub fn pick_text(&self, text: &mut JsonText<'_>, out: &mut Vec<u8>) -> Option<bool> {
        match text.kind()? {
            JsonKind::Object => self.pick_members_text(text, out),
            JsonKind::Array => self.pick_items_text(text, out),
            JsonKind::Scalar => text.copy(out).map(|()| true),
        }
    }

    fn pick_members_text(&self, text: &mut JsonText<'_>, out: &mut Vec<u8>) -> Option<bool> {
        let start = out.len();
        out.push(b'{');
        text.object(|text, name| {
            let Some(below) = self.of_member(name) else { return text.skip() };
            let before = out.len();
            separate(out, start);
            // It stood without escapes, and does so here.
            out.push(b'"');
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":");
            if !below.pick_text(text, out)? {
                out.truncate(before);
            }
            Some(())
        })?;
        Some(close(out, start, b'}'))
    }

    fn pick_items_text(&self, text: &mut JsonText<'_>, out: &mut Vec<u8>) -> Option<bool> {
        let start = out.len();
        out.push(b'[');
        text.array(|text| {
            let before = out.len();
            separate(out, start);
            if !self.pick_text(text, out)? {
                out.truncate(before);
            }
            Some(())
        })?;
        Some(close(out, start, b']'))
    }
}

/// A comma, unless this is the first thing behind the bracket at `start`.
fn separate(out: &mut Vec<u8>, start: usize) {
    if out.len() > start + 1 {
        out.push(b',');
    }
}

/// Ends what began with the bracket at `start`, or takes it back if there is nothing in it.
fn close(out: &mut Vec<u8>, start: usize, bracket: u8) -> bool {
    let holds_something = out.len() > start + 1;
    if holds_something {
        out.push(bracket);
    } else {
        out.truncate(start);
    }
    holds_something
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::Value;

    use super::*;

    /// What is picked from text, and from the values of the same row.
    fn both(paths: &[&str], row: &str) -> (Option<String>, Option<String>) {
        let selection = Selection::Fields(FieldTree::from_paths(paths.iter().copied()));
        let mut out = b"before".to_vec();
        let kept = selection.pick_text(row, &mut out).unwrap();
        let from_text = String::from_utf8(out).unwrap().strip_prefix("before").unwrap().to_owned();
        assert_eq!(kept, !from_text.is_empty());
        let values: Value = serde_json::from_str(row).unwrap();
        let from_values = selection.pick(values.as_object().unwrap().clone());
        (kept.then_some(from_text), from_values.map(|row| Value::Object(row).to_string()))
    }

    #[rstest]
    #[case(&["a"], r#"{"a":1,"b":2}"#)]
    #[case(&["b", "a"], r#"{"a":1.50,"b":null,"c":""}"#)]
    #[case(&["x"], r#"{"a":1}"#)]
    #[case(&["a"], r#"{"a":{"b":{},"c":[[],{}]}}"#)]
    #[case(&["a"], r#"{"a":{"b":{},"c":[[1],{"d":""}],"e":null}}"#)]
    #[case(&["a.b"], r#"{"a":[{"b":1,"c":2},{"c":3},4],"d":5}"#)]
    #[case(&["a.b"], r#"{"a":[{"c":3}]}"#)]
    #[case(&["a", "a.b"], r#"{"a":{"b":1,"c":2}}"#)]
    #[case(&["a.b.c", "a.d"], r#"{ "a" : { "b" : { "c" : "x\/" } , "d" : [ ] } }"#)]
    fn text_and_values_give_the_same(#[case] paths: &[&str], #[case] row: &str) {
        let (from_text, from_values) = both(paths, row);

        assert_eq!(from_text, from_values);
    }

    #[rstest]
    #[case(r#"{"a":1,"a":2}"#)]
    #[case(r#"{"a\n":1}"#)]
    #[case(r#"{"a":1"#)]
    #[case("[1]")]
    fn a_row_that_only_values_do_justice_to_adds_nothing(#[case] row: &str) {
        let mut out = b"before".to_vec();

        let picked = Selection::Fields(FieldTree::from_paths(["a"])).pick_text(row, &mut out);

        assert_eq!((picked, out.as_slice()), (None, b"before".as_slice()));
    }

    #[test]
    fn whole_rows_and_nothing_are_selections_too() {
        let mut out = Vec::new();

        assert_eq!(Selection::Whole.pick_text(r#"{"a": {}}"#, &mut out), Some(true));
        assert_eq!(Selection::Nothing.pick_text(r#"{"a": {}}"#, &mut out), Some(false));

        assert_eq!(out, br#"{"a":{}}"#);
    }

    fn json() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<i8>().prop_map(Value::from),
            "[a\"]{0,2}".prop_map(Value::from)
        ];
        scalar.prop_recursive(4, 30, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec(("[abc]", inner), 0..4)
                    .prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_row_is_picked_otherwise_from_text(
            members in prop::collection::vec(("[abc]", json()), 0..4),
            paths in prop::collection::vec("[abc](\\.[abc]){0,2}", 1..4),
        ) {
            let row: Value = members.into_iter().collect();
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();

            let (from_text, from_values) = both(&paths, &row.to_string());

            prop_assert_eq!(from_text, from_values);
        }
    }
}
