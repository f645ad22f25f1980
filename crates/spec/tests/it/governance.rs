//! The sections `governance` and `activity` (architecture §5): each check refuses a planted mistake at its
//! place, and accepts the file without it.

mod library;
mod settings;
mod warnings;

use rstest::rstest;
use spec::connector_file::governance::{
    EntitlementSource, GrantTarget, ListPlace, Purpose, ResourceSource, Slug, Trait,
};
use spec::{CheckOptions, Checked, ConnectorFile, Diagnostic, Severity, SourceFile, check_connector};

/// Every key of both sections, and nothing to say about it.
const CLEAN: &str = r#"
saas_config:
  fides_key: acme
  name: Acme
  type: acme
  description: an application
  version: 1.0.0
  connector_params:
    - {name: domain, type: endpoint, allowed_values: [api.acme.test]}
    - {name: tenant}
    - {name: token, sensitive: true}
  client_config:
    protocol: https
    host: <domain>
    authentication: {strategy: bearer, configuration: {token: <token>}}
  test_request: {method: GET, path: /ping}
  endpoints: []
  governance:
    when: tenant != "old"
    client_config:
      protocol: https
      host: <domain>
      authentication: {strategy: bearer, configuration: {token: <token>}}
    requires: the right of an administrator
    resource_types:
      - id: site
        name: Site
        traits: [app]
        required: true
        list:
          request: {method: GET, path: /tenants/<tenant>/sites, data_path: sites}
          id: item.id
          display_name: item.name
          description: item.about
          external_link: '"https://" + domain + "/" + item.id'
          profile: {colour: item.colour, tenant: tenant}
        entitlements:
          - slug: visitor
            display_name: resource.display_name + " visitor"
            purpose: permission
            grantable_to: [user]
            grants: &visitors
              request: {method: GET, path: /sites/<resource.id>/visitors}
              unavailable: [403]
              when: item.kind == "visitor"
              principal: {type: '"user"', id: item.user}
            grant:
              request: {method: PUT, path: /sites/<resource.id>/visitors/<principal.id>, repeatable: true}
            revoke:
              vars: {who: principal.item.number}
              request: {method: DELETE, path: "/sites/<resource.id>/visitors/<vars.who>", gone: [404]}
          - slug: guest
            grantable_to: [user, group]
            grants:
              - {<<: *visitors, when: item.kind == "guest"}
              - request: {method: GET, path: /sites/<resource.id>/groups}
                principal: {type: item.kind, id: item.id, types: [user, group]}
                expand: [member]
          - for_each: role
            when: each.display_name != "Owner"
            slug: snakeCase(each.display_name)
            display_name: each.display_name + " of " + resource.display_name
            grantable_to: [user]
          - list: {request: {method: POST, path: /sites/<resource.id>/rights}, unavailable: [403]}
            slug: item.key
            display_name: item.name + " " + resource.id
            grantable_to: [user]
            grants:
              request: {method: GET, path: /sites/<resource.id>/rights}
              principal: {type: '"user"', id: item.id}
      - id: user
        name: User
        traits: [user]
        list:
          per: site
          values: [staff, guests]
          request:
            method: GET
            path: /sites/<parent.id>/people
            query_params: [{name: kind, value: <value>}]
          unavailable: [403]
          when: value != "guests" || item.active
          id: item.id
          display_name: item.name
          parent: {type: '"site"', id: 'item.site == "" ? parent.id : item.site'}
          user:
            email: item.email
            emails: item.emails
            login: item.login
            status: 'item.active ? "enabled" : "disabled"'
            status_details: item.state
            account_type: '"human"'
            last_login: item.seen
            created_at: item.made
            employee_ids: item.numbers
            mfa: item.mfa
            sso: item.sso
        get:
          request: {method: GET, path: /people/<resource.id>, gone: [404]}
          when: '!has(item.permissions)'
        grants:
          - each: item.permissions
            inner: each.places
            when: inner.kind == "role" && parent.id != ""
            resource: {type: '"role"', id: inner.id}
            slug: '"member"'
            grant:
              request: {method: POST, path: /people/<principal.id>/roles, body: '{"role": "<resource.id>"}'}
            revoke:
              rest: '{"role": each.role, "places": inners}'
              vars: {old: each.role + inner.id}
              request: {method: PUT, path: "/people/<principal.id>/roles/<vars.old>", body: '{"roles": <rest>}'}
          - each: item.permissions
            resource: {type: '"site"', id: each.site}
            from: each.role
            grant:
              vars: {from: from.display_name}
              request: {method: POST, path: /sites/<resource.id>/roles/<from.id>, body: '{"by": "<vars.from>"}'}
          - resource: {type: '"role"', id: item.special}
            slug: '"special[" + item.special + "]"'
            entitlement:
              display_name: resource.display_name + " special"
              description: resource.id
              purpose: ownership
              grantable_to: [user]
        create:
          account: true
          params:
            - {name: email, label: Address, description: whom to ask, required: true}
            - {name: note}
          vars: {short: note + tenant}
          request: {method: POST, path: /people, body: '{"email": "<email>", "note": "<vars.short>"}'}
        delete:
          vars: {kind: resource.type}
          request: {method: DELETE, path: "/people/<resource.id>/<vars.kind>", gone: [404]}
      - id: group
        name: Group
        traits: [group]
        skip: [anomaly_detection]
        list:
          request: {method: GET, path: /groups}
          id: item.id
        entitlements:
          - slug: member
            grantable_to: [user]
            grants:
              request: {method: GET, path: /groups/<resource.id>/members}
              principal: {type: '"user"', id: item.id}
      - id: role
        traits: [role]
        static:
          - {id: owner, display_name: Owner, description: all of it}
          - {id: reader}
        entitlements:
          - {slug: member, grantable_to: [user]}
    guards:
      - id: last_owner
        resource_type: role
        when: resource.id == "owner"
        slug: member
        keep: 1
        holders: user
        message: somebody has to be there
  activity:
    when: tenant != "old"
    list:
      request: {method: GET, path: "/events/<since>/<until>"}
    id: item.id
    time: item.at
    actor: {type: '"user"', id: item.who, email: item.address}
    action: item.what
    resource: {type: item.kind, id: item.id, display_name: item.name}
    kept: 90d
