//! The code for an answer that is a stream.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Type;

use crate::expand::{Code, located};
use crate::shape::Streamed;

/// Returns the answer with its stream in one that is recorded; what the compiler has to say about the
/// type of the answer is said at `span`.
pub(crate) fn answer(code: &Code<'_>, streamed: &Streamed<'_>, span: Span) -> TokenStream {
    let mut answer = code.answer.clone();
    answer.set_span(span.resolved_at(answer.span()));
    wrapped(code, streamed, &answer)
}

fn wrapped(code: &Code<'_>, streamed: &Streamed<'_>, answer: &Ident) -> TokenStream {
    let Code { support, call, .. } = code;
    let inner = Ident::new("__llm_audit_inner", answer.span());
    let boxed = |ty: &Type, new: TokenStream| {
        let describe = describe(code);
        // The type makes both arms the box that the function returns.
        quote! {{
            let #inner: #ty = if #call.is_recorded() {
                #new(#support::Streamed::new(#call, #answer, #describe))
            } else {
                #answer
            };
            #inner
        }}
    };
    match streamed {
        Streamed::Result(streamed) => {
            let within = wrapped(code, streamed, &inner);
            let failed = failed(code, &inner);
            quote! {
                match #answer {
                    ::core::result::Result::Ok(#inner) => ::core::result::Result::Ok(#within),
                    ::core::result::Result::Err(#inner) => {
                        #failed
                        ::core::result::Result::Err(#inner)
                    }
                }
            }
        }
        Streamed::Option(streamed) => {
            let within = wrapped(code, streamed, &inner);
            quote! {
                match #answer {
                    ::core::option::Option::Some(#inner) => ::core::option::Option::Some(#within),
                    ::core::option::Option::None => {
                        #call.finish();
                        ::core::option::Option::None
                    }
                }
            }
        }
        Streamed::Bare => {
            let describe = describe(code);
            quote!(#support::Streamed::new(#call, #answer, #describe))
        }
        Streamed::Pinned(ty) => boxed(ty, quote!(::std::boxed::Box::pin)),
        Streamed::Boxed(ty) => boxed(ty, quote!(::std::boxed::Box::new)),
        Streamed::Named => {
            let describe = describe(code);
            let support = located(support, answer.span());
            quote_spanned!(answer.span()=> #support::StreamAnswer::answer(#answer, #call, #describe))
        }
    }
}

/// The end of a call that returned `error` in place of a stream.
fn failed(code: &Code<'_>, error: &Ident) -> TokenStream {
    let Code { support, call, .. } = code;
    let failed = code.failed();
    quote! {
        if #call.is_recorded() {
            #[allow(unused_imports)]
            use #support::autoref::*;
            let __llm_audit_error = &#error;
            #failed
            (&#support::Failure::new(__llm_audit_error)).fail(#call);
        }
    }
}

/// The closure that is shown each item.
fn describe(code: &Code<'_>) -> TokenStream {
    let Code { support, call, .. } = code;
    let (out, taken) = code.taken();
    let failed = code.failed();
    quote! {
        move |#call: &mut #support::Call, __llm_audit_item: &_| {
            #[allow(unused_imports)]
            use #support::autoref::*;
            match (&#support::Returned::new(__llm_audit_item)).returned() {
                ::core::result::Result::Ok(#out) => { #taken }
                ::core::result::Result::Err(__llm_audit_error) => {
                    #failed
                    (&#support::Failure::new(__llm_audit_error)).failed(#call);
                }
            }
        }
    }
}
