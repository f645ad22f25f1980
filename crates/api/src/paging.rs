use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Listed, Window};
use utoipa::{IntoParams, ToSchema};

use crate::query::Query;
use crate::{ApiError, Invalid};

/// Which page of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paging {
    /// Its number, from 1.
    #[param(minimum = 1, default = 1, required = false)]
    pub(crate) page: u64,
    /// How many items a page has.
    #[param(minimum = 1, maximum = 100, default = 50, required = false)]
    pub(crate) size: u64,
}

impl Paging {
    /// The part of the list that this page is.
    pub(crate) fn window(self) -> Window {
        let limit = u32::try_from(self.size).unwrap_or(u32::MAX);
        Window { offset: (self.page - 1).saturating_mul(self.size), limit }
    }

    /// The page that the store returned for [`window`](Self::window).
    pub(crate) fn of<T, U>(self, listed: Listed<T>, shape: impl FnMut(T) -> U) -> PageOf<U> {
        let Listed { items, total } = listed;
        PageOf {
            items: items.into_iter().map(shape).collect(),
            total,
            page: self.page,
            size: self.size,
            pages: total.div_ceil(self.size),
        }
    }
}

#[derive(Deserialize)]
struct Asked {
    page: Option<String>,
    size: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for Paging {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Query(asked) = Query::<Asked>::from_request_parts(parts, state).await?;
        let page = number("page", asked.page.as_deref(), 1, u64::from(u32::MAX));
        let size = number("size", asked.size.as_deref(), 50, 100);
        match (page, size) {
            (Ok(page), Ok(size)) => Ok(Self { page, size }),
            (page, size) => Err(ApiError::Invalid([page.err(), size.err()].into_iter().flatten().collect())),
        }
    }
}

fn number(name: &str, text: Option<&str>, default: u64, most: u64) -> Result<u64, Invalid> {
    let loc = || vec![json!("query"), json!(name)];
    let Some(text) = text else { return Ok(default) };
    let Ok(number) = text.parse::<i128>() else {
        return Err(Invalid::new("int_parsing", loc(), "expected a whole number"));
    };
    match u64::try_from(number) {
        Ok(number) if number > most => {
            Err(Invalid::new("less_than_equal", loc(), format!("expected at most {most}")))
        }
        Ok(number) if number >= 1 => Ok(number),
        Ok(_) | Err(_) => Err(Invalid::new("greater_than_equal", loc(), "expected at least 1")),
    }
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PageOf<T> {
    /// Its items.
    pub(crate) items: Vec<T>,
    /// How many there are on all pages.
    pub(crate) total: u64,
    /// Which page this is, from 1.
    pub(crate) page: u64,
    /// How many items a page has.
    pub(crate) size: u64,
    /// How many pages there are.
    pub(crate) pages: u64,
}
