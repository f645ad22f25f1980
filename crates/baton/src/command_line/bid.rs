use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The name of a resource on the command line: `bid:r:<type>/<id>`, or with its parent in front,
/// `bid:r:<parent type>/<parent id>/<type>/<id>` (baton ID-7).
///
/// Inside a part, `\`, `/` and `:` have a `\` in front.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ResourceBid {
    /// Type and id of the parent.
    pub parent: Option<(String, String)>,
    /// Type.
    pub resource_type: String,
    /// Id.
    pub id: String,
}

impl FromStr for ResourceBid {
    type Err = BidError;

    fn from_str(text: &str) -> Result<Self, BidError> {
        let rest = text.strip_prefix("bid:r:").ok_or(BidError)?;
        let parts = parts(rest).ok_or(BidError)?;
        if parts.iter().any(String::is_empty) {
            return Err(BidError);
        }
        match <[String; 4]>::try_from(parts) {
            Ok([parent_type, parent_id, resource_type, id]) => {
                Ok(Self { parent: Some((parent_type, parent_id)), resource_type, id })
            }
            Err(parts) => match <[String; 2]>::try_from(parts) {
                Ok([resource_type, id]) => Ok(Self { parent: None, resource_type, id }),
                Err(_) => Err(BidError),
            },
        }
    }
}

/// The parts between slashes; `None` if a sign stands where it has to be escaped.
fn parts(text: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut current = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => current.push(characters.next().filter(|next| matches!(next, '\\' | '/' | ':'))?),
            '/' => parts.push(std::mem::take(&mut current)),
            ':' => return None,
            other => current.push(other),
        }
    }
    parts.push(current);
    Some(parts)
}

impl fmt::Display for ResourceBid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bid:r:")?;
        if let Some((parent_type, parent_id)) = &self.parent {
            write!(f, "{}/{}/", escaped(parent_type), escaped(parent_id))?;
        }
        write!(f, "{}/{}", escaped(&self.resource_type), escaped(&self.id))
    }
}

fn escaped(part: &str) -> String {
    part.replace('\\', "\\\\").replace('/', "\\/").replace(':', "\\:")
}

/// A text that names no resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("this names no resource; write `bid:r:TYPE/ID`, with `\\` before each `\\`, `/` and `:` of a part")]
pub struct BidError;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    // rule: baton ID-7
    #[rstest]
    #[case("bid:r:user/u1", None, "user", "u1")]
    #[case("bid:r:workspace/ws1/group/g1", Some(("workspace", "ws1")), "group", "g1")]
    #[case(r"bid:r:user/a\/b\:c\\d", None, "user", r"a/b:c\d")]
    fn bids_are_read_and_written_alike(
        #[case] text: &str,
        #[case] parent: Option<(&str, &str)>,
        #[case] resource_type: &str,
        #[case] id: &str,
    ) {
        let bid: ResourceBid = text.parse().unwrap();

        let expected = parent.map(|(of, id)| (of.to_owned(), id.to_owned()));
        assert_eq!(
            (&bid.parent, bid.resource_type.as_str(), bid.id.as_str()),
            (&expected, resource_type, id)
        );
        assert_eq!(bid.to_string(), text);
    }

    // rule: baton ID-7
    #[rstest]
    #[case("")]
    #[case("user/u1")]
    #[case("bid:e:user/u1:member")]
    #[case("bid:r:user")]
    #[case("bid:r:user/")]
    #[case("bid:r:a/b/c")]
    #[case("bid:r:a/b/c/d/e")]
    #[case("bid:r:user/u:1")]
    #[case(r"bid:r:user/u\1")]
    #[case(r"bid:r:user/u\")]
    fn other_texts_name_no_resource(#[case] text: &str) {
        assert_eq!(text.parse::<ResourceBid>(), Err(BidError));
    }
}
