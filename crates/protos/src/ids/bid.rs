use std::fmt::{self, Write};
use std::str::FromStr;

use thiserror::Error;

use super::EmptyPart;
use crate::c1::connector::v2::{Entitlement, Grant, Resource, ResourceId};

/// The name of an object as command lines and annotations spell it (ID-7).
///
/// `bid:r:user/u1`, `bid:e:group/g1:member`, `bid:g:group/g1:member:user/u1`; each resource may stand behind its
/// parent: `bid:r:workspace/w1/user/u1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Bid {
    /// A resource.
    Resource(ResourceBid),
    /// An entitlement.
    Entitlement {
        /// The resource it is on.
        resource: ResourceBid,
        /// Its slug.
        slug: String,
    },
    /// A grant.
    Grant {
        /// The resource that the entitlement is on.
        resource: ResourceBid,
        /// The entitlement's slug.
        slug: String,
        /// Who holds it.
        principal: ResourceBid,
    },
}

/// The part of a [`Bid`] that names a resource.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ResourceBid {
    /// Type and id of the parent.
    pub parent: Option<(String, String)>,
    /// The resource's type.
    pub resource_type: String,
    /// The resource's id.
    pub id: String,
}

/// Why a text is not a [`Bid`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BidError {
    /// It starts otherwise.
    #[error("a bid starts with `bid:r:`, `bid:e:` or `bid:g:`; `{text}` does not")]
    Start {
        /// The text.
        text: String,
    },
    /// It has too many parts or too few.
    #[error("`{text}` does not have the form {form}; put `\\` before each `:`, `/` and `\\` inside a value")]
    Form {
        /// The text.
        text: String,
        /// What the start of the text promises.
        form: &'static str,
    },
    /// A `\` stands before nothing or before a character that needs none.
    #[error("`{text}` has a `\\` that escapes nothing; write `\\\\` for the character itself")]
    Escape {
        /// The text.
        text: String,
    },
    /// A part is empty.
    #[error(transparent)]
    Empty(#[from] EmptyPart),
}

const RESOURCE: &str = "bid:r:[<parent type>/<parent id>/]<type>/<id>";
const ENTITLEMENT: &str = "bid:e:<resource>:<slug>";
const GRANT: &str = "bid:g:<resource>:<slug>:<principal>";

impl Bid {
    /// The bid of a resource.
    ///
    /// # Errors
    /// If it lacks a part of its id.
    pub fn of_resource(resource: &Resource) -> Result<Self, EmptyPart> {
        ResourceBid::of(resource).map(Self::Resource)
    }

    /// The bid of an entitlement.
    ///
    /// # Errors
    /// If it lacks its slug, its resource, or a part of the resource's id.
    pub fn of_entitlement(entitlement: &Entitlement) -> Result<Self, EmptyPart> {
        let (resource, slug) = entitlement_parts(Some(entitlement))?;
        Ok(Self::Entitlement { resource, slug })
    }

    /// The bid of a grant.
    ///
    /// # Errors
    /// If its entitlement or its principal lacks a part.
    pub fn of_grant(grant: &Grant) -> Result<Self, EmptyPart> {
        let (resource, slug) = entitlement_parts(grant.entitlement.as_ref())?;
        let principal = grant.principal.as_ref().ok_or(EmptyPart { part: "principal" })?;
        Ok(Self::Grant { resource, slug, principal: ResourceBid::of(principal)? })
    }
}

fn entitlement_parts(entitlement: Option<&Entitlement>) -> Result<(ResourceBid, String), EmptyPart> {
    let entitlement = entitlement.ok_or(EmptyPart { part: "entitlement" })?;
    let resource = entitlement.resource.as_ref().ok_or(EmptyPart { part: "resource" })?;
    let slug = super::filled(&entitlement.slug, "slug")?;
    Ok((ResourceBid::of(resource)?, slug.to_owned()))
}

impl ResourceBid {
    /// The part of a bid that names `resource`.
    ///
    /// # Errors
    /// If it lacks a part of its id or its parent's.
    pub fn of(resource: &Resource) -> Result<Self, EmptyPart> {
        let id = resource.id.as_ref().ok_or(EmptyPart { part: "resource id" })?;
        let (resource_type, id) = pair(id, ("resource type", "resource id"))?;
        let parent = resource.parent_resource_id.as_ref();
        let parent = parent.map(|parent| pair(parent, ("parent type", "parent id"))).transpose()?;
        Ok(Self { parent, resource_type, id })
    }
}

