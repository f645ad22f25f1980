//! Our own functions of lists.

use std::collections::HashSet;

use cel::ExecutionError;
use cel::common::types::{CelList, CelMap, Kind};
use cel::common::value::{CowVal, Val};

use super::arguments::{MAX_ITEMS, integer, items, text_of, too_large, wrong_kind};

type Outcome<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;

/// Most different items other than texts that `distinct` tells apart: each is compared with all.
const MAX_COMPARED: usize = 2_000;

/// What a loop runs over: the keys of an object in order, so that the same answer always gives the
/// same result; anything else as it is.
pub(super) fn ordered<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Outcome<'b, 'v> {
    let range = first(arguments)?;
    let Some(map) = range.downcast_ref::<CelMap<'_>>() else { return Ok(range) };
    let mut keys: Vec<_> = map.inner().keys().collect();
    keys.sort_unstable();
    let keys = keys.into_iter().map(|key| key.inner().clone_as_boxed());
    Ok(CowVal::owned(CelList::from(keys.collect::<Vec<_>>())))
}

/// `+`, which takes no object beside a list.
#[expect(clippy::needless_pass_by_value, reason = "the interpreter's functions own their arguments")]
pub(super) fn add<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Outcome<'b, 'v> {
    let [left, right] = arguments.as_slice() else { return Err(wrong_kind("two values")) };
    let is_list = |side: &CowVal<'_, '_>| side.get_type().kind() == Kind::List;
    if is_list(left) && !is_list(right) {
        return Err(wrong_kind("list"));
    }
    let adder = left.as_adder().ok_or_else(|| wrong_kind("number, text or list"))?;
    Ok(CowVal::Owned(adder.add(right.as_ref())?.into_owned()))
}

/// `flatten` with a bound on what it makes.
pub(super) fn flatten<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Outcome<'b, 'v> {
    let levels = integer(&arguments, 1).unwrap_or(1);
    let levels = usize::try_from(levels).map_err(|_| wrong_kind("levels from 0"))?;
    let mut flat = Vec::new();
    flatten_into(first(arguments)?.as_ref(), levels, &mut flat)?;
    Ok(CowVal::owned(CelList::from(flat)))
}

fn flatten_into<'v>(
    list: &(dyn Val + 'v),
    levels: usize,
    flat: &mut Vec<Box<dyn Val + 'v>>,
) -> Result<(), ExecutionError> {
    for item in items(list)? {
        if levels > 0 && item.get_type().kind() == Kind::List {
            flatten_into(item.as_ref(), levels - 1, flat)?;
        } else if flat.len() < MAX_ITEMS {
            flat.push(item);
        } else {
            return Err(too_large());
        }
    }
    Ok(())
}

/// `distinct` in time that grows with the list, not with its square, where the items are texts.
pub(super) fn distinct<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Outcome<'b, 'v> {
    let list = items(first(arguments)?.as_ref())?;
    let mut texts = HashSet::new();
    let mut others: Vec<&dyn Val> = Vec::new();
    let mut kept = Vec::new();
    for item in &list {
        let item = item.as_ref();
        let new = match text_of(item) {
            Some(text) => texts.insert(text),
            None if others.iter().any(|other| item.equals(*other)) => false,
            None if others.len() == MAX_COMPARED => return Err(too_large()),
            None => {
                others.push(item);
                true
            }
        };
        if new {
            kept.push(item.clone_as_boxed());
        }
    }
    Ok(CowVal::owned(CelList::from(kept)))
}

fn first<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Outcome<'b, 'v> {
    arguments.into_iter().next().ok_or_else(|| wrong_kind("list"))
}
