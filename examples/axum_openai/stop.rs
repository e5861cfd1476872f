//! The signal to end: SIGTERM of the platform, Ctrl-C, or that a time is up.

use std::time::Duration;

use tokio::sync::watch::{Receiver, channel};
use tokio::time::sleep;

/// Returns what becomes `true` with the signal, or after `limit`.
pub(crate) fn stop(limit: Option<Duration>) -> Result<Receiver<bool>, ctrlc::Error> {
    let (stop, stopped) = channel(false);
    let by_signal = stop.clone();
    ctrlc::set_handler(move || {
        by_signal.send_replace(true);
    })?;
    if let Some(limit) = limit {
        tokio::spawn(async move {
            sleep(limit).await;
            stop.send_replace(true);
        });
    }
    Ok(stopped)
}

/// Waits for the signal.
pub(crate) async fn told(mut stop: Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

/// Waits for the signal, and then for `grace`.
pub(crate) async fn told_and(stop: Receiver<bool>, grace: Duration) {
    told(stop).await;
    sleep(grace).await;
}
