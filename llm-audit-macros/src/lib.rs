//! The `#[audit]` attribute of `llm-audit`; see [`macro@audit`].
//!
//! Programs use it as `llm_audit::audit`. This crate knows names and shapes only: what they mean
//! is in the hidden module `__private` of `llm-audit`, which changes together with it.

mod check;
mod expand;
mod model;
mod parameters;
mod shape;
mod stream;
mod table;

use proc_macro::TokenStream;
use quote::quote;
use syn::{Error, Result};

use model::{Arguments, Function};

/// Records each call of a function as one event.
///
/// Put it on the function that calls the model, the tool or the agent. However the call ends,
/// there is one event of it:
///
/// | the call | status |
/// |---|---|
/// | returns `Ok`, or something that is no `Result` | `ok` |
/// | returns `Err` | `error`, with the name of the error's type; its text if it implements `Display` and the policy allows `error_detail` |
/// | panics | `error`, with `error_type = "panic"` |
/// | is a future or a stream that is dropped before its end, by a time-out for instance | `cancelled` |
///
/// It is recorded in the log that `llm_audit::builder()….install()` started, or in that of
/// `auditor`; one that was started with `spawn()` is found by its handle only.
///
/// What happens within the call is its child: calls of other functions under `#[audit]`,
/// interactions begun by hand, adapters of clients. A spawned task is not, unless its future goes
/// through `llm_audit::propagate`. Users, sessions, tenants and projects come from the `Context` that
/// the function runs in, or from arguments, and hold for its children too. Within the body,
/// `Context::current().event_id()` is the event's identifier, for those who may have something to
/// say about the answer later.
///
/// **Nothing is captured that is not named, and nothing of what is named is evaluated unless the
/// policy allows its facet.** While no log captures anything, a call costs one atomic load more.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use llm_audit::{Absence, Facet, Kind, Level, Policy, Retention, Usage, audit, journal};
///
/// struct Reply {
///     text: String,
///     tokens: (u64, u64),
/// }
///
/// #[audit(
///     model = model,
///     prompt = question,
///     output = out.text,
///     out(usage = Usage::openai(out.tokens.0, out.tokens.1)),
/// )]
/// async fn ask(model: &str, question: String) -> Result<Reply, std::io::Error> {
///     Ok(Reply { text: format!("{question} Because."), tokens: (6, 2) })
/// }
///
/// # let directory = tempfile::tempdir()?;
/// let policy = Policy::builder()
///     .facet(Facet::Model, Level::Full)
///     .facet(Facet::Usage, Level::Full)
///     .facet(Facet::Prompt, Level::Redacted)
///     .retention(Retention::Days30)
///     .build()?;
/// let log = llm_audit::builder().policy(policy).journal(directory.path()).install()?;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// ask("small", "I am ada@example.org. Why?".to_owned()).await?;
/// # Ok::<_, std::io::Error>(())
/// # })?;
/// log.shutdown(Duration::from_secs(5));
///
/// let events = journal::Reader::open(directory.path())?.events();
/// let event = events.flatten().find(|event| *event.kind() == Kind::Interaction).unwrap();
/// assert_eq!(event.request_model(), Some("small"));
/// assert_eq!(event.prompt().as_deref(), Some("I am [EMAIL]. Why?"));
/// assert_eq!(event.total_tokens(), Some(8));
/// assert_eq!(event.absence(Facet::Response), Some(Absence::Withheld));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Arguments
///
/// The first word is the operation: `chat` (when there is none), `text_completion`,
/// `generate_content`, `embeddings`, `retrieval`, `rerank`, `tool`, `agent`, `workflow`, `step`; or
/// `guardrail` or `evaluation`, which record a [verdict](#verdicts).
///
/// | argument | what it sets |
/// |---|---|
/// | `input = expr` | the request: an `AuditInput`, which says of itself what it is |
/// | `prompt`, `system`, `assistant` `= expr` | a message of the input, from the user, the system, the model |
/// | `messages = expr` | messages of the input, a list of `Message` |
/// | `tools = expr` | the tools that the model may call, a list of `ToolDefinition` |
/// | `model = expr` | `request_model` |
/// | `user`, `session`, `conversation`, `turn`, `project`, `tenant` `= expr` | `user_id`, `session_id`, `conversation_id`, `turn_index`, `project_id`, `tenant_id` |
/// | `name = expr` | the name of a tool, agent, workflow, step, guardrail or evaluation; without it, that of the function |
/// | `args`, `skip(`*name*`, …)` | all arguments of the function, save those that are skipped ([below](#all-arguments)) |
/// | *field* `= expr` | any other field that a host may set, by its name in the catalogue |
/// | `fields(`*name* `= expr, …)` | the same, as a list |
/// | `output` | the answer: what was returned, within `Ok` and `Some` |
/// | `output = expr` | the answer, from `out`, a reference to what was returned within `Ok` and `Some` |
/// | `out(`*field* `= expr, …)` | fields, from `out` |
/// | `out(usage = expr)`, `out(reasoning = expr)` | the tokens, a `Usage`; reasoning of the answer |
/// | `stream` | that the answer is a stream, where its type has a name of its own ([below](#streams)) |
/// | `err(`*field* `= expr, …)` | fields, from `err`, a reference to the error that was returned |
/// | `fail_closed` | that the body runs only when the call is recorded ([below](#what-cannot-be-recorded)) |
/// | `auditor = expr` | the log: an `Audit`, or a reference to one; without it, the installed one |
/// | `crate = path` | where `llm-audit` is, when it is not at `::llm_audit` |
///
/// The answer is an `AuditOutput`: a text, a `Message`, a list of these, or a type of the program that
/// says of itself what it is, tokens and all. Of a `tool` it is `tool_result`, and of a `retrieval`
/// or `rerank` it is `documents`. An error has no answer, and neither has `None`. An `output = expr`
/// that calls something is evaluated only when `response` is captured.
///
/// # Values
///
/// The expressions are evaluated before the body runs, so they may name every argument, even one
/// that the body consumes; those over `out` and `err` are evaluated after it, when the arguments
/// may be gone. They are borrowed, never moved, and neither `?` nor `.await` can leave them.
///
/// A text takes strings, numbers, `bool`, `char` and identifiers. Of anything else, the text has
/// to be asked for: `prompt = %request` is that of its `Display`, `prompt = ?request` that of its
/// `Debug`. A number takes numbers, where a negative count is none; a list takes arrays, slices,
/// vectors and sets; values by name take maps and lists of pairs; JSON takes whatever implements
/// `serde::Serialize`. `None` sets nothing.
///
/// ```
/// # use llm_audit::audit;
/// # #[derive(serde::Serialize)] struct Order { id: u64 }
/// #[audit(tool, tool_arguments = order, tags = ["refund"], output)]
/// fn refund(order: &Order) -> Result<String, std::fmt::Error> {
///     Ok(format!("refunded {}", order.id))
/// }
/// # assert_eq!(refund(&Order { id: 7 })?, "refunded 7");
/// # Ok::<(), std::fmt::Error>(())
/// ```
///
/// # All arguments
///
/// `args` captures the arguments of the function by name, as JSON: of a `tool` as
/// `tool_arguments`, of a `chat`, `text_completion` or `generate_content` as
/// `prompt_template_variables`, of an `agent`, `workflow` or `step` as `metadata`. `skip(client)`
/// leaves one out, `args(client = %client, order = order.id)` captures two in another way, and
/// `self` is never captured. An argument that serde cannot serialise is an error where it stands.
///
/// ```
/// # use llm_audit::audit;
/// # struct Client;
/// #[audit(tool, args, skip(client), output)]
/// fn refund(client: &Client, order: u64, reason: &str) -> bool {
///     // tool_arguments: {"order":7,"reason":"late"}
/// #   drop((client, order)); reason.len() > 1
/// }
/// # assert!(refund(&Client, 7, "late"));
/// ```
///
/// # Verdicts
///
/// `guardrail` and `evaluation` make an event of that kind. It is about the call that it happens
/// within, which is its `target_event_id`, unless `target_event_id = expr` names another event;
/// what it calls itself is its child.
///
/// | | before the body, or in any list | in `out(…)` or `err(…)` | `output` |
/// |---|---|---|---|
/// | `guardrail` | `id`, `mode`, `reached_model`, `stage` | `action`, `categories`, `error`, `score`, `severity`, `verdict` | a text for `verdict`, or a `Guardrail` |
/// | `evaluation` | `annotator_kind`, `evaluator`, `version` | `explanation`, `label`, `passed`, `score` | a number for `score`, a `bool` for `passed`, or an `Evaluation` |
///
/// ```
/// # use llm_audit::audit;
/// enum Verdict { Pass, Fail(f64) }
///
/// #[audit(
///     guardrail,
///     name = "pii-output",
///     stage = "output",
///     prompt = text,
///     output = match out { Verdict::Pass => "pass", Verdict::Fail(_) => "fail" },
///     out(score = match out { Verdict::Fail(score) => Some(score), _ => None }),
/// )]
/// fn check(text: &str) -> Verdict {
///     if text.contains('@') { Verdict::Fail(0.9) } else { Verdict::Pass }
/// }
///
/// #[audit(evaluation, evaluator = "overlap", output)]
/// fn relevance(question: &str, answer: &str) -> f64 {
///     # let words = || question.split(' ');
///     # words().filter(|word| answer.contains(word)).count() as f64 / words().count() as f64
/// }
/// # check("ada@example.org"); relevance("a b", "b c");
/// ```
///
/// The status, the facets and the ways out are those of any call, and a guardrail has its duration.
/// An `Err`, a panic and a dropped future are verdicts that were not reached: the guardrail's
/// `error` says why. A function that returns its verdict as an `Err` says so with
/// `err(verdict = expr)`, or `action` or `score`, or `label` or `passed` of an evaluation: where
/// that sets something, the verdict was reached and the status is `ok`.
///
/// # Streams
///
/// A function that returns a stream, or a future of one, is recorded until the stream ends: it may be
/// `impl Stream`, `Pin<Box<dyn Stream>>`, `Box<dyn Stream>`, `BoxStream`, or one of these within a
/// `Result` or `Option`. Where the type has another name, `stream` says what it is. What holds for an
/// answer holds for each item: `output`, `out(…)` and `err(…)` see it, within `Ok` and `Some`. Texts are
/// put together, of other values the last one counts. The reader gets each item when it comes.
///
/// | the stream | status |
/// |---|---|
/// | ends | `ok` |
/// | has an item that is an `Err` | `error`, by the first such item |
/// | panics | `error`, with `error_type = "panic"` |
/// | is dropped before its end | `cancelled`, or `ok` once an item had `finish_reasons`, if facet `model` is on |
///
/// ```
/// use futures_core::stream::BoxStream;
/// use llm_audit::{Usage, audit};
///
/// struct Chunk {
///     delta: String,
///     tokens: Option<(u64, u64)>,
/// }
///
/// #[audit(
///     prompt = question,
///     output = out.delta,
///     out(usage = out.tokens.map(|(input, output)| Usage::openai(input, output))),
/// )]
/// async fn ask(question: &str) -> Result<BoxStream<'static, std::io::Result<Chunk>>, std::io::Error> {
///     # std::convert::identity(question);
///     // …
/// #   Err(std::io::ErrorKind::Other.into())
/// }
/// # drop(ask("Why?"));
/// ```
///
/// # What cannot be recorded
///
/// A call goes on when its event cannot be kept, and the loss is counted. With `fail_closed` it is
/// the other way round: the intent, an event of kind `prompt_sent` with what is captured before the
/// body, is on the disk before the body runs. Where that fails, the body does not run, and the
/// function returns an `llm_audit::Error` for which `is_not_durable` holds: also without a log, after
/// its shutdown, and under a policy that captures nothing. So the function returns a `Result` whose
/// error can be made of an `llm_audit::Error`. An async function waits for the disk without blocking;
/// any other blocks its thread.
///
/// ```
/// # use llm_audit::audit;
/// #[audit(tool, args, fail_closed)]
/// async fn transfer(account: u64, amount: u64) -> Result<(), Box<dyn std::error::Error>> {
///     unreachable!("there is no log")
/// }
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// let error = runtime.block_on(transfer(7, 100)).unwrap_err();
/// assert!(error.downcast_ref::<llm_audit::Error>().is_some_and(|error| error.is_not_durable()));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Functions
///
/// It works on functions and methods, async or not, generic or not; above and below
/// `#[async_trait]` and its like; and on functions that return a future which is an async block at
/// their end, bare or in a box. Futures are `Send` when they were, and only then. The handlers of a
/// web framework are such functions: what their extractors bind can be captured, of
/// `Json(asked): Json<Asked>` for instance `prompt = asked.text`. Some things it cannot see:
///
/// - A stream that is a type of its own, such as a client's, cannot be returned as that type: return
///   `impl Stream`, or a box.
/// - In a generic function only the bounds that are written down count: a `T` that happens to be a
///   `Result` is not known to be one, and an error without `Display` has no text.
/// - Where `#[async_trait]` has been at work, arguments that are patterns cannot be named.
/// - A future that is returned from the midst of a function is not recorded.
/// - Within the body of a `#[track_caller]` function that is not async, the caller is not known.
/// - With `panic = "abort"` there is nobody left to record a panic.
///
/// # What it makes
///
/// ```
/// # use llm_audit::audit;
/// #[audit(prompt = question, output)]
/// async fn ask(question: &str) -> Result<String, String> {
///     Ok(question.to_uppercase())
/// }
/// ```
///
/// becomes
///
#[doc = concat!("```\n", include_str!("expansion.rs"), "```")]
#[proc_macro_attribute]
pub fn audit(arguments: TokenStream, item: TokenStream) -> TokenStream {
    match audited(arguments.into(), item.clone().into()) {
        Ok(tokens) => tokens.into(),
        Err(error) => {
            // The item stays, so that one error does not become an error at each of its callers.
            let error = error.into_compile_error();
            let item = proc_macro2::TokenStream::from(item);
            quote!(#item #error).into()
        }
    }
}

fn audited(
    arguments: proc_macro2::TokenStream,
    item: proc_macro2::TokenStream,
) -> Result<proc_macro2::TokenStream> {
    let function: Function = syn::parse2(item)
        .map_err(|error| Error::new(error.span(), "`#[audit]` is for functions and methods"))?;
    let arguments: Arguments = syn::parse2(arguments)?;
    let plan = check::check(arguments, &function)?;
    expand::expand(&plan, &function)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_expansion_in_the_guide_is_the_one_that_is_made() {
        let made = audited(
            quote!(prompt = question, output),
            quote! {
                async fn ask(question: &str) -> Result<String, String> {
                    Ok(question.to_uppercase())
                }
            },
        );
        let shown: proc_macro2::TokenStream = include_str!("expansion.rs").parse().unwrap();
        // The formatter adds braces and trailing commas, and nothing else.
        let words = |tokens: proc_macro2::TokenStream| -> Vec<String> {
            let tokens = tokens
                .into_iter()
                .flat_map(leaves)
                .map(|token| token.to_string());
            tokens.filter(|token| token != ",").collect()
        };
        assert_eq!(words(made.unwrap()), words(shown));
    }

    /// Returns the tokens of `token` without the delimiters of groups.
    fn leaves(token: proc_macro2::TokenTree) -> Vec<proc_macro2::TokenTree> {
        match token {
            proc_macro2::TokenTree::Group(group) => {
                group.stream().into_iter().flat_map(leaves).collect()
            }
            token => vec![token],
        }
    }
}