"#;

/// The mark in a planted text where the diagnostic must point.
const MARK: char = '§';

fn check(text: &str) -> Checked<ConnectorFile> {
    check_connector(&SourceFile::new("acme.yml", text), &CheckOptions::default())
}

fn clean() -> ConnectorFile {
    let checked = check(CLEAN);
    checked.value.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics))
}

/// The clean file with `right` replaced, and line and column of the mark in it.
fn planted(right: &str, wrong: &str) -> (String, (usize, usize)) {
    assert_eq!(CLEAN.matches(right).count(), 1, "`{right}` stands once in the clean file");
    let marked = CLEAN.replacen(right, wrong, 1);
    let at = marked.find(MARK).expect("the planted text has a mark");
    let line = marked[..at].matches('\n').count() + 1;
    let column = marked[..at].rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (marked.replace(MARK, ""), (line, column))
}

#[test]
fn nothing_is_said_about_the_clean_file() {
    let checked = check(CLEAN);

    assert_eq!(checked.diagnostics.iter().collect::<Vec<_>>(), Vec::<&Diagnostic>::new());
}

#[rstest]
// Names in expressions.
#[case::unknown_variable(
    "unknown_name",
    "did you mean `item`?",
    "id: item.id\n          display_name: item.name\n          description",
    "id: §itm.id\n          display_name: item.name\n          description"
)]
#[case::bare_word(
    "unknown_name",
    r#"for the text write '"user"'"#,
    r#"principal: {type: '"user"', id: item.user}"#,
    "principal: {type: §user, id: item.user}"
)]
#[case::bare_status(
    "unknown_name",
    r#"for the text write '"human"'"#,
    r#"account_type: '"human"'"#,
    "account_type: §human"
)]
#[case::secret("unknown_name", "`token` is a secret", "tenant: tenant}", "tenant: §token}")]
#[case::parent_without_per(
    "unknown_name",
    "known are item, domain, tenant",
    "colour: item.colour",
    "colour: §parent.id"
)]
#[case::each_in_a_name(
    "unknown_name",
    "known are resource",
    "resource.display_name + \" visitor\"",
    "§each.id + \" visitor\""
)]
#[case::resource_in_a_derived_slug(
    "unknown_name",
    "known are each",
    "slug: snakeCase(each.display_name)",
    "slug: §snakeCase(resource.id)"
)]
#[case::each_where_something_is_given(
    "unknown_name",
    "which is not known here",
    "{from: from.display_name}",
    "{from: §each.role}"
)]
#[case::holder_in_a_text(
    "unknown_name",
    "known are resource",
    "description: resource.id",
    "description: §item.id"
)]
#[case::inners_without_rest(
    "unknown_name",
    "which is not known here",
    "{old: each.role + inner.id}",
    "{old: §inners}"
)]
#[case::unknown_in_a_condition(
    "unknown_condition_name",
    "known are each",
    "when: each.display_name != \"Owner\"",
    "when: §resource.id != \"\""
)]
#[case::get_condition(
    "unknown_condition_name",
    "did you mean `item`?",
    "'!has(item.permissions)'",
    "§'!has(itm.permissions)'"
)]
#[case::guard_condition(
    "unknown_condition_name",
    "known are resource",
    "when: resource.id == \"owner\"",
    "when: §principal.id == \"owner\""
)]
#[case::no_expression("bad_expression", "in quotes of its own", "action: item.what", "action: §item what")]
#[case::no_condition(
    "bad_condition",
    "true or false",
    "when: item.kind == \"visitor\"",
    "when: §item.kind =="
)]
#[case::activity("unknown_name", "did you mean `item`?", "time: item.at", "time: §iten.at")]
// Ids of kinds.
#[case::per("unknown_resource_type", "did you mean `site`?", "per: site", "per: §sites")]
#[case::for_each("unknown_resource_type", "did you mean `role`?", "for_each: role", "for_each: §roles")]
#[case::grantable_to(
    "unknown_resource_type",
    "resource types are site, user, group, role",
    "grantable_to: [user, group]",
    "grantable_to: [user, §machine]"
)]
#[case::types(
    "unknown_resource_type",
    "did you mean `group`?",
    "types: [user, group]",
    "types: [user, §groups]"
)]
#[case::literal(
    "unknown_resource_type",
    "did you mean `site`?",
    r#"{type: '"site"', id: each.site}"#,
    r#"{type: §'"cite"', id: each.site}"#
)]
#[case::guard_kind(
    "unknown_resource_type",
    "did you mean `role`?",
    "resource_type: role",
    "resource_type: §rule"
)]
#[case::guard_holders("unknown_resource_type", "did you mean `user`?", "holders: user", "holders: §users")]
#[case::second_kind(
    "duplicate_resource_type",
    "give it another `id`",
    "- id: group\n        name: Group",
    "- id: §site\n        name: Group"
)]
#[case::dotted_kind(
    "bad_key",
    "letters, digits",
    "- id: group\n        name: Group",
    "- id: §gro.up\n        name: Group"
)]
#[case::circle(
    "circular_per",
    "remove one `per`",
    "request: {method: GET, path: /tenants/<tenant>/sites, data_path: sites}",
    "per: §user\n          request: {method: GET, path: /tenants/<tenant>/sites, data_path: sites}"
)]
#[case::computed_type(
    "no_types",
    "add `types: [ … ]`",
    "{type: item.kind, id: item.id, types: [user, group]}",
    "{type: §item.kind, id: item.id}"
)]
// Entitlements.
#[case::second_slug("duplicate_slug", "give it another `slug`", "- slug: guest", "- slug: §visitor")]
#[case::quoted_slug("bad_slug", "write `slug: guest`", "- slug: guest", "- slug: §'\"guest\"'")]
#[case::both_sources(
    "source_of_resources",
    "keep one",
    "- for_each: role\n            when",
    "- for_each: role\n            §list: {request: {method: GET, path: /x}}\n            when"
)]
#[case::when_without_for_each(
    "misplaced_key",
    "add `for_each`",
    "- slug: guest\n",
    "- slug: guest\n            §when: each.id == \"\"\n"
)]
#[case::unknown_expand("unknown_slug", "did you mean `member`?", "expand: [member]", "expand: [§members]")]
#[case::guarded_slug(
    "unknown_slug",
    "its entitlements are member",
    "slug: member\n        keep",
    "slug: §owner\n        keep"
)]
#[case::undescribed_slug(
    "unknown_slug",
    "its entitlements are member",
    "slug: '\"member\"'",
    "slug: §'\"membership\"'"
)]
#[case::from_without_for_each(
    "from_without_for_each",
    "or write `slug`",
    r#"{type: '"site"', id: each.site}
            from: each.role"#,
    r#"{type: '"role"', id: each.site}
            from: §each.role"#
)]
#[case::slug_and_from(
    "slug_or_from",
    "keep one",
    "slug: '\"member\"'\n",
    "slug: '\"member\"'\n            §from: each.role\n"
)]
#[case::neither(
    "slug_or_from",
    "add `slug",
    "- resource: {type: '\"role\"', id: item.special}\n            slug: '\"special[\" + item.special + \"]\"'",
    "- §resource: {type: '\"role\"', id: item.special}"
)]
#[case::text_with_from(
    "misplaced_key",
    "remove it here",
    "from: each.role\n",
    "from: each.role\n            §entitlement: {grantable_to: [user]}\n"
)]
#[case::inner_without_each(
    "misplaced_key",
    "rename it to `each`",
    "- resource: {type: '\"role\"', id: item.special}",
    "- §inner: item.list\n            resource: {type: '\"role\"', id: item.special}"
)]
// Where resources come from.
#[case::list_and_static(
    "source_of_resources",
    "keep one of the two",
    "skip: [anomaly_detection]",
    "§static: [{id: all}]"
)]
#[case::no_source(
    "source_of_resources",
    "name them under `static`",
    "- id: role\n        traits: [role]\n        static:\n          - {id: owner, display_name: Owner, description: all of it}\n          - {id: reader}\n",
    "- §id: role\n        traits: [role]\n"
)]
#[case::second_resource("duplicate_resource", "another `id`", "- {id: reader}", "- {id: §owner}")]
#[case::required_and_unavailable(
    "required_unavailable",
    "remove `unavailable`",
    "display_name: item.name\n          description: item.about",
    "§unavailable: [403]\n          description: item.about"
)]
#[case::account_without_trait(
    "misplaced_key",
    "add `traits: [user]`",
    "traits: [user]\n        list:\n          per: site\n          values: [staff, guests]\n          request:\n            method: GET\n            path: /sites/<parent.id>/people\n            query_params: [{name: kind, value: <value>}]\n          unavailable: [403]\n          when: value != \"guests\" || item.active\n          id: item.id\n          display_name: item.name\n          parent: {type: '\"site\"', id: 'item.site == \"\" ? parent.id : item.site'}\n          user:",
    "traits: [secret]\n        list:\n          per: site\n          values: [staff, guests]\n          request:\n            method: GET\n            path: /sites/<parent.id>/people\n            query_params: [{name: kind, value: <value>}]\n          unavailable: [403]\n          when: value != \"guests\" || item.active\n          id: item.id\n          display_name: item.name\n          parent: {type: '\"site\"', id: 'item.site == \"\" ? parent.id : item.site'}\n          §user:"
)]
#[case::second_way_to_an_account(
    "account_twice",
    "keep one",
    "- slug: member\n            grantable_to: [user]\n            grants:\n              request: {method: GET, path: /groups/<resource.id>/members}\n              principal: {type: '\"user\"', id: item.id}\n",
    "- slug: member\n            grantable_to: [user]\n            grants:\n              request: {method: GET, path: /groups/<resource.id>/members}\n              principal: {type: '\"user\"', id: item.id}\n        create: {account: §true, request: {method: POST, path: /x}}\n"
)]
// Requests.
#[case::list_that_writes(
    "write_in_a_read",
    "a method that reads",
    "request: {method: GET, path: /groups}",
    "§request: {method: DELETE, path: /groups}"
)]
#[case::change_that_reads(
    "read_in_a_write",
    "the method that changes it",
    "request: {method: PUT, path: /sites/<resource.id>/visitors/<principal.id>, repeatable: true}",
    "§request: {method: GET, path: /sites/<resource.id>/visitors/<principal.id>}"
)]
#[case::two_writes(
    "wrong_type",
    "write a mapping",
    "request: {method: PUT, path: /sites/<resource.id>/visitors/<principal.id>, repeatable: true}",
    "request: §[{method: PUT, path: /a}, {method: PUT, path: /b}]"
)]
#[case::param_values(
    "misplaced_key",
    "placeholders by their own names",
    "request: {method: GET, path: /groups}",
    "request: {method: GET, path: /groups, §param_values: [{name: a, connector_param: tenant}]}"
)]
#[case::errors_ignored(
    "misplaced_key",
    "`unavailable: […]`",
    "request: {method: GET, path: /groups}",
    "request: {method: GET, path: /groups, §ignore_errors: true}"
)]
#[case::own_when(
    "misplaced_key",
    "at the section",
    "request: {method: GET, path: /groups}",
    "request: {method: GET, path: /groups, §when: tenant == 'a'}"
)]
#[case::pages_of_a_change(
    "misplaced_key",
    "remove it here",
    "request: {method: POST, path: /people, body",
    "request: {method: POST, path: /people, §data_path: x, body"
)]
#[case::own_verify(
    "misplaced_key",
    "always read back",
    "request: {method: POST, path: /people, body",
    "request: {method: POST, path: /people, §verify: x, body"
)]
#[case::own_script(
    "misplaced_script",
    "describe it",
    "request: {method: GET, path: /groups}",
    "request: {§script: 'a.star:read'}"
)]
#[case::bad_status(
    "bad_status",
    "from 100 to 599",
    "unavailable: [403]\n              when",
    "unavailable: [§40]\n              when"
)]
// Placeholders.
#[case::unknown_placeholder(
    "unknown_placeholder",
    "did you mean `<resource.id>`?",
    "path: /sites/<resource.id>/groups",
    "path: §/sites/<resource.ids>/groups"
)]
#[case::value_without_values(
    "unknown_placeholder",
    "nothing fills `<value>`",
    "path: /groups}\n          id",
    "path: §/groups/<value>}\n          id"
)]
#[case::parent_placeholder_without_per(
    "unknown_placeholder",
    "nothing fills `<parent.id>`",
    "path: /groups}\n          id",
    "path: §/groups/<parent.id>}\n          id"
)]
#[case::principal_in_a_list(
    "unknown_placeholder",
    "known are <resource.id>",
    "path: /sites/<resource.id>/rights}\n",
    "path: §/sites/<principal.email>/rights}\n"
)]
#[case::undeclared_var(
    "unknown_placeholder",
    "did you mean `<vars.who>`?",
    "path: \"/sites/<resource.id>/visitors/<vars.who>\"",
    "path: §\"/sites/<resource.id>/visitors/<vars.whom>\""
)]
#[case::from_of_a_plain_entitlement(
    "unknown_placeholder",
    "nothing fills `<from.id>`",
    "path: /people/<principal.id>/roles, body: '{\"role\": \"<resource.id>\"}'",
    "path: /people/<principal.id>/roles, body: §'{\"role\": \"<from.id>\"}'"
)]
#[case::since_outside_activity(
    "unknown_placeholder",
    "nothing fills `<since>`",
    "path: /groups}\n          id",
    "path: §/groups/<since>}\n          id"
)]
// What stays.
#[case::rest_not_sent(
    "misplaced_rest",
    "write `<rest>` in the body",
    "rest: '{\"role\": each.role, \"places\": inners}'\n              vars: {old: each.role + inner.id}\n              request: {method: PUT, path: \"/people/<principal.id>/roles/<vars.old>\", body: '{\"roles\": <rest>}'}",
    "§rest: '{\"role\": each.role}'\n              vars: {old: each.role}\n              request: {method: PUT, path: \"/people/<principal.id>/roles/<vars.old>\"}"
)]
#[case::rest_without_each(
    "misplaced_rest",
    "has `each`",
    "revoke:\n              vars: {who: principal.item.number}",
    "revoke:\n              §rest: '{}'\n              vars: {who: principal.item.number}"
)]
#[case::rest_of_a_resource(
    "misplaced_rest",
    "remove it here",
    "delete:\n",
    "delete:\n          §rest: '{}'\n"
)]
#[case::change_without_get(
    "no_get",
    "add `get`",
    "grants:\n              request: {method: GET, path: /groups/<resource.id>/members}\n              principal: {type: '\"user\"', id: item.id}\n",
    "grants:\n              request: {method: GET, path: /groups/<resource.id>/members}\n              principal: {type: '\"user\"', id: item.id}\n        grants:\n          - resource: {type: '\"role\"', id: item.role}\n            slug: '\"member\"'\n            §revoke: {request: {method: DELETE, path: /x}}\n"
)]
// Params of what is made.
#[case::second_param("duplicate_create_param", "another param", "- {name: note}", "- {name: §email}")]
#[case::setting_as_param(
    "duplicate_create_param",
    "a connector param",
    "- {name: note}",
    "- {name: §tenant}"
)]
#[case::bad_param(
    "bad_key",
    "letters, digits",
    "- {name: note}",
    "- {name: §no-te}\n            - {name: note}"
)]
// Keys.
#[case::unknown_key(
    "unknown_key",
    "did you mean `entitlements`?",
    "entitlements:\n          - {slug: member, grantable_to: [user]}",
    "§entitlement:\n          - {slug: member, grantable_to: [user]}"
)]
#[case::unknown_key_of_a_list(
    "unknown_key",
    "did you mean `display_name`?",
    "display_name: item.name\n          description",
    "§displayname: item.name\n          description"
)]
#[case::unknown_trait("unknown_value", "did you mean `group`?", "traits: [group]", "traits: [§groups]")]
#[case::missing_grantable_to(
    "missing_key",
    "add `grantable_to",
    "- {slug: member, grantable_to: [user]}",
    "- §{slug: member}"
)]
#[case::no_guard_at_all("out_of_range", "from 1 on", "keep: 1", "keep: §0")]
#[case::duration("bad_duration", "", "kept: 90d", "kept: §90 days")]
fn mistake_is_found_at_its_place(
    #[case] code: &str,
    #[case] help: &str,
    #[case] right: &str,
    #[case] wrong: &str,
) {
    let (text, place) = planted(right, wrong);

    let checked = check(&text);

    let errors: Vec<&Diagnostic> =
        checked.diagnostics.iter().filter(|found| found.severity == Severity::Error).collect();
    let found = errors.iter().find(|found| found.code == format!("spec::{code}"));
    let found = found.unwrap_or_else(|| panic!("{errors:#?}"));
    assert_eq!((found.line, found.column), place, "{found:#?}");
    let said = format!("{} {}", found.message, found.help.as_deref().unwrap_or_default());
    assert!(said.contains(help), "{said}");
    assert!(checked.value.is_none());
}

