//! Whether the server works.

use http::StatusCode;

use crate::app::App;

#[tokio::test]
async fn health_needs_no_token() {
    let app = App::start().await;

    let (status, body) = app.without_token().get("/health").await;

    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["webserver"], "healthy");
}
