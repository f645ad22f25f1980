//! What the inventory answers, against what the simulated workspace itself says.

use std::collections::{BTreeMap, BTreeSet};

use governance::inventory::{
    AccountQuery, GrantQuery, Inventory, InventoryBuilder, PageRequest, ResourceQuery, WhatQuery, WhoQuery,
    WhyQuery,
};
use governance::reach::{Held, Target};
use sandbox::governance::{GovernanceTruth, Origin};
use sandbox::segment::{SegmentOptions, WorkspaceOptions};

use crate::planted::changed;
use crate::workspace::{FILE, Workspace};

/// Of each grant, by id: whether it is direct, and which entitlements bring it.
type Grants = BTreeMap<String, (bool, BTreeSet<String>)>;

async fn workspace(file: &str) -> (Inventory, GovernanceTruth) {
    let options = SegmentOptions {
        users: 230,
        workspace: WorkspaceOptions { groups: Some(12), ..WorkspaceOptions::default() },
        ..SegmentOptions::default()
    };
    let workspace = Workspace::with_file(options, file).await;
    let read = workspace.begin().await.unwrap().read(&|_| {}).await.unwrap();
    let (builder, report) = read.assemble(InventoryBuilder::new()).await.unwrap();
    read.close(&report, None).await.unwrap();
    let inventory = builder.finish("2026-11-27T00:00:00Z".parse().unwrap()).unwrap();
    (inventory, workspace.sandbox.governance_truth())
}

fn true_grants(truth: &GovernanceTruth) -> Grants {
    let grant = |grant: &sandbox::governance::TruthGrant| {
        let others = grant.sources.iter().filter(|source| source.entitlement != grant.entitlement);
        let through = others.map(|source| source.entitlement.to_string()).collect();
        (grant.id.clone(), (grant.origin == Origin::Direct, through))
    };
    truth.grants.iter().map(grant).collect()
}

fn answered(inventory: &Inventory, items: &[governance::inventory::AccessItem]) -> Grants {
    let views = items.iter().map(|item| inventory.access_view(item));
    let view = |view: governance::inventory::AccessView<'_>| {
        let through = view.through.iter().map(|through| through.id.to_owned()).collect();
        (view.id.into_owned(), (view.held == Held::Directly, through))
    };
    views.map(view).collect()
}

fn by_who(inventory: &Inventory) -> Grants {
    let all = inventory.entitlement_numbers().flat_map(|number| {
        let query = WhoQuery { target: Target::Entitlement(number), principal_kind: None, limit: usize::MAX };
        answered(inventory, &inventory.who(&query).unwrap().items)
    });
    all.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_what_why_and_lists_say_what_the_workspace_says() {
    let (inventory, truth) = workspace(FILE).await;
    let expected = true_grants(&truth);

    assert_eq!(by_who(&inventory), expected);

    let resources = inventory.list_resources(&ResourceQuery::default(), &PageRequest::all()).unwrap();
    let what = resources.items.iter().flat_map(|number| {
        answered(&inventory, &inventory.what(&WhatQuery { principal: *number, limit: usize::MAX }).items)
    });
    assert_eq!(what.collect::<Grants>(), expected);
    let ids: BTreeSet<String> = resources.items.iter().map(|number| inventory.resource_id(*number)).collect();
    let true_ids = truth.resources.iter().map(|row| format!("{}:{}", row.key.kind, row.key.id));
    assert_eq!(ids, true_ids.collect());

    let list = inventory.list_grants(&GrantQuery::default(), &PageRequest::all()).unwrap();
    assert_eq!(list.total, Some(truth.grants.len() as u64));
    for item in &list.items {
        let target = Target::Entitlement(item.entitlement);
        let ways = inventory.why(&WhyQuery { principal: item.principal, target, limit: 50 });
        let firsts: BTreeSet<String> =
            ways.items.iter().map(|way| way.steps[0].entitlement.id.to_owned()).collect();
        let (direct, mut through) = expected[inventory.grant(item).id.as_ref()].clone();
        if direct {
            through.insert(inventory.entitlement_ref(item.entitlement).id.to_owned());
        }
        assert_eq!(firsts, through);
    }

    let accounts = inventory.list_accounts(&AccountQuery::default(), &PageRequest::all()).unwrap();
    let told: BTreeMap<String, String> = accounts
        .items
        .iter()
        .filter_map(|number| inventory.account(*number))
        .map(|account| (account.names.id.to_owned(), account.emails.join(" ")))
        .collect();
    let people = truth.resources.iter().filter_map(|row| Some((row, row.account.as_ref()?)));
    let people: BTreeMap<String, String> = people
        .map(|(row, account)| (row.key.id.to_string(), account.email.clone().unwrap_or_default()))
        .collect();
    assert_eq!(told, people);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planted_defect_is_seen_in_the_answers() {
    let (inventory, truth) = workspace(&changed("expand: &members [member]", "expand: &members []")).await;

    assert_ne!(by_who(&inventory), true_grants(&truth));
}
