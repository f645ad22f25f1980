//! Calls are checked against the table of functions, and some are redirected.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue, operators};
use cel::common::types::CelString;
use cel::common::value::CowVal;

use super::environment::{ADD, ENVIRONMENT, ORDERED, REDIRECTED};
use super::{ExpressionError, bounds, functions};

/// Refuses calls of what is not in the table, message literals, and patterns that are none.
///
/// The interpreter would find these out for each item, and might know functions that the table
/// leaves out because nothing bounds what they make (`lists.range`, `format`).
pub(super) fn check_calls(node: &IdedExpr) -> Result<(), ExpressionError> {
    match &node.expr {
        Expr::Call(call) => check_call(call)?,
        Expr::Struct(message) => {
            let detail = format!("messages (`{}{{…}}`) are not known here", message.type_name);
            return Err(ExpressionError::Syntax { detail });
        }
        _ => {}
    }
    bounds::parts(node).into_iter().try_for_each(check_calls)
}

fn check_call(call: &CallExpr) -> Result<(), ExpressionError> {
    if call.func_name == "matches" {
        check_pattern(call)?;
    }
    // Operators, and what macros become, have names that no file can spell.
    if call.func_name.contains(['_', '@', '!', '-']) {
        return Ok(());
    }
    let arguments = call.args.len();
    let name = qualified(call);
    let method = name.is_none() && call.target.is_some();
    let name = name.unwrap_or_else(|| call.func_name.trim_start_matches('.').to_owned());
    if functions::is_callable(&name, method, arguments) {
        return Ok(());
    }
    Err(ExpressionError::UnknownFunction { name, arguments })
}

/// The whole name of a call such as `base64.encode(…)`; a variable may be called `base64` too.
pub(super) fn qualified(call: &CallExpr) -> Option<String> {
    let Expr::Ident(space) = &call.target.as_deref()?.expr else { return None };
    let name = format!("{}.{}", space.trim_start_matches('.'), call.func_name);
    functions::is_name(&name).then_some(name)
}

fn check_pattern(call: &CallExpr) -> Result<(), ExpressionError> {
    let Some(Expr::Literal(LiteralValue::String(pattern))) = call.args.last().map(|argument| &argument.expr)
    else {
        return Ok(());
    };
    let arguments = vec![CowVal::owned(CelString::from("")), CowVal::owned(pattern.clone())];
    match ENVIRONMENT.find_overload("matches", &arguments).map(|matches| matches(arguments).is_ok()) {
        Some(false) => {
            let detail = format!("`{}` is no regular expression that `matches` takes", pattern.inner());
            Err(ExpressionError::Syntax { detail })
        }
        _ => Ok(()),
    }
}

/// Redirects calls to the overloads that bound what they make, and puts what loops run over in order.
pub(super) fn redirect(node: &mut IdedExpr) {
    match &mut node.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => {}
        Expr::Select(select) => redirect(&mut select.operand),
        Expr::List(list) => list.elements.iter_mut().for_each(redirect),
        Expr::Map(map) => map.entries.iter_mut().for_each(|entry| redirect_entry(&mut entry.expr)),
        Expr::Struct(message) => message.entries.iter_mut().for_each(|entry| redirect_entry(&mut entry.expr)),
        Expr::Call(call) => {
            call.args.iter_mut().chain(call.target.as_deref_mut()).for_each(redirect);
            if adds_unknown_kinds(call) {
                ADD.clone_into(&mut call.func_name);
            }
            if let (Some(_), Some((_, ours))) =
                (&call.target, REDIRECTED.iter().find(|(name, _)| *name == call.func_name))
            {
                (*ours).clone_into(&mut call.func_name);
            }
        }
        Expr::Comprehension(looped) => redirect_loop(looped),
    }
}

/// Whether `call` is a sum of which either side may be a list.
///
/// The interpreter adds the keys of an object to a list. Where a side is written out, this cannot
/// happen, and its own operation is faster; the sums that `map` and `filter` become are told by the
/// name of what they add to.
fn adds_unknown_kinds(call: &CallExpr) -> bool {
    let [left, right] = call.args.as_slice() else { return false };
    let made_up = matches!(&left.expr, Expr::Ident(name) if name.starts_with('@'));
    let written = |side: &IdedExpr| matches!(side.expr, Expr::Literal(_) | Expr::List(_));
    let left_is_no_list = matches!(left.expr, Expr::Literal(_));
    call.func_name == operators::ADD && !made_up && !left_is_no_list && !written(right)
}

fn redirect_loop(looped: &mut ComprehensionExpr) {
    let parts = [
        &mut looped.iter_range,
        &mut looped.accu_init,
        &mut looped.loop_cond,
        &mut looped.loop_step,
        &mut looped.result,
    ];
    parts.into_iter().for_each(redirect);
    if !bounds::is_binding(looped) {
        let range = std::mem::take(&mut looped.iter_range);
        let call = CallExpr { func_name: ORDERED.to_owned(), target: None, args: vec![range] };
        looped.iter_range = IdedExpr { id: 0, expr: Expr::Call(call) };
    }
}

fn redirect_entry(entry: &mut EntryExpr) {
    match entry {
        EntryExpr::StructField(field) => redirect(&mut field.value),
        EntryExpr::MapEntry(entry) => {
            redirect(&mut entry.key);
            redirect(&mut entry.value);
        }
    }
}
