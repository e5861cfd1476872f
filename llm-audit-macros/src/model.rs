//! What was written: the arguments of the attribute and the function below it, parsed.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, Expr, Path, Result, Signature, Token, Visibility, braced, token};

/// The arguments, in order, as they were written.
pub(crate) struct Arguments(pub(crate) Vec<Argument>);

pub(crate) struct Argument {
    pub(crate) name: Ident,
    pub(crate) form: Form,
}

pub(crate) enum Form {
    /// `name`
    Word,
    /// `name = expr`
    Value(Captured),
    /// `crate = path`
    Path(Path),
    /// `name(name = expr, …)`
    List(Arguments),
}

/// An expression and the text that is taken of it.
pub(crate) struct Captured {
    pub(crate) style: Style,
    pub(crate) expr: Expr,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// `expr`
    Value,
    /// `%expr`
    Display,
    /// `?expr`
    Debug,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let arguments = Punctuated::<Argument, Token![,]>::parse_terminated(input)?;
        Ok(Self(arguments.into_iter().collect()))
    }
}

impl Parse for Argument {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if !input.peek(Ident::peek_any) {
            return Err(input.error("expected an operation such as `tool`, or `name = expr`"));
        }
        let name = input.call(Ident::parse_any)?;
        let form = if input.peek(token::Paren) {
            let list;
            syn::parenthesized!(list in input);
            Form::List(list.parse()?)
        } else if let Some(equals) = input.parse::<Option<Token![=]>>()? {
            if input.is_empty() || input.peek(Token![,]) {
                let message = format!("`{name}` needs an expression after `=`");
                return Err(Error::new(equals.span, message));
            }
            if name == "crate" {
                Form::Path(input.call(Path::parse_mod_style)?)
            } else {
                Form::Value(input.parse()?)
            }
        } else {
            Form::Word
        };
        Ok(Self { name, form })
    }
}

impl Parse for Captured {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let style = if input.parse::<Option<Token![%]>>()?.is_some() {
            Style::Display
        } else if input.parse::<Option<Token![?]>>()?.is_some() {
            Style::Debug
        } else {
            Style::Value
        };
        Ok(Self {
            style,
            expr: input.parse()?,
        })
    }
}

/// A function, whose body is left unparsed.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) default: Option<Token![default]>,
    pub(crate) sig: Signature,
    pub(crate) body: Body,
}

pub(crate) enum Body {
    /// `;`, in a trait or an `extern` block.
    None(Token![;]),
    Block(token::Brace, TokenStream),
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let default = input.parse()?;
        let sig = input.parse()?;
        let body = if input.peek(Token![;]) {
            Body::None(input.parse()?)
        } else {
            let content;
            let brace = braced!(content in input);
            attrs.extend(content.call(Attribute::parse_inner)?);
            Body::Block(brace, content.parse()?)
        };
        Ok(Self {
            attrs,
            vis,
            default,
            sig,
            body,
        })
    }
}

impl Function {
    /// Writes the function with `body` in place of its own.
    pub(crate) fn with_body(&self, brace: token::Brace, body: TokenStream) -> TokenStream {
        let mut tokens = TokenStream::new();
        for attr in &self.attrs {
            // An inner attribute means the same in front of the function.
            Attribute {
                style: syn::AttrStyle::Outer,
                ..attr.clone()
            }
            .to_tokens(&mut tokens);
        }
        self.vis.to_tokens(&mut tokens);
        self.default.to_tokens(&mut tokens);
        self.sig.to_tokens(&mut tokens);
        brace.surround(&mut tokens, |tokens| body.to_tokens(tokens));
        tokens
    }
}
