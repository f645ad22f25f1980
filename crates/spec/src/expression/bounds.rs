//! What an expression may cost, and the names it uses.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, operators};

use super::environment::ENVIRONMENT;
use super::{ExpressionError, rewrite};

/// Longest expression, in bytes.
pub(super) const MAX_LENGTH: usize = 2_000;
/// Most loops inside each other: time grows with the power of this number.
pub(super) const MAX_NESTED_LOOPS: usize = 2;
/// Most brackets inside each other.
pub(super) const MAX_RECURSION: u16 = 32;
/// Most operations below each other, chains such as `a + b + c` included: evaluation takes a stack
/// frame for each.
pub(super) const MAX_DEPTH: usize = 64;

/// Refuses a tree that may cost too much.
///
/// # Errors
/// If it is too deep or has too many loops inside each other.
pub(super) fn check(tree: &IdedExpr) -> Result<(), ExpressionError> {
    if depth(tree) > MAX_DEPTH {
        return Err(ExpressionError::TooDeep);
    }
    if nested_loops(tree) > MAX_NESTED_LOOPS {
        return Err(ExpressionError::TooManyLoops);
    }
    Ok(())
}

/// Names of the variables in `tree`, sorted; those that its loops make up are not among them.
pub(super) fn variables(tree: &IdedExpr) -> Vec<String> {
    let mut names = Vec::new();
    free_names(tree, &mut Vec::new(), &mut names);
    names.sort_unstable();
    names.dedup();
    names
}

fn depth(node: &IdedExpr) -> usize {
    1 + parts(node).into_iter().map(depth).max().unwrap_or_default()
}

/// How many loops stand inside each other at most.
fn nested_loops(node: &IdedExpr) -> usize {
    if let Expr::Comprehension(looped) = &node.expr {
        let inside = [&looped.accu_init, &looped.loop_cond, &looped.loop_step, &looped.result];
        let inside = inside.into_iter().map(nested_loops).max().unwrap_or_default();
        let itself = usize::from(!is_binding(looped));
        return nested_loops(&looped.iter_range).max(inside + itself);
    }
    parts(node).into_iter().map(nested_loops).max().unwrap_or_default()
}

/// Adds the names in `node` that no loop around it has made; `made` are those that one has.
fn free_names(node: &IdedExpr, made: &mut Vec<String>, names: &mut Vec<String>) {
    match &node.expr {
        Expr::Ident(name) => {
            if !made.contains(name) {
                names.push(name.clone());
            }
        }
        Expr::Comprehension(looped) => {
            free_names(&looped.iter_range, made, names);
            free_names(&looped.accu_init, made, names);
            let before = made.len();
            made.push(looped.iter_var.clone());
            made.push(looped.accu_var.clone());
            made.extend(looped.iter_var2.clone());
            for part in [&looped.loop_cond, &looped.loop_step, &looped.result] {
                free_names(part, made, names);
            }
            made.truncate(before);
        }
        // `base64` of `base64.encode(…)` and `int` of `type(x) == int` are no variables.
        Expr::Call(call) if rewrite::qualified(call).is_some() => {
            call.args.iter().for_each(|part| free_names(part, made, names));
        }
        Expr::Call(call) if compares_kinds(call) => {
            let others = call.args.iter().filter(|part| !is_kind(part));
            others.for_each(|part| free_names(part, made, names));
        }
        _ => parts(node).into_iter().for_each(|part| free_names(part, made, names)),
    }
}

/// Whether `call` is `type(x) == …` or the like.
fn compares_kinds(call: &CallExpr) -> bool {
    let asks = |part: &IdedExpr| matches!(&part.expr, Expr::Call(call) if call.func_name == "type" && call.target.is_none());
    matches!(call.func_name.as_str(), operators::EQUALS | operators::NOT_EQUALS) && call.args.iter().any(asks)
}

fn is_kind(node: &IdedExpr) -> bool {
    matches!(&node.expr, Expr::Ident(name) if ENVIRONMENT.types().find_type(name).is_some())
}

/// Whether `looped` only names a value, as `optMap` and `sortBy` do: a loop over nothing.
pub(super) fn is_binding(looped: &ComprehensionExpr) -> bool {
    matches!(&looped.iter_range.expr, Expr::List(list) if list.elements.is_empty())
}

/// The expressions directly inside one.
pub(super) fn parts(node: &IdedExpr) -> Vec<&IdedExpr> {
    match &node.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => Vec::new(),
        Expr::Call(call) => call.args.iter().chain(call.target.as_deref()).collect(),
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Select(select) => vec![&select.operand],
        Expr::Map(map) => map.entries.iter().flat_map(|entry| entry_parts(&entry.expr)).collect(),
        Expr::Struct(message) => message.entries.iter().flat_map(|entry| entry_parts(&entry.expr)).collect(),
        Expr::Comprehension(looped) => {
            vec![&looped.iter_range, &looped.accu_init, &looped.loop_cond, &looped.loop_step, &looped.result]
        }
    }
}

fn entry_parts(entry: &EntryExpr) -> Vec<&IdedExpr> {
    match entry {
        EntryExpr::StructField(field) => vec![&field.value],
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
    }
}
