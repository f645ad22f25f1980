//! Which columns are read (privacy-requests Q-1).

use std::collections::BTreeSet;

use graph::{Edge, GraphCollection, GraphField, Source, Traversal, TraversalNode};

/// The top-level fields that are read, sorted: keys, identities, both ends of edges, references,
/// and what has a category outside `system`. All, if that leaves none.
pub(crate) fn necessary(collection: &GraphCollection, edges: &BTreeSet<String>) -> Vec<String> {
    let fields = collection.all_fields();
    let chosen: BTreeSet<&str> = fields
        .iter()
        .filter(|(path, field)| is_necessary(field) || edges.contains(&path.join(".")))
        .filter_map(|(path, _)| path.first().copied())
        .collect();
    let all = || collection.fields.iter().map(|field| field.name.as_str()).collect::<BTreeSet<_>>();
    let chosen = if chosen.is_empty() { all() } else { chosen };
    chosen.into_iter().map(str::to_owned).collect()
}

fn is_necessary(field: &GraphField) -> bool {
    let personal = |category: &String| category != "system" && !category.starts_with("system.");
    field.primary_key
        || !field.identities.is_empty()
        || !field.references.is_empty()
        || field.data_categories.iter().any(personal)
}

/// The paths of `node`'s fields at which edges of the traversal end or begin.
pub(crate) fn edge_paths(node: &TraversalNode, traversal: &Traversal) -> BTreeSet<String> {
    let ends = node.incoming.iter().map(|edge| edge.target.path.clone());
    let begins = traversal.nodes().iter().flat_map(|other| &other.incoming).filter_map(|edge: &Edge| {
        match &edge.source {
            Source::Field(field) if field.collection == *node.address() => Some(field.path.clone()),
            Source::Field(_) | Source::Identity(_) => None,
        }
    });
    ends.chain(begins).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, categories: &[&str]) -> GraphField {
        GraphField {
            name: name.into(),
            data_categories: categories.iter().map(|category| (*category).to_owned()).collect(),
            ..GraphField::default()
        }
    }

    fn collection(fields: Vec<GraphField>) -> GraphCollection {
        GraphCollection {
            address: "shop:customers".parse().unwrap(),
            data_categories: Vec::new(),
            fields,
            grouped_inputs: Vec::new(),
            after: Vec::new(),
            erase_after: Vec::new(),
            filter_references: Vec::new(),
            masking_strategy_override: None,
            redacted: false,
            dataset_redacted: false,
        }
    }

    // rule: privacy-requests Q-1
    #[test]
    fn only_necessary_columns_are_read() {
        let id = GraphField { primary_key: true, ..field("id", &[]) };
        let email = GraphField { identities: vec!["email".into()], ..field("email", &["system.operations"]) };
        let address = GraphField { fields: vec![field("city", &["user.contact"])], ..field("address", &[]) };
        let fields = vec![
            field("note", &["system"]),
            field("rank", &["system.operations"]),
            field("plain", &[]),
            field("systematic", &["systematic"]),
            field("shop_id", &[]),
            address,
            email,
            id,
        ];

        let found = necessary(&collection(fields), &BTreeSet::from(["shop_id".to_owned()]));

        assert_eq!(found, ["address", "email", "id", "shop_id", "systematic"]);
    }

    // rule: privacy-requests Q-1
    #[test]
    fn all_columns_are_read_where_none_is_necessary() {
        let found = necessary(&collection(vec![field("b", &[]), field("a", &["system"])]), &BTreeSet::new());

        assert_eq!(found, ["a", "b"]);
    }
}
