//! Routes whose description is put together only when somebody wants the document.
//!
//! Describing all operations takes megabytes and touches much of the program; a server that nobody asks for
//! its document does neither.

use std::collections::BTreeMap;

use axum::Router;
use axum::routing::MethodRouter;
use utoipa::openapi::{HttpMethod, OpenApi, Paths, RefOr, Schema, SecurityRequirement};

use crate::state::ApiState;

/// Routes, and how to describe them.
pub(crate) struct OpenApiRouter<S = ApiState> {
    router: Router<S>,
    /// Its own operations.
    own: Vec<Described>,
    /// Those of the routers that were put into it, each router's together.
    others: Vec<Vec<Described>>,
}

/// The operations at one path; made by [`routes`].
pub(crate) struct Operations<S = ApiState> {
    /// Path as the router takes it.
    pub(crate) path: String,
    /// Who answers each method.
    pub(crate) router: MethodRouter<S>,
    /// What the document says of them.
    pub(crate) about: About,
}

/// What the document says of operations, in parts that are made when they are asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About {
    /// All of it.
    pub(crate) describe: fn() -> Description,
    /// What each asks of its caller.
    pub(crate) security: fn() -> Vec<Security>,
}

/// Methods, and what they ask of a caller.
pub(crate) type Security = (Vec<HttpMethod>, Option<Vec<SecurityRequirement>>);

/// What the document says of operations, and the types they name.
pub(crate) struct Description {
    pub(crate) paths: Paths,
    pub(crate) schemas: Vec<(String, RefOr<Schema>)>,
}

/// Operations at one path of the whole interface.
#[derive(Debug, Clone)]
pub(crate) struct Described {
    /// Whole path.
    pub(crate) path: String,
    prefix: String,
    about: About,
}

impl OpenApiRouter {
    pub(crate) fn new() -> Self {
        Self { router: Router::new(), own: Vec::new(), others: Vec::new() }
    }

    pub(crate) fn routes(mut self, operations: Operations) -> Self {
        self.router = self.router.route(&operations.path, operations.router);
        let Operations { path, about, .. } = operations;
        self.own.push(Described { path, prefix: String::new(), about });
        self
    }

    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.others.push(other.own);
        self.others.extend(other.others);
        self
    }

    /// The routes of `other` below `prefix`, which begins with a slash and does not end with one.
    pub(crate) fn nest(mut self, prefix: &str, other: Self) -> Self {
        self.router = self.router.nest(prefix, other.router);
        let below = |group: Vec<Described>| group.into_iter().map(|one| one.below(prefix)).collect();
        self.others.push(below(other.own));
        self.others.extend(other.others.into_iter().map(below));
        self
    }

    /// The routes, and the operations, those of each router together.
    pub(crate) fn split(self) -> (Router<ApiState>, Vec<Vec<Described>>) {
        let groups = [self.own].into_iter().chain(self.others);
        (self.router, groups.filter(|group| !group.is_empty()).collect())
    }
}

/// Adds operations to a document. No two of their types have one name: the document would describe one of them
/// in the place of both.
pub(crate) fn describe(document: &mut OpenApi, groups: &[Vec<Described>]) {
    let mut components = document.components.take().unwrap_or_default();
    for group in groups {
        let mut schemas = BTreeMap::new();
        for operations in group {
            let Description { paths, schemas: named } = (operations.about.describe)();
            for (path, item) in paths.paths {
                let path = format!("{}{path}", operations.prefix);
                match document.paths.paths.get_mut(&path) {
                    Some(known) => known.merge_operations(item),
                    None => {
                        document.paths.paths.insert(path, item);
                    }
                }
            }
            schemas.extend(named);
        }
        for (name, schema) in schemas {
            components.schemas.entry(name).or_insert(schema);
        }
    }
    document.components = Some(components);
}

impl Described {
    /// What each asks of its caller.
    pub(crate) fn security(&self) -> Vec<Security> {
        (self.about.security)()
    }

    fn below(self, prefix: &str) -> Self {
        Self {
            path: format!("{prefix}{}", self.path),
            prefix: format!("{prefix}{}", self.prefix),
            about: self.about,
        }
    }
}

