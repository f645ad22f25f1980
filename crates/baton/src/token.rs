//! Access tokens of the control plane: how a connector gets them (baton P-5, P-7), and how the control
//! plane makes and checks them.

mod access;
mod client;
mod form;

pub use access::{AccessTokenError, AccessTokens, IssuedToken, TokenHolder};
pub use client::{BearerToken, TokenClient, TokenClientParts, TokenError};
pub use form::{TokenAnswer, TokenForm, TokenFormError, TokenRefusal};

/// Where the token endpoint is (baton P-5).
pub const TOKEN_PATH: &str = "/auth/v1/token";

#[cfg(test)]
mod tests;
