use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
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

/// What counts where nothing is said.
const FIRST: Paging = Paging { page: 1, size: 50 };

/// Which page of a list is wanted, if not all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageOrAll {
    /// Number of a page; without it and `size` the whole list is returned.
    #[param(minimum = 1)]
    page: Option<u64>,
    /// Items of a page.
    #[param(minimum = 1, maximum = 100)]
    size: Option<u64>,
}

impl PageOrAll {
    fn paging(self) -> Option<Paging> {
        match (self.page, self.size) {
            (None, None) => None,
            (page, size) => {
                Some(Paging { page: page.unwrap_or(FIRST.page), size: size.unwrap_or(FIRST.size) })
            }
        }
    }

    /// The part of the list that is wanted.
    pub(crate) fn window(self) -> Window {
        self.paging().map_or(Window::ALL, Paging::window)
    }

    /// What the store returned for [`window`](Self::window): a page, or the bare list.
    pub(crate) fn of(self, items: Listed<Value>) -> Value {
        match self.paging() {
            Some(paging) => json!(paging.of(items, std::convert::identity)),
            None => Value::Array(items.items),
        }
    }

    /// The same of a list that is whole already.
    pub(crate) fn of_all(self, items: Vec<Value>) -> Value {
        match self.paging() {
            Some(paging) => self.of(paging.part(items)),
            None => Value::Array(items),
        }
    }
}

impl Paging {
    /// The part of the list that this page is.
    pub(crate) fn window(self) -> Window {
        let limit = u32::try_from(self.size).unwrap_or(u32::MAX);
        Window { offset: (self.page - 1).saturating_mul(self.size), limit }
    }

    /// This page of a list that is whole already.
    pub(crate) fn part<T>(self, items: Vec<T>) -> Listed<T> {
        let total = u64::try_from(items.len()).unwrap_or(u64::MAX);
        let Window { offset, limit } = self.window();
        let [offset, limit] = [offset, u64::from(limit)].map(|n| usize::try_from(n).unwrap_or(usize::MAX));
        Listed { items: items.into_iter().skip(offset).take(limit).collect(), total }
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
        Ok(PageOrAll::from_request_parts(parts, state).await?.paging().unwrap_or(FIRST))
    }
}

impl<S: Sync> FromRequestParts<S> for PageOrAll {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Query(asked) = Query::<Asked>::from_request_parts(parts, state).await?;
        let page = number("page", asked.page.as_deref(), u64::from(u32::MAX));
        let size = number("size", asked.size.as_deref(), 100);
        match (page, size) {
            (Ok(page), Ok(size)) => Ok(Self { page, size }),
            (page, size) => Err(ApiError::Invalid([page.err(), size.err()].into_iter().flatten().collect())),
        }
    }
}

fn number(name: &str, text: Option<&str>, most: u64) -> Result<Option<u64>, Invalid> {
    let loc = || vec![json!("query"), json!(name)];
    let Some(text) = text else { return Ok(None) };
    let Ok(number) = text.parse::<i128>() else {
        return Err(Invalid::new("int_parsing", loc(), "expected a whole number"));
    };
    if number < 1 {
        return Err(Invalid::new("greater_than_equal", loc(), "expected at least 1"));
    }
    match u64::try_from(number) {
        Ok(number) if number <= most => Ok(Some(number)),
        Ok(_) | Err(_) => Err(Invalid::new("less_than_equal", loc(), format!("expected at most {most}"))),
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

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use rstest::rstest;

    use super::*;

    async fn read(query: &str) -> Result<Paging, ApiError> {
        let (mut parts, ()) = Request::get(format!("/?{query}")).body(()).unwrap().into_parts();
        Paging::from_request_parts(&mut parts, &()).await
    }

    // rule: fides-api 1.2
    #[rstest]
    #[case("", 1, 50, 0)]
    #[case("page=3&size=100&other=x", 3, 100, 200)]
    #[case("page=4294967295&size=1", 4_294_967_295, 1, 4_294_967_294)]
    #[tokio::test]
    async fn a_page_is_a_part_of_the_list(
        #[case] query: &str,
        #[case] page: u64,
        #[case] size: u64,
        #[case] offset: u64,
    ) {
        let paging = read(query).await.unwrap();

        assert_eq!(paging, Paging { page, size });
        assert_eq!(paging.window(), Window { offset, limit: u32::try_from(size).unwrap() });
    }

    // rule: fides-api 1.2
    #[rstest]
    #[case("page=0", &["page greater_than_equal"])]
    #[case("page=-3", &["page greater_than_equal"])]
    #[case("size=101", &["size less_than_equal"])]
    #[case("page=x&size=y", &["page int_parsing", "size int_parsing"])]
    #[case("page=99999999999999999999", &["page less_than_equal"])]
    #[case("page=9999999999999999999999999999999999999999999", &["page int_parsing"])]
    #[case("page=1.0", &["page int_parsing"])]
    #[tokio::test]
    async fn numbers_out_of_range_are_told_all_together(#[case] query: &str, #[case] expected: &[&str]) {
        let ApiError::Invalid(list) = read(query).await.unwrap_err() else { panic!("a list") };

        let name = |invalid: &Invalid| invalid.loc.get(1).and_then(Value::as_str).unwrap().to_owned();
        let found: Vec<_> =
            list.iter().map(|invalid| format!("{} {}", name(invalid), invalid.kind)).collect();
        assert_eq!(found, expected);
    }

    // rule: fides-api 1.2
    #[rstest]
    #[case(0, 0)]
    #[case(1, 1)]
    #[case(50, 1)]
    #[case(51, 2)]
    fn the_last_page_may_be_short(#[case] total: u64, #[case] pages: u64) {
        let page = Paging { page: 1, size: 50 }.of(Listed { items: vec![1], total }, |item| item);

        assert_eq!((page.total, page.pages), (total, pages));
    }
}
