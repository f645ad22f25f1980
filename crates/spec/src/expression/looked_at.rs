//! Which values an expression looks at.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, LiteralValue, operators};

use super::{bounds, environment::ORDERED};

/// A variable and the keys selected from it.
type Keys = Vec<String>;

/// What the names that loops make up stand for: an entry of the list at a path, or something computed.
type Made = Vec<(String, Option<Keys>)>;

/// Paths to every value whose content `tree` may depend on, sorted. Whether something is there (`has`, a comparison
/// with null, `size`) is no content. An entry of a list has the path of the list.
pub(super) fn paths(tree: &IdedExpr) -> Vec<Keys> {
    let mut found = Vec::new();
    walk(tree, &mut Vec::new(), &mut found);
    found.sort_unstable();
    found.dedup();
    found
}

fn walk(node: &IdedExpr, made: &mut Made, found: &mut Vec<Keys>) {
    match chain(node, made) {
        Chain::Path(path) => return found.push(path),
        Chain::Computed => return,
        Chain::None => {}
    }
    match &node.expr {
        Expr::Select(select) if select.test && !matches!(chain(&select.operand, made), Chain::None) => {}
        Expr::Call(call) if is_about_presence(call) => {
            for part in call.args.iter().chain(call.target.as_deref()) {
                if matches!(chain(part, made), Chain::None) {
                    walk(part, made, found);
                }
            }
        }
        Expr::Comprehension(looped) => walk_loop(looped, made, found),
        _ => bounds::parts(node).into_iter().for_each(|part| walk(part, made, found)),
    }
}

fn walk_loop(looped: &ComprehensionExpr, made: &mut Made, found: &mut Vec<Keys>) {
    let over = unordered(&looped.iter_range);
    let entry = match chain(over, made) {
        Chain::Path(path) => Some(path),
        Chain::Computed => None,
        Chain::None => {
            walk(over, made, found);
            None
        }
    };
    // A loop over nothing only gives a value a name.
    let named = match chain(&looped.accu_init, made) {
        Chain::Path(path) if bounds::is_binding(looped) => Some(path),
        Chain::Path(_) | Chain::Computed | Chain::None => {
            walk(&looped.accu_init, made, found);
            None
        }
    };
    let before = made.len();
    made.push((looped.iter_var.clone(), entry));
    made.push((looped.accu_var.clone(), named));
    made.extend(looped.iter_var2.clone().map(|name| (name, None)));
    for part in [&looped.loop_cond, &looped.loop_step, &looped.result] {
        walk(part, made, found);
    }
    made.truncate(before);
}

/// What loops run over, without the call that puts it in order.
fn unordered(range: &IdedExpr) -> &IdedExpr {
    match &range.expr {
        Expr::Call(call) if call.func_name == ORDERED => call.args.first().unwrap_or(range),
        _ => range,
    }
}

enum Chain {
    Path(Keys),
    /// It begins with something that a loop computed, whose parts have been looked at.
    Computed,
    None,
}

/// The path that `node` is: selections and indices of a variable.
fn chain(node: &IdedExpr, made: &Made) -> Chain {
    let longer = |of: &IdedExpr, key: Option<String>| match chain(of, made) {
        Chain::Path(mut path) => {
            path.extend(key);
            Chain::Path(path)
        }
        other => other,
    };
    match &node.expr {
        Expr::Ident(name) => match made.iter().rev().find(|(known, _)| known == name) {
            Some((_, Some(path))) => Chain::Path(path.clone()),
            Some((_, None)) => Chain::Computed,
            None => Chain::Path(vec![name.clone()]),
        },
        Expr::Select(select) if !select.test => longer(&select.operand, Some(select.field.clone())),
        Expr::Call(CallExpr { func_name, target: None, args }) if func_name == operators::INDEX => {
            match args.as_slice() {
                [of, IdedExpr { expr: Expr::Literal(LiteralValue::String(key)), .. }] => {
                    longer(of, Some(key.inner().to_owned()))
                }
                [of, IdedExpr { expr: Expr::Literal(_), .. }] => longer(of, None),
                _ => Chain::None,
            }
        }
        _ => Chain::None,
    }
}

/// Whether `call` compares with null or asks for a size.
fn is_about_presence(call: &CallExpr) -> bool {
    let is_null = |part: &IdedExpr| matches!(part.expr, Expr::Literal(LiteralValue::Null));
    match call.func_name.as_str() {
        operators::EQUALS | operators::NOT_EQUALS => call.args.iter().any(is_null),
        "size" => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::Expression;

    #[rstest]
    #[case("item.name", &["item.name"])]
    #[case("has(item.name) && item.name != null ? item.name : item.mail", &["item.mail", "item.name"])]
    #[case("has(item.parent) && item.parent != null ? item.parent.id : null", &["item.parent.id"])]
    #[case("!has(item.permissions)", &[])]
    #[case("inner.labels == null || size(inner.labels) == 0 || inner.labels.size() == 0", &[])]
    #[case("item[\"@time\"] / 1000", &["item.@time"])]
    #[case("item.emails[0].address", &["item.emails.address"])]
    #[case("inner.labels.map(l, l.key + \"=\" + l.value).sort().join(\",\")", &["inner.labels.key", "inner.labels.value"])]
    #[case("item.actors.filter(actor, actor.type == \"user\")[0].id", &["item.actors", "item.actors.type"])]
    #[case("item.tags.exists(tag, tag == each.name)", &["each.name", "item.tags"])]
    #[case("'\"user\"'", &[])]
    #[case("snakeCase(each.display_name)", &["each.display_name"])]
    #[case("item.role in [\"a\", \"b\"]", &["item.role"])]
    fn what_an_expression_depends_on_is_found(#[case] text: &str, #[case] expected: &[&str]) {
        let paths = Expression::compile(text).unwrap().paths();

        let paths: Vec<String> = paths.iter().map(|path| path.join(".")).collect();
        assert_eq!(paths, expected);
    }
}
