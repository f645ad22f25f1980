use serde_json::Value;
use starlark::environment::Module;
use starlark::eval::Evaluator;
use starlark::syntax::{AstModule, Dialect};
use starlark::values::Value as StarlarkValue;

use super::board::{self, Ask, Board};
use super::data::{self, DataError};
use super::language::globals;
use super::{ScriptError, ScriptHost, ScriptProblem};
use crate::diagnostic::Diagnostic;
use crate::source::SourceFile;

/// How much one call of a function may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScriptLimits {
    /// Calls of functions and turns of loops.
    pub steps: u64,
    /// Memory of its values, in bytes.
    pub memory_bytes: usize,
    /// Depth of calls.
    pub depth: usize,
    /// Reads and signatures.
    pub asks: usize,
}

impl Default for ScriptLimits {
    fn default() -> Self {
        Self { steps: 1_000_000, memory_bytes: 32 << 20, depth: 50, asks: 100 }
    }
}

/// One call of a function.
#[derive(Clone, Copy)]
pub struct ScriptCall<'a> {
    /// Its name.
    pub function: &'a str,
    /// Its arguments, by position.
    pub arguments: &'a [Value],
    /// What it may use.
    pub limits: ScriptLimits,
}

impl<'a> ScriptCall<'a> {
    /// A call with the usual limits.
    pub fn new(function: &'a str, arguments: &'a [Value]) -> Self {
        Self { function, arguments, limits: ScriptLimits::default() }
    }
}

/// How far a function came.
pub enum Step {
    /// To its end, with this result.
    Done(Value),
    /// It needs an answer.
    Ask {
        /// What it asks for.
        ask: Ask,
        /// The line where it asks, from 1.
        line: usize,
        /// The column where it asks, from 1.
        column: usize,
    },
}

/// A file of functions, read and found to be Starlark.
#[derive(Debug, Clone)]
pub struct Script {
    source: SourceFile,
}

impl Script {
    /// Reads `source`; nothing of it is run.
    ///
    /// # Errors
    /// [`Diagnostic`] with the place of what is no Starlark.
    pub fn compile(source: &SourceFile) -> Result<Self, Box<Diagnostic>> {
        parse(source).map(|_| Self { source: source.clone() }).map_err(|error| {
            let span = error.span().map_or(0..0, |span| {
                let begin = span.span.begin().get() as usize;
                begin..(span.span.end().get() as usize).max(begin)
            });
            let message = format!("this is no Starlark: {}", error.without_diagnostic());
            let found = Diagnostic::error(source, span, "spec::bad_script", message);
            Box::new(
                found
                    .with_help("scripts are Starlark, a small part of Python: no `import`, `class`, `while`"),
            )
        })
    }

    /// The file.
    pub fn source(&self) -> &SourceFile {
        &self.source
    }

    /// Runs the top level of the file, and looks whether it defines `function`.
    ///
    /// # Errors
    /// [`ScriptError`] with the place in the file; [`ScriptProblem::NoFunction`] if it does not.
    pub fn find_function(&self, function: &str) -> Result<(), ScriptError> {
        let file = self.source.name();
        let board = board::of(&[]);
        let limits = ScriptLimits::default();
        Module::with_temp_heap(|module| {
            let mut evaluator = Evaluator::new(&module);
            let bounds = Bounds { function, limits, board: &board, is_out_of_time: &|| false };
            self.top_level(&mut evaluator, bounds)?;
            match module.get(function) {
                Some(value) if value.get_type() == "function" => Ok(()),
                Some(_) | None => Err(ScriptError::new(file, function, ScriptProblem::NoFunction)),
            }
        })
    }

    /// Runs a function to its end; `host` does what it asks for.
    ///
    /// # Errors
    /// [`ScriptError`] with the place in the file.
    pub fn run(&self, call: ScriptCall<'_>, host: &dyn ScriptHost) -> Result<Value, ScriptError> {
        let mut answers = Vec::new();
        loop {
            let is_out_of_time = || host.is_out_of_time();
            let (ask, place) = match self.step(call, &answers, &is_out_of_time)? {
                Step::Done(value) => return Ok(value),
                Step::Ask { ask, line, column } => (ask, (line, column)),
            };
            let answer = match ask {
                Ask::Fetch(request) => host.fetch(request),
                Ask::Hmac { secret, text } => host.hmac_sha256(&secret, &text).map(|code| hex(&code).into()),
            };
            answers.push(
                answer.map_err(|error| self.stopped(call.function, ScriptProblem::Host(error), place))?,
            );
        }
    }