#[test]
fn all_of_it_is_kept() {
    let file = clean();

    let governance = file.governance.as_ref().unwrap();
    let ids: Vec<&str> = governance.resource_types.iter().map(|kind| kind.id.as_str()).collect();
    assert_eq!(ids, ["site", "user", "group", "role"]);
    let user = governance.find_type("user").unwrap();
    assert_eq!(user.traits, [Trait::User]);
    let ResourceSource::Listed(list) = &user.source else { panic!("listed") };
    assert_eq!((list.per.as_deref(), list.values.len()), (Some("site"), 2));
    assert_eq!(list.parent.as_ref().unwrap().types, ["site"]);
    assert_eq!(list.user.as_ref().unwrap().email.as_ref().unwrap().source(), "item.email");
    assert!(matches!(user.grants[0].target, GrantTarget::Slug(_)));
    assert!(matches!(user.grants[1].target, GrantTarget::From(_)));
    let text = user.grants[2].entitlement.as_ref().unwrap();
    assert_eq!(
        (text.purpose, text.grantable_to.as_slice()),
        (Purpose::Ownership, ["user".to_owned()].as_slice())
    );
    assert!(user.grants[0].revoke.as_ref().unwrap().rest.is_some());
    assert!(user.create.as_ref().unwrap().is_account);
    let role = governance.find_type("role").unwrap();
    assert_eq!(role.name, "role", "the id where there is no name");
    assert!(governance.find_type("group").unwrap().skips.anomaly_detection);
    let site = governance.find_type("site").unwrap();
    assert!(matches!(&site.entitlements[2].source, EntitlementSource::Derived { of, .. } if of == "role"));
    assert!(matches!(&site.entitlements[2].slug, Slug::Computed(_)));
    assert!(matches!(&site.entitlements[3].source, EntitlementSource::Listed { .. }));
    assert_eq!(governance.guards[0].keep, 1);
    let activity = file.activity.as_ref().unwrap();
    assert_eq!(activity.kept.map(|kept| kept.as_secs()), Some(90 * 86_400));
}

#[test]
fn lists_that_send_the_same_request_are_read_once() {
    let file = clean();

    let site = file.governance.as_ref().unwrap().find_type("site").unwrap();
    let (visitors, guests) = (&site.entitlements[0].grants, &site.entitlements[1].grants);

    assert_eq!(visitors[0].same_list, None);
    assert_eq!(guests[0].same_list, Some(ListPlace { entitlement: 0, list: 0 }));
    assert_eq!(guests[1].same_list, None, "another path");
}

#[test]
fn the_sections_own_client_is_every_requests_own() {
    let file = clean();

    let governance = file.governance.as_ref().unwrap();

    assert_eq!(governance.requests().len(), 17);
    assert!(governance.requests().iter().all(|request| request.client_config.is_some()));
    assert!(file.activity.as_ref().unwrap().request.client_config.is_none(), "another section");
}

#[test]
fn a_post_that_lists_counts_as_a_read_and_is_named() {
    let file = clean();

    let reads: Vec<&str> =
        spec::lint::reads_by_post(&file).iter().map(|request| request.place.as_str()).collect();

    assert_eq!(reads, ["governance.resource_types[0].entitlements[3].list.request"]);
}
