//! The governance sections of the library.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};
use spec::connector_file::governance::{
    EntitlementSource, Governance, GovernanceWrite, GrantTarget, ResourceSource, ResourceType, Slug,
};
use spec::connector_file::{ConnectorFile, Request};
use spec::{CheckOptions, Expression, Scope, SourceFile, check_connector, library};

fn file(name: &str) -> ConnectorFile {
    let entry = library::find(name).unwrap();
    let checked = check_connector(&entry.connector, &CheckOptions::default());
    assert!(checked.diagnostics.is_empty(), "{name}: {:#?}", checked.diagnostics);
    checked.value.unwrap()
}

/// The section as lines: what is listed, what is held, what is written.
fn outline(governance: &Governance) -> String {
    let mut text = String::new();
    for kind in &governance.resource_types {
        let required = if kind.required { ", required" } else { "" };
        let _ = writeln!(text, "{} \"{}\" {:?}{required}", kind.id, kind.name, kind.traits);
        outline_source(kind, &mut text);
        for entitlements in &kind.entitlements {
            let slug = match &entitlements.slug {
                Slug::Text(slug) => slug.clone(),
                Slug::Computed(slug) => format!("= {}", slug.source()),
            };
            let source = match &entitlements.source {
                EntitlementSource::Static => String::new(),
                EntitlementSource::Derived { of, when } => {
                    format!(" for each {of} where {}", when.as_ref().map_or("any", |when| when.source()))
                }
                EntitlementSource::Listed { request, .. } => format!(" listed by {}", line(request)),
            };
            let _ = writeln!(text, "  entitlement {slug}{source} -> {:?}", entitlements.text.grantable_to);
            for list in &entitlements.grants {
                let again = if list.same_list.is_some() { ", read already" } else { "" };
                let when = list.when.as_ref().map(|when| format!(" where {}", when.source()));
                let _ = writeln!(
                    text,
                    "    holders {}{} are {:?}, expand {:?}{again}",
                    line(&list.request),
                    when.unwrap_or_default(),
                    list.principal.types,
                    list.expand
                );
            }
            outline_writes(entitlements.grant.as_ref(), entitlements.revoke.as_ref(), &mut text);
        }
        for held in &kind.grants {
            let target = match &held.target {
                GrantTarget::Slug(slug) => slug.source().to_owned(),
                GrantTarget::From(from) => format!("derived from {}", from.source()),
            };
            let _ = writeln!(
                text,
                "  holds {target} on {:?} where {}, expand {:?}",
                held.resource.types,
                held.when.as_ref().map_or("any", |when| when.source()),
                held.expand
            );
            outline_writes(held.grant.as_ref(), held.revoke.as_ref(), &mut text);
        }
        if let Some(create) = &kind.create {
            let _ = writeln!(text, "  create {}", line(&create.write.request));
        }
        if let Some(delete) = &kind.delete {
            let _ = writeln!(text, "  delete {}", line(&delete.request));
        }
    }
    for guard in &governance.guards {
        let _ = writeln!(
            text,
            "guard {}: {} {} of {}:{}",
            guard.id, guard.keep, guard.holders, guard.resource_type, guard.slug
        );
    }
    text
}

fn outline_source(kind: &ResourceType, text: &mut String) {
    match &kind.source {
        ResourceSource::Listed(list) => {
            let per = list.per.as_ref().map(|per| format!(" per {per}")).unwrap_or_default();
            let _ = writeln!(text, "  list {}{per}, unavailable {:?}", line(&list.request), list.unavailable);
            if !list.values.is_empty() {
                let _ = writeln!(text, "  values {}", list.values.join(" "));
            }
        }
        ResourceSource::Static(resources) => {
            let ids: Vec<&str> = resources.iter().map(|resource| resource.id.as_str()).collect();
            let _ = writeln!(text, "  static {}", ids.join(" "));
        }
    }
    if let Some(get) = &kind.get {
        let when = get.when.as_ref().map_or("no item", |when| when.source());
        let _ = writeln!(text, "  get {} for {when}", line(&get.request));
    }
}