    /// Runs a function until it ends or asks for something that is not among `answers`, the answers
    /// to what it asked for before, in order.
    ///
    /// The function starts anew each time: with the same data it goes the same way. So whoever
    /// answers may take its time, and nothing waits inside of the script.
    ///
    /// # Errors
    /// [`ScriptError`] with the place in the file.
    pub fn step(
        &self,
        call: ScriptCall<'_>,
        answers: &[Value],
        is_out_of_time: &dyn Fn() -> bool,
    ) -> Result<Step, ScriptError> {
        let (file, function, limits) = (self.source.name(), call.function, call.limits);
        let board = board::of(answers);
        let ended = Module::with_temp_heap(|module| {
            let mut evaluator = Evaluator::new(&module);
            let bounds = Bounds { function, limits, board: &board, is_out_of_time };
            self.top_level(&mut evaluator, bounds)?;
            let Some(called) = module.get(function) else {
                return Err(ScriptError::new(file, function, ScriptProblem::NoFunction));
            };
            let arguments: Vec<StarlarkValue<'_>> =
                call.arguments.iter().map(|argument| data::give(module.heap(), argument)).collect();
            let result = match evaluator.eval_function(called, &arguments, &[]) {
                Ok(result) => result,
                Err(error) => {
                    let too_much = is_used_up(&evaluator, limits) || is_out_of_time();
                    return Err(ScriptError::of((file, function), &error, too_much));
                }
            };
            data::take(result, limits.memory_bytes).map_err(|error| {
                let problem = match error {
                    DataError::NotData => ScriptProblem::NotData,
                    DataError::TooNested => ScriptProblem::TooNested,
                    DataError::TooMuch => ScriptProblem::TooMuch,
                };
                ScriptError::new(file, function, problem)
            })
        });
        match ended {
            Ok(value) => Ok(Step::Done(value)),
            Err(error) => match board::asked_for(&board) {
                Some(_) if answers.len() >= limits.asks => {
                    let problem = ScriptProblem::TooManyAsks { limit: limits.asks };
                    Err(self.stopped(function, problem, (error.line, error.column)))
                }
                Some(ask) => Ok(Step::Ask { ask, line: error.line, column: error.column }),
                None => Err(error),
            },
        }
    }

    /// Sets the limits and runs everything outside of functions.
    fn top_level<'v, 'a: 'e, 'e>(
        &self,
        evaluator: &mut Evaluator<'v, 'a, 'e>,
        bounds: Bounds<'a>,
    ) -> Result<(), ScriptError> {
        let Bounds { function, limits, board, is_out_of_time } = bounds;
        let file = self.source.name();
        let ast = parse(&self.source).map_err(|error| ScriptError::of((file, function), &error, false))?;
        let set_up = evaluator
            .set_max_tick_count(limits.steps.max(1))
            .and_then(|()| evaluator.set_max_heap_size(limits.memory_bytes.max(1)))
            .and_then(|()| evaluator.set_max_callstack_size(limits.depth.max(1)));
        if set_up.is_err() {
            return Err(ScriptError::new(file, function, ScriptProblem::TooMuch));
        }
        evaluator.set_check_cancelled(Box::new(is_out_of_time));
        evaluator.extra = Some(board);
        evaluator.eval_module(ast, &globals()).map(drop).map_err(|error| {
            let too_much = is_used_up(evaluator, limits) || is_out_of_time();
            ScriptError::of((file, function), &error, too_much)
        })
    }

    /// That `function` stopped at line and column.
    pub(crate) fn stopped(
        &self,
        function: &str,
        problem: ScriptProblem,
        (line, column): (usize, usize),
    ) -> ScriptError {
        let mut error = ScriptError::new(self.source.name(), function, problem);
        (error.line, error.column) = (line, column);
        error
    }
}

/// What holds for one evaluation.
#[derive(Clone, Copy)]
struct Bounds<'a> {
    function: &'a str,
    limits: ScriptLimits,
    board: &'a Board,
    is_out_of_time: &'a dyn Fn() -> bool,
}

fn parse(source: &SourceFile) -> starlark::Result<AstModule> {
    let dialect = Dialect { enable_load: false, enable_keyword_only_arguments: true, ..Dialect::Standard };
    AstModule::parse(source.name(), source.text().to_owned(), &dialect)
}

/// Whether steps or memory are used up.
fn is_used_up(evaluator: &Evaluator<'_, '_, '_>, limits: ScriptLimits) -> bool {
    let memory = evaluator.heap().peak_allocated_bytes() + evaluator.frozen_heap().allocated_bytes();
    evaluator.get_total_tick_count() > limits.steps || memory > limits.memory_bytes
}

fn hex(code: &[u8]) -> String {
    code.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}
