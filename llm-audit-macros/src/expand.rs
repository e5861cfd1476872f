//! The code that `#[audit]` makes of a function.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Block, Error, Expr, Ident, Result, Type, parse_quote, token};

use crate::check::{Args, Capture, Plan};
use crate::model::{Body, Captured, Function, Style};
use crate::shape::{self, Streamed};
use crate::stream;

/// Returns `function` with the recording of its call around its body.
///
/// # Errors
///
/// When the function has no body, or returns what cannot be seen from here.
pub(crate) fn expand(plan: &Plan, function: &Function) -> Result<TokenStream> {
    let (brace, body) = match &function.body {
        Body::Block(brace, body) => (*brace, body),
        Body::None(semicolon) => {
            let message = "a function without a body cannot be audited; put `#[audit]` on the \
                           implementation";
            return Err(Error::new(semicolon.span, message));
        }
    };
    let code = Code::new(plan, function);
    let sig = &function.sig;
    let output = shape::written(&sig.output);
    if let (Some(span), false) = (plan.fail_closed, can_fail(plan, output)) {
        let message = "`fail_closed` needs a function that returns a `Result`: a call that cannot \
                       be recorded does not take place, and its caller has to be told";
        return Err(Error::new(span, message));
    }
    let future = output.and_then(shape::future);
    let body = if sig.asyncness.is_some() {
        code.asynchronous(output, body)
    } else {
        match returned_future(body, future.as_ref(), &code) {
            Some(body) => body,
            None if future.is_some() => {
                let message = "a future is recorded when it is an async block at the end of the \
                               function: write `async move { … }`, or an `async fn`";
                return Err(Error::new(output.span(), message));
            }
            None => code.synchronous(output, body),
        }
    };
    Ok(function.with_body(brace, body))
}

/// Returns whether the answer may be a `Result`, as far as its type says.
fn can_fail(plan: &Plan, output: Option<&Type>) -> bool {
    output.is_some_and(|ty| match shape::streamed(ty, plan.stream.is_some()) {
        Some(streamed) => matches!(streamed, Streamed::Result(_)),
        None => !matches!(ty, Type::Never(_)),
    })
}