fn outline_writes(grant: Option<&GovernanceWrite>, revoke: Option<&GovernanceWrite>, text: &mut String) {
    for (word, write) in [("grant", grant), ("revoke", revoke)] {
        if let Some(write) = write {
            let rest = if write.rest.is_some() { ", keeps the rest" } else { "" };
            let _ = writeln!(text, "    {word} {}{rest}", line(&write.request));
        }
    }
}

fn line(request: &Request) -> String {
    let target = request.target.as_ref().unwrap();
    format!("{} {}", target.method.as_str(), target.path)
}

// rule: architecture §10; governance §4; segment-api D
#[test]
fn the_segment_section_is_what_was_agreed() {
    let file = file("segment");

    insta::assert_snapshot!(outline(file.governance.as_ref().unwrap()));
}

#[test]
fn both_catalogue_entries_of_segment_have_the_same_sections() {
    let section = |name: &str| {
        let entry = library::find(name).unwrap();
        let text = entry.connector.text().to_owned();
        let start = text.find("\n  # Who has access.").unwrap();
        text[start..].to_owned()
    };

    assert_eq!(section("segment"), section("segment_unify"));
}

// rule: baton SG-6, 14.3
#[test]
fn roles_give_the_slugs_and_names_of_the_published_connector() {
    let file = file("segment");
    let source = file.governance.as_ref().unwrap().find_type("source").unwrap();
    let Slug::Computed(slug) = &source.entitlements[0].slug else { panic!("computed") };
    let role = json!({"id": "r1", "display_name": "Unify Read-only, Engage User", "description": "reads"});
    let resource = json!({"id": "s1", "display_name": "Shop"});
    let scope = Scope::new().with("each", &role).with("resource", &resource);
    let text = &source.entitlements[0].text;
    let value = |expression: &Expression| expression.evaluate_text(&scope).unwrap().unwrap();

    assert_eq!(value(slug), "unify_read_only_engage_user");
    assert_eq!(value(text.display_name.as_ref().unwrap()), "Shop resource Unify Read-only, Engage User");
    assert_eq!(value(text.description.as_ref().unwrap()), "Unify Read-only, Engage User:r1:reads");
}

// rule: segment-api A53, D5; issue "slug `member[key=value,…]`"
#[test]
fn labels_of_a_narrowed_role_are_sorted_by_key_then_value_and_named_once() {
    let file = file("segment");
    let user = file.governance.as_ref().unwrap().find_type("user").unwrap();
    let narrowed = &user.grants[2];
    let GrantTarget::Slug(slug) = &narrowed.target else { panic!("a slug") };
    let inner = json!({"id": "w", "type": "WORKSPACE", "labels": [
        {"key": "b", "value": "1"}, {"key": "a-b", "value": "2"}, {"key": "a", "value": "2"},
        {"key": "a", "value": "1", "description": "d"}, {"key": "b", "value": "1"},
    ]});
    let role = json!({"id": "r", "display_name": "Reader"});
    let scope = Scope::new().with("inner", &inner).with("resource", &role);
    let text = narrowed.entitlement.as_ref().unwrap();
    let value = |expression: &Expression| expression.evaluate_text(&scope).unwrap().unwrap();

    assert_eq!(value(slug), "member[a=1,a=2,a-b=2,b=1]");
    assert_eq!(value(text.display_name.as_ref().unwrap()), "Reader Role member (a=1,a=2,a-b=2,b=1)");
    assert_eq!(
        value(text.description.as_ref().unwrap()),
        "Member of Reader Segment role, limited to a=1,a=2,a-b=2,b=1"
    );
}

