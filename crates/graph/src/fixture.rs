//! Small graphs for tests, in the notation of privacy-requests 21.

use model::{CollectionAddress, Identities};
use serde_json::Value;
use spec::dataset_file::{DataKind, DataType};
use spec::reference::{Direction, FieldReference};

use crate::{Graph, GraphCollection, GraphDataset, GraphField, Targets, Traversal, TraversalNode};

/// Dataset `d`. Each collection is `NAME: field field …`, a field one of `id`, `email^KIND`,
/// `c<C.id` (from), `c>C.id` (to), `c-C.id` (either), with `!CATEGORY` behind it.
pub(crate) fn dataset(collections: &[&str]) -> GraphDataset {
    GraphDataset {
        fides_key: "d".into(),
        after: Vec::new(),
        collections: collections.iter().map(|text| collection(text)).collect(),
    }
}

pub(crate) fn collection(text: &str) -> GraphCollection {
    let (name, fields) = text.split_once(':').expect("NAME: fields");
    let mut collection = GraphCollection::empty(address(name));
    for text in fields.split_whitespace() {
        add_field(&mut collection.fields, text);
    }
    collection
}

fn add_field(fields: &mut Vec<GraphField>, text: &str) {
    let (text, category) =
        text.split_once('!').map_or((text, None), |(text, category)| (text, Some(category)));
    let sign = text.find(['^', '<', '>', '-']).unwrap_or(text.len());
    let (path, rest) = text.split_at(sign);
    let field = nested(fields, &path.split('.').collect::<Vec<_>>());
    field.data_categories.extend(category.map(str::to_owned));
    let mut rest = rest.chars();
    let direction = match rest.next() {
        Some('^') => {
            field.identities.push(rest.as_str().to_owned());
            return;
        }
        Some('<') => Direction::From,
        Some('>') => Direction::To,
        Some(_) => Direction::Either,
        None => return,
    };
    field.references.push(reference(rest.as_str(), direction));
}

fn nested<'a>(fields: &'a mut Vec<GraphField>, path: &[&str]) -> &'a mut GraphField {
    let (first, below) = path.split_first().expect("a path is not empty");
    let position = fields.iter().position(|field| field.name == *first).unwrap_or_else(|| {
        fields.push(GraphField::named(first));
        fields.len() - 1
    });
    let field = &mut fields[position];
    if below.is_empty() { field } else { nested(&mut field.fields, below) }
}

pub(crate) fn reference(target: &str, direction: Direction) -> FieldReference {
    let (collection, path) = target.split_once('.').expect("collection.field");
    FieldReference {
        dataset: "d".into(),
        collection: collection.into(),
        path: path.split('.').map(str::to_owned).collect(),
        direction,
    }
}

pub(crate) fn address(name: &str) -> CollectionAddress {
    CollectionAddress::new("d", name)
}

pub(crate) fn identities(pairs: &[(&str, Value)]) -> Identities {
    let mut identities = Identities::default();
    for (kind, value) in pairs {
        identities.insert(*kind, value.clone()).expect("a plain value");
    }
    identities
}

pub(crate) fn email() -> Identities {
    identities(&[("email", "ana@example.com".into())])
}

/// The traversal for a person of whom the e-mail is known.
pub(crate) fn by_email(collections: &[&str]) -> Traversal {
    let graph = Graph::build(&[dataset(collections)]).expect("a sound graph");
    graph.traverse(&email(), Targets::Everything).expect("a possible order")
}

/// The node of `name` in the traversal by e-mail, with these types of its fields.
pub(crate) fn node(collections: &[&str], name: &str) -> TraversalNode {
    by_email(collections).find(&address(name)).expect("a reachable collection").clone()
}

pub(crate) fn typed(kind: DataKind) -> DataType {
    DataType { kind, is_array: false }
}

/// `A<-B` for each edge of a node: which field takes values from which.
pub(crate) fn edges(node: &TraversalNode) -> Vec<String> {
    node.incoming
        .iter()
        .map(|edge| match &edge.source {
            crate::Source::Identity(kind) => format!("{}<-{kind}", edge.target.path),
            crate::Source::Field(field) => {
                format!("{}<-{}.{}", edge.target.path, field.collection.collection(), field.path)
            }
        })
        .collect()
}

pub(crate) fn names(traversal: &Traversal) -> Vec<&str> {
    traversal.nodes().iter().map(|node| node.address().collection()).collect()
}
