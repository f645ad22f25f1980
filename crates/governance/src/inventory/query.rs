//! Questions to an inventory: lists, who holds what, and why.

mod accounts;
mod chosen;
mod cursor;
mod grants;
mod lists;
mod page;
mod search;
mod what;
mod who;
mod why;

pub use accounts::{AccountQuery, AccountSort, UnusedFilter, Use, UseKnown};
pub use cursor::Cursor;
pub use grants::{GrantItem, GrantQuery, GrantView};
pub use lists::{EntitlementQuery, ResourceQuery, Sort};
pub use page::{ListPage, PageRequest, QueryError, Totals};
pub use what::WhatQuery;
pub use who::{AccessItem, AccessView, WhoQuery};
pub use why::{WayStep, WayView, WhyQuery};

#[cfg(test)]
mod tests;
