//! The one call of a change, from what is known of those it is about.

use std::collections::BTreeSet;

use connector::writes::WriteRequest;
use connector::{Bound, BoundKind};
use model::Row;
use serde_json::{Value, json};
use spec::connector_file::governance::{HeldGrants, ResourceType};
use spec::expression::{Expression, ExpressionError, Scope};

use super::ChangeError;
use super::live::{Live, Seen};
use super::target::{Entitlement, Target};
use crate::item::HeldTarget;

/// A call, and whether it leaves nothing of a list that it replaces.
pub(super) struct Written {
    pub(super) request: WriteRequest,
    pub(super) leaves_nothing: bool,
}

/// The entries of a principal's list by which it holds something, and the rest of the list.
struct Entries {
    each: Value,
    inner: Value,
    /// Each `each` that stays, with what stays of its inner list.
    rest: Vec<(Value, Vec<Value>)>,
}

impl Live<'_> {
    /// Writes down the call; nothing is sent.
    pub(super) fn write(&self, target: &Target<'_>) -> Result<Written, ChangeError> {
        let entries = match (target.rule, &target.principal, &target.entitlement) {
            (Some(rule), Some(principal), Some(entitlement)) => {
                let rule = (rule, target.of.grants.get(rule));
                self.entries((target.of, rule), principal, (target, entitlement))?
            }
            _ => None,
        };
        let principal = target.principal.as_ref().map(principal_value);
        let origin = target.entitlement.as_ref().and_then(|entitlement| entitlement.origin.as_ref());
        let origin = origin.map(Seen::value);
        let entitlement = target.entitlement.as_ref().map(|one| json!({"id": one.id, "slug": one.slug}));

        let mut row = Row::clone(self.mapper.params());
        row.extend(target.params.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))));
        let mut scope = Scope::of(&row);
        if !target.on_value.is_null() {
            scope.bind("resource", &target.on_value);
        }
        let known = [("principal", &principal), ("entitlement", &entitlement), ("from", &origin)];
        for (name, value) in known {
            if let Some(value) = value {
                scope.bind(name, value);
            }
        }
        if let Some(entries) = &entries {
            scope.bind("each", &entries.each);
            scope.bind("inner", &entries.inner);
        }

        let mut bound = Bound::new();
        bind(&mut bound, "resource", &target.on_value);
        if let Some(principal) = &principal {
            bind(&mut bound, "principal", principal);
        }
        if let Some(origin) = &origin {
            bind(&mut bound, "from", origin);
        }
        if let Some(entitlement) = &target.entitlement {
            bound.set("entitlement.slug", entitlement.slug.as_str(), BoundKind::Plain);
        }
        for (name, value) in &target.params {
            bound.set(name, value.as_str(), BoundKind::Personal);
        }
        let failed =
            |key: String, source| ChangeError::Expression { kind: target.of.id.clone(), key, source };
        for (name, expression) in &target.write.vars {
            let value =
                expression.evaluate(&scope).map_err(|source| failed(format!("vars.{name}"), source))?;
            bound.set(&format!("vars.{name}"), value, BoundKind::Personal);
        }
        let mut leaves_nothing = false;
        if let (Some(rest), Some(entries)) = (&target.write.rest, &entries) {
            let rest =
                rest_of(rest, &entries.rest, &scope).map_err(|source| failed("rest".to_owned(), source))?;
            leaves_nothing = rest.is_empty();
            bound.set("rest", Value::Array(rest), BoundKind::Personal);
        }
        let place = format!("governance.{}", target.of.id);
        let request = self.parts.connector.prepare_bound_write((&target.write.request, &place), &bound)?;
        Ok(Written { request, leaves_nothing })
    }

    /// Which entries say that the principal holds it, and what is left without exactly those.
    fn entries(
        &self,
        (kind, (number, rule)): (&ResourceType, (usize, Option<&HeldGrants>)),
        principal: &Seen,
        (target, entitlement): (&Target<'_>, &Entitlement),
    ) -> Result<Option<Entries>, ChangeError> {
        let Some(rule) = rule else { return Ok(None) };
        let Some(each) = &rule.each else { return Ok(None) };
        let mut scope = Scope::of(self.mapper.params()).with("item", &principal.item);
        if let Some(of) = &principal.view.of {
            scope.bind("parent", of);
        }
        if let Some(value) = &principal.view.value {
            scope.bind("value", value);
        }
        let failed = |key: &str, source| ChangeError::Expression {
            kind: kind.id.clone(),
            key: key.to_owned(),
            source,
        };
        let is_it = |found: &HeldTarget| match (found, &entitlement.origin) {
            (HeldTarget::Slug(slug), None) => *slug == entitlement.slug,
            (HeldTarget::From(origin), Some(known)) => *origin == known.name.id,
            // An origin that its list does not have stands for itself.
            (HeldTarget::From(origin), None) => *origin == entitlement.slug,
            (HeldTarget::Slug(_), Some(_)) => false,
        };
        let mut taken = BTreeSet::new();
        for found in self.mapper.held_by_rule(kind, (number, rule), &scope)? {
            let on = (&found.item.resource_type, &found.item.resource_id);
            if on == (&target.on.kind, &target.on.id) && is_it(&found.item.target) {
                taken.insert(found.at);
            }
        }
        let Some(first) = taken.first().copied() else { return Ok(None) };
        let all = each.evaluate_list(&scope).map_err(|source| failed("grants.each", source))?;
        let mut entries = Entries { each: Value::Null, inner: Value::Null, rest: Vec::new() };
        for (outer, each) in all.into_iter().enumerate() {
            let Some(inner) = &rule.inner else {
                if first.0 == outer {
                    entries.each = each.clone();
                }
                if !taken.contains(&(outer, 0)) {
                    entries.rest.push((each, Vec::new()));
                }
                continue;
            };
            let inners = inner.evaluate_list(&scope.inner().with("each", &each));
            let inners = inners.map_err(|source| failed("grants.inner", source))?;
            if first.0 == outer {
                entries.inner = inners.get(first.1).cloned().unwrap_or_default();
                entries.each = each.clone();
            }
            let count = inners.len();
            let kept = inners.into_iter().enumerate().filter(|(place, _)| !taken.contains(&(outer, *place)));
            let kept: Vec<Value> = kept.map(|(_, inner)| inner).collect();
            // One that had nothing before is not ours to judge.
            if !kept.is_empty() || count == 0 {
                entries.rest.push((each, kept));
            }
        }
        Ok(Some(entries))
    }
}