/// The operations of these handlers, which stand at one path.
macro_rules! routes {
    ($($handler:path),+ $(,)?) => {{
        use utoipa_axum::PathItemExt as _;

        let mut path = String::new();
        let mut router = axum::routing::MethodRouter::<crate::state::ApiState>::new();
        utoipa_axum::paste! {
            $(
                path.clear();
                path.push_str(&utoipa_axum::routes!(@path [path()] of $handler));
                for method in utoipa_axum::routes!(@path [methods()] of $handler) {
                    router = router.on(method.to_method_filter(), $handler);
                }
            )+
        }
        let describe = || {
            let (schemas, paths, _): utoipa_axum::router::UtoipaMethodRouter<crate::state::ApiState> =
                utoipa_axum::routes!($($handler),+);
            crate::documented::Description { paths, schemas }
        };
        let security = || {
            utoipa_axum::paste! {
                vec![$((
                    utoipa_axum::routes!(@path [methods()] of $handler),
                    utoipa_axum::routes!(@path [operation()] of $handler).security,
                )),+]
            }
        };
        let about = crate::documented::About { describe, security };
        crate::documented::Operations { path, router, about }
    }};
}
pub(crate) use routes;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[utoipa::path(get, path = "/thing", security(()), responses((status = 200)))]
    async fn read() {}

    #[utoipa::path(put, path = "/thing", responses((status = 200)))]
    async fn write() {}

    /// Names that types claim which are not described alike.
    fn clashes(groups: &[Vec<Described>]) -> BTreeSet<String> {
        let frame = crate::document::frame().components.unwrap().schemas;
        let mut known: BTreeMap<String, RefOr<Schema>> = frame.into_iter().collect();
        let mut clashes = BTreeSet::new();
        for operations in groups.iter().flatten() {
            for (name, schema) in (operations.about.describe)().schemas {
                let first = known.entry(name.clone()).or_insert_with(|| schema.clone());
                if *first != schema {
                    clashes.insert(name);
                }
            }
        }
        clashes
    }

    #[test]
    fn no_two_types_share_a_name_in_the_document() {
        let (_, groups) = crate::router::whole().split();

        assert_eq!(clashes(&groups), BTreeSet::new(), "give each type a name of its own");
    }

    mod shop {
        #[derive(serde::Serialize, utoipa::ToSchema)]
        pub(super) struct Order {
            number: u32,
        }
    }

    mod monastery {
        #[derive(serde::Serialize, utoipa::ToSchema)]
        pub(super) struct Order {
            rule: String,
        }
    }

    #[utoipa::path(get, path = "/order", responses((status = 200, body = shop::Order)))]
    async fn order() {}

    #[utoipa::path(get, path = "/orders", responses((status = 200, body = Vec<shop::Order>)))]
    async fn orders() {}

    #[utoipa::path(get, path = "/monks", responses((status = 200, body = monastery::Order)))]
    async fn monks() {}

    #[test]
    fn two_types_of_one_name_are_found_wherever_they_stand() {
        let alike = OpenApiRouter::new().routes(routes!(order)).routes(routes!(orders));
        let side_by_side = OpenApiRouter::new().routes(routes!(order)).routes(routes!(monks));
        let apart = OpenApiRouter::new()
            .routes(routes!(order))
            .nest("/abbey", OpenApiRouter::new().routes(routes!(monks)));

        let found = [alike, side_by_side, apart].map(|router| clashes(&router.split().1));

        let order = BTreeSet::from(["Order".to_owned()]);
        assert_eq!(found, [BTreeSet::new(), order.clone(), order]);
    }

    #[test]
    fn operations_are_described_with_the_prefix_that_they_are_routed_below() {
        let inner = OpenApiRouter::new().routes(routes!(read)).routes(routes!(write));

        let (_, groups) = OpenApiRouter::new().nest("/api", inner).split();

        let mut document = crate::document::frame();
        describe(&mut document, &groups);
        assert!(groups.iter().flatten().all(|operations| operations.path == "/api/thing"));
        let item = document.paths.paths.get("/api/thing").unwrap();
        assert!(item.get.is_some() && item.put.is_some() && item.post.is_none());
    }

    #[test]
    fn what_an_operation_asks_of_its_caller_is_what_its_description_says() {
        let operations = routes!(read, write);

        let security = (operations.about.security)();

        let item = (operations.about.describe)().paths.paths.remove("/thing").unwrap();
        let said = [item.get.unwrap().security, item.put.unwrap().security];
        let asked: Vec<_> = security.into_iter().map(|(_, asked)| asked).collect();
        let text = |all: &[Option<Vec<SecurityRequirement>>]| serde_json::to_string(all).unwrap();
        assert_eq!(text(&asked), text(&said));
        assert_eq!(text(&said), "[[{}],null]");
    }
}
