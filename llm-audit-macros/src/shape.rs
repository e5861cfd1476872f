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

/// Returns the type of the output of the future that `ty` is, bare or in a box.
///
/// `None` when it is no future; the inner one where the output's type is not written down.
pub(crate) fn future(ty: &Type) -> Option<Option<Type>> {
    match ty {
        Type::Group(group) => future(&group.elem),
        Type::Paren(paren) => future(&paren.elem),
        Type::ImplTrait(implements) => implements.bounds.iter().find_map(future_bound),
        Type::TraitObject(object) => object.bounds.iter().find_map(future_bound),
        Type::Path(path) => {
            let last = path.path.segments.last()?;
            match last.ident.to_string().as_str() {
                "BoxFuture" | "LocalBoxFuture" => Some(types_of(last).last().cloned()),
                "Pin" | "Box" | "Result" | "Option" => types_of(last).next().and_then(future),
                _ => None,
            }
        }
        _ => None,
    }
}

/// An answer that is a stream, as its type is written down.
pub(crate) enum Streamed<'t> {
    /// In a `Result`.
    Result(Box<Self>),
    /// In an `Option`.
    Option(Box<Self>),
    /// `impl Stream`.
    Bare,
    /// `Pin<Box<dyn Stream>>`.
    Pinned(&'t Type),
    /// `Box<dyn Stream>`.
    Boxed(&'t Type),
    /// A name for one of these, which the function is said to return.
    Named,
}

/// Returns in what way the answer of type `ty` is a stream; `is_said` where the attribute says that
/// it is one.
pub(crate) fn streamed(ty: &Type, is_said: bool) -> Option<Streamed<'_>> {
    let named = || is_said.then_some(Streamed::Named);
    match ty {
        Type::Group(group) => streamed(&group.elem, is_said),
        Type::Paren(paren) => streamed(&paren.elem, is_said),
        Type::ImplTrait(implements) => has_stream(implements.bounds.iter())
            .then_some(Streamed::Bare)
            .or_else(named),
        Type::Path(path) => {
            let last = path.path.segments.last()?;
            let mut types = types_of(last);
            let within = |ty| streamed(ty, is_said).map(Box::new);
            match last.ident.to_string().as_str() {
                "Result" => types.next().and_then(within).map(Streamed::Result),
                "Option" => types.next().and_then(within).map(Streamed::Option),
                "BoxStream" | "LocalBoxStream" => Some(Streamed::Pinned(ty)),
                "Box" if types.next().is_some_and(is_stream_object) => Some(Streamed::Boxed(ty)),
                "Pin" if types.next().is_some_and(is_box_of_stream) => Some(Streamed::Pinned(ty)),
                _ => named(),
            }
        }
        _ => named(),
    }
}

/// Returns whether the answer of a function, or of the future that it returns, is a stream.
pub(crate) fn is_stream(output: &ReturnType, is_said: bool) -> bool {
    written(output).is_some_and(|ty| match future(ty) {
        Some(output) => output.is_some_and(|ty| streamed(&ty, is_said).is_some()),
        None => streamed(ty, is_said).is_some(),
    })
}

fn is_box_of_stream(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    let last = path.path.segments.last();
    last.is_some_and(|last| {
        last.ident == "Box" && types_of(last).next().is_some_and(is_stream_object)
    })
}

fn is_stream_object(ty: &Type) -> bool {
    match ty {
        Type::Group(group) => is_stream_object(&group.elem),
        Type::Paren(paren) => is_stream_object(&paren.elem),
        Type::TraitObject(object) => has_stream(object.bounds.iter()),
        _ => false,
    }
}

fn has_stream<'b>(mut bounds: impl Iterator<Item = &'b TypeParamBound>) -> bool {
    bounds.any(|bound| {
        let TypeParamBound::Trait(bound) = bound else {
            return false;
        };
        let last = bound.path.segments.last();
        last.is_some_and(|last| STREAMS.contains(&last.ident.to_string().as_str()))
    })
}

/// Traits of streams.
const STREAMS: [&str; 3] = ["FusedStream", "Stream", "TryStream"];

fn future_bound(bound: &TypeParamBound) -> Option<Option<Type>> {
    let TypeParamBound::Trait(bound) = bound else {
        return None;
    };
    let last = bound.path.segments.last()?;
    (last.ident == "Future").then(|| output_of(last))
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
