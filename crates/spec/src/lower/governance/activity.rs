use super::Access;
use crate::connector_file::governance::{Activity, TypedId};
use crate::raw;

/// All that expressions about an event see, besides settings.
const VARIABLES: &[&str] = &["item"];

impl Access<'_, '_> {
    pub(super) fn activity(mut self, raw: raw::Activity) -> Option<Activity> {
        let at = |key: &str| format!("activity.{key}");
        let names = ["since", "until"].map(str::to_owned);
        let when = self.lowering.condition_on_params(&at("when"), raw.when);
        let request = raw
            .list
            .and_then(|list| list.request)
            .map(|request| self.listing(&at("list.request"), request, &names));
        let id = self.expression(&at("id"), raw.id, VARIABLES);
        let time = self.expression(&at("time"), raw.time, VARIABLES);
        let action = self.expression(&at("action"), raw.action, VARIABLES);
        let (actor, actor_email) = match raw.actor {
            Some(actor) => {
                let email = self.expression(&at("actor.email"), actor.email, VARIABLES);
                let typed = raw::TypedId { r#type: actor.r#type, id: actor.id, types: actor.types };
                (self.typed_id(&at("actor"), typed, VARIABLES), email)
            }
            None => (None, None),
        };
        let (resource, resource_name) = match raw.resource {
            Some(resource) => {
                let name = self.expression(&at("resource.display_name"), resource.display_name, VARIABLES);
                let kind = self.expression(&at("resource.type"), resource.r#type, VARIABLES);
                let id = self.expression(&at("resource.id"), resource.id, VARIABLES);
                // Audit logs have words of their own for kinds, which nobody could list here.
                let typed = |(resource_type, id)| TypedId { resource_type, types: Vec::new(), id };
                (kind.zip(id).map(typed), name)
            }
            None => (None, None),
        };
        let kept = self.lowering.duration(&at("kept"), raw.kept.as_deref());
        Some(Activity {
            when,
            request: request?,
            id: id?,
            time: time?,
            actor: actor?,
            actor_email,
            action: action?,
            resource,
            resource_name,
            kept,
        })
    }
}
