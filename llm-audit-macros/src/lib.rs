//! The `#[audit]` attribute of `llm-audit`; see [`macro@audit`].
//!
//! Programs use it as `llm_audit::audit`. This crate knows names and shapes only: what they mean
//! is in the hidden module `__private` of `llm-audit`, which changes together with it.

mod check;
mod expand;
mod model;
mod shape;
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
/// | is a future that is dropped before its end, by a time-out for instance | `cancelled` |
///
/// What happens within the call is its child: calls of other functions under `#[audit]`,
/// interactions begun by hand, adapters of clients. A spawned task is not, unless its future goes
/// through `llm_audit::propagate`. Users, sessions and tenants come from the `Context` that the
/// function runs in, or from arguments.
///
/// **Nothing is captured that is not named, and nothing of what is named is evaluated unless the
/// policy allows its facet.** While no log captures anything, a call costs one atomic load more.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use llm_audit::{Facet, Kind, Level, Policy, Retention, Usage, audit, journal};
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
/// assert_eq!(event.absence(Facet::Response), Some("withheld"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Arguments
///
/// The first word is the operation: `chat` (when there is none), `text_completion`,
/// `generate_content`, `embeddings`, `retrieval`, `rerank`, `tool`, `agent`, `workflow`, `step`.
///
/// | argument | what it sets |
/// |---|---|
/// | `prompt = expr` | a user message of the input |
/// | `system = expr` | a system message of the input |
/// | `model = expr` | `request_model` |
/// | `user`, `session`, `conversation`, `project`, `tenant` `= expr` | `user_id`, `session_id`, `conversation_id`, `project_id`, `tenant_id` |
/// | `name = expr` | the name of a tool, agent, workflow or step; without it, that of the function |
/// | *field* `= expr` | any other field that a host may set, by its name in the catalogue |
/// | `fields(`*name* `= expr, …)` | the same, as a list |
/// | `output` | the answer: what was returned, within `Ok` and `Some` |
/// | `output = expr` | the answer, from `out`, a reference to what was returned within `Ok` and `Some` |
/// | `out(`*field* `= expr, …)` | fields, from `out` |
/// | `out(usage = expr)` | the tokens, a `Usage` |
/// | `err(`*field* `= expr, …)` | fields, from `err`, a reference to the error that was returned |
/// | `auditor = expr` | the log: an `Audit`, or a reference to one; without it, the installed one |
/// | `crate = path` | where `llm-audit` is, when it is not at `::llm_audit` |
///
/// The answer is the text of the response; of a `tool` it is `tool_result`, and of a `retrieval`
/// or `rerank` it is `documents`. An error has no answer, and neither has `None`.
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
/// # Functions
///
/// It works on functions and methods, async or not, generic or not; above and below
/// `#[async_trait]` and its like; and on functions that return a future which is an async block at
/// their end, bare or in a box. Futures are `Send` when they were. Some things it cannot see:
///
/// - A stream as the answer is an error; begin an `Interaction` and hand it the chunks.
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
