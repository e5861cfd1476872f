//! The arguments of a function, by the names that they have in its body.

use proc_macro2::Ident;
use syn::{FnArg, Pat, Signature};

/// Returns the names that the arguments of a function are bound to, in order; `self` is none.
pub(crate) fn names(sig: &Signature) -> Vec<&Ident> {
    let mut names = Vec::new();
    for argument in &sig.inputs {
        if let FnArg::Typed(argument) = argument {
            bound(&argument.pat, &mut names);
        }
    }
    names
}

fn bound<'p>(pat: &'p Pat, names: &mut Vec<&'p Ident>) {
    match pat {
        Pat::Ident(pat) => {
            // What begins with a capital is a constant or a unit struct.
            if !pat.ident.to_string().starts_with(char::is_uppercase) {
                names.push(&pat.ident);
            }
            if let Some((_, inner)) = &pat.subpat {
                bound(inner, names);
            }
        }
        Pat::Paren(pat) => bound(&pat.pat, names),
        Pat::Reference(pat) => bound(&pat.pat, names),
        Pat::Slice(pat) => pat.elems.iter().for_each(|pat| bound(pat, names)),
        Pat::Struct(pat) => pat.fields.iter().for_each(|field| bound(&field.pat, names)),
        Pat::Tuple(pat) => pat.elems.iter().for_each(|pat| bound(pat, names)),
        Pat::TupleStruct(pat) => pat.elems.iter().for_each(|pat| bound(pat, names)),
        _ => {}
    }
}
