//! Policies, their rules and targets.

use api::Scope;
use http::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};
use store::{Actor, Approval};

use crate::app::App;

/// One element; what became of it.
async fn patch(app: &App, path: &str, element: Value) -> Result<Value, String> {
    let (status, body) = app.send(Method::PATCH, path, json!([element])).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    match body["failed"].as_array().unwrap().first() {
        Some(failed) => {
            assert_eq!(failed["data"], element);
            Err(failed["message"].as_str().unwrap().to_owned())
        }
        None => Ok(body["succeeded"][0].clone()),
    }
}

async fn policy(app: &App, element: Value) -> Result<Value, String> {
    patch(app, "/api/v1/dsr/policy", element).await
}

async fn rule(app: &App, policy: &str, element: Value) -> Result<Value, String> {
    patch(app, &format!("/api/v1/dsr/policy/{policy}/rule"), element).await
}

async fn target(app: &App, rule: &str, element: Value) -> Result<Value, String> {
    patch(app, &format!("/api/v1/dsr/policy/ana/rule/{rule}/target"), element).await
}

fn erase(key: &str) -> Value {
    let masking = json!({"strategy": "hmac", "configuration": {"algorithm": "SHA-512"}});
    json!({"name": format!("Erase {key}"), "key": key, "action_type": "erasure", "masking_strategy": masking})
}

/// An interface with the policy `ana`, which has no rules.
async fn with_policy() -> App {
    let app = App::start().await;
    policy(&app, json!({"name": "Ana", "key": "ana"})).await.unwrap();
    app
}

async fn detail(app: &App, method: Method, path: &str) -> (StatusCode, String) {
    let (status, body) = app.send(method, path, Value::Null).await;
    (status, body["detail"].as_str().unwrap_or_default().to_owned())
}

// rule: privacy-requests POL-2
// rule: privacy-requests POL-3
#[tokio::test]
async fn a_policy_is_made_step_by_step_and_its_masking_is_not_shown() {
    let app = App::start().await;
    let storage =
        json!({"name": "Exports", "type": "local", "details": {"naming": "request_id"}, "format": "html"});
    patch(&app, "/api/v1/storage/config", storage).await.unwrap();

    let made = policy(
        &app,
        json!({"name": "Ana's Policy", "drp_action": "access", "execution_timeframe": 30, "other": 1}),
    );
    let made = made.await.unwrap();
    assert_eq!(made["key"], "ana_s_policy");
    let deliver = json!({"name": "Deliver", "action_type": "access", "storage_destination_key": "exports"});
    let made = rule(&app, "ana_s_policy", deliver).await.unwrap();
    assert_eq!(made["storage_destination"]["name"], "Exports");
    rule(&app, "ana_s_policy", erase("erase")).await.unwrap();
    let path = "/api/v1/dsr/policy/ana_s_policy/rule/erase/target";
    patch(&app, path, json!({"data_category": "user.contact"})).await.unwrap();

    let (status, body) = app.get("/api/v1/dsr/policy/ana_s_policy").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        body,
        json!({
            "name": "Ana's Policy",
            "key": "ana_s_policy",
            "drp_action": "access",
            "execution_timeframe": 30,
            "approval": "automatic",
            "rules": [
                {
                    "name": "Deliver",
                    "key": "deliver",
                    "action_type": "access",
                    "storage_destination": {
                        "name": "Exports",
                        "type": "local",
                        "details": {"naming": "request_id"},
                        "key": "exports",
                        "format": "html",
                        "is_default": false,
                    },
                    "masking_strategy": null,
                    "targets": [],
                },
                {
                    "name": "Erase erase",
                    "key": "erase",
                    "action_type": "erasure",
                    "storage_destination": null,
                    "masking_strategy": {"strategy": "hmac"},
                    "targets": [{
                        "name": "erase-user.contact",
                        "key": "erase-user.contact",
                        "data_category": "user.contact",
                    }],
                },
            ],
            "conditions": null,
        })
    );
    let (_, listed) = app.get("/api/v1/dsr/policy").await;
    assert_eq!((&listed["items"][0], &listed["total"]), (&body, &json!(1)));
    let (_, rules) = app.get("/api/v1/dsr/policy/ana_s_policy/rule?size=1&page=2").await;
    assert_eq!((&rules["items"][0], &rules["pages"]), (&body["rules"][1], &json!(2)));
    let (_, one) = app.get("/api/v1/dsr/policy/ana_s_policy/rule/erase").await;
    assert_eq!(one, body["rules"][1]);
    let (_, targets) = app.get(path).await;
    assert_eq!(targets["items"], body["rules"][1]["targets"]);
    let (_, one) = app.get(&format!("{path}/erase-user.contact")).await;
    assert_eq!(one, body["rules"][1]["targets"][0]);
}

