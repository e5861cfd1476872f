//! From what was written to what it means, or to every error in it.

use std::collections::HashMap;

use proc_macro2::{Ident, Span};
use syn::{Error, Expr, Path, Result, Signature, parse_quote};

use crate::model::{Argument, Arguments, Captured, Form, Function, Style};
use crate::parameters;
use crate::shape;
use crate::table::{self, Known, Operation};

/// What an attribute asks for.
pub(crate) struct Plan {
    pub(crate) operation: &'static Operation,
    /// Taken before the body runs.
    pub(crate) before: Vec<Capture>,
    /// The arguments of the function that are taken before the body runs, as a whole.
    pub(crate) args: Option<Args>,
    /// Taken of the answer, over `out`.
    pub(crate) out: Vec<Capture>,
    /// Taken of the error, over `err`.
    pub(crate) err: Vec<Capture>,
    pub(crate) auditor: Option<Expr>,
    /// Whether the answer is said to be a stream, though its type may not say so, and where.
    pub(crate) stream: Option<Span>,
    /// Whether the body may only run when the call is recorded, and where that is said.
    pub(crate) fail_closed: Option<Span>,
    pub(crate) krate: Option<Path>,
}

/// A value and what it sets.
pub(crate) struct Capture {
    pub(crate) slot: &'static str,
    pub(crate) value: Captured,
}

/// Arguments of the function by name, and what they set together.
pub(crate) struct Args {
    pub(crate) slot: &'static str,
    pub(crate) values: Vec<(Ident, Captured)>,
}

/// When a value is taken.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum When {
    Before,
    Out,
    Err,
}

/// The lists, and when their values are taken.
const LISTS: &[(&str, When)] = &[
    ("fields", When::Before),
    ("out", When::Out),
    ("err", When::Err),
];

/// Returns what `arguments` ask for on `function`.
///
/// # Errors
///
/// All of them at once, each at its token.
pub(crate) fn check(arguments: Arguments, function: &Function) -> Result<Plan> {
    let mut checker = Checker {
        plan: Plan {
            operation: operation(&arguments),
            before: Vec::new(),
            args: None,
            out: Vec::new(),
            err: Vec::new(),
            auditor: None,
            stream: None,
            fail_closed: None,
            krate: None,
        },
        names: parameters::names(&function.sig),
        args: None,
        replaced: Vec::new(),
        skipped: None,
        seen: HashMap::new(),
        output: None,
        errors: None,
    };
    if let Some(constness) = &function.sig.constness {
        checker.error(
            constness.span,
            "a `const fn` cannot be audited: nothing runs at compile time",
        );
    }
    for (position, argument) in arguments.0.into_iter().enumerate() {
        checker.argument(position, argument);
    }
    checker.finish(&function.sig)
}

/// The operation that the first word selects.
fn operation(arguments: &Arguments) -> &'static Operation {
    let first = arguments
        .0
        .first()
        .filter(|first| matches!(first.form, Form::Word));
    first
        .and_then(|first| table::operation_of(&first.name.to_string()))
        .unwrap_or(&table::CHAT)
}

struct Checker<'f> {
    plan: Plan,
    /// The names of the function's arguments.
    names: Vec<&'f Ident>,
    /// `args`, where it was written.
    args: Option<Ident>,
    /// What is taken in place of an argument.
    replaced: Vec<(Ident, Captured)>,
    /// `skip`, where it was written, and the arguments that it names.
    skipped: Option<(Ident, Vec<Ident>)>,
    /// What is set, when, and by which argument.
    seen: HashMap<(When, &'static str), String>,
    /// `output`, where it was written.
    output: Option<Ident>,
    errors: Option<Error>,
}

