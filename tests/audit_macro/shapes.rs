//! Functions of every shape, each under `#[audit]`.

use std::fmt;
use std::future::{self, Future};
use std::pin::{Pin, pin};

use async_trait::async_trait;
use llm_audit::{Audit, audit};

/// How a call ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Way {
    Ok,
    Err,
    Cancelled,
    Panic,
}

#[derive(Debug)]
pub(crate) struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

pub(crate) type Answer = Result<String, Refused>;

async fn answer(way: Way) -> Answer {
    match way {
        Way::Cancelled => future::pending().await,
        _ => answer_now(way),
    }
}

fn answer_now(way: Way) -> Answer {
    match way {
        Way::Ok => Ok("yes".to_owned()),
        Way::Err => Err(Refused),
        Way::Cancelled => unreachable!("only futures are cancelled"),
        Way::Panic => panic!("on purpose"),
    }
}

#[audit(auditor = log)]
pub(crate) async fn free(log: &Audit, way: Way) -> Answer {
    answer(way).await
}

#[audit(auditor = log)]
async fn generic<T, const N: usize>(log: &Audit, ways: [T; N]) -> Answer
where
    T: Clone + Into<Way> + Send,
{
    let [way, ..] = ways.as_slice() else {
        return Err(Refused);
    };
    answer(way.clone().into()).await
}

#[audit(auditor = log)]
async fn borrowing<'a>(log: &Audit, way: &'a Way) -> Result<&'a str, Refused> {
    answer(*way).await.map(|_| "yes")
}

#[audit(auditor = log)]
async fn patterned(log: &Audit, (way, _): (Way, u8), [mut times]: [u8; 1]) -> Answer {
    times += 1;
    assert_eq!(times, 2);
    answer(way).await
}

#[audit(auditor = log)]
async fn question_mark(log: &Audit, way: Way) -> Answer {
    let answer = answer(way).await?;
    Ok(answer)
}

#[audit(auditor = log)]
async fn early_return(log: &Audit, way: Way) -> Answer {
    if way == Way::Err {
        return Err(Refused);
    }
    answer(way).await
}

#[audit(auditor = log)]
async fn implements(log: &Audit, way: Way) -> Result<impl fmt::Display + use<>, Refused> {
    answer(way).await
}

#[audit(auditor = log)]
pub(crate) async fn a_trait_object(
    log: &Audit,
    way: Way,
) -> Result<Box<dyn fmt::Display>, Box<dyn fmt::Display>> {
    match answer(way).await {
        Ok(answer) => Ok(Box::new(answer)),
        Err(error) => Err(Box::new(error)),
    }
}

#[audit(auditor = log)]
#[allow(clippy::manual_async_fn, reason = "the shape is what is tested")]
fn impl_future(log: Audit, way: Way) -> impl Future<Output = Answer> + Send {
    async move { answer(way).await }
}

#[audit(auditor = log)]
pub(crate) fn boxed<'a>(
    log: &'a Audit,
    way: Way,
) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
    let way = std::convert::identity(way);
    Box::pin(async move {
        let answer = answer(way).await?;
        Ok(answer)
    })
}

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

#[audit(auditor = log)]
fn aliased(log: &Audit, way: Way) -> BoxFuture<'_, Answer> {
    Box::pin(async move { answer(way).await })
}

pub(crate) struct Service {
    pub(crate) log: Audit,
    pub(crate) way: Way,
}

impl Service {
    #[audit(auditor = self.log)]
    async fn by_reference(&self) -> Answer {
        answer(self.way).await
    }

    #[audit(auditor = self.log)]
    async fn by_mutable_reference(&mut self) -> Answer {
        let way = self.way;
        self.way = Way::Ok;
        answer(way).await
    }

    #[audit(auditor = self.log)]
    async fn by_value(self) -> Answer {
        answer(self.way).await
    }

    #[audit(auditor = self.log)]
    async fn pinned(self: Pin<&mut Self>) -> Answer {
        answer(self.way).await
    }

    #[audit(auditor = log)]
    async fn associated(log: &Audit, way: Way) -> Answer {
        let service = Self {
            log: log.clone(),
            way,
        };
        answer(service.way).await
    }
}

trait Native {
    async fn native(&self) -> Answer;

    #[audit(auditor = log)]
    async fn provided(&self, log: &Audit, way: Way) -> Answer {
        answer(way).await
    }
}

impl Native for Service {
    #[audit(auditor = self.log)]
    async fn native(&self) -> Answer {
        answer(self.way).await
    }
}

#[async_trait]
trait Boxed {
    async fn in_async_trait(&self, way: Way) -> Answer;
    async fn in_async_trait_mutably(&mut self) -> Answer;

    #[audit(auditor = log)]
    async fn provided_in_async_trait(&self, log: &Audit, way: Way) -> Answer {
        answer(way).await
    }
}

#[async_trait]
impl Boxed for Service {
    #[audit(auditor = self.log)]
    async fn in_async_trait(&self, way: Way) -> Answer {
        assert_eq!(self.way, way);
        answer(way).await
    }

    #[audit(auditor = self.log)]
    async fn in_async_trait_mutably(&mut self) -> Answer {
        if self.way == Way::Err {
            return Err(Refused);
        }
        self.way = answer(self.way).await.map(|_| Way::Ok)?;
        Ok("yes".to_owned())
    }
}

#[async_trait(?Send)]
trait Local {
    async fn in_local_async_trait(&self) -> Answer;
}

#[async_trait(?Send)]
impl Local for std::rc::Rc<Service> {
    #[audit(auditor = self.log)]
    async fn in_local_async_trait(&self) -> Answer {
        answer(self.way).await
    }
}

