//! Handles in a forked child.

use std::task::{Context, Waker};

use super::*;
use crate::commit::Ack;
use crate::sync::write;
use crate::vfs::{Op, Vfs};

const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn in_a_forked_child_every_handle_answers_at_once() {
    let vfs = Arc::new(MemVfs::new());
    let audit = builder()
        .policy(policy().build().unwrap())
        .journal(DIR)
        .vfs(Arc::clone(&vfs) as Arc<dyn Vfs>)
        .ack_timeout(Duration::MAX)
        .on_diagnostic(|diagnostic| assert_ne!(diagnostic.kind, DiagnosticKind::Misuse))
        .spawn()
        .unwrap();
    assert!(audit.flush(SOON).is_complete());
    vfs.hang(Op::SyncData);
    let mut context = Context::from_waker(Waker::noop());
    let mut polled = audit.begin(Operation::Chat).commit(Ack::Synced);
    assert!(
        std::pin::Pin::new(&mut polled)
            .poll(&mut context)
            .is_pending()
    );
    let waited = audit.begin(Operation::Chat).commit(Ack::Synced);
    let open = audit.begin(Operation::Chat);
    let pipeline = Arc::clone(&audit.0.pipeline);
    let read = audit.handle();
    let _policy = write(&audit.0.policy);
    let _replacing = lock(&audit.0.replacing);

    pipeline.as_forked_child(|| {
        let inherited = [
            std::pin::Pin::new(&mut polled)
                .poll(&mut context)
                .map(Result::unwrap_err),
            std::task::Poll::Ready(waited.wait().unwrap_err()),
        ];
        for error in inherited {
            let std::task::Poll::Ready(error) = error else {
                panic!("an inherited wait does not end");
            };
            assert!(error.is_refused() && error.is_not_durable(), "{error}");
        }
        drop(polled);
        assert!(open.commit_blocking(Ack::Synced).unwrap_err().is_refused());
        let begun = read.begin_durable_blocking(Operation::Chat, |_| ());
        assert!(begun.unwrap_err().is_refused());
        read.begin(Operation::Chat).finish();
        read.feedback("an event").record();
        drop(read.event(Kind::LogOpened));
        assert!(read.policy().is_none());
        let replaced = read.replace_policy(Policy::none(), "ada", "a test");
        assert!(replaced.unwrap_err().is_closed());
        assert!(!read.run_retention(PATIENCE).settled);
        assert!(!read.flush(PATIENCE).settled && !read.shutdown(PATIENCE).closed);
        let lost = read.counters().lost_by_reason;
        assert_eq!(lost.get(crate::LossReason::Forked), lost.total());
        drop(format!("{read:?}"));
    });
    vfs.heal();
}
