//! A task that changes who has access (baton §13.5).

use tokio::time::timeout;
use tonic::Code;

use super::connector::{Provisioner, ServedConnector, TaskContext};
use super::finish::TaskEnd;
use super::order::Order;
use super::{ServiceTimes, TaskFailure};
use crate::command_line::Permission;

/// What is said where provisioning is switched off (baton M-15).
const NOT_ENABLED: &str = "provisioning is not enabled";

/// Carries `order` out, if it may be.
pub(super) async fn change(
    (connector, permission): (&dyn ServedConnector, Permission),
    (order, context): (&Order, &TaskContext),
    times: ServiceTimes,
) -> TaskEnd {
    let verb = order.verb();
    let refused = |code, text: &str| TaskEnd::change(verb, &TaskFailure::new(code, text));
    if permission == Permission::Refused {
        return refused(Code::FailedPrecondition, NOT_ENABLED);
    }
    let Some(provisioner) = connector.provisioner() else {
        return refused(Code::Unimplemented, "this connector makes no changes");
    };
    match timeout(times.change, ask(provisioner, order, context)).await {
        Ok(Ok(end)) => end,
        Ok(Err(failure)) => TaskEnd::change(verb, &failure),
        Err(_) => {
            refused(Code::DeadlineExceeded, "it took too long; whether it was made, the next sync shows")
        }
    }
}

async fn ask(
    provisioner: &dyn Provisioner,
    order: &Order,
    context: &TaskContext,
) -> Result<TaskEnd, TaskFailure> {
    Ok(match order {
        Order::Grant(order) => {
            let answer = provisioner.grant(order, context).await?;
            TaskEnd::answered(answer.annotations.clone(), &answer)
        }
        Order::Revoke(order) => {
            let answer = provisioner.revoke(order, context).await?;
            TaskEnd::answered(answer.annotations.clone(), &answer)
        }
        Order::CreateAccount(order) => {
            let answer = provisioner.create_account(order, context).await?;
            TaskEnd::answered(answer.annotations.clone(), &answer)
        }
        Order::CreateResource(order) => {
            let answer = provisioner.create_resource(order, context).await?;
            TaskEnd::answered(answer.annotations.clone(), &answer)
        }
        Order::DeleteResource(order) => {
            let answer = provisioner.delete_resource(order, context).await?;
            TaskEnd::answered(answer.annotations.clone(), &answer)
        }
        Order::RotateCredentials | Order::IssueCredential => {
            return Err(TaskFailure::new(Code::Unimplemented, "this connector has no credentials to give"));
        }
    })
}
