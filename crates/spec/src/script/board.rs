//! What a script asks for, and the answers it got.

use std::cell::RefCell;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use starlark::eval::Evaluator;

/// What a script asks for.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub enum Ask {
    /// The answer of the application to this read.
    Fetch(Value),
    /// HMAC-SHA-256 in lower-case hex.
    Hmac {
        /// Name of the secret that is the key.
        secret: String,
        /// What is signed.
        text: String,
    },
}

/// Answers as JSON, the next one last; when they are used up, what is asked for.
pub(super) type Board = RefCell<Vec<String>>;

/// Begins an entry of the board that is no answer. No JSON begins like this.
const ASK: &str = "ask:";

/// A board with these answers.
pub(super) fn of(answers: &[Value]) -> Board {
    RefCell::new(answers.iter().rev().map(Value::to_string).collect())
}

/// What stands on the board after a script stopped.
pub(super) fn asked_for(board: &Board) -> Option<Ask> {
    let board = board.borrow();
    serde_json::from_str(board.last()?.strip_prefix(ASK)?).ok()
}

/// The next answer; without one the script stops here, and `ask` stands on the board.
pub(super) fn answer(evaluator: &Evaluator<'_, '_, '_>, ask: &Ask) -> anyhow::Result<Value> {
    let board = evaluator.extra.and_then(|extra| extra.downcast_ref::<Board>());
    let board = board.ok_or_else(|| anyhow::Error::msg("nobody answers"))?;
    let mut board = board.borrow_mut();
    match board.pop() {
        Some(answer) if !answer.starts_with(ASK) => Ok(serde_json::from_str(&answer)?),
        _ => {
            board.push(format!("{ASK}{}", serde_json::to_string(ask)?));
            Err(anyhow::Error::msg("waits for an answer"))
        }
    }
}
