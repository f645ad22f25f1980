//! What the application says right now: single resources, lists, and who holds an entitlement.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use connector::{Bound, ListAnswers, ReadError};
use model::{CallStats, Completeness};
use serde_json::{Value, json};
use spec::connector_file::governance::{
    Entitlements, Governance, ListPlace, ListedResources, ResourceSource, ResourceType,
};
use spec::connector_file::{QueryValue, Request};
use spec::template::Template;

use super::derived::Derivation;
use super::{ChangeError, ChangeParts, ResourceName};
use crate::item::{Item, ResourceItem};
use crate::mapping::{Mapper, UnitView, resource_value};

/// A resource as the application shows it now.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) name: ResourceName,
    /// As the application sent it; null for one that the file names.
    pub(super) item: Value,
    /// What it was listed with.
    pub(super) view: UnitView,
    /// What of it the file asks for.
    pub(super) resource: ResourceItem,
}

impl Seen {
    /// Its name for people, or its id.
    pub(super) fn display_name(&self) -> &str {
        self.resource.display_name.as_deref().unwrap_or(&self.name.id)
    }

    /// The resource that it is listed below, or says that it is below.
    pub(super) fn parent(&self) -> Option<ResourceName> {
        let own = self.resource.parent.as_ref().map(|(kind, id)| ResourceName::new(kind, id));
        let text = |member| self.view.of.as_ref()?.get(member)?.as_str();
        own.or_else(|| Some(ResourceName::new(text("type")?, text("id")?)))
    }

    /// As expressions see it.
    pub(super) fn value(&self) -> Value {
        let mut value = resource_value(&self.name.kind, &self.name.id, Some(self.display_name()));
        if let Value::Object(members) = &mut value {
            let description = self.resource.description.as_deref().unwrap_or_default();
            members.insert("description".to_owned(), description.into());
            if let Some(parent) = self.parent() {
                members.insert("parent".to_owned(), json!(parent));
            }
        }
        value
    }
}

/// What is derived, by kind and place of the entitlements.
pub(super) type Derivations = HashMap<(String, usize), Arc<Vec<Derivation>>>;

/// Reads for one change. What does not change by it is read once.
pub(super) struct Live<'a> {
    pub(super) parts: &'a ChangeParts,
    pub(super) mapper: &'a Mapper,
    all: Mutex<HashMap<String, Arc<Vec<Seen>>>>,
    pub(super) derived: Mutex<Derivations>,
}

impl<'a> Live<'a> {
    pub(super) fn new(parts: &'a ChangeParts, mapper: &'a Mapper) -> Self {
        Self { parts, mapper, all: Mutex::default(), derived: Mutex::default() }
    }