// rule: fides-api 8
#[tokio::test]
async fn how_a_rule_masks_is_shown_by_an_operation_of_its_own_and_nowhere_else() {
    let app = App::start().await;
    let masking = json!({"strategy": "string_rewrite", "configuration": {"rewrite_value": "gone"}});
    let rules = json!([
        {"name": "Erase", "key": "erase", "action_type": "erasure", "masking_strategy": masking},
        {"name": "Deliver", "key": "deliver", "action_type": "access"},
    ]);
    let made = policy(&app, json!({"name": "P", "key": "p", "rules": rules})).await.unwrap();
    let path = |rule: &str| format!("/api/v1/dsr/policy/p/rule/{rule}/masking");

    let shown = app.get(&path("erase")).await;
    let nothing = app.get(&path("deliver")).await;
    let missing = app.get(&path("other")).await;

    assert_eq!(shown, (StatusCode::OK, masking));
    assert_eq!(nothing.0, StatusCode::NOT_FOUND);
    let text = "No Rule found for key other attached to policy p";
    assert_eq!(missing, (StatusCode::NOT_FOUND, json!({"detail": text})));
    assert!(!made.to_string().contains("gone"), "{made}");
}

// rule: privacy-requests POL-13
#[tokio::test]
async fn a_policy_with_an_action_gets_one_rule_and_the_default_targets() {
    let app = App::start().await;

    let erasure =
        policy(&app, json!({"name": "Forget", "key": "forget", "action_type": "erasure"})).await.unwrap();
    let consent = policy(&app, json!({"name": "Agree", "action_type": "consent"})).await.unwrap();
    let update = policy(&app, json!({"name": "Correct", "action_type": "update"})).await;
    let again =
        policy(&app, json!({"name": "Forgotten", "key": "forget", "action_type": "access"})).await.unwrap();

    let rule = &erasure["rules"][0];
    assert_eq!((&rule["name"], &rule["key"]), (&json!("Forget Rule"), &json!("forget_rule")));
    assert_eq!(rule["masking_strategy"], json!({"strategy": "hmac"}));
    let targets = rule["targets"].as_array().unwrap();
    let categories: Vec<&str> =
        targets.iter().map(|target| target["data_category"].as_str().unwrap()).collect();
    assert!(categories.contains(&"user.contact") && !categories.contains(&"user.payment"), "{categories:?}");
    assert_eq!(consent["rules"][0]["key"], "agree_rule");
    assert_eq!(consent["rules"][0]["targets"], json!([]));
    let text = "Unsupported action_type 'update'. Must be one of: access, consent, erasure";
    assert_eq!(update.unwrap_err(), text);
    assert_eq!((&again["name"], &again["rules"]), (&json!("Forgotten"), &erasure["rules"]));
}

