use serde_json::{Value, json};

use super::{Shop, ok, segments, text_of};
use crate::server::{Answer, Call};

/// Seconds since 1970 of the first thing made.
const CREATED: u64 = 1_760_000_000;

/// Email, name, phone of the customers. Two share an address, as shops with several checkouts have.
const CUSTOMERS: [(&str, &str, &str); 5] = [
    ("ana@example.com", "Ana O'Neil", "+14440000000"),
    ("ana@example.com", "Ana O'Neil (shop 2)", "+14440000000"),
    ("bo@example.com", "Bo Lindqvist", "+14440000001"),
    ("cleo@example.com", "Cleo Ngũgĩ", "+14440000002"),
    ("o'neil+news@example.com", "Maeve O'Neil", "+14440000003"),
];

pub(super) fn answer(shop: &Shop, call: &Call) -> Answer {
    if !shop.is_bearer(call) && call.basic_credentials().is_none_or(|(user, _)| user != shop.token) {
        return error(401, "Invalid API Key provided", None);
    }
    let segments = segments(call);
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let query = call.parameters();
    let of_customer = |entries: fn(&Shop, &str) -> Vec<Value>| match query.find("customer") {
        Some(id) if find(shop, id).is_some() => list(shop, call, entries(shop, id)),
        Some(id) => error(400, &format!("No such customer: '{id}'"), Some("customer")),
        None => {
            let all =
                customers(shop).iter().flat_map(|customer| entries(shop, &text_of(customer, "id"))).collect();
            list(shop, call, all)
        }
    };
    match (call.method.as_str(), segments.as_slice()) {
        ("GET", ["v1", "customers"]) => {
            let wanted = query.find("email");
            let is = |customer: &Value| wanted.is_none_or(|email| text_of(customer, "email") == email);
            list(shop, call, customers(shop).into_iter().filter(is).collect())
        }
        ("GET", ["v1", "customers", "search"]) => search(shop, call),
        ("GET", ["v1", "customers", id]) => match find(shop, id) {
            Some(customer) => ok(&customer),
            None => missing("customer", id),
        },
        ("DELETE", ["v1", "customers", id]) => delete(shop, "customer", id, find(shop, id).is_some()),
        ("GET", ["v1", "customers", id, "payment_methods"]) => match find(shop, id) {
            Some(_) => list(shop, call, payment_methods(shop, id)),
            None => missing("customer", id),
        },
        ("GET", ["v1", "charges"]) => of_customer(charges),
        ("GET", ["v1", "invoices"]) => of_customer(invoices),
        ("GET", ["v1", "subscriptions"]) if query.find("status") == Some("all") => of_customer(subscriptions),
        ("GET", ["v1", "subscriptions"]) => of_customer(|shop, customer| {
            let all = subscriptions(shop, customer).into_iter();
            all.filter(|subscription| text_of(subscription, "status") != "canceled").collect()
        }),
        ("DELETE", ["v1", "subscriptions", id]) => delete(shop, "subscription", id, !shop.is_removed(id)),
        ("POST", ["v1", "payment_methods", id, "detach"]) => {
            if shop.remove(id) {
                ok(&json!({"id": id, "object": "payment_method", "customer": null}))
            } else {
                missing("PaymentMethod", id)
            }
        }
        _ => error(404, &format!("Unrecognized request URL ({}: {})", call.method, call.path), None),
    }
}

fn error(status: u16, message: &str, param: Option<&str>) -> Answer {
    let mut body = json!({"error": {"type": "invalid_request_error", "message": message}});
    if let (Some(param), Some(error)) = (param, body.get_mut("error").and_then(Value::as_object_mut)) {
        error.insert("code".into(), json!("resource_missing"));
        error.insert("param".into(), json!(param));
    }
    Answer::json(status, &body)
}

fn missing(kind: &str, id: &str) -> Answer {
    error(404, &format!("No such {kind}: '{id}'"), Some("id"))
}

fn delete(shop: &Shop, kind: &str, id: &str, exists: bool) -> Answer {
    if exists && shop.remove(id) {
        ok(&json!({"id": id, "object": kind, "deleted": true}))
    } else {
        missing(kind, id)
    }
}

/// One page: after `starting_after`, `has_more` tells whether there is another.
fn list(shop: &Shop, call: &Call, entries: Vec<Value>) -> Answer {
    let query = call.parameters();
    let entries = shop.kept(entries);
    let start = match query.find("starting_after") {
        None => 0,
        Some(id) => match entries.iter().position(|entry| text_of(entry, "id") == id) {
            Some(position) => position + 1,
            None => return error(400, &format!("No such object: '{id}'"), Some("starting_after")),
        },
    };
    let end = (start + shop.page_size(query.find("limit"), 10)).min(entries.len());
    ok(&json!({
        "object": "list",
        "url": call.path,
        "has_more": end < entries.len(),
        "data": entries.get(start..end).unwrap_or_default(),
    }))
}

