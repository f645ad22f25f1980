use std::collections::HashSet;

use rstest::rstest;

use super::*;

fn shop() -> Value {
    json!({
        "fides_key": "shop",
        "name": "Shop",
        "collections": [
            {"name": "orders", "fields": [{"name": "id", "fidesops_meta": {"primary_key": true}}]},
            {"name": "customers", "fields": [
                {"name": "mail", "data_categories": ["user.contact.email"], "fides_meta": {"identity": "email"}},
                {"name": "address", "fields": [{"name": "street", "data_categories": ["user.contact.address.street"]}]},
            ]},
        ],
    })
}

/// The default categories and one more.
fn own() -> Categories {
    Categories::Of(HashSet::from(["acme.badge".to_owned()]))
}

fn problems(document: &Value) -> Vec<String> {
    let found = DatasetDocument::check(document, &own()).unwrap_err();
    let step = |step: &PlaceStep| match step {
        PlaceStep::Key(key) => format!(".{key}"),
        PlaceStep::Position(position) => format!("[{position}]"),
    };
    found
        .iter()
        .map(|problem| format!("{} {}", problem.kind, problem.place.iter().map(step).collect::<String>()))
        .collect()
}

// rule: privacy-requests D-1
// rule: privacy-requests D-4
// rule: privacy-requests D-5
#[test]
fn a_document_is_kept_in_one_form_without_foreign_keys() {
    let mut document = shop();
    document["color"] = json!("red");
    document["collections"][1]["fields"][1]["fields"][0]["fides_meta"] = json!({"length": 4, "size": 1});

    let checked = DatasetDocument::check(&document, &own()).unwrap();

    let kept = &checked.document;
    assert_eq!(kept["organization_fides_key"], "default_organization");
    assert_eq!(kept["collections"][0]["name"], "customers");
    assert_eq!(kept["collections"][0]["fields"][0]["fields"][0]["fides_meta"], json!({"length": 4}));
    assert_eq!(kept["collections"][1]["fields"][0]["fides_meta"], json!({"primary_key": true}));
    assert!(
        kept.get("color").is_none() && kept["collections"][1]["fields"][0].get("fidesops_meta").is_none()
    );
    let again = DatasetDocument::check(kept, &own()).unwrap();
    assert_eq!(again.document, checked.document);
    assert_eq!(checked.to_kept().categories, ["user.contact.address.street", "user.contact.email"]);
}

// rule: privacy-requests D-7
#[rstest]
#[case::category("/collections/1/fields/0/data_categories", json!(["user", "user.shoe"]), "value_error .collections[1].fields[0].data_categories[1]")]
#[case::type_of_data("/collections/1/fields/0/fides_meta", json!({"data_type": "text"}), "value_error .collections[1].fields[0].fides_meta.data_type")]
#[case::no_name("/collections/0/fields/0", json!({}), "missing .collections[0].fields[0].name")]
#[case::no_list("/collections", json!("none"), "value_error .collections")]
#[case::key("/fides_key", json!("a b"), "value_error .fides_key")]
#[case::zero("/name", json!("a\0"), "value_error .name")]
#[case::twice("/collections/0/name", json!("customers"), "value_error .collections[1].name")]
fn what_is_wrong_is_said_with_its_place(#[case] place: &str, #[case] value: Value, #[case] expected: &str) {
    let mut document = shop();
    *document.pointer_mut(place).unwrap() = value;

    assert_eq!(problems(&document), [expected]);
}

#[rstest]
#[case::text(json!("shop"), "dict_type ")]
#[case::nothing(json!(null), "dict_type ")]
#[case::list(json!([]), "dict_type ")]
fn only_an_object_is_a_dataset(#[case] document: Value, #[case] expected: &str) {
    assert_eq!(problems(&document), [expected]);
}

#[test]
fn an_unknown_category_is_named_in_the_words_of_the_interface() {
    let mut document = shop();
    document["data_categories"] = json!(["shoe.size"]);

    let found = DatasetDocument::check(&document, &own()).unwrap_err();

    assert_eq!(found[0].message, "The data category shoe.size is not supported.");
}

// rule: privacy-requests M-7
#[test]
fn an_override_that_needs_a_secret_is_reported_apart() {
    let mut document = shop();
    document["collections"][1]["fields"][0]["fides_meta"]["masking_strategy_override"] =
        json!({"strategy": "hmac"});

    let checked = DatasetDocument::check(&document, &own()).unwrap();

    assert_eq!(checked.refused_overrides, ["hmac"]);
    assert_eq!(checked.dataset.fides_key, "shop");
}

// rule: fides-api 6.4
#[test]
fn categories_of_ones_own_are_known_and_no_others() {
    let mut document = shop();
    let field = "/collections/1/fields/0/data_categories";
    *document.pointer_mut(field).unwrap() = json!(["acme.badge", "acme", "acme.badge.door"]);

    let known = problems(&document);

    assert_eq!(known.len(), 2, "{known:?}");
    assert!(known.iter().all(|problem| !problem.ends_with("[0]")), "{known:?}");
    assert!(DatasetDocument::check(&document, &Categories::Any).is_ok(), "a kept one stays readable");
}
