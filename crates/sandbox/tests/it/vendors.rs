use sandbox::vendors::{Vendor, VendorOptions, VendorSandbox};
use serde_json::{Value, json};

use crate::client::{Reply, encode, exchange};

struct Shop(VendorSandbox);

impl Shop {
    async fn start(vendor: Vendor) -> Self {
        Self(VendorSandbox::start(vendor, VendorOptions::default()).await.unwrap())
    }

    async fn send(&self, method: &str, target: &str, body: &str) -> Reply {
        let authorization = match self.0.host() {
            "us21.api.mailchimp.com" => {
                use base64::Engine as _;
                let pair = format!("anyone:{}", self.0.token());
                format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
            }
            _ => format!("Bearer {}", self.0.token()),
        };
        let head = format!("Host: {}\r\nAuthorization: {authorization}\r\n", self.0.host());
        exchange(&self.0.url(), &format!("{method} {target}"), &head, body).await
    }

    async fn get(&self, target: &str) -> Value {
        let reply = self.send("GET", target, "").await;
        assert_eq!(reply.status(), 200, "{target}: {}", reply.json());
        reply.json()
    }
}

#[tokio::test]
async fn every_vendor_refuses_a_call_without_its_token() {
    for vendor in [Vendor::Stripe, Vendor::HubSpot, Vendor::Sentry, Vendor::Mailchimp] {
        let shop = Shop::start(vendor).await;

        let refused =
            exchange(&shop.0.url(), "GET /", "Host: a\r\nAuthorization: Bearer wrong\r\n", "").await;

        assert_eq!(refused.status(), 401, "{vendor:?}");
    }
}

#[tokio::test]
async fn stripe_pages_by_the_last_id_and_forgets_deleted_customers() {
    let stripe = Shop::start(Vendor::Stripe).await;
    let customers = stripe.get("/v1/customers?email=ana%40example.com&limit=100").await;
    let id = customers["data"][0]["id"].as_str().unwrap();

    let mut charges = Vec::new();
    let mut after = String::new();
    loop {
        let page = stripe.get(&format!("/v1/charges?customer={id}&limit=100{after}")).await;
        charges.extend(page["data"].as_array().unwrap().clone());
        if page["has_more"] != true {
            break;
        }
        after = format!("&starting_after={}", charges.last().unwrap()["id"].as_str().unwrap());
    }
    let by_phone = stripe.get("/v1/customers/search?query=phone%3A%27%2B14440000000%27").await;
    let nobody = stripe.get("/v1/customers?email=nobody%40example.com").await;
    let deleted = stripe.send("DELETE", &format!("/v1/customers/{id}"), "").await;
    let again = stripe.send("DELETE", &format!("/v1/customers/{id}"), "").await;

    assert_eq!((charges.len(), customers["data"].as_array().unwrap().len()), (7, 2));
    assert_eq!(by_phone["data"].as_array().unwrap().len(), 2);
    assert_eq!(nobody["data"], json!([]));
    assert_eq!((deleted.status(), again.status()), (200, 404));
}

#[tokio::test]
async fn hubspot_searches_by_post_and_gives_a_link_only_if_there_is_more() {
    let hubspot = Shop::start(Vendor::HubSpot).await;
    let search = json!({
        "filterGroups": [
            {"filters": [{"propertyName": "email", "operator": "EQ", "value": "ana@example.com"}]},
            {"filters": [{"propertyName": "hs_additional_emails", "operator": "CONTAINS_TOKEN", "value": "ana@example.com"}]},
        ],
        "limit": 100,
    })
    .to_string();

    let first = hubspot.send("POST", "/crm/v3/objects/contacts/search", &search).await.json();
    let link = first["paging"]["next"]["link"].as_str().unwrap();
    let target = link.strip_prefix("https://api.hubapi.com").unwrap();
    let second = hubspot.send("POST", target, &search).await.json();
    let id = &first["results"][0]["id"];
    let erased = json!({"objectId": id}).to_string();
    let erased = hubspot.send("POST", "/crm/v3/objects/contacts/gdpr-delete", &erased).await;
    let left = hubspot.send("POST", "/crm/v3/objects/contacts/search", &search).await.json();
    let owners = hubspot.get("/crm/v3/owners?email=ana%40example.com&limit=100").await;
    let preferences = hubspot.get("/communication-preferences/v3/status/email/ana%40example.com").await;

    assert_eq!((first["total"].clone(), first["results"].as_array().unwrap().len()), (json!(4), 3));
    assert_eq!(second["results"].as_array().unwrap().len(), 1);
    assert!(second.get("paging").is_none());
    assert_eq!((erased.status(), left["total"].clone()), (204, json!(3)));
    assert_eq!(owners["results"].as_array().unwrap().len(), 1);
    assert_eq!(preferences["subscriptionStatuses"][0]["status"], "SUBSCRIBED");
}

#[tokio::test]
async fn sentry_names_the_next_page_in_a_header_and_says_whether_it_has_results() {
    let sentry = Shop::start(Vendor::Sentry).await;
    let mut target =
        format!("/api/0/projects/acme/backend/issues/?query={}", encode("assigned:ana@example.com"));
    let mut found = 0;
    let mut pages = 0;
    loop {
        let reply = sentry.send("GET", &target, "").await;
        found += reply.json().as_array().unwrap().len();
        pages += 1;
        let next =
            reply.header("link").unwrap().split(", ").find(|link| link.contains("rel=\"next\"")).unwrap();
        if next.contains("results=\"false\"") {
            break;
        }
        let url = next.trim_start_matches('<').split('>').next().unwrap();
        target = url.strip_prefix("https://sentry.io").unwrap().to_owned();
    }

    assert_eq!((found, pages), (5, 2));
    let users = sentry.get("/api/0/projects/acme/backend/users/?query=email%3Aana%40example.com").await;
    assert_eq!(users[0]["email"], "ana@example.com");
}

#[tokio::test]
async fn mailchimp_pages_by_offset_and_finds_exact_members() {
    let mailchimp = Shop::start(Vendor::Mailchimp).await;

    let found = mailchimp.get("/3.0/search-members?query=ana%40example.com").await;
    let member = &found["exact_matches"]["members"][0];
    let path = format!(
        "/3.0/lists/{}/members/{}",
        member["list_id"].as_str().unwrap(),
        member["id"].as_str().unwrap()
    );
    let first = mailchimp.get(&format!("{path}/activity-feed?count=3&offset=0")).await;
    let second = mailchimp.get(&format!("{path}/activity-feed?count=3&offset=103")).await;
    let beyond = mailchimp.get(&format!("{path}/activity-feed?count=3&offset=106")).await;
    let conversations = mailchimp.get("/3.0/conversations?count=1&offset=1").await;
    let conversation = &conversations["conversations"][0];
    let messages =
        mailchimp.get(&format!("/3.0/conversations/{}/messages", conversation["id"].as_str().unwrap())).await;
    let deleted = mailchimp.send("POST", &format!("{path}/actions/delete-permanent"), "").await;
    let after = mailchimp.get("/3.0/search-members?query=ana%40example.com").await;

    assert_eq!(found["exact_matches"]["total_items"], 2);
    let sizes = [&first, &second, &beyond].map(|page| page["activity"].as_array().unwrap().len());
    assert_eq!(sizes, [3, 2, 0]);
    assert_eq!(messages["conversation_messages"][0]["from_email"], conversation["from_email"]);
    assert_eq!(deleted.status(), 204);
    assert_eq!(after["exact_matches"]["total_items"], 1);
}
