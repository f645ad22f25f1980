//! Rows that an application gave although they carry somebody else's address (architecture §13.17).

use std::collections::BTreeSet;

use model::{Identities, Row};
use serde_json::Value;

use crate::category::covers;
use crate::collect::collect_values;
use crate::edge::Source;
use crate::filter::may_name;
use crate::{GraphCollection, TraversalNode};

/// Recognises foreign rows of one collection: it is read by e-mail or phone number, and the row
/// carries that kind of identity with only other values.
///
/// Such a row is counted and shown; it is not taken out, since a person may have an address that
/// nobody told us about.
#[derive(Default)]
pub struct ForeignRows {
    kinds: Vec<Kind>,
}

struct Kind {
    comparison: Comparison,
    /// Where a row carries this kind of identity.
    paths: Vec<Vec<String>>,
    /// The person's own values, as they are compared.
    own: BTreeSet<String>,
}

/// How two values of a kind are compared.
#[derive(Clone, Copy)]
enum Comparison {
    /// Letters in either case are the same.
    Email,
    /// Only digits count.
    Phone,
}

impl ForeignRows {
    /// For the rows of `node`, read for the person of these identities.
    pub fn new(node: &TraversalNode, identities: &Identities) -> Self {
        let known = [
            ("email", "user.contact.email", Comparison::Email),
            ("phone_number", "user.contact.phone_number", Comparison::Phone),
        ];
        let kinds = known.into_iter().filter(|(kind, _, _)| node.seeded_by().contains(kind)).map(
            |(kind, category, comparison)| Kind {
                comparison,
                paths: paths(node, kind, category),
                own: identities.values(kind).iter().filter_map(|value| comparison.form(value)).collect(),
            },
        );
        Self { kinds: kinds.collect() }
    }

    /// Whether rows of this JSON text, one a line, may be about somebody else; a `false` is certain.
    pub fn may_be_in_text(&self, text: &str) -> bool {
        let mut paths = self.kinds.iter().flat_map(|kind| &kind.paths);
        paths.any(|path| path.first().is_some_and(|name| may_name(text, name)))
    }

    /// Whether `row`, as it was received, is about somebody else.
    pub fn is_foreign(&self, row: &Row) -> bool {
        self.kinds.iter().any(|kind| kind.is_foreign(row))
    }
}

impl Kind {
    fn is_foreign(&self, row: &Row) -> bool {
        let (mut any, mut own) = (false, false);
        let mut look = |value: &Value| {
            if let Some(form) = self.comparison.form(value) {
                any = true;
                own |= self.own.contains(&form);
            }
        };
        for path in &self.paths {
            let Some((first, rest)) = path.split_first() else { continue };
            if let Some(value) = row.get(first) {
                collect_values(value, rest, &mut look);
            }
        }
        any && !own
    }
}

impl Comparison {
    /// The form in which equal values are equal; `None` if the value is no identity of this kind.
    fn form(self, value: &Value) -> Option<String> {
        let text = model::text_form(value)?;
        let form = match self {
            Self::Email => text.trim().to_lowercase(),
            Self::Phone => text.chars().filter(char::is_ascii_digit).collect(),
        };
        (!form.is_empty()).then_some(form)
    }
}

/// Fields of the kind's category, and those that the identity seeds.
fn paths(node: &TraversalNode, kind: &str, category: &str) -> Vec<Vec<String>> {
    let seeded = node.incoming.iter().filter_map(|edge| match &edge.source {
        Source::Identity(name) if name == kind => Some(edge.target.path.clone()),
        Source::Identity(_) | Source::Field(_) => None,
    });
    let distinct: BTreeSet<String> = seeded.chain(of_category(&node.collection, category)).collect();
    distinct.iter().map(|path| path.split('.').map(str::to_owned).collect()).collect()
}

fn of_category<'a>(collection: &'a GraphCollection, category: &'a str) -> impl Iterator<Item = String> + 'a {
    let of_kind = |categories: &[String]| categories.iter().any(|one| covers(category, one));
    let fields = collection.all_fields().into_iter();
    fields.filter(move |(_, field)| of_kind(&field.data_categories)).map(|(path, _)| path.join("."))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::fixture::{identities, node};

    fn rows() -> ForeignRows {
        let node = node(&["A: q^email traits.mail!user.contact.email seller!user.contact.email"], "A");
        let known = identities(&[("email", json!("Ana@example.com"))]);
        ForeignRows::new(&node, &known)
    }

    #[rstest]
    #[case::own_address(json!({"traits": {"mail": "ana@EXAMPLE.com"}}), false)]
    #[case::other_address(json!({"traits": {"mail": "bob@example.com"}}), true)]
    #[case::own_address_among_others(json!({"seller": "bob@example.com", "traits": [{"mail": "ana@example.com"}]}), false)]
    #[case::no_address(json!({"id": 1, "traits": {"mail": ""}}), false)]
    #[case::field_that_the_identity_seeds(json!({"q": ["bob@example.com"]}), true)]
    fn a_row_is_foreign_if_all_its_addresses_are_others(#[case] row: Value, #[case] expected: bool) {
        assert_eq!(rows().is_foreign(row.as_object().unwrap()), expected);
    }

    #[rstest]
    #[case(r#"{"traits":{"mail":"bob@example.com"}}"#, true)]
    #[case(r#"{"tr\u0061its":{"mail":"bob@example.com"}}"#, true)]
    #[case(r#"{"id":1,"other":"bob@example.com"}"#, false)]
    fn text_in_which_no_row_is_foreign_is_known(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(rows().may_be_in_text(text), expected);
    }

    #[test]
    fn phone_numbers_are_compared_by_their_digits() {
        let node = {
            let graph = crate::Graph::build(&[crate::fixture::dataset(&["A: phone^phone_number"])]).unwrap();
            let known = identities(&[("phone_number", json!("+1 555-0100"))]);
            graph.traverse(&known, crate::Targets::Everything).unwrap().nodes()[0].clone()
        };
        let known = identities(&[("phone_number", json!("+1 555-0100"))]);
        let rows = ForeignRows::new(&node, &known);

        assert!(!rows.is_foreign(json!({"phone": "+15550100"}).as_object().unwrap()));
        assert!(rows.is_foreign(json!({"phone": "+15550199"}).as_object().unwrap()));
    }

    #[test]
    fn a_collection_read_by_a_reference_has_no_foreign_rows() {
        let node = node(&["A: email^email id", "B: aid<A.id mail!user.contact.email"], "B");

        let rows = ForeignRows::new(&node, &crate::fixture::email());

        assert!(rows.kinds.is_empty());
        assert!(!rows.may_be_in_text(r#"{"mail":"bob@example.com"}"#));
    }
}
