//! Shapes of functions: what runs when the function is called, and what the answer is.

use syn::visit_mut::{self, VisitMut};
use syn::{
    Block, Expr, GenericArgument, PathArguments, PathSegment, ReturnType, Stmt, Type,
    TypeParamBound, parse_quote,
};

/// Returns the async block that `block` returns, bare or in a box.
pub(crate) fn returned_future(block: &mut Block) -> Option<&mut Expr> {
    match block.stmts.last_mut()? {
        Stmt::Expr(expr, None) => future_in(expr),
        _ => None,
    }
}

fn future_in(expr: &mut Expr) -> Option<&mut Expr> {
    match expr {
        Expr::Async(_) => Some(expr),
        Expr::Group(group) => future_in(&mut group.expr),
        Expr::Paren(paren) => future_in(&mut paren.expr),
        Expr::Call(call) if is_pin(&call.func) && call.args.len() == 1 => {
            call.args.first_mut().and_then(future_in)
        }
        Expr::MethodCall(call) if call.method == "boxed" || call.method == "boxed_local" => {
            future_in(&mut call.receiver)
        }
        _ => None,
    }
}

/// `Box::pin`, by whatever path.
fn is_pin(function: &Expr) -> bool {
    let Expr::Path(function) = function else {
        return false;
    };
    let mut segments = function.path.segments.iter().rev();
    segments.next().is_some_and(|last| last.ident == "pin")
        && segments.next().is_some_and(|first| first.ident == "Box")
}

/// What a return type says of a value that is not the answer itself.
pub(crate) enum Deferred {
    /// A future, with the type of its output where that is written down.
    Future(Option<Box<Type>>),
    Stream,
}

/// Returns whether `ty` is a future or a stream, bare, in a box, or in a `Result` or `Option`.
pub(crate) fn deferred(ty: &Type) -> Option<Deferred> {
    match ty {
        Type::Group(group) => deferred(&group.elem),
        Type::Paren(paren) => deferred(&paren.elem),
        Type::ImplTrait(implements) => implements.bounds.iter().find_map(bound),
        Type::TraitObject(object) => object.bounds.iter().find_map(bound),
        Type::Path(path) => {
            let last = path.path.segments.last()?;
            match last.ident.to_string().as_str() {
                "BoxFuture" | "LocalBoxFuture" => Some(Deferred::Future(
                    types_of(last).last().cloned().map(Box::new),
                )),
                "BoxStream" | "LocalBoxStream" => Some(Deferred::Stream),
                "Pin" | "Box" | "Result" | "Option" => types_of(last).next().and_then(deferred),
                _ => None,
            }
        }
        _ => None,
    }
}

fn bound(bound: &TypeParamBound) -> Option<Deferred> {
    let TypeParamBound::Trait(bound) = bound else {
        return None;
    };
    let last = bound.path.segments.last()?;
    match last.ident.to_string().as_str() {
        "Future" => Some(Deferred::Future(output_of(last).map(Box::new))),
        "Stream" | "TryStream" => Some(Deferred::Stream),
        _ => None,
    }
}

fn arguments_of(segment: &PathSegment) -> impl Iterator<Item = &GenericArgument> {
    let arguments = match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => Some(arguments.args.iter()),
        _ => None,
    };
    arguments.into_iter().flatten()
}

fn types_of(segment: &PathSegment) -> impl Iterator<Item = &Type> {
    arguments_of(segment).filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

fn output_of(segment: &PathSegment) -> Option<Type> {
    arguments_of(segment).find_map(|argument| match argument {
        GenericArgument::AssocType(output) if output.ident == "Output" => Some(output.ty.clone()),
        _ => None,
    })
}

/// Returns the type after `->`, or `None` when the function returns nothing.
pub(crate) fn written(output: &ReturnType) -> Option<&Type> {
    match output {
        ReturnType::Default => None,
        ReturnType::Type(_, ty) => Some(ty),
    }
}

/// Returns `ty` as it may stand within a body: with `_` where it says `impl Trait`.
pub(crate) fn inferable(ty: &Type) -> Type {
    struct ReplaceImpl;

    impl VisitMut for ReplaceImpl {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            if matches!(ty, Type::ImplTrait(_)) {
                *ty = parse_quote!(_);
            } else {
                visit_mut::visit_type_mut(self, ty);
            }
        }
    }

    let mut ty = ty.clone();
    ReplaceImpl.visit_type_mut(&mut ty);
    ty
}