    pub(super) fn governance(&self) -> &'a Governance {
        self.mapper.governance().expect("changes begin only with a file that has the section")
    }

    pub(super) fn kind(&self, id: &str) -> Result<&'a ResourceType, ChangeError> {
        self.governance().find_type(id).ok_or_else(|| {
            let known = self.governance().resource_types.iter().map(|kind| format!("`{}`", kind.id));
            ChangeError::UnknownKind { kind: id.to_owned(), known: known.collect::<Vec<_>>().join(", ") }
        })
    }

    /// One resource; `None` if the application says that it is not there.
    pub(super) async fn find(&self, name: &ResourceName) -> Result<Option<Seen>, ChangeError> {
        let kind = self.kind(&name.kind)?;
        let single = match (&kind.source, &kind.get) {
            (ResourceSource::Listed(listed), Some(get)) => {
                // Below which of several it is, only the list says.
                self.only_view(listed).await?.map(|view| (listed, &get.request, view))
            }
            (ResourceSource::Listed(_) | ResourceSource::Static(_), _) => None,
        };
        let Some((listed, request, view)) = single else {
            let mut found = None;
            self.each(kind, |seen| {
                if seen.name == *name {
                    found = Some(seen);
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            })
            .await?;
            return Ok(found);
        };
        let Some(item) = self.get(kind, request, (&name.id, &view)).await? else {
            self.check_sight(listed, kind).await?;
            return Ok(None);
        };
        Ok(self.seen((kind, listed), item, view)?.filter(|seen| seen.name == *name))
    }

    /// Some applications say "not there" to whoever may not look: the list tells the two apart.
    async fn check_sight(&self, listed: &ListedResources, kind: &ResourceType) -> Result<(), ChangeError> {
        let Some(view) = self.views(listed).await?.into_iter().next() else { return Ok(()) };
        let bound = view.bind("parent");
        let place = format!("governance.{}", kind.id);
        let answers = ListAnswers { unavailable: Vec::new(), requires: self.governance().requires.clone() };
        let list = self.parts.connector.list((&listed.request, &place), &bound, answers);
        let mut reader = list.map_err(|error| self.unread(error))?.open();
        let _slot = self.slot().await;
        reader.next_page().await.map(drop).map_err(|error| self.unread(error))
    }

    async fn get(
        &self,
        kind: &ResourceType,
        request: &Request,
        (id, view): (&str, &UnitView),
    ) -> Result<Option<Value>, ChangeError> {
        let bound = view.bind_single(id);
        let place = format!("governance.{}.get", kind.id);
        let _slot = self.slot().await;
        let got = self.parts.connector.get_one((request, &place), &bound, &mut CallStats::default()).await;
        got.map_err(|error| self.unread(error))
    }

    fn seen(
        &self,
        (kind, listed): (&ResourceType, &ListedResources),
        item: Value,
        view: UnitView,
    ) -> Result<Option<Seen>, ChangeError> {
        let Some(Item::Resource(resource)) = self.mapper.resource((kind, listed), &item, &view)? else {
            return Ok(None);
        };
        let name = ResourceName::new(&kind.id, &resource.id);
        Ok(Some(Seen { name, item, view, resource: *resource }))
    }

    /// All resources of a kind that other things are made of; read once.
    pub(super) async fn all(&self, kind: &ResourceType) -> Result<Arc<Vec<Seen>>, ChangeError> {
        let known = self.all.lock().unwrap_or_else(PoisonError::into_inner).get(&kind.id).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let mut all: Vec<Seen> = Vec::new();
        // Lists shift while they are read: an entry may come twice.
        let mut ids = std::collections::HashSet::new();
        Box::pin(self.each(kind, |seen| {
            if ids.insert(seen.name.id.clone()) {
                all.push(seen);
            }
            ControlFlow::Continue(())
        }))
        .await?;
        let all = Arc::new(all);
        self.all.lock().unwrap_or_else(PoisonError::into_inner).insert(kind.id.clone(), Arc::clone(&all));
        Ok(all)
    }

    /// Every resource of a kind, until `take` has seen enough.
    ///
    /// # Errors
    /// Also if the list ends before its end: what is missing may be what decides.
    pub(super) async fn each(
        &self,
        kind: &ResourceType,
        mut take: impl FnMut(Seen) -> ControlFlow<()>,
    ) -> Result<(), ChangeError> {
        let listed = match &kind.source {
            ResourceSource::Listed(listed) => listed,
            ResourceSource::Static(resources) => {
                for resource in resources {
                    let item = ResourceItem {
                        id: resource.id.clone(),
                        display_name: Some(resource.display_name.clone()),
                        description: resource.description.clone(),
                        ..ResourceItem::default()
                    };
                    let name = ResourceName::new(&kind.id, &resource.id);
                    let seen = Seen { name, item: Value::Null, view: UnitView::default(), resource: item };
                    if take(seen).is_break() {
                        break;
                    }
                }
                return Ok(());
            }
        };
        let place = format!("governance.{}", kind.id);
        for view in self.views(listed).await? {
            let bound = view.bind("parent");
            let list = (&listed.request, place.as_str(), listed.unavailable.as_slice());
            let mut reader = self.open(list, &bound)?;
            while let Some(items) = self.page(&mut reader).await? {
                for mut item in items {
                    if self.mapper.lacks(kind, &item, &view)?
                        && let Some(get) = &kind.get
                    {
                        let id = self.mapper.id((kind, listed), &item, &view)?;
                        item = self.get(kind, &get.request, (&id, &view)).await?.unwrap_or(item);
                    }
                    if let Some(seen) = self.seen((kind, listed), item, view.clone())?
                        && take(seen).is_break()
                    {
                        return Ok(());
                    }
                }
            }
            complete(&reader)?;
        }
        Ok(())
    }

    /// Every holder that a list of an entitlement on a resource names, with the slugs of its own entitlements
    /// that pass it on, until `take` has seen enough.
    pub(super) async fn holders(
        &self,
        (kind, place): (&ResourceType, usize),
        on: &Value,
        mut take: impl FnMut(ResourceName, &[String]) -> ControlFlow<()>,
    ) -> Result<(), ChangeError> {
        let Some(entitlements) = kind.entitlements.get(place) else { return Ok(()) };
        let Some(on) = self.as_lists_need(entitlements, on).await? else { return Ok(()) };
        let view = UnitView { of: Some(on), value: None };
        let bound = view.bind("resource");
        let name = format!("governance.{}.grants", kind.id);
        for (number, grants) in entitlements.grants.iter().enumerate() {
            let at = ListPlace { entitlement: place, list: number };
            let list = (&grants.request, name.as_str(), grants.unavailable.as_slice());
            let mut reader = self.open(list, &bound)?;
            while let Some(items) = self.page(&mut reader).await? {
                for item in items {
                    for holder in self.mapper.holders((kind, at), &item, &view)? {
                        let Item::Holder(holder) = holder else { continue };
                        if (holder.entitlement, holder.list) != (place, number) {
                            continue;
                        }
                        let holder = ResourceName::new(holder.principal_type, holder.principal_id);
                        if take(holder, &grants.expand).is_break() {
                            return Ok(());
                        }
                    }
                }
            }
            complete(&reader)?;
        }
        Ok(())
    }

    /// A resource as the lists of who holds an entitlement on it need it: one of which only kind and id are known is
    /// looked for if they name more. `None` if it is not there.
    async fn as_lists_need(
        &self,
        entitlements: &Entitlements,
        on: &Value,
    ) -> Result<Option<Value>, ChangeError> {
        let is_seen = on.get("description").is_some();
        if is_seen || !entitlements.grants.iter().any(|grants| names_more_than_id(&grants.request)) {
            return Ok(Some(on.clone()));
        }
        let text = |member| on.get(member).and_then(Value::as_str).unwrap_or_default();
        let seen = self.find(&ResourceName::new(text("type"), text("id"))).await?;
        Ok(seen.map(|seen| seen.value()))
    }

    fn open(
        &self,
        (request, place, unavailable): (&Request, &str, &[u16]),
        bound: &Bound,
    ) -> Result<connector::ItemReader, ChangeError> {
        let answers =
            ListAnswers { unavailable: unavailable.to_vec(), requires: self.governance().requires.clone() };
        let list = self.parts.connector.list((request, place), bound, answers);
        Ok(list.map_err(|error| self.unread(error))?.open())
    }

    async fn page(&self, reader: &mut connector::ItemReader) -> Result<Option<Vec<Value>>, ChangeError> {
        let _slot = self.slot().await;
        let page = reader.next_page().await.map_err(|error| self.unread(error))?;
        Ok(page.map(|page| page.items))
    }

    /// What a list is run for: each resource of another kind, and each of its values.
    async fn views(&self, listed: &ListedResources) -> Result<Vec<UnitView>, ChangeError> {
        let mut of = vec![None];
        if let Some(per) = &listed.per {
            let parents = self.all(self.kind(per)?).await?;
            let value = |parent: &Seen| {
                Some(resource_value(&parent.name.kind, &parent.name.id, Some(parent.display_name())))
            };
            of = parents.iter().map(value).collect();
        }
        let mut views = Vec::new();
        for of in of {
            if listed.values.is_empty() {
                views.push(UnitView { of, value: None });
            } else {
                let with = |value: &String| UnitView { of: of.clone(), value: Some(value.as_str().into()) };
                views.extend(listed.values.iter().map(with));
            }
        }
        Ok(views)
    }

    async fn only_view(&self, listed: &ListedResources) -> Result<Option<UnitView>, ChangeError> {
        let mut views = self.views(listed).await?;
        Ok(if views.len() == 1 { views.pop() } else { None })
    }

    async fn slot(&self) -> engine::Slot {
        self.parts.limits.slot(&self.parts.connector.connection().key).await
    }

    /// A refusal says what is needed.
    fn unread(&self, error: ReadError) -> ChangeError {
        if let (ReadError::Call(call), Some(requires)) = (&error, &self.governance().requires)
            && let Some(status @ (401 | 403)) = call.status()
        {
            let place = format!("a request of `{}`", self.parts.connector.connection().key);
            return ChangeError::Denied { place, status, requires: requires.clone() };
        }
        match error {
            ReadError::Denied { place, status, requires } => ChangeError::Denied { place, status, requires },
            other => ChangeError::Read(Box::new(other)),
        }
    }
}

/// Whether a request for a resource names its name, or what it is below.
fn names_more_than_id(request: &Request) -> bool {
    let query = request.query_params.iter().filter_map(|param| match &param.value {
        QueryValue::Text(value) => Some(value),
        QueryValue::Integer(_) => None,
    });
    let path = request.target.iter().map(|target| &target.path);
    let mut names = path.chain(query).chain(&request.body).flat_map(Template::placeholders);
    names.any(|name| {
        let mut parts = name.path.segments();
        parts.next() == Some("resource") && matches!(parts.next(), Some("display_name" | "parent"))
    })
}

fn complete(reader: &connector::ItemReader) -> Result<(), ChangeError> {
    match reader.completeness() {
        Completeness::Complete => Ok(()),
        Completeness::Incomplete { detail, .. } => Err(ChangeError::Incomplete { detail }),
    }
}

/// Whether the plan or the credentials do not allow what was read: for whoever can do without it.
pub(super) fn is_unavailable(error: &ChangeError) -> bool {
    matches!(error, ChangeError::Read(source) if matches!(**source, ReadError::Unavailable { .. }))
}
