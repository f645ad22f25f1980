//! What scripts can call besides the language itself.

use serde_json::Value;
use starlark::environment::{Globals, GlobalsBuilder};
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::none::NoneType;
use starlark::values::tuple::UnpackTuple;
use starlark::values::{Heap, Value as StarlarkValue};

use super::board::{self, Ask};
use super::data;

/// As much text and data as a call of one of these functions takes or makes.
const MOST_BYTES: usize = 32 << 20;

pub(super) fn globals() -> Globals {
    let globals = GlobalsBuilder::standard().with(texts).with(functions);
    globals.with(|builder| builder.namespace("json", json)).build()
}

/// The language has these too; there, a value that is nested deep enough ends the process.
#[starlark_module]
fn texts(builder: &mut GlobalsBuilder) {
    fn str(#[starlark(require = pos)] value: StarlarkValue<'_>) -> anyhow::Result<String> {
        check_nesting(value)?;
        Ok(value.to_str())
    }

    fn repr(#[starlark(require = pos)] value: StarlarkValue<'_>) -> anyhow::Result<String> {
        check_nesting(value)?;
        Ok(value.to_repr())
    }

    fn fail<'v>(#[starlark(args)] values: UnpackTuple<StarlarkValue<'v>>) -> starlark::Result<NoneType> {
        let mut said = Vec::new();
        for value in values.items {
            check_nesting(value)?;
            said.push(value.to_str());
        }
        Err(starlark::Error::new_kind(starlark::ErrorKind::Fail(anyhow::Error::msg(said.join(" ")))))
    }

    /// Nobody reads what a script prints: it may hold a person's data.
    fn print<'v>(#[starlark(args)] values: UnpackTuple<StarlarkValue<'v>>) -> anyhow::Result<NoneType> {
        values.items.into_iter().try_for_each(check_nesting)?;
        Ok(NoneType)
    }
}

#[starlark_module]
fn functions(builder: &mut GlobalsBuilder) {
    fn fetch<'v>(
        #[starlark(require = pos)] request: StarlarkValue<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> anyhow::Result<StarlarkValue<'v>> {
        let answer = board::answer(eval, &Ask::Fetch(data::take(request, MOST_BYTES)?))?;
        Ok(data::give(eval.heap(), &answer))
    }

    fn quote(#[starlark(require = pos)] value: StarlarkValue<'_>) -> anyhow::Result<String> {
        match data::take(value, MOST_BYTES)? {
            Value::String(text) => Ok(super::path::quote(&text)),
            Value::Number(number) => Ok(super::path::quote(&number.to_string())),
            _ => Err(anyhow::Error::msg("`quote` takes a text or a number")),
        }
    }

    fn hmac_sha256<'v>(
        #[starlark(require = pos)] secret: &str,
        #[starlark(require = pos)] text: &str,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> anyhow::Result<String> {
        hmac(eval, secret, text)
    }

    fn hmac_sha256_base64<'v>(
        #[starlark(require = pos)] secret: &str,
        #[starlark(require = pos)] text: &str,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> anyhow::Result<String> {
        let code = hmac(eval, secret, text)?;
        Ok(base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes(&code)))
    }
}

#[starlark_module]
fn json(builder: &mut GlobalsBuilder) {
    fn encode(#[starlark(require = pos)] value: StarlarkValue<'_>) -> anyhow::Result<String> {
        Ok(data::take(value, MOST_BYTES)?.to_string())
    }

    fn decode<'v>(
        #[starlark(require = pos)] text: &str,
        heap: Heap<'v>,
    ) -> anyhow::Result<StarlarkValue<'v>> {
        Ok(data::give(heap, &serde_json::from_str(text)?))
    }
}

/// Refuses what cannot be written as text in bounded space. What is no data is written by its name.
fn check_nesting(value: StarlarkValue<'_>) -> anyhow::Result<()> {
    match data::take(value, MOST_BYTES) {
        Ok(_) | Err(data::DataError::NotData) => Ok(()),
        Err(error @ (data::DataError::TooNested | data::DataError::TooMuch)) => Err(error.into()),
    }
}

fn hmac(evaluator: &Evaluator<'_, '_, '_>, secret: &str, text: &str) -> anyhow::Result<String> {
    let code = board::answer(evaluator, &Ask::Hmac { secret: secret.to_owned(), text: text.to_owned() })?;
    code.as_str().map(str::to_owned).ok_or_else(|| anyhow::Error::msg("no code"))
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = |at: usize| hex.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    (0..hex.len() / 2).filter_map(|position| digits(position * 2)).collect()
}
