use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use egress::{AllowedHosts, HostMode, HttpRequest, Limit, Mode};
use http::Method;
use testkit::{Answer, Canary, FakeSaas};
use tracing_subscriber::EnvFilter;

use crate::{door, get, settings};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A call that carries the canary in every part but the host.
fn laden(canary: &Canary, base: &str, path: &str) -> HttpRequest {
    let (secret, personal) = (&canary.secret, canary.personal.replace('@', "%40"));
    let mut request = get(format!("{base}{path}?email={personal}&key={secret}"));
    request.method = Method::POST;
    request.headers.insert("authorization", secret.parse().unwrap());
    request.body = Some(Bytes::from(canary.personal.clone()));
    request.allowed_hosts = AllowedHosts::new(["elsewhere.example"], HostMode::Monitor);
    request.limits = vec![Limit { key: "shop".into(), rate: 1000, period_s: 60 }];
    request.recording.substituted.push(canary.personal.clone());
    request
}

#[tokio::test]
async fn logs_and_errors_name_the_host_and_nothing_else() {
    let canary = Canary::new("log");
    let saas = FakeSaas::start().await;
    let path = format!("/users/{}", canary.personal.replace('@', "%40"));
    saas.on("POST", "/users/**")
        .then(Answer::json(200, &canary.personal).header("x-secret", &canary.secret))
        .then(Answer::reset())
        .then(Answer::status(302).header("location", format!("http://evil.example/{}", canary.secret)));
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("egress=trace"))
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let door = door(settings(), Mode::Live);

    let reply = door.send(laden(&canary, &saas.base_url(), &path)).await.unwrap();
    let mut errors = Vec::new();
    for base in [saas.base_url(), saas.base_url(), "http://10.0.0.1".into(), "https://[fd00::1]".into()] {
        let error = door.send(laden(&canary, &base, &path)).await.unwrap_err();
        errors.push(format!("{error} {error:?}"));
    }

    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    canary.assert_absent([logged.as_bytes(), format!("{reply:?} {errors:?}").as_bytes()]);
    assert!(logged.contains("call answered") && logged.contains("127.0.0.1"), "{logged}");
    assert!(logged.contains("call without answer"), "{logged}");
}
