use protos::annotations;
use protos::c1::connector::v2::{Grant, GrantImmutable};

/// The grant as the application reports it; `None` for one that only follows from others. A driver expands by
/// itself (baton §9), from the annotation `GrantExpandable` of the groups' grants.
pub(super) fn reported(mut grant: Grant) -> Option<Grant> {
    let Some(sources) = grant.sources.take() else { return Some(grant) };
    if sources.sources.is_empty() {
        return Some(grant);
    }
    let own = grant.entitlement.as_ref().map(|entitlement| entitlement.id.as_str()).unwrap_or_default();
    sources.sources.get(own)?;
    // What expansion adds to a grant that is both.
    annotations::remove::<GrantImmutable>(&mut grant.annotations);
    Some(grant)
}

#[cfg(test)]
mod tests {
    use protos::c1::connector::v2::grant_sources::GrantSource;
    use protos::c1::connector::v2::{Entitlement, GrantSources};

    use super::*;

    fn grant(sources: Option<&[&str]>) -> Grant {
        let entitlement = Entitlement { id: "role:r:member".to_owned(), ..Entitlement::default() };
        let sources = sources.map(|ids| {
            let all = ids.iter().map(|id| ((*id).to_owned(), GrantSource::default()));
            GrantSources { sources: all.collect() }
        });
        Grant { entitlement: Some(entitlement), sources, ..Grant::default() }
    }

    // rule: baton E-6, MSG-9
    #[test]
    fn only_what_follows_from_other_grants_is_left_to_the_driver() {
        assert_eq!(reported(grant(None)), Some(grant(None)));
        assert_eq!(reported(grant(Some(&[]))), Some(grant(None)));
        assert_eq!(reported(grant(Some(&["group:g:member"]))), None);
        assert_eq!(reported(grant(Some(&["role:r:member", "group:g:member"]))), Some(grant(None)));
    }
}