// rule: privacy-requests POL-13
#[tokio::test]
async fn a_policy_whose_rules_are_refused_is_not_there_afterwards() {
    let app = App::start().await;
    let bad = json!({"name": "Bad", "action_type": "erasure"});

    let refused = policy(&app, json!({"name": "Whole", "rules": [erase("good"), bad]})).await;
    let mut good = erase("good");
    good["targets"] =
        json!([{"data_category": "user.name"}, {"name": "Mail", "data_category": "user.contact.email"}]);
    let both = json!([{"name": "Both", "action_type": "access", "rules": []}]);
    let (status, twice) = app.send(Method::PATCH, "/api/v1/dsr/policy", both).await;
    let made = policy(&app, json!({"name": "Whole", "rules": [good]})).await.unwrap();

    assert_eq!(refused.unwrap_err(), "Erasure Rules must have masking strategies.");
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(twice["detail"][0]["loc"], json!(["body", 0]));
    assert_eq!(twice["detail"][0]["msg"], "Provide either 'action_type' or 'rules', not both.");
    assert_eq!(made["rules"][0]["targets"][1]["name"], "Mail");
}

#[tokio::test]
async fn what_a_change_of_a_policy_leaves_out_stays_and_null_removes_it() {
    let app = App::start().await;
    let first = json!({"name": "Ana", "key": "ana", "drp_action": "deletion", "execution_timeframe": 45});
    policy(&app, first).await.unwrap();

    let renamed = policy(&app, json!({"name": "Bea", "key": "ana"})).await.unwrap();
    let cleared = policy(&app, json!({"name": "Bea", "key": "ana", "drp_action": null})).await.unwrap();

    assert_eq!((&renamed["name"], &renamed["drp_action"]), (&json!("Bea"), &json!("deletion")));
    assert_eq!((&cleared["drp_action"], &cleared["execution_timeframe"]), (&Value::Null, &json!(45)));
}

#[tokio::test]
async fn keys_names_and_rights_actions_belong_to_one_policy() {
    let app = App::start().await;
    policy(&app, json!({"name": "Ana", "drp_action": "access"})).await.unwrap();

    let key = policy(&app, json!({"name": "ANA"})).await.unwrap_err();
    let name = policy(&app, json!({"name": "Ana", "key": "other"})).await.unwrap_err();
    let drp = policy(&app, json!({"name": "Bea", "drp_action": "access"})).await.unwrap_err();
    let sale = policy(&app, json!({"name": "Bea", "drp_action": "sale:opt_out"})).await.unwrap_err();

    assert_eq!(
        key,
        "Key ana already exists in Policy. Keys will be snake-cased names if not provided. If you are seeing this \
         error without providing a key, please provide a key or a different name."
    );
    assert_eq!(name, "Name Ana already exists in Policy.");
    assert_eq!(drp, "This record could not be added because the data provided was invalid.");
    assert!(sale.contains("sale:opt_out"), "{sale}");
}

// rule: privacy-requests POL-1
// rule: privacy-requests POL-4
// rule: privacy-requests POL-7
#[rstest]
#[case::update(json!({"action_type": "update"}), "update Rules are not supported at this time.")]
#[case::masking(json!({"masking_strategy": null}), "Erasure Rules must have masking strategies.")]
#[case::storage(json!({"storage_destination_key": "exports"}), "Erasure Rules cannot have storage destinations.")]
#[case::no_storage(
    json!({"action_type": "access", "storage_destination_key": "nowhere"}),
    "A StorageConfig with key nowhere does not exist"
)]
#[case::strategy(
    json!({"masking_strategy": {"strategy": "shred", "configuration": {}}}),
    "Strategy 'shred' does not exist. Valid strategies are [aes_encrypt, hash, hmac, null_rewrite, preserve, \
     random_string_rewrite, string_rewrite]"
)]
#[case::configuration(
    json!({"masking_strategy": {"strategy": "string_rewrite", "configuration": {}}}),
    "masking strategy `string_rewrite` needs `rewrite_value` in its configuration"
)]
#[case::elsewhere(json!({"key": "of_bea"}), "Rule with identifier of_bea belongs to another policy.")]
#[case::consent(
    json!({"action_type": "consent"}),
    "Policies can only have one consent rule attached.  Existing rule agree found."
)]
#[tokio::test]
async fn a_rule_that_cannot_be_is_refused_with_its_reason(#[case] change: Value, #[case] message: &str) {
    let app = with_policy().await;
    rule(&app, "ana", json!({"name": "Agree", "action_type": "consent"})).await.unwrap();
    policy(&app, json!({"name": "Bea", "rules": [erase("of_bea")]})).await.unwrap();
    let mut element = erase("erase");
    for (key, value) in change.as_object().unwrap() {
        element[key.as_str()] = value.clone();
    }

    let refused = rule(&app, "ana", element).await;

    assert_eq!(refused.unwrap_err(), message);
    let (_, kept) = app.get("/api/v1/dsr/policy/ana/rule").await;
    assert_eq!(kept["total"], 1);
}