/// `query=phone:'…'` or `email:'…'`, paged by `page`.
fn search(shop: &Shop, call: &Call) -> Answer {
    let query = call.parameters();
    let Some((field, value)) = query.find("query").and_then(|text| text.split_once(':')) else {
        return error(400, "We were unable to parse your search query.", Some("query"));
    };
    let value = value.trim_matches(['\'', '"']).replace("\\'", "'");
    let found: Vec<Value> =
        shop.kept(customers(shop)).into_iter().filter(|customer| text_of(customer, field) == value).collect();
    let start: usize = query.find("page").and_then(|page| page.parse().ok()).unwrap_or(0);
    let end = (start + shop.page_size(query.find("limit"), 10)).min(found.len());
    let next = (end < found.len()).then(|| end.to_string());
    ok(&json!({
        "object": "search_result",
        "url": call.path,
        "has_more": next.is_some(),
        "next_page": next,
        "data": found.get(start..end).unwrap_or_default(),
    }))
}

fn find(shop: &Shop, id: &str) -> Option<Value> {
    shop.kept(customers(shop)).into_iter().find(|customer| text_of(customer, "id") == id)
}

fn address() -> Value {
    json!({"city": "Lisbon", "country": "PT", "line1": "Rua do Exemplo 1", "line2": null, "postal_code": "1100-148", "state": null})
}

fn customers(shop: &Shop) -> Vec<Value> {
    let customer = |(number, (email, name, phone)): (usize, &(&str, &str, &str))| {
        json!({
            "id": shop.id("cus_", &number.to_string(), 14),
            "object": "customer",
            "address": address(),
            "balance": 0,
            "created": CREATED + number as u64 * 86_400,
            "currency": "eur",
            "delinquent": false,
            "description": format!("customer {number}"),
            "email": email,
            "invoice_prefix": shop.id("", &format!("prefix {number}"), 8).to_uppercase(),
            "livemode": false,
            "metadata": {"loyalty": "gold"},
            "name": name,
            "phone": phone,
            "preferred_locales": ["pt"],
            "shipping": {"address": address(), "name": name, "phone": phone},
        })
    };
    CUSTOMERS.iter().enumerate().map(customer).collect()
}

/// Name and address of the customer with an id, for the things that repeat them.
fn contact(shop: &Shop, customer: &str) -> (String, String, String) {
    let found = find(shop, customer).unwrap_or_default();
    (text_of(&found, "email"), text_of(&found, "name"), text_of(&found, "phone"))
}

fn charges(shop: &Shop, customer: &str) -> Vec<Value> {
    let (email, name, phone) = contact(shop, customer);
    let charge = |number: u64| {
        json!({
            "id": shop.id("ch_", &format!("{customer}{number}"), 24),
            "object": "charge",
            "amount": 1999 + number,
            "billing_details": {"address": address(), "email": email, "name": name, "phone": phone},
            "created": CREATED + number * 3600,
            "currency": "eur",
            "customer": customer,
            "description": format!("order {number}"),
            "livemode": false,
            "metadata": {},
            "paid": true,
            "payment_method_details": {"type": "card", "card": {"brand": "visa", "last4": "4242"}},
            "receipt_email": email,
            "refunded": false,
            "status": "succeeded",
        })
    };
    (0..7).map(charge).collect()
}

fn invoices(shop: &Shop, customer: &str) -> Vec<Value> {
    let (email, name, phone) = contact(shop, customer);
    let invoice = |number: u64| {
        json!({
            "id": shop.id("in_", &format!("{customer}{number}"), 24),
            "object": "invoice",
            "amount_due": 1999,
            "amount_paid": 1999,
            "created": CREATED + number * 7200,
            "currency": "eur",
            "customer": customer,
            "customer_address": address(),
            "customer_email": email,
            "customer_name": name,
            "customer_phone": phone,
            "lines": {"object": "list", "has_more": false, "data": [{"description": "Plan", "amount": 1999}]},
            "livemode": false,
            "number": format!("EX-{number:04}"),
            "status": "paid",
        })
    };
    (0..2).map(invoice).collect()
}

fn subscriptions(shop: &Shop, customer: &str) -> Vec<Value> {
    let subscription = |number: u64| {
        let name = format!("{customer}{number}");
        json!({
            "id": shop.id("sub_", &name, 24),
            "object": "subscription",
            "cancel_at_period_end": false,
            "created": CREATED + number,
            "current_period_end": CREATED + 30 * 86_400,
            "current_period_start": CREATED,
            "customer": customer,
            "items": {"object": "list", "has_more": false, "data": [{"id": shop.id("si_", &name, 14), "quantity": 1}]},
            "livemode": false,
            "metadata": {},
            "status": if number == 0 { "active" } else { "canceled" },
        })
    };
    (0..2).map(subscription).collect()
}

fn payment_methods(shop: &Shop, customer: &str) -> Vec<Value> {
    let (email, name, phone) = contact(shop, customer);
    let payment_method = |number: u64| {
        json!({
            "id": shop.id("pm_", &format!("{customer}{number}"), 24),
            "object": "payment_method",
            "billing_details": {"address": address(), "email": email, "name": name, "phone": phone},
            "card": {"brand": "visa", "exp_month": 8, "exp_year": 2030, "last4": "4242"},
            "created": CREATED + number,
            "customer": customer,
            "livemode": false,
            "type": "card",
        })
    };
    (0..2).map(payment_method).collect()
}
