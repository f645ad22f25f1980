use crate::program::Program;
use crate::shop;

/// Five mistakes of five kinds, each on a line of its own.
const FIVE: &[(&str, &str, &str)] = &[
    ("    protocol: https\n", "    protocl: https\n", "protocl"),
    ("          path: /customers\n", "          pth: /customers\n", "pth"),
    ("param_values: [{ name: email, identity: email }]", "param_values: [{ name: email }]", "exactly one"),
    ("strategy: cursor", "strategy: curser", "curser"),
    ("  version: 1.0.0\n", "  version: [1]\n", "version"),
];

fn five_mistakes() -> String {
    FIVE.iter().fold(shop::CONNECTOR.to_owned(), |text, (right, wrong, _)| {
        assert!(text.contains(right), "{right:?}");
        text.replace(right, wrong)
    })
}

#[test]
fn a_good_file_is_accepted_with_its_dataset() {
    let program = Program::new();
    program.file("shop.yml", shop::CONNECTOR);
    program.file("shop_dataset.yml", shop::DATASET);

    let ran = program.run(&["connector", "check", "shop.yml", "--dataset", "shop_dataset.yml"]).expect(0);

    assert!(ran.stdout.contains("ok"), "{}", ran.stdout);
}

#[test]
fn five_mistakes_are_shown_at_their_places_in_one_run() {
    let program = Program::new();
    let text = five_mistakes();
    program.file("shop.yml", &text);

    let drawn = program.run(&["connector", "check", "shop.yml"]).expect(2);
    let data = program.run(&["connector", "check", "shop.yml", "--format", "json"]).expect(2).json();

    let found = data["diagnostics"].as_array().unwrap();
    let errors = found.iter().filter(|item| item["severity"] == "error").count();
    assert!(errors >= FIVE.len(), "{data:#}");
    for (_, wrong, _) in FIVE {
        let line = text[..text.find(wrong).unwrap()].matches('\n').count() as u64 + 1;
        let said = found.iter().any(|item| item["line"].as_u64() == Some(line));
        assert!(said, "nothing is said about line {line}: {data:#}");
    }
    for item in found {
        let place = format!("shop.yml:{}:{}", item["line"], item["column"]);
        drawn.complains(&[&place, item["code"].as_str().unwrap()]);
        let members: Vec<&String> = item.as_object().unwrap().keys().collect();
        assert_eq!(members, ["severity", "code", "message", "help", "file", "line", "column"]);
    }
}

// rule: saas-config A57
#[test]
fn references_in_a_dataset_are_refused_at_their_place() {
    let program = Program::new();
    program.file("connector.yml", shop::CONNECTOR);
    let field = "{ name: total, data_categories: [user.financial] }";
    let with = "{ name: total, fides_meta: { identity: email } }";
    program.file("dataset.yml", &shop::DATASET.replace(field, with));

    program
        .run(&["connector", "check", "."])
        .expect(2)
        .complains(&["dataset.yml:1", "references or identities"]);
}

// rule: saas-config A56
#[test]
fn a_dataset_of_another_key_is_refused() {
    let program = Program::new();
    program.file("a.yml", shop::CONNECTOR);
    program.file("b.yml", &shop::DATASET.replace("<instance_fides_key>", "other"));

    let ran = program.run(&["connector", "check", "a.yml", "--dataset", "b.yml"]).expect(2);

    ran.complains(&["b.yml:2", "`other`"]);
}

#[test]
fn posts_that_count_as_reads_are_listed() {
    let program = Program::new();
    let search =
        "          method: POST\n          path: /customers\n          body: '{\"email\": \"<email>\"}'\n";
    let text = shop::CONNECTOR
        .replace("          method: GET\n          path: /customers\n", search)
        .replace("          query_params: [{ name: email, value: <email> }]\n", "");
    program.file("shop.yml", &text);

    let drawn = program.run(&["connector", "check", "shop.yml"]).expect(0);
    let data = program.run(&["connector", "check", "shop.yml", "--format", "json"]).expect(0).json();

    assert!(drawn.stdout.contains("/customers"), "{}", drawn.stdout);
    assert_eq!(data["files"][0]["post_reads"][0]["path"], "/customers");
}

#[test]
fn bad_files_of_every_kind_are_refused_with_a_place() {
    let bomb = "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]\ne: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d]\nf: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e]\ng: [*f, *f, *f, *f, *f, *f, *f, *f, *f]\n";
    let bad = [
        "saas_config: [",
        "saas_config:\n  fides_key: a\n  fides_key: b\n",
        "",
        "just text",
        "dataset: []",
        "saas_config:\n\tfides_key: a\n",
        bomb,
    ];
    for text in bad {
        let program = Program::new();
        program.file("bad.yml", text);
        program.run(&["connector", "check", "bad.yml"]).expect(2).complains(&["bad.yml:"]);
    }
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let program = Program::new();
    program.file("latin.yml", "x");
    std::fs::write(program.folder().join("latin.yml"), [0xff, 0xfe, b'x']).unwrap();

    for name in ["none.yml", "latin.yml"] {
        program.run(&["connector", "check", name]).expect(2).complains(&[name]);
    }
    program
        .run(&["connector", "check", "a.yml", "b.yml", "--dataset", "c.yml"])
        .expect(2)
        .complains(&["--dataset"]);
}