#[tokio::test]
async fn a_rule_that_is_changed_keeps_its_targets() {
    let app = with_policy().await;
    rule(&app, "ana", erase("erase")).await.unwrap();
    target(&app, "erase", json!({"data_category": "user.name"})).await.unwrap();

    let mut changed = erase("erase");
    changed["masking_strategy"] = json!({"strategy": "null_rewrite", "configuration": {}});
    let changed = rule(&app, "ana", changed).await.unwrap();

    assert_eq!(changed["masking_strategy"], json!({"strategy": "null_rewrite"}));
    assert_eq!(changed["targets"][0]["data_category"], "user.name");
}

// rule: privacy-requests POL-6
// rule: privacy-requests POL-7
#[tokio::test]
async fn a_target_without_a_name_is_updated_and_a_category_stands_once_in_a_rule() {
    let app = with_policy().await;
    for key in ["one", "two"] {
        rule(&app, "ana", erase(key)).await.unwrap();
    }
    target(&app, "one", json!({"name": "Names", "key": "names", "data_category": "user.name"}))
        .await
        .unwrap();

    let moved =
        target(&app, "one", json!({"key": "names", "data_category": "user.job_title"})).await.unwrap();
    let same = target(&app, "one", json!({"data_category": "user.job_title"})).await.unwrap();
    let twice =
        target(&app, "one", json!({"name": "Jobs", "data_category": "user.job_title"})).await.unwrap_err();
    let elsewhere =
        target(&app, "two", json!({"key": "names", "data_category": "user.name"})).await.unwrap_err();

    assert_eq!(moved, json!({"name": "Names", "key": "names", "data_category": "user.job_title"}));
    assert_eq!(same, moved);
    assert_eq!(twice, "DataCategory user.job_title is already specified on Rule with ID one");
    assert_eq!(elsewhere, "RuleTarget with identifier names belongs to another rule.");
}

// rule: privacy-requests POL-9
#[tokio::test]
async fn erasure_targets_do_not_cover_each_other_across_rules() {
    let app = with_policy().await;
    for key in ["one", "two"] {
        rule(&app, "ana", erase(key)).await.unwrap();
    }
    rule(&app, "ana", json!({"name": "Deliver", "action_type": "access"})).await.unwrap();
    target(&app, "one", json!({"data_category": "user.contact"})).await.unwrap();

    let below = target(&app, "two", json!({"data_category": "user.contact.email"})).await.unwrap_err();
    let delivered = target(&app, "deliver", json!({"data_category": "user.contact.email"})).await;
    let mut turned = erase("deliver");
    turned["name"] = json!("Deliver");
    let turned = rule(&app, "ana", turned).await.unwrap_err();

    let text = "Policy rules are invalid, action conflict in erasure rules detected for categories user.contact and \
                user.contact.email";
    assert_eq!((below.as_str(), turned.as_str()), (text, text));
    assert!(delivered.is_ok(), "{delivered:?}");
}

