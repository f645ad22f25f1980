//! Measurements of the server: requests of people, submitted over HTTP and worked off.

mod http;
mod list;
mod load;
mod office;
mod postgres;
mod process;
mod quiet;
mod single;

use crate::bench::Part;

/// The parts that start a server.
pub(crate) const PARTS: [(&str, Part); 8] = [
    ("server, 1,000 access requests on SQLite", |bench, _| load::access_on_sqlite(bench)),
    ("server, 1,000 access requests on PostgreSQL", |bench, _| load::access_on_postgres(bench)),
    ("server, 100 erasures on SQLite", |bench, _| load::erasures_on_sqlite(bench)),
    ("server, 100 erasures on PostgreSQL", |bench, _| load::erasures_on_postgres(bench)),
    ("server, one request of 2,000 pages", |bench, _| single::pages(bench)),
    ("server, one request at 5 ms", |bench, _| single::latency(bench)),
    ("server, list of a million requests", |bench, _| list::lists(bench)),
    ("server, start and idle", |bench, _| quiet::start_and_idle(bench)),
];
