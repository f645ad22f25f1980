//! The section `governance` of a file: its lists and changes, run as they stand there.

use connector::{Bound, BoundKind, ListAnswers, WriteEnd};
use egress::{LedgerRef, WritePermit};
use model::Effect;
use serde_json::json;
use spec::connector_file::Request;
use spec::connector_file::governance::{Governance, ResourceSource};
use testkit::Answer;

use crate::acme::{Acme, Setup, file};

const GOVERNANCE: &str = "  governance:
    client_config:
      protocol: https
      host: <domain>
      authentication: {strategy: bearer, configuration: {token: <admin>}}
    requires: the role Admin
    resource_types:
      - id: user
        name: User
        traits: [user]
        list:
          request: {method: GET, path: /<org>/users, data_path: data}
          id: item.id
          user: {email: item.email}
      - id: group
        name: Group
        traits: [group]
        list:
          request: {method: GET, path: /groups, data_path: data}
          unavailable: [403]
          id: item.id
        entitlements:
          - slug: member
            display_name: '\"Member\"'
            grantable_to: [user]
            grants:
              request: {method: GET, path: /groups/<resource.id>/users, data_path: data}
              principal: {type: '\"user\"', id: item}
            revoke:
              request: {method: DELETE, path: /groups/<resource.id>/users/<principal.id>}
";

async fn start() -> Acme {
    let text = file("    []\n").replace("endpoints:\n    []", "endpoints: []").replace(
        "    - name: token\n",
        "    - name: token\n    - {name: admin, sensitive: true}\n    - name: org\n",
    );
    let secrets = vec![("admin", json!("A")), ("org", json!("o/1"))];
    Acme::start_with(&format!("{text}{GOVERNANCE}"), Setup { secrets, ..Setup::default() }).await
}

fn governance(acme: &Acme) -> &Governance {
    acme.connector.connection().file.governance.as_deref().unwrap()
}

fn list_of<'a>(acme: &'a Acme, kind: &str) -> &'a Request {
    match &governance(acme).find_type(kind).unwrap().source {
        ResourceSource::Listed(listed) => &listed.request,
        ResourceSource::Static(_) => panic!("`{kind}` is listed"),
    }
}

fn authorization(acme: &Acme) -> Vec<String> {
    let calls = acme.saas.calls();
    calls.iter().map(|call| call.header("authorization").unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn lists_of_the_section_go_out_with_its_own_authentication_and_the_settings() {
    let acme = start().await;
    acme.saas.on("GET", "/*/users").then(Answer::json(200, &json!({"data": [{"id": "u"}]})));
    acme.saas.on("GET", "/groups/*/users").then(Answer::json(200, &json!({"data": ["u"]})));
    let holders = &governance(&acme).find_type("group").unwrap().entitlements[0].grants[0];
    let bound = Bound::new().with("resource.id", "g 1", BoundKind::Plain);

    let lists = [(list_of(&acme, "user"), Bound::new()), (&holders.request, bound)];
    let mut items = Vec::new();
    for (request, bound) in lists {
        let listing = acme.connector.list((request, "governance"), &bound, ListAnswers::default()).unwrap();
        items.extend(listing.open().next_page().await.unwrap().unwrap().items);
    }

    assert_eq!(items, [json!({"id": "u"}), json!("u")]);
    assert_eq!(acme.targets(), ["/o%2F1/users", "/groups/g%201/users"]);
    assert_eq!(authorization(&acme), ["Bearer A", "Bearer A"]);
}

#[tokio::test]
async fn a_change_of_the_section_is_found_again_by_its_place_and_sent() {
    let acme = start().await;
    acme.saas.on("DELETE", "/groups/*/users/*").then(Answer::status(204));
    let revoke = governance(&acme).find_type("group").unwrap().entitlements[0].revoke.as_ref().unwrap();
    let bound = Bound::new().with("resource.id", "g", BoundKind::Plain).with(
        "principal.id",
        "u/1",
        BoundKind::Personal,
    );

    let write = acme.connector.prepare_bound_write((&revoke.request, "governance.group"), &bound).unwrap();
    let kept = serde_json::from_value(json!(write)).unwrap();
    let requests = acme.connector.connection().file.requests();
    let found: Vec<&Request> = requests
        .into_iter()
        .filter(|request| request.place == write.place && request.effect == Effect::Write)
        .collect();
    let permit = WritePermit::for_intent(LedgerRef { id: "led_test".to_owned(), fence: 1 });
    let answer = acme.connector.send_write(&kept, found[0], permit).await;

    assert_eq!(found.len(), 1);
    assert!(matches!(answer.end, WriteEnd::Taken { status: 204, .. }), "{:?}", answer.end);
    assert_eq!(acme.targets(), ["/groups/g/users/u%2F1"]);
    assert_eq!(authorization(&acme), ["Bearer A"]);
}