// rule: segment-api A56
#[test]
fn what_stays_of_permissions_keeps_its_labels() {
    let file = file("segment");
    let user = file.governance.as_ref().unwrap().find_type("user").unwrap();
    let rest = user.grants[1].revoke.as_ref().unwrap().rest.as_ref().unwrap();
    let each = json!({"roleId": "r", "roleName": "Reader", "resources": "all of them"});
    let inners = json!([
        {"id": "w", "type": "WORKSPACE", "labels": [{"key": "k", "value": "v"}]},
        {"id": "s", "type": "SOURCE"},
    ]);

    let sent = rest.evaluate(&Scope::new().with("each", &each).with("inners", &inners)).unwrap();

    assert_eq!(
        sent,
        json!({"roleId": "r", "resources": [
            {"id": "w", "type": "WORKSPACE", "labels": [{"key": "k", "value": "v"}]},
            {"id": "s", "type": "SOURCE"},
        ]})
    );
}

// rule: segment-api A60, A61, A63, A64, D2
#[test]
fn names_fall_back_as_the_contract_says() {
    let file = file("segment");
    let governance = file.governance.as_ref().unwrap();
    let name = |kind: &str, item: Value| {
        let ResourceSource::Listed(list) = &governance.find_type(kind).unwrap().source else {
            panic!("listed")
        };
        let scope = Scope::new().with("item", &item);
        list.display_name.as_ref().unwrap().evaluate_text(&scope).ok().flatten().unwrap_or_default()
    };

    assert_eq!(name("user", json!({"name": "Ana", "email": "ana@example.com"})), "Ana");
    assert_eq!(name("user", json!({"name": "", "email": "ana@example.com"})), "ana@example.com");
    assert_eq!(name("user", json!({"email": "ana@example.com"})), "ana@example.com");
    assert_eq!(name("source", json!({"name": null, "slug": "web"})), "web");
    assert_eq!(name("source", json!({"id": "s"})), "", "the id takes its place");
    assert_eq!(name("warehouse", json!({"metadata": {"name": "Snowflake"}})), "Snowflake");
    assert_eq!(
        name("warehouse", json!({"metadata": {"name": "Snowflake"}, "settings": {"name": "Sales"}})),
        "Sales"
    );
    assert_eq!(name("function", json!({"id": "f"})), "", "the id takes its place");
    assert_eq!(name("space", json!({"name": "", "slug": "dev"})), "dev");
}

#[test]
fn every_condition_of_segment_tells_its_permissions_apart() {
    let file = file("segment");
    let user = file.governance.as_ref().unwrap().find_type("user").unwrap();
    let matching = |inner: Value| -> Vec<usize> {
        let row = json!({"item": {}, "parent": {}, "each": {}, "inner": inner});
        let Value::Object(row) = row else { panic!("an object") };
        let rules = user.grants.iter().enumerate().skip(1);
        rules
            .filter(|(_, rule)| rule.when.as_ref().unwrap().evaluate(&row).unwrap())
            .map(|(rule, _)| rule)
            .collect()
    };

    assert_eq!(matching(json!({"type": "WORKSPACE"})), [1]);
    assert_eq!(matching(json!({"type": "WORKSPACE", "labels": []})), [1]);
    assert_eq!(matching(json!({"type": "WORKSPACE", "labels": null})), [1]);
    assert_eq!(matching(json!({"type": "WORKSPACE", "labels": [{"key": "k", "value": "v"}]})), [2]);
    assert_eq!(matching(json!({"type": "SOURCE"})), [3]);
    assert_eq!(matching(json!({"type": "AUDIENCE"})), [3], "reported: it is none of the rule's types");
}

#[test]
fn github_and_pagerduty_are_read_without_a_word() {
    let github = file("github");
    let pagerduty = file("pagerduty");

    insta::assert_snapshot!("github", outline(github.governance.as_ref().unwrap()));
    insta::assert_snapshot!("pagerduty", outline(pagerduty.governance.as_ref().unwrap()));
}

#[test]
fn the_example_of_the_guide_page_is_a_file_without_a_finding() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/governance-files.md");
    let text = std::fs::read_to_string(page).unwrap();
    let example = text.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();

    let checked = check_connector(&SourceFile::new("acme.yml", example), &CheckOptions::default());

    assert!(checked.diagnostics.is_empty(), "{:#?}", checked.diagnostics);
    assert!(checked.value.unwrap().governance.is_some());
}
