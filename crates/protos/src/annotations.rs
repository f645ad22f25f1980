//! Annotations: lists of [`Any`] in which a message type stands at most once, with a few exceptions.
//!
//! Unknown annotations are kept and skipped. Whoever writes one replaces what is there of its type (MSG-1).

use prost::{DecodeError, Message, Name};
use prost_types::Any;

/// `message` as an annotation, with the type URL that all runtimes use (MSG-2).
pub fn pack<M: Message + Name>(message: &M) -> Any {
    Any { type_url: M::type_url(), value: message.encode_to_vec() }
}

/// Whether `any` holds a message of the type `M`.
///
/// Only what stands after the last `/` of the type URL counts.
pub fn is<M: Name>(any: &Any) -> bool {
    let name = any.type_url.rsplit('/').next().unwrap_or_default();
    name.strip_suffix(M::NAME).and_then(|rest| rest.strip_suffix('.')) == Some(M::PACKAGE)
}

/// Whether the list has an annotation of the type `M`.
pub fn contains<M: Name>(annotations: &[Any]) -> bool {
    annotations.iter().any(is::<M>)
}

/// The annotation of the type `M`; the first one, if a foreign writer appended a second.
///
/// # Errors
/// If its content is not such a message.
pub fn find<M: Message + Name + Default>(annotations: &[Any]) -> Result<Option<M>, DecodeError> {
    annotations.iter().find(|any| is::<M>(any)).map(|any| M::decode(any.value.as_slice())).transpose()
}

/// All annotations of the type `M`, for the types that may stand several times (`ChildResourceType`).
///
/// # Errors
/// If the content of one is not such a message.
pub fn list<M: Message + Name + Default>(annotations: &[Any]) -> Result<Vec<M>, DecodeError> {
    annotations.iter().filter(|any| is::<M>(any)).map(|any| M::decode(any.value.as_slice())).collect()
}

/// Puts `message` in the place of the annotations of its type, or at the end if there was none.
pub fn replace<M: Message + Name>(annotations: &mut Vec<Any>, message: &M) {
    let place = annotations.iter().position(is::<M>).unwrap_or(annotations.len());
    remove::<M>(annotations);
    annotations.insert(place, pack(message));
}

/// Adds `message` beside others of its type, for the types that may stand several times.
pub fn append<M: Message + Name>(annotations: &mut Vec<Any>, message: &M) {
    annotations.push(pack(message));
}

/// Takes out all annotations of the type `M` and says whether there were any.
pub fn remove<M: Name>(annotations: &mut Vec<Any>) -> bool {
    let before = annotations.len();
    annotations.retain(|any| !is::<M>(any));
    annotations.len() < before
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::c1::connector::v2::{ChildResourceType, GrantImmutable, SkipGrants, V1Identifier};

    fn child(id: &str) -> ChildResourceType {
        ChildResourceType { resource_type_id: id.to_owned() }
    }

    // MSG-2
    #[test]
    fn a_type_url_is_the_usual_domain_and_the_full_name() {
        assert_eq!(pack(&SkipGrants {}).type_url, "type.googleapis.com/c1.connector.v2.SkipGrants");
    }

    // MSG-1
    #[test]
    fn replacing_keeps_one_in_the_place_of_the_first() {
        let old = pack(&V1Identifier { id: "old".into() });
        let unknown = Any { type_url: "type.googleapis.com/a.b.C".into(), value: vec![1] };
        let mut list = vec![old.clone(), unknown.clone(), old];

        replace(&mut list, &V1Identifier { id: "new".into() });
        replace(&mut list, &GrantImmutable::default());

        assert_eq!(
            list,
            [pack(&V1Identifier { id: "new".into() }), unknown, pack(&GrantImmutable::default())]
        );
    }

    #[test]
    fn a_name_that_only_ends_alike_is_another_type() {
        let alike =
            Any { type_url: "type.googleapis.com/x.c1.connector.v2.SkipGrants".into(), value: vec![] };
        let own_domain =
            Any { type_url: "example.com/types/c1.connector.v2.SkipGrants".into(), value: vec![] };

        assert!(!is::<SkipGrants>(&alike));
        assert!(is::<SkipGrants>(&own_domain));
    }

    #[test]
    fn types_that_repeat_are_listed_in_order_and_removed_together() {
        let mut annotations = vec![pack(&SkipGrants {})];
        append(&mut annotations, &child("user"));
        append(&mut annotations, &child("group"));

        assert_eq!(list::<ChildResourceType>(&annotations), Ok(vec![child("user"), child("group")]));
        assert!(remove::<ChildResourceType>(&mut annotations));
        assert!(!remove::<ChildResourceType>(&mut annotations));
        assert!(contains::<SkipGrants>(&annotations));
    }

    #[test]
    fn content_that_is_no_message_is_an_error_and_not_an_absence() {
        let broken = Any { value: vec![0x0a, 5, 1], ..pack(&V1Identifier::default()) };

        assert!(find::<V1Identifier>(&[broken]).is_err());
        assert_eq!(find::<V1Identifier>(&[]), Ok(None));
    }
}
