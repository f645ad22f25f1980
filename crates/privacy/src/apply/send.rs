//! The order in which operations are sent: what waits for nothing goes at once, and what waits for
//! something that went wrong does not go at all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::{Chain, TaskHold, WriteError, WriteOrder, WritePayload, Writer, WriterParts};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use model::Outcome;
use store::{RunState, StoreError};

use super::pass::Pass;
use super::{ApplyError, ApplyProgress};
use crate::plan::{Operation, Plan};
use crate::status::holds;

/// Most operations that one chain settles before others are looked at again.
const LONGEST_CHAIN: usize = 32;

/// What is left to do.
pub(super) struct Sending<'a> {
    pub(super) pass: &'a Pass<'a>,
    pub(super) hold: &'a TaskHold,
    /// Operations with an end of some kind.
    pub(super) settled: BTreeMap<u64, Outcome>,
    /// Operations to be settled now, if nothing stands in their way.
    pub(super) todo: BTreeSet<u64>,
}

/// Settles everything that can be settled now.
///
/// # Errors
/// The first thing that stopped it; what was under way was waited for and stands in the ledger.
pub(super) async fn send(mut sending: Sending<'_>) -> Result<(), ApplyError> {
    let pass = sending.pass;
    let parts = pass.service.parts();
    let writer = Writer::new(WriterParts {
        store: parts.store.clone(),
        sources: parts.sources.clone(),
        person: Arc::new(pass.subject.person.clone()),
        limits: parts.concurrency.clone(),
        clock: parts.clock.clone(),
    });
    let lanes = parts.concurrency.limits().per_connection;
    let mut running = FuturesUnordered::new();
    let mut busy: BTreeMap<&str, usize> = BTreeMap::new();
    let mut stopped: Option<ApplyError> = None;
    loop {
        if stopped.is_none()
            && let Err(error) = pass.may_go_on(sending.hold)
        {
            stopped = Some(error);
        }
        if stopped.is_none() {
            for chain in sending.ready(&busy, lanes) {
                let orders: Result<Vec<WriteOrder>, _> =
                    chain.iter().map(|operation| order(pass.plan, operation)).collect();
                match (orders, chain.first()) {
                    (Ok(orders), Some(first)) => {
                        *busy.entry(first.connection.as_str()).or_default() += 1;
                        let (writer, hold) = (&writer, sending.hold);
                        running.push(async move { (chain, writer.settle_all(hold, &orders).await) });
                    }
                    (Ok(_), None) => {}
                    (Err(error), _) => stopped = Some(error),
                }
            }
        }
        let Some((operations, Chain { reports, stopped: error })) = running.next().await else { break };
        if let Some(lane) = operations.first().and_then(|first| busy.get_mut(first.connection.as_str())) {
            *lane -= 1;
        }
        let ended: Vec<_> = operations.iter().zip(reports.iter().map(|report| report.outcome)).collect();
        for (operation, outcome) in ended {
            sending.settled.insert(operation.order, outcome);
            (pass.on_progress)(ApplyProgress::Settled {
                order: operation.order,
                of: pass.plan.contents().operations.len() as u64,
                connection: operation.connection.clone(),
                outcome,
            });
        }
        if let Some(error) = error {
            stopped.get_or_insert(write_error(error));
        }
    }
    stopped.map_or(Ok(()), Err)
}

impl<'a> Sending<'a> {
    /// Chains of operations that wait for nothing any more, taken out of what is to do: as many for
    /// each connection as it may have calls in flight.
    fn ready(&mut self, busy: &BTreeMap<&str, usize>, lanes: usize) -> Vec<Vec<&'a Operation>> {
        let plan: &'a Plan = self.pass.plan;
        let mut by_connection: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
        for operation in &plan.contents().operations {
            let is_free = |order: &u64| self.settled.get(order).is_some_and(|outcome| !holds(*outcome));
            if self.todo.contains(&operation.order) && operation.waits_for.iter().all(is_free) {
                by_connection.entry(operation.connection.as_str()).or_default().push(operation);
            }
        }
        let mut chains = Vec::new();
        for (connection, operations) in by_connection {
            let free = lanes.saturating_sub(busy.get(connection).copied().unwrap_or_default());
            if free == 0 {
                continue;
            }
            let length = operations.len().div_ceil(free).clamp(1, LONGEST_CHAIN);
            for chain in operations.chunks(length).take(free) {
                for operation in chain {
                    self.todo.remove(&operation.order);
                }
                chains.push(chain.to_vec());
            }
        }
        chains
    }
}

/// The operation as it is sent: everything in it stands in the plan.
fn order(plan: &Plan, operation: &Operation) -> Result<WriteOrder, ApplyError> {
    let damaged = ApplyError::Store(StoreError::Damaged { what: "an operation of a plan" });
    let number = operation.order.checked_sub(1).and_then(|number| u32::try_from(number).ok());
    let http = operation
        .write_request()
        .and_then(|write| Some(WritePayload::Http { connection: operation.connection.parse().ok()?, write }));
    let payload = http.or_else(|| operation.sql_operation().map(WritePayload::Sql));
    let (Some(number), Some(payload)) = (number, payload) else { return Err(damaged) };
    Ok(WriteOrder {
        plan: plan.digest().clone(),
        operation: number,
        payload,
        repeatable: operation.repeatable,
        expected: operation.expected,
    })
}

fn write_error(error: WriteError) -> ApplyError {
    match error {
        WriteError::Lost { run } => ApplyError::Lost { run },
        WriteError::Cancelled { run } => ApplyError::NotActive { run, state: RunState::Cancelled },
        WriteError::Store(error) => ApplyError::Store(error),
        other @ (WriteError::UnderWay { .. }
        | WriteError::NotInPlan { .. }
        | WriteError::NoConnection { .. }
        | WriteError::NoRequest { .. }
        | WriteError::Stopped) => ApplyError::Write(other),
    }
}