// rule: privacy-requests POL-6
#[tokio::test]
async fn an_unknown_category_ends_the_call_and_what_came_before_it_stays() {
    let app = with_policy().await;
    rule(&app, "ana", erase("erase")).await.unwrap();
    let path = "/api/v1/dsr/policy/ana/rule/erase/target";
    let elements = json!([{"data_category": "user.name"}, {"data_category": "user.shoe"}, {"data_category": "user.sensor"}]);

    let (status, body) = app.send(Method::PATCH, path, elements).await;

    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(body["detail"], "Invalid data categories: ['user.shoe']");
    let (_, kept) = app.get(path).await;
    assert_eq!((&kept["total"], &kept["items"][0]["data_category"]), (&json!(1), &json!("user.name")));
}

#[tokio::test]
async fn rules_and_targets_are_looked_up_in_the_policy_that_the_path_names() {
    let app = with_policy().await;
    rule(&app, "ana", erase("erase")).await.unwrap();
    target(&app, "erase", json!({"data_category": "user.name"})).await.unwrap();
    policy(&app, json!({"name": "Bea"})).await.unwrap();
    let (bea, ana) = ("/api/v1/dsr/policy/bea/rule/erase", "/api/v1/dsr/policy/ana/rule/erase");

    let added =
        app.send(Method::PATCH, &format!("{bea}/target"), json!([{"data_category": "user.name"}])).await;
    let target = detail(&app, Method::DELETE, &format!("{bea}/target/erase-user.name")).await;
    let rule = detail(&app, Method::DELETE, bea).await;
    let read = detail(&app, Method::GET, bea).await;
    let no_target = detail(&app, Method::GET, &format!("{ana}/target/x")).await;
    let gone_target = detail(&app, Method::DELETE, &format!("{ana}/target/x")).await;

    let on = "No Rule found for key erase on Policy bea.";
    assert_eq!((added.0, &added.1["detail"]), (StatusCode::NOT_FOUND, &json!(on)));
    for (status, text) in [target, rule] {
        assert_eq!((status, text.as_str()), (StatusCode::NOT_FOUND, on));
    }
    assert_eq!(read.1, "No Rule found for key erase attached to policy bea");
    assert_eq!(no_target.1, "No Rule Target found for key x attached to rule erase.");
    assert_eq!(gone_target.1, "No RuleTarget found for key x at Rule erase on Policy ana.");
    let (_, kept) = app.get(&format!("{ana}/target")).await;
    assert_eq!(kept["total"], 1);
}

// rule: privacy-requests POL-11
#[tokio::test]
async fn rules_targets_and_policies_are_removed_unless_a_request_refers_to_the_policy() {
    let app = with_policy().await;
    rule(&app, "ana", erase("erase")).await.unwrap();
    target(&app, "erase", json!({"data_category": "user.name"})).await.unwrap();

    let path = "/api/v1/dsr/policy/ana";
    for path in
        [format!("{path}/rule/erase/target/erase-user.name"), format!("{path}/rule/erase"), path.to_owned()]
    {
        assert_eq!(detail(&app, Method::DELETE, &path).await.0, StatusCode::NO_CONTENT, "{path}");
        let (status, text) = detail(&app, Method::DELETE, &path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}: {text}");
    }
    assert_eq!(detail(&app, Method::GET, path).await.1, "No Policy found for key ana.");
    policy(&app, json!({"name": "Ana"})).await.unwrap();
    run_under(&app, "ana").await;
    let used = detail(&app, Method::DELETE, path).await;
    let text = "Cannot delete policy ana: it is referenced by one or more privacy requests.";
    assert_eq!(used, (StatusCode::CONFLICT, text.to_owned()));
}

async fn run_under(app: &App, policy: &str) {
    let run = store::NewRun {
        id: model::RunId::new(&model::RandomIds),
        kind: store::RunKind::Erasure,
        policy: Some(policy.to_owned()),
        subject: crypto::Secret::new(b"{}".to_vec()),
        deadline_at: None,
        actor: Actor::system(),
    };
    app.store().run_create(run, &[]).await.unwrap();
}