fn pair(id: &ResourceId, parts: (&'static str, &'static str)) -> Result<(String, String), EmptyPart> {
    let resource_type = super::filled(&id.resource_type, parts.0)?;
    Ok((resource_type.to_owned(), super::filled(&id.resource, parts.1)?.to_owned()))
}

impl fmt::Display for Bid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resource(resource) => write!(formatter, "bid:r:{resource}"),
            Self::Entitlement { resource, slug } => write!(formatter, "bid:e:{resource}:{}", Escaped(slug)),
            Self::Grant { resource, slug, principal } => {
                write!(formatter, "bid:g:{resource}:{}:{principal}", Escaped(slug))
            }
        }
    }
}

impl fmt::Display for ResourceBid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((parent_type, parent_id)) = &self.parent {
            write!(formatter, "{}/{}/", Escaped(parent_type), Escaped(parent_id))?;
        }
        write!(formatter, "{}/{}", Escaped(&self.resource_type), Escaped(&self.id))
    }
}

/// A value with `\` before the characters that have a meaning in a bid.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            if matches!(character, '\\' | '/' | ':') {
                formatter.write_char('\\')?;
            }
            formatter.write_char(character)?;
        }
        Ok(())
    }
}

impl FromStr for Bid {
    type Err = BidError;

    fn from_str(text: &str) -> Result<Self, BidError> {
        let of_form = |form| BidError::Form { text: text.to_owned(), form };
        if let Some(rest) = text.strip_prefix("bid:r:") {
            let [resource] = sections(text, rest)?.try_into().map_err(|_| of_form(RESOURCE))?;
            Ok(Self::Resource(resource_of(resource)?.ok_or_else(|| of_form(RESOURCE))?))
        } else if let Some(rest) = text.strip_prefix("bid:e:") {
            let [resource, slug] = sections(text, rest)?.try_into().map_err(|_| of_form(ENTITLEMENT))?;
            let resource = resource_of(resource)?.ok_or_else(|| of_form(ENTITLEMENT))?;
            Ok(Self::Entitlement { resource, slug: slug_of(slug)?.ok_or_else(|| of_form(ENTITLEMENT))? })
        } else if let Some(rest) = text.strip_prefix("bid:g:") {
            let [resource, slug, principal] = sections(text, rest)?.try_into().map_err(|_| of_form(GRANT))?;
            let resource = resource_of(resource)?.ok_or_else(|| of_form(GRANT))?;
            let slug = slug_of(slug)?.ok_or_else(|| of_form(GRANT))?;
            Ok(Self::Grant {
                resource,
                slug,
                principal: resource_of(principal)?.ok_or_else(|| of_form(GRANT))?,
            })
        } else {
            Err(BidError::Start { text: text.to_owned() })
        }
    }
}

/// Splits at `:` and inside at `/`, and takes the escapes out of the values. `text` is named in errors.
fn sections(text: &str, rest: &str) -> Result<Vec<Vec<String>>, BidError> {
    let mut sections = vec![vec![]];
    let mut value = String::new();
    let mut characters = rest.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some(escaped @ ('\\' | '/' | ':')) => value.push(escaped),
                _ => return Err(BidError::Escape { text: text.to_owned() }),
            },
            ':' => {
                if let Some(section) = sections.last_mut() {
                    section.push(std::mem::take(&mut value));
                }
                sections.push(vec![]);
            }
            '/' => {
                if let Some(section) = sections.last_mut() {
                    section.push(std::mem::take(&mut value));
                }
            }
            other => value.push(other),
        }
    }
    if let Some(section) = sections.last_mut() {
        section.push(value);
    }
    Ok(sections)
}

fn resource_of(section: Vec<String>) -> Result<Option<ResourceBid>, EmptyPart> {
    let (parent, resource_type, id) = match <[String; 4]>::try_from(section) {
        Ok([parent_type, parent_id, resource_type, id]) => {
            super::filled(&parent_type, "parent type")?;
            super::filled(&parent_id, "parent id")?;
            (Some((parent_type, parent_id)), resource_type, id)
        }
        Err(section) => match <[String; 2]>::try_from(section) {
            Ok([resource_type, id]) => (None, resource_type, id),
            Err(_) => return Ok(None),
        },
    };
    super::filled(&resource_type, "resource type")?;
    super::filled(&id, "resource id")?;
    Ok(Some(ResourceBid { parent, resource_type, id }))
}

fn slug_of(section: Vec<String>) -> Result<Option<String>, EmptyPart> {
    let Ok([slug]) = <[String; 1]>::try_from(section) else { return Ok(None) };
    super::filled(&slug, "slug")?;
    Ok(Some(slug))
}

#[cfg(test)]
mod tests;