/// Returns the body with the async block at its end recorded, when there is one.
fn returned_future(
    body: &TokenStream,
    written: Option<&Option<Type>>,
    code: &Code<'_>,
) -> Option<TokenStream> {
    let mut block: Block = syn::parse2(quote!({ #body })).ok()?;
    let future = shape::returned_future(&mut block)?;
    let Expr::Async(inner) = future else {
        return None;
    };
    let output = written.and_then(Option::as_ref);
    let attrs = &inner.attrs;
    let stmts = &inner.block.stmts;
    let recorded = code.asynchronous(output, &quote!(#(#stmts)*));
    *future = parse_quote!(#(#attrs)* async move { #recorded });
    let stmts = &block.stmts;
    Some(quote!(#(#stmts)*))
}

/// How a body runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Run {
    /// In a future.
    Async,
    /// At once, and what it returns goes on later.
    Stream,
    Sync,
}

/// What the code of every shape has in common.
pub(crate) struct Code<'p> {
    plan: &'p Plan,
    name: &'p Ident,
    pub(crate) support: TokenStream,
    pub(crate) call: Ident,
    pub(crate) answer: Ident,
}

impl<'p> Code<'p> {
    fn new(plan: &'p Plan, function: &'p Function) -> Self {
        let krate = match &plan.krate {
            Some(krate) => krate.to_token_stream(),
            None => quote!(::llm_audit),
        };
        Self {
            plan,
            name: &function.sig.ident,
            support: quote!(#krate::__private),
            call: Ident::new("__llm_audit_call", Span::mixed_site()),
            answer: Ident::new("__llm_audit_answer", Span::mixed_site()),
        }
    }

    fn asynchronous(&self, output: Option<&Type>, body: &TokenStream) -> TokenStream {
        let Self { call, answer, .. } = self;
        let begin = self.begin(Run::Async, output);
        let finish = self.finish(output);
        // The type of an async block cannot be written down; a value that is never there says it.
        let hint = output.filter(|ty| !matches!(ty, Type::Never(_))).map(|ty| {
            let ty = shape::inferable(ty);
            quote_spanned! {ty.span().resolved_at(Span::mixed_site())=>
                if let ::core::option::Option::Some(__llm_audit_never) =
                    ::core::option::Option::None::<#ty>
                {
                    #[allow(unreachable_code)]
                    return __llm_audit_never;
                }
            }
        });
        quote! {
            #begin
            #[allow(clippy::let_unit_value)]
            let #answer = #call.scope(async move { #hint #body }).await;
            #finish
        }
    }

    fn synchronous(&self, output: Option<&Type>, body: &TokenStream) -> TokenStream {
        let Self { call, answer, .. } = self;
        let is_stream =
            output.is_some_and(|ty| shape::streamed(ty, self.plan.stream.is_some()).is_some());
        let run = if is_stream { Run::Stream } else { Run::Sync };
        let begin = self.begin(run, output);
        let finish = self.finish(output);
        let arrow = output.map(|ty| {
            let ty = shape::inferable(ty);
            quote!(-> #ty)
        });
        if matches!(output, Some(Type::Never(_))) {
            return quote!(#begin #call.enter(move || #arrow { #body }));
        }
        quote! {
            #begin
            #[allow(clippy::let_unit_value)]
            let #answer = #call.enter(move || #arrow { #body });
            #finish
        }
    }

    /// The beginning of the call, and what is captured before the body runs.
    fn begin(&self, run: Run, output: Option<&Type>) -> TokenStream {
        let Self {
            plan,
            support,
            call,
            name,
            ..
        } = self;
        let variant = Ident::new(plan.operation.variant, Span::mixed_site());
        let is_verdict = plan.operation.is_verdict();
        let subject = if is_verdict {
            quote!(Author::#variant)
        } else {
            quote!(Operation::#variant)
        };
        let function = name.to_string();
        let function = function.trim_start_matches("r#");
        let line = quote_spanned!(name.span()=> ::core::line!());
        let place = quote! {
            const { &#support::Place::new(
                ::core::concat!(::core::module_path!(), "::", #function),
                ::core::file!(),
                #line,
            ) }
        };
        let auditor = match &plan.auditor {
            Some(auditor) => {
                let log = borrowed(auditor);
                quote!(|__llm_audit_log| __llm_audit_log.of(#log))
            }
            None => quote!(#support::installed),
        };
        let captures = plan.before.iter().map(|capture| self.capture(capture));
        let args = plan.args.as_ref().map(|args| self.args(args));
        // A future and a stream are cancelled by dropping them.
        let begin = match (plan.fail_closed.is_some(), run) {
            (false, Run::Sync) => quote!(begin),
            (false, Run::Async | Run::Stream) => quote!(begin_future),
            (true, Run::Sync) => quote!(begin_closed),
            (true, Run::Async | Run::Stream) => quote!(begin_closed_future),
        };
        // A verdict is about a request, and sends none.
        let is_sent = !is_verdict && plan.fail_closed.is_none();
        let sent = is_sent.then(|| quote!(#call.sent();));
        let closed = plan.fail_closed.map(|_| self.closed(run, output));
        quote! {
            let mut #call = #support::Call::#begin(#support::#subject, #place, #auditor);
            if #call.is_recorded() {
                #(#captures)*
                #args
                #sent
            }
            #closed
        }
    }

    /// What keeps the body from running when the call cannot be recorded.
    fn closed(&self, run: Run, output: Option<&Type>) -> TokenStream {
        let Self { support, call, .. } = self;
        let sent = if run == Run::Async {
            quote!(#call.sent_durable().await)
        } else {
            quote!(#call.sent_durable_blocking())
        };
        // What the compiler has to say about the type of the answer is said there.
        let span = output.map_or_else(Span::call_site, Spanned::span);
        let support = located(support, span);
        let error = Ident::new("__llm_audit_error", Span::mixed_site());
        let own = quote_spanned!(span=> #support::not_recorded(#error));
        let answer = quote_spanned!(span=> #support::Fallible::failed(#own));
        quote! {
            if let ::core::result::Result::Err(#error) = #sent {
                return #answer;
            }
        }
    }

    /// The end of the call, what is captured of its answer, and the answer.
    fn finish(&self, output: Option<&Type>) -> TokenStream {
        let Self {
            plan,
            support,
            call,
            answer,
            ..
        } = self;
        if matches!(output, Some(Type::Never(_))) {
            return answer.to_token_stream();
        }
        if let Some(streamed) = output.and_then(|ty| shape::streamed(ty, plan.stream.is_some())) {
            return stream::answer(self, &streamed, output.span());
        }
        let (out, taken) = self.taken();
        let failed = self.failed();
        quote! {
            if #call.is_recorded() {
                #[allow(unused_imports)]
                use #support::autoref::*;
                match (&#support::Returned::new(&#answer)).returned() {
                    ::core::result::Result::Ok(#out) => {
                        #taken
                        #call.finish();
                    }
                    ::core::result::Result::Err(__llm_audit_error) => {
                        #failed
                        (&#support::Failure::new(__llm_audit_error)).fail(#call);
                    }
                }
            }
            #answer
        }
    }

    /// What is captured of an answer or an item of one, and the pattern that it is bound by.
    pub(crate) fn taken(&self) -> (TokenStream, TokenStream) {
        let Self { plan, support, .. } = self;
        if plan.out.is_empty() {
            return (quote!(_), TokenStream::new());
        }
        let captures = plan.out.iter().map(|capture| self.capture(capture));
        let out = named(&plan.out, "out");
        let taken = quote! {
            #[allow(unused_variables)]
            if let ::core::option::Option::Some(#out) =
                (&#support::Present::new(__llm_audit_out)).present()
            {
                #(#captures)*
            }
        };
        (quote!(__llm_audit_out), taken)
    }

    /// What is captured of an error.
    pub(crate) fn failed(&self) -> TokenStream {
        if self.plan.err.is_empty() {
            return TokenStream::new();
        }
        let captures = self.plan.err.iter().map(|capture| self.capture(capture));
        let err = named(&self.plan.err, "err");
        quote! {
            #[allow(unused_variables)]
            let #err = __llm_audit_error;
            #(#captures)*
        }
    }

    fn capture(&self, capture: &Capture) -> TokenStream {
        let value = self.value(&capture.value);
        self.set(capture.slot, &value)
    }

    /// Captures the arguments of the function by name.
    fn args(&self, args: &Args) -> TokenStream {
        let support = &self.support;
        let values = args.values.iter().map(|(name, value)| {
            let name = name.unraw().to_string();
            let value = self.value(value);
            quote!((#name, #support::Arg::new(#value)))
        });
        self.set(args.slot, &quote!(&#support::Args::from([#(#values),*])))
    }

    fn set(&self, slot: &str, value: &TokenStream) -> TokenStream {
        let Self { support, call, .. } = self;
        let slot = Ident::new(slot, Span::mixed_site());
        quote! {
            #call.set(#support::slots::#slot, |__llm_audit_slot| __llm_audit_slot.put(#value));
        }
    }

    /// Returns a reference to the value that is captured.
    fn value(&self, captured: &Captured) -> TokenStream {
        let support = &self.support;
        let ends = Ends::of(&captured.expr);
        let value = borrowed(&captured.expr);
        match captured.style {
            Style::Value => value,
            Style::Display => ends.call(quote!(#support::Displayed::new), value),
            Style::Debug => ends.call(quote!(#support::Debugged::new), value),
        }
    }
}

/// Returns the variable `name` as `captures` see it: from where they name it, which need not be where
/// the attribute is when a macro wrote either.
fn named(captures: &[Capture], name: &str) -> Ident {
    let mut captures = captures.iter().map(|capture| &capture.value.expr);
    let named = captures.find_map(|expr| find(expr.to_token_stream(), name));
    named.unwrap_or_else(|| Ident::new(name, Span::call_site()))
}

fn find(tokens: TokenStream, name: &str) -> Option<Ident> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Group(group) => find(group.stream(), name),
        TokenTree::Ident(ident) if ident == name => Some(ident),
        _ => None,
    })
}

/// Returns `tokens`, which keep their meaning, located at `span`.
pub(crate) fn located(tokens: &TokenStream, span: Span) -> TokenStream {
    let tokens = tokens.clone().into_iter().map(|mut token| {
        token.set_span(span.resolved_at(token.span()));
        token
    });
    tokens.collect()
}

/// Returns `&(expr)`, located where `expr` is, so that what the compiler has to say about it points
/// there.
fn borrowed(expr: &Expr) -> TokenStream {
    let tokens = expr.to_token_stream();
    let ends = Ends::of(expr);
    if tokens.clone().into_iter().count() == 1 {
        let and = token::And(ends.first);
        return quote!(#and #tokens);
    }
    ends.call(TokenStream::new(), tokens)
}

/// Where an expression begins and ends.
struct Ends {
    first: Span,
    last: Span,
}

impl Ends {
    fn of(expr: &Expr) -> Self {
        let mut spans = expr.to_token_stream().into_iter().map(|token| token.span());
        let at = |span: Span| span.resolved_at(Span::mixed_site());
        let first = at(spans.next().unwrap_or_else(Span::call_site));
        Self {
            first,
            last: spans.last().map_or(first, at),
        }
    }

    /// Returns `&function(argument)` from the one end to the other.
    fn call(&self, function: TokenStream, argument: TokenStream) -> TokenStream {
        let and = token::And(self.first);
        let mut group = Group::new(Delimiter::Parenthesis, argument);
        group.set_span(self.last);
        let group = TokenTree::from(group);
        quote!(#and #function #group)
    }
}