#[rstest]
#[case::key(json!([{"name": "a", "key": "a b"}]), json!(["body", 0, "key"]))]
#[case::name(json!([{"key": "a"}]), json!(["body", 0, "name"]))]
#[case::action(json!([{"name": "a"}, {"name": "b", "action_type": "shred"}]), json!(["body", 1, "action_type"]))]
#[case::days(json!([{"name": "a", "execution_timeframe": -1}]), json!(["body", 0, "execution_timeframe"]))]
#[case::rule(json!([{"name": "a", "rules": [{"name": "r"}]}]), json!(["body", 0, "rules", 0, "action_type"]))]
#[case::masking(
    json!([{"name": "a", "rules": [{"name": "r", "action_type": "erasure", "masking_strategy": {"strategy": "hash"}}]}]),
    json!(["body", 0, "rules", 0, "masking_strategy", "configuration"])
)]
#[tokio::test]
async fn a_body_that_cannot_be_read_is_told_with_its_place(#[case] body: Value, #[case] loc: Value) {
    let app = App::start().await;

    let (status, reply) = app.send(Method::PATCH, "/api/v1/dsr/policy", body).await;

    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(reply["detail"][0]["loc"], loc, "{reply}");
    let (_, listed) = app.get("/api/v1/dsr/policy").await;
    assert_eq!(listed["total"], 0);
}

#[rstest]
#[case("%00")]
#[case("'%20OR%201=1--")]
#[case("..%2f..%2fetc")]
#[tokio::test]
async fn a_path_that_holds_no_key_finds_nothing(#[case] key: &str) {
    let app = with_policy().await;

    for path in
        [key.to_string(), format!("{key}/rule"), format!("ana/rule/{key}"), format!("ana/rule/{key}/target")]
    {
        let (status, text) = detail(&app, Method::GET, &format!("/api/v1/dsr/policy/{path}")).await;

        assert_eq!(status, StatusCode::NOT_FOUND, "{path}: {text}");
    }
}

#[tokio::test]
async fn who_may_only_read_changes_nothing() {
    let app = with_policy().await.with_scopes(&[Scope::PolicyRead, Scope::RuleRead]).await;

    let read = app.get("/api/v1/dsr/policy/ana").await;
    let changed = app.send(Method::PATCH, "/api/v1/dsr/policy", json!([{"name": "Bea"}])).await;
    let removed = app.send(Method::DELETE, "/api/v1/dsr/policy/ana", Value::Null).await;

    assert_eq!(read.0, StatusCode::OK);
    assert_eq!((changed.0, removed.0), (StatusCode::FORBIDDEN, StatusCode::FORBIDDEN));
    assert_eq!(
        changed.1["detail"],
        "Not Authorized for this action. Required scope(s): [policy:create_or_update]"
    );
}

#[tokio::test]
async fn plans_of_a_policy_wait_for_a_person_only_if_it_says_so() {
    let app = App::start().await;
    let approval = async |key: &str| app.store().policy_find(key).await.unwrap().unwrap().approval;
    policy(&app, json!({"name": "Ana", "key": "ana"})).await.unwrap();
    policy(&app, json!({"name": "Ben", "key": "ben", "approval": "person"})).await.unwrap();

    let made = (approval("ana").await, approval("ben").await);
    policy(&app, json!({"name": "Benjamin", "key": "ben"})).await.unwrap();
    let kept = approval("ben").await;
    policy(&app, json!({"name": "Benjamin", "key": "ben", "approval": "automatic"})).await.unwrap();
    let wrong = json!([{"name": "Cleo", "approval": "nobody"}]);
    let (status, _) = app.send(Method::PATCH, "/api/v1/dsr/policy", wrong).await;

    assert_eq!(made, (Approval::Automatic, Approval::Person));
    assert_eq!((kept, approval("ben").await), (Approval::Person, Approval::Automatic));
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
}
