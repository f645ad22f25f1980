//! Measures expansion and reach: `cargo run --release -p governance --example reach_bench`.
//!
//! A million grants: 200,000 users in 20,000 groups, half of which are nested in others, with every
//! 500th closing a circle; groups and users hold entitlements on 50,000 resources. Prints one JSON
//! line: times of building in seconds, of queries in milliseconds, and memory in MiB.

use std::time::{Duration, Instant};

use governance::expansion::{Depth, Edge, EdgeCollector, ExpandableGrant, Origin, ReportedGrant};
use governance::number::{EntitlementNumber, ResourceNumber, ResourceTypeNumber};
use governance::reach::{AccessGraph, AccessGraphBuilder, AccessQuery, HolderQuery, PathQuery, Target};
use serde_json::json;

const USERS: u32 = 200_000;
const GROUPS: u32 = 20_000;
const RESOURCES: u32 = 50_000;
const GRANTS: u32 = 1_000_000;
const QUERIES: u32 = 2_000;
const USER: ResourceTypeNumber = ResourceTypeNumber(0);
const GROUP: ResourceTypeNumber = ResourceTypeNumber(1);
const OTHER: ResourceTypeNumber = ResourceTypeNumber(2);

/// Users come first, then groups, then resources; group `g` has the entitlement `g`, and resource
/// `r` the entitlements `GROUPS + 2 r` and the next one.
struct Inventory {
    grants: Vec<(EntitlementNumber, ResourceNumber, ResourceTypeNumber)>,
    edges: Vec<(EntitlementNumber, EntitlementNumber)>,
}

fn main() {
    let before = resident_mib();
    let inventory = Inventory::make();
    let made = resident_mib();

    let started = Instant::now();
    let graph = inventory.graph();
    let build_s = started.elapsed().as_secs_f64();
    let graph_mib = resident_mib() - made;

    let (expand_s, changes) = inventory.expand();
    let who = measure(|at| graph.holders(&who_asked(at)).items.len());
    let whole = measure(|at| graph.holders(&HolderQuery { limit: usize::MAX, ..who_asked(at) }).items.len());
    let what = measure(|at| graph.access(&what_asked(at)).items.len());
    let ways = measure(|at| graph.paths(&way_asked(&graph, at)).items.len());
    report(&json!({
        "rows_mib": made - before,
        "graph_build_s": build_s,
        "graph_mib": graph_mib,
        "expand_s": expand_s,
        "expanded_grants": changes,
        "who_ms": who,
        "who_without_limit_ms": whole,
        "what_ms": what,
        "paths_ms": ways,
    }));
}

impl Inventory {
    fn make() -> Inventory {
        let mut random = Random(7);
        let mut grants = Vec::with_capacity(GRANTS as usize);
        let mut edges = vec![];
        for child in 1..GROUPS / 2 {
            let parent = random.below(child);
            grants.push((EntitlementNumber(parent), group(child), GROUP));
            edges.push((EntitlementNumber(child), EntitlementNumber(parent)));
            if child % 500 == 0 {
                edges.push((EntitlementNumber(parent), EntitlementNumber(child)));
            }
        }
        for holder in 0..GROUPS {
            for _ in 0..3 {
                let held = EntitlementNumber(GROUPS + random.below(RESOURCES * 2));
                grants.push((held, group(holder), GROUP));
                edges.push((EntitlementNumber(holder), held));
            }
        }
        while grants.len() < GRANTS as usize {
            let entitlement = match random.below(2) {
                0 => random.below(GROUPS),
                _ => GROUPS + random.below(RESOURCES * 2),
            };
            grants.push((EntitlementNumber(entitlement), ResourceNumber(random.below(USERS)), USER));
        }
        Inventory { grants, edges }
    }

    fn graph(&self) -> AccessGraph {
        let mut builder = AccessGraphBuilder::new();
        (0..USERS).for_each(|user| builder.resource(ResourceNumber(user), USER));
        for holder in 0..GROUPS {
            builder.resource(group(holder), GROUP);
            builder.entitlement(EntitlementNumber(holder), group(holder));
        }
        for number in 0..RESOURCES {
            builder.resource(resource(number), OTHER);
            builder.entitlement(EntitlementNumber(GROUPS + number * 2), resource(number));
            builder.entitlement(EntitlementNumber(GROUPS + number * 2 + 1), resource(number));
        }
        for (source, destination) in &self.edges {
            let (source, destination) = (*source, *destination);
            builder.edge(Edge { source, destination, depth: Depth::Deep, principal_types: &[USER] });
        }
        for (entitlement, principal, _) in &self.grants {
            builder.grant(*entitlement, *principal);
        }
        builder.build()
    }

    /// The time that both passes take, and how many grants come out.
    fn expand(&self) -> (f64, usize) {
        let started = Instant::now();
        let mut edges = EdgeCollector::new();
        for (source, destination) in &self.edges {
            edges.add(&ExpandableGrant {
                entitlement: *destination,
                principal: group(source.0),
                source: *source,
                source_resource: Some(group(source.0)),
                depth: Depth::Deep,
                principal_types: &[USER],
            });
        }
        let mut grants = edges.finish();
        for (entitlement, principal, principal_type) in &self.grants {
            grants.add(ReportedGrant {
                entitlement: *entitlement,
                principal: *principal,
                principal_type: *principal_type,
                origin: Origin::Direct,
            });
        }
        let mut expansion = grants.expand();
        let mut changes = 0;
        while expansion.next_change().is_some() {
            changes += 1;
        }
        (started.elapsed().as_secs_f64(), changes)
    }
}

fn group(number: u32) -> ResourceNumber {
    ResourceNumber(USERS + number)
}

fn resource(number: u32) -> ResourceNumber {
    ResourceNumber(USERS + GROUPS + number)
}

/// Every tenth question is about one of the outermost groups, which almost everyone is in.
fn who_asked(at: u32) -> HolderQuery<'static> {
    let target = match at % 10 {
        0 => group(at / 10 % 10),
        _ => resource(at * 7919 % RESOURCES),
    };
    HolderQuery { target: Target::Resource(target), principal_types: &[USER], limit: 1000 }
}

fn what_asked(at: u32) -> AccessQuery {
    AccessQuery { principal: ResourceNumber(at * 7919 % USERS), limit: 10_000 }
}

/// From a user to the last thing that it reaches.
fn way_asked(graph: &AccessGraph, at: u32) -> PathQuery {
    let query = what_asked(at);
    let last = graph.access(&query).items.last().map_or(EntitlementNumber(0), |access| access.entitlement);
    PathQuery { principal: query.principal, target: Target::Entitlement(last), limit: 100 }
}

fn measure(ask: impl Fn(u32) -> usize) -> serde_json::Value {
    let mut times = vec![];
    let mut found = 0;
    for at in 0..QUERIES {
        let started = Instant::now();
        found += ask(at);
        times.push(started.elapsed());
    }
    times.sort_unstable();
    let ms = |per_cent: usize| {
        let at = (times.len() * per_cent / 100).min(times.len().saturating_sub(1));
        times.get(at).copied().unwrap_or(Duration::ZERO).as_secs_f64() * 1000.0
    };
    json!({"p50": ms(50), "p99": ms(99), "max": ms(100), "items": found / QUERIES as usize})
}

/// What the process holds, where the system tells (Linux).
fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or_default() / 1024.0
}

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(bound)) as u32
    }
}

#[expect(clippy::print_stdout, reason = "a measurement answers on standard output")]
fn report(figures: &serde_json::Value) {
    println!("{figures}");
}