impl Checker<'_> {
    fn argument(&mut self, position: usize, argument: Argument) {
        let Argument { name, form } = argument;
        let text = name.to_string();
        match (text.as_str(), form) {
            (_, Form::Word) if position == 0 && table::operation_of(&text).is_some() => {}
            ("output", Form::Word) => {
                let expr = Ident::new("out", name.span());
                let value = Captured {
                    style: Style::Value,
                    expr: parse_quote!(#expr),
                };
                self.output(name, value);
            }
            ("output", Form::Value(value)) => self.output(name, value),
            ("name", Form::Value(value)) => match self.plan.operation.name {
                Some(slot) => self.capture(When::Before, &name, slot, value),
                None => {
                    let message = lacks(self.plan.operation, "name", |with| with.name.is_some());
                    self.error(name.span(), message);
                }
            },
            ("args", Form::Word) => self.args(name, Arguments(Vec::new())),
            ("args", Form::List(replaced)) => self.args(name, replaced),
            ("args", _) => {
                let message = "`args` captures the arguments as they are, or some in another way: \
                               `args(order = %order)`";
                self.error(name.span(), message);
            }
            ("skip", Form::List(names)) if !names.0.is_empty() => self.skip(name, names),
            ("skip", _) => self.error(name.span(), "`skip` takes names: `skip(client)`"),
            (
                "auditor",
                Form::Value(Captured {
                    style: Style::Value,
                    expr,
                }),
            ) => {
                if self.once(When::Before, &name, "auditor") {
                    self.plan.auditor = Some(expr);
                }
            }
            ("auditor", Form::Value(_)) => {
                self.error(name.span(), "`auditor` takes a handle, without `%` or `?`");
            }
            ("fail_closed", Form::Word) => {
                if self.once(When::Before, &name, "fail_closed") {
                    self.plan.fail_closed = Some(name.span());
                }
            }
            ("fail_closed", _) => self.error(name.span(), "`fail_closed` stands alone"),
            (table::STREAM, Form::Word) => {
                // It is a field too, which may be set beside it.
                if self.plan.stream.replace(name.span()).is_some() {
                    self.error(name.span(), "`stream` is given twice");
                }
            }
            ("crate", Form::Path(path)) => {
                if self.once(When::Before, &name, "crate") {
                    self.plan.krate = Some(path);
                }
            }
            (_, Form::List(list)) => match list_of(&text) {
                Some(when) => self.list(when, list),
                None => self.error(name.span(), no_list(&text)),
            },
            ("fields" | "out", _) => {
                let message = format!("`{text}` takes a list: `{text}(name = expr, …)`");
                self.error(name.span(), message);
            }
            ("err", _) => {
                let message = "an error is recorded without being asked for; `err(name = expr, …)` \
                               takes fields from it";
                self.error(name.span(), message);
            }
            (_, Form::Value(value)) => self.field(When::Before, &name, value),
            (_, form) => {
                let message = misuse(self.plan.operation, position, &text, &form);
                self.error(name.span(), message);
            }
        }
    }

    fn output(&mut self, name: Ident, value: Captured) {
        let slot = match self.plan.operation.output {
            // What is there already is asked what it says; what has to be made first is the response.
            "response" if value.style == Style::Value && is_place(&value.expr) => "answer",
            slot => slot,
        };
        if self.once(When::Out, &name, self.plan.operation.output) {
            self.plan.out.push(Capture { slot, value });
        }
        self.output = Some(name);
    }

    fn list(&mut self, when: When, list: Arguments) {
        for Argument { name, form } in list.0 {
            match form {
                Form::Value(value) => self.field(when, &name, value),
                _ => self.error(name.span(), format!("expected `{name} = expr`")),
            }
        }
    }

    fn args(&mut self, name: Ident, replaced: Arguments) {
        let Some(slot) = self.plan.operation.args else {
            let message = lacks(self.plan.operation, "args", |with| with.args.is_some());
            self.error(name.span(), message);
            return;
        };
        if !self.once(When::Before, &name, slot) {
            return;
        }
        for Argument { name, form } in replaced.0 {
            match form {
                Form::Value(value) => {
                    if self.is_argument(&name) {
                        self.replaced.push((name, value));
                    }
                }
                _ => self.error(name.span(), format!("expected `{name} = expr`")),
            }
        }
        self.args = Some(name);
    }

    fn skip(&mut self, name: Ident, skipped: Arguments) {
        if !self.once(When::Before, &name, "skip") {
            return;
        }
        let mut names = Vec::new();
        for Argument { name, form } in skipped.0 {
            if !matches!(form, Form::Word) {
                self.error(name.span(), format!("expected `{name}` alone"));
            } else if names.contains(&name) {
                self.error(name.span(), format!("`{name}` is given twice"));
            } else if self.is_argument(&name) {
                names.push(name);
            }
        }
        self.skipped = Some((name, names));
    }

    /// Returns whether the function has an argument `name`; that it has none is an error.
    fn is_argument(&mut self, name: &Ident) -> bool {
        let is_argument = self.names.contains(&name);
        if !is_argument {
            let names: Vec<_> = self.names.iter().map(|name| name.to_string()).collect();
            let names = || names.iter().map(String::as_str);
            let near = table::nearest(&name.to_string(), names());
            let there_are = match self.names.len() {
                0 => "it has none".to_owned(),
                _ => format!("it has {}", quoted(names())),
            };
            let message = format!(
                "the function has no argument `{name}`{}; {there_are}",
                hint(&near)
            );
            self.error(name.span(), message);
        }
        is_argument
    }

    /// Returns what `args` captures.
    fn captured_args(&mut self) -> Vec<(Ident, Captured)> {
        let skipped = self
            .skipped
            .take()
            .map(|(_, names)| names)
            .unwrap_or_default();
        let mut values = Vec::new();
        for name in self.names.clone() {
            let replaced = self
                .replaced
                .iter()
                .position(|(replaced, _)| replaced == name);
            let replaced = replaced.map(|at| self.replaced.swap_remove(at));
            if let Some(skipped) = skipped.iter().find(|skipped| *skipped == name) {
                if replaced.is_some() {
                    let message = format!("`{name}` is both captured and skipped");
                    self.error(skipped.span(), message);
                }
                continue;
            }
            if name.to_string().starts_with("__arg") {
                let message = "`args` cannot name this pattern behind another attribute; give the \
                               argument a name";
                self.error(name.span(), message);
            }
            values.push(replaced.unwrap_or_else(|| {
                let value = Captured {
                    style: Style::Value,
                    expr: parse_quote!(#name),
                };
                (name.clone(), value)
            }));
        }
        for (twice, _) in std::mem::take(&mut self.replaced) {
            self.error(twice.span(), format!("`{twice}` is given twice"));
        }
        values
    }

    fn field(&mut self, when: When, name: &Ident, value: Captured) {
        let text = name.to_string();
        if let Some(column) = self.plan.operation.column(&text) {
            if when == When::Before && !column.is_known_before {
                let message =
                    format!("`{text}` is known after the body has run: `out({text} = expr)`");
                self.error(name.span(), message);
                return;
            }
            self.capture(when, name, column.slot, value);
            return;
        }
        let known = table::role_of(&text).and_then(|role| role.known);
        match table::slot(&text) {
            Some(_) if known == Some(Known::Before) && when != When::Before => {
                let message = format!("`{text}` is taken before the body runs, outside this list");
                self.error(name.span(), message);
            }
            Some(_) if known == Some(Known::After) && when == When::Before => {
                let message =
                    format!("`{text}` is known after the body has run: `out({text} = expr)`");
                self.error(name.span(), message);
            }
            Some(slot) => self.capture(when, name, slot, value),
            None if table::SETTINGS.contains(&text.as_str()) => {
                self.error(name.span(), format!("`{text}` stands outside the lists"));
            }
            None => self.error(name.span(), unknown(self.plan.operation, &text)),
        }
    }

    fn capture(&mut self, when: When, name: &Ident, slot: &'static str, value: Captured) {
        if !self.once(when, name, slot) {
            return;
        }
        let captures = match when {
            When::Before => &mut self.plan.before,
            When::Out => &mut self.plan.out,
            When::Err => &mut self.plan.err,
        };
        captures.push(Capture { slot, value });
    }

    /// Returns whether `slot` was not set before; that it was is an error.
    fn once(&mut self, when: When, name: &Ident, slot: &'static str) -> bool {
        let text = name.to_string();
        let Some(earlier) = self.seen.get(&(when, slot)) else {
            self.seen.insert((when, slot), text);
            return true;
        };
        let message = if *earlier == text {
            format!("`{text}` is given twice")
        } else {
            format!("`{text}` and `{earlier}` both set `{slot}`")
        };
        self.error(name.span(), message);
        false
    }

    /// An answer that comes piece by piece is put together only where it is text.
    fn check_stream(&mut self, sig: &Signature) {
        let operation = self.plan.operation;
        let is_stream = shape::is_stream(&sig.output, self.plan.stream.is_some());
        if let Some(stream) = self.plan.stream
            && !is_stream
        {
            let message = "`stream` is for a function that returns a stream, or a future of one";
            self.error(stream, message);
        }
        if let Some(output) = self.output.take()
            && is_stream
            && operation.output != "response"
        {
            let message = format!(
                "the items of a stream make no one `{}`; take what is wanted from each: \
                 `out({} = expr)`, of which the last one counts",
                operation.output,
                operation
                    .verdict
                    .last()
                    .map_or(operation.output, |last| last.name),
            );
            self.error(output.span(), message);
        }
    }

    fn error(&mut self, span: Span, message: impl std::fmt::Display) {
        let error = Error::new(span, message);
        match &mut self.errors {
            Some(errors) => errors.combine(error),
            None => self.errors = Some(error),
        }
    }

    fn finish(mut self, sig: &Signature) -> Result<Plan> {
        self.check_stream(sig);
        if self.args.is_some()
            && let Some(slot) = self.plan.operation.args
        {
            let values = self.captured_args();
            self.plan.args = Some(Args { slot, values });
        } else if let Some((skip, _)) = self.skipped.take() {
            let message = "nothing is captured that is not named, so there is nothing to skip; \
                           `skip` belongs to `args`";
            self.error(skip.span(), message);
        }
        if let Some(errors) = self.errors {
            return Err(errors);
        }
        if let Some(slot) = self.plan.operation.name
            && !self.seen.contains_key(&(When::Before, slot))
        {
            let name = sig.ident.to_string();
            let name = name.trim_start_matches("r#");
            let value = Captured {
                style: Style::Value,
                expr: parse_quote!(#name),
            };
            self.plan.before.push(Capture { slot, value });
        }
        Ok(self.plan)
    }
}

/// Returns whether `expr` names something that is there already, so that it costs nothing to look at.
fn is_place(expr: &Expr) -> bool {
    match expr {
        Expr::Path(_) => true,
        Expr::Field(field) => is_place(&field.base),
        Expr::Group(group) => is_place(&group.expr),
        Expr::Paren(paren) => is_place(&paren.expr),
        Expr::Reference(reference) => is_place(&reference.expr),
        _ => false,
    }
}

/// Returns when the values of the list `name` are taken.
fn list_of(name: &str) -> Option<When> {
    LISTS
        .iter()
        .find(|(list, _)| *list == name)
        .map(|(_, when)| *when)
}

/// Says that `operation` has no `what`, and which ones have it.
fn lacks(operation: &Operation, what: &str, has: fn(&&Operation) -> bool) -> String {
    let having = table::OPERATIONS.iter().filter(has);
    format!(
        "the operation `{}` has no `{what}`; these have it: {}",
        operation.word,
        quoted(having.map(|having| having.word))
    )
}

/// Says what is wrong with an argument that is no value.
fn misuse(operation: &Operation, position: usize, name: &str, form: &Form) -> String {
    if let Some(why) = table::refusal(name) {
        return why.to_owned();
    }
    let words = || table::OPERATIONS.iter().map(|operation| operation.word);
    match form {
        Form::Word if table::operation_of(name).is_some() => {
            format!("the operation comes first: `#[audit({name}, …)]`")
        }
        Form::Word if table::arguments().any(|argument| argument == name) => {
            format!("`{name}` needs a value: `{name} = expr`")
        }
        Form::Word if position == 0 => {
            let near = table::nearest(name, words().chain(table::arguments()));
            format!(
                "unknown operation `{name}`{}; the operations are {}",
                hint(&near),
                quoted(words())
            )
        }
        _ => unknown(operation, name),
    }
}

/// Says that `name` takes no list, and which arguments do.
fn no_list(name: &str) -> String {
    table::refusal(name).map_or_else(
        || {
            let lists = LISTS.iter().map(|(list, _)| *list);
            format!("`{name}` is no list; these are: {}", quoted(lists))
        },
        str::to_owned,
    )
}

/// Says that there is no argument `name`, and which ones there are.
fn unknown(operation: &Operation, name: &str) -> String {
    if let Some(why) = table::refusal(name) {
        return why.to_owned();
    }
    let mut with_it = table::OPERATIONS
        .iter()
        .filter(|with| with.column(name).is_some());
    if let Some(first) = with_it.next() {
        let others = with_it.map(|other| other.word);
        return format!(
            "`{name}` is a part of a verdict, which belongs to {}",
            quoted(std::iter::once(first.word).chain(others))
        );
    }
    let columns = || operation.verdict.iter().map(|column| column.name);
    let near = table::nearest(name, table::arguments().chain(columns()));
    let roles = columns().chain(table::ROLES.iter().map(|role| role.name));
    format!(
        "unknown argument `{name}`{}; there are {}, and every field that the catalogue lets a \
         host set (docs/fields.md)",
        hint(&near),
        quoted(roles.chain(table::SETTINGS.iter().copied())),
    )
}

fn hint(near: &[&str]) -> String {
    match near {
        [] => String::new(),
        near => {
            let near: Vec<_> = near.iter().map(|name| format!("`{name}`")).collect();
            format!(" (did you mean {}?)", near.join(" or "))
        }
    }
}

fn quoted<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
