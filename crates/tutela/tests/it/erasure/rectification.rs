use super::Journey;

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_corrected_where_it_stands_and_nowhere_else() {
    let journey = Journey::on_sqlite().await;

    let planned = journey.plan_with(&[
        "--policy",
        "correct_customer",
        "--identity",
        "email=bo@example.com",
        "--rectify",
        "customers.name=Bodil",
    ]);
    journey.apply(&planned).expect(0);
    journey.run(&["privacy", "verify", &planned.run]).expect(0);

    assert_eq!(planned.operations().len(), 1);
    assert_eq!(
        journey.shop.customers().await,
        [
            "1|ana@example.com|Ana|ana@example.com",
            "2|bo@example.com|Bodil|user_8f3k2b9d",
            "3|zoe@example.com|Zoe|-"
        ]
    );
    assert_eq!(journey.segment_writes(), 0);
    journey.run(&["certificate", "verify", &format!("{}.certificate.json", planned.run)]).expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_nobody_has_and_one_that_the_policy_does_not_allow_are_refused() {
    let journey = Journey::on_sqlite().await;
    let plan = [
        "privacy",
        "plan",
        "--policy",
        "correct_customer",
        "--identity",
        "email=bo@example.com",
        "--rectify",
    ];

    let unknown = journey.run(&[&plan[..], &["customers.nmae=Bodil"]].concat()).expect(2);
    let forbidden = journey.run(&[&plan[..], &["customers.id:=9"]].concat()).expect(2);

    unknown.complains(&["customers.nmae"]);
    forbidden.complains(&["customers.id"]);
    assert!(!unknown.stderr.contains("Bodil"), "{}", unknown.stderr);
}
