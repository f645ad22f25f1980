//! Measures expressions of governance sections: `cargo run --release --example expressions`.

use std::hint::black_box;
use std::time::Instant;

use serde_json::{Value, json};
use spec::{Expression, Scope};

const ROUNDS: u32 = 200_000;

const EXPRESSIONS: &[&str] = &[
    "item.id",
    "'user'",
    "item.profile.department",
    "item.name != \"\" ? item.name : item.email",
    "each.resources[0].type == \"WORKSPACE\"",
    "has(item.permissions)",
    "!has(item.permissions)",
    "item.name + \" Workspace member\"",
    "snakeCase(item.name)",
    "item.permissions.map(p, p.roleId)",
    "item.permissions.filter(p, p.roleName.contains(\"Source\")).map(p, p.roleId)",
    "{\"id\": each.roleId, \"labels\": has(each.labels) ? each.labels : []}",
];

#[expect(clippy::print_stdout, reason = "a measurement answers on standard output")]
fn main() -> anyhow::Result<()> {
    let (item, each) = (user(), permission(0));
    let outer = Scope::new().with("item", &item);
    let scope = outer.inner().with("each", &each);
    println!("{:>9}  expression", "ns");
    for text in EXPRESSIONS {
        let expression = Expression::compile(text)?;
        let started = Instant::now();
        for _ in 0..ROUNDS {
            black_box(expression.evaluate(black_box(&scope))?);
        }
        println!("{:>9.0}  {text}", started.elapsed().as_secs_f64() * 1e9 / f64::from(ROUNDS));
    }
    Ok(())
}

/// A listed user with as much around what expressions read as services send.
fn user() -> Value {
    json!({
        "id": "u-1", "name": "Ada Example", "email": "ada@example.com",
        "profile": {"department": "Research", "manager": "u-2", "location": {"city": "Berlin", "floor": 3}},
        "permissions": (0..10).map(permission).collect::<Vec<_>>(),
        "settings": (0..40).map(|number| (format!("key{number}"), json!(number))).collect::<serde_json::Map<_, _>>(),
    })
}

fn permission(number: u32) -> Value {
    json!({
        "roleId": format!("role-{number}"), "roleName": "Source Admin",
        "resources": [{"id": format!("source-{number}"), "type": "WORKSPACE", "labels": []}],
    })
}
