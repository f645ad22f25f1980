use protos::c1::ratelimit::v1::rate_limit_description::Status as Limit;
use protos::c1::ratelimit::v1::rate_limiter_service_server::RateLimiterService;
use protos::c1::ratelimit::v1::{DoRequest, DoResponse, RateLimitDescription, ReportRequest, ReportResponse};
use tonic::{Request, Response, Status};

/// The limiter that a driver asks before each call (baton ER-7). It lets everything through: lists are read from
/// this machine, and calls to the application keep to its limits by themselves.
#[derive(Debug, Clone, Copy)]
pub(super) struct NoLimit;

#[tonic::async_trait]
impl RateLimiterService for NoLimit {
    async fn r#do(&self, request: Request<DoRequest>) -> Result<Response<DoResponse>, Status> {
        let description =
            RateLimitDescription { status: Limit::Ok.into(), ..RateLimitDescription::default() };
        let request_token = request.into_inner().request_token;
        Ok(Response::new(DoResponse { request_token, description: Some(description) }))
    }

    async fn report(&self, _request: Request<ReportRequest>) -> Result<Response<ReportResponse>, Status> {
        Ok(Response::new(ReportResponse {}))
    }
}
