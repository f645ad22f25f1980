//! A browser: it keeps cookies, and shows what a page of it sends.

use std::collections::BTreeMap;

use axum::body::Body;
use http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use http::{Method, Request};
use serde_json::Value;

use crate::app::{App, Reply};

/// A browser with the cookies of one server.
pub(crate) struct Browser {
    app: App,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl Browser {
    pub(crate) fn new(app: &App) -> Self {
        Self { app: app.clone(), cookies: BTreeMap::new() }
    }

    /// Goes to a page, or calls without anything that only pages of the server know.
    pub(crate) async fn call(&mut self, line: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Reply {
        let (method, path) = line.split_once(' ').unwrap();
        let method: Method = method.parse().unwrap();
        let mut request =
            Request::builder().method(method).uri(path).header(CONTENT_TYPE, "application/json");
        if !self.cookies.is_empty() {
            let pairs: Vec<String> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(COOKIE, pairs.join("; "));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map(ToString::to_string).unwrap_or_default();
        let reply = self.app.call_raw(request.body(Body::from(body)).unwrap()).await;
        for set in reply.headers.get_all(SET_COOKIE) {
            let (pair, _) = set.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        reply
    }
}