fn rest_of(
    rest: &Expression,
    entries: &[(Value, Vec<Value>)],
    scope: &Scope<'_>,
) -> Result<Vec<Value>, ExpressionError> {
    let mut all = Vec::with_capacity(entries.len());
    for (each, inners) in entries {
        let inners = Value::Array(inners.clone());
        all.push(rest.evaluate(&scope.inner().with("each", each).with("inners", &inners))?);
    }
    Ok(all)
}

/// A principal as expressions and placeholders see it.
fn principal_value(seen: &Seen) -> Value {
    let mut value = seen.value();
    if let Value::Object(members) = &mut value {
        let user = seen.resource.user.as_deref();
        let email = user.and_then(|user| user.emails.first());
        members.insert("email".to_owned(), json!(email));
        members.insert("login".to_owned(), json!(user.and_then(|user| user.login.as_ref()).or(email)));
        members.insert("item".to_owned(), seen.item.clone());
    }
    value
}

/// Binds the plain members of a resource, and its parent's kind and id.
fn bind(bound: &mut Bound, name: &str, value: &Value) {
    let Some(members) = value.as_object() else { return };
    for (member, value) in members {
        match value {
            Value::String(_) => bound.set(&format!("{name}.{member}"), value.clone(), BoundKind::Personal),
            Value::Object(inner) if member == "parent" => {
                for (member, value) in inner {
                    bound.set(&format!("{name}.parent.{member}"), value.clone(), BoundKind::Personal);
                }
            }
            _ => {}
        }
    }
}