#[async_trait]
trait Of<T> {
    async fn in_generic_async_trait<U>(&self, log: &Audit, way: T) -> Answer
    where
        U: Send,
        T: 'async_trait;
}

#[async_trait]
impl<T: Into<Way> + Send> Of<T> for u8 {
    #[audit(auditor = log)]
    async fn in_generic_async_trait<U>(&self, log: &Audit, way: T) -> Answer
    where
        U: Send,
        T: 'async_trait,
    {
        answer(way.into()).await
    }
}

#[audit(guardrail, auditor = log, output)]
async fn a_guardrail(log: &Audit, way: Way) -> Answer {
    answer(way).await
}

#[audit(evaluation, auditor = log, out(label = out))]
async fn an_evaluation(log: &Audit, way: Way) -> Answer {
    answer(way).await
}

#[audit(tool, auditor = log, args(way = ?way), skip(log), output)]
async fn a_tool_with_arguments(log: &Audit, way: Way) -> Answer {
    answer(way).await
}

#[audit(auditor = log)]
fn sync_free(log: &Audit, way: Way) -> Answer {
    answer_now(way)
}

#[audit(auditor = log)]
fn sync_question_mark(log: &Audit, way: Way) -> Answer {
    let answer = answer_now(way)?;
    if !answer.is_empty() {
        return Ok(answer);
    }
    Err(Refused)
}

#[audit(auditor = log)]
fn sync_generic<'a, T: AsRef<str> + ?Sized, const N: usize>(
    log: &'a Audit,
    texts: [&'a T; N],
    way: Way,
) -> Result<impl Iterator<Item = &'a str>, Refused> {
    answer_now(way)?;
    Ok(texts.into_iter().map(T::as_ref))
}

impl Service {
    #[audit(auditor = self.log)]
    fn sync_method(&self) -> Answer {
        answer_now(self.way)
    }

    #[audit(auditor = self.log)]
    fn sync_mutably(&mut self) -> Result<&mut Way, Refused> {
        answer_now(self.way)?;
        Ok(&mut self.way)
    }

    #[audit(auditor = self.log)]
    fn sync_by_value(self) -> Answer {
        answer_now(self.way)
    }
}

pub(crate) type Run = Box<dyn Fn(Audit, Way) -> Pin<Box<dyn Future<Output = bool>>>>;

/// A function under `#[audit]`, and whether it is a future that can be dropped.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) is_future: bool,
    pub(crate) run: Run,
}

macro_rules! shape {
    ($name:ident, |$log:ident, $way:ident| $call:expr) => {
        Shape {
            name: stringify!($name),
            is_future: true,
            run: Box::new(|$log, $way| Box::pin(async move { $call.await.is_ok() })),
        }
    };
    (sync $name:ident, |$log:ident, $way:ident| $call:expr) => {
        Shape {
            name: stringify!($name),
            is_future: false,
            run: Box::new(|$log, $way| Box::pin(async move { $call.is_ok() })),
        }
    };
}

#[rustfmt::skip]
pub(crate) fn shapes() -> Vec<Shape> {
    vec![
        shape!(free, |log, way| free(&log, way)),
        shape!(generic, |log, way| generic(&log, [way, Way::Ok])),
        shape!(borrowing, |log, way| borrowing(&log, &way)),
        shape!(patterned, |log, way| patterned(&log, (way, 0), [1])),
        shape!(question_mark, |log, way| question_mark(&log, way)),
        shape!(early_return, |log, way| early_return(&log, way)),
        shape!(implements, |log, way| implements(&log, way)),
        shape!(impl_future, |log, way| impl_future(log, way)),
        shape!(boxed, |log, way| boxed(&log, way)),
        shape!(aliased, |log, way| aliased(&log, way)),
        shape!(by_reference, |log, way| Service { log, way }.by_reference()),
        shape!(by_mutable_reference, |log, way| Service { log, way }.by_mutable_reference()),
        shape!(by_value, |log, way| Service { log, way }.by_value()),
        shape!(pinned, |log, way| pin!(Service { log, way }).pinned()),
        shape!(associated, |log, way| Service::associated(&log, way)),
        shape!(native, |log, way| Service { log, way }.native()),
        shape!(provided, |log, way| Service { log: log.clone(), way }.provided(&log, way)),
        shape!(in_async_trait, |log, way| Service { log, way }.in_async_trait(way)),
        shape!(in_async_trait_mutably, |log, way| Service { log, way }.in_async_trait_mutably()),
        shape!(provided_in_async_trait, |log, way| Service { log: log.clone(), way }.provided_in_async_trait(&log, way)),
        shape!(in_local_async_trait, |log, way| std::rc::Rc::new(Service { log, way }).in_local_async_trait()),
        shape!(in_generic_async_trait, |log, way| 0_u8.in_generic_async_trait::<u8>(&log, way)),
        shape!(a_guardrail, |log, way| a_guardrail(&log, way)),
        shape!(an_evaluation, |log, way| an_evaluation(&log, way)),
        shape!(a_tool_with_arguments, |log, way| a_tool_with_arguments(&log, way)),
        shape!(sync sync_free, |log, way| sync_free(&log, way)),
        shape!(sync sync_question_mark, |log, way| sync_question_mark(&log, way)),
        shape!(sync sync_generic, |log, way| sync_generic(&log, ["a", "b"], way)),
        shape!(sync sync_method, |log, way| Service { log, way }.sync_method()),
        shape!(sync sync_mutably, |log, way| Service { log, way }.sync_mutably()),
        shape!(sync sync_by_value, |log, way| Service { log, way }.sync_by_value()),
    ]
}
