//! The service until the signal to end: SIGTERM of the platform, Ctrl-C, or that a time is up.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch::{Receiver, channel};
use tokio::time::sleep;

/// Serves at `address` until the signal, and then requests that have begun for `grace`.
pub(crate) async fn serve(
    service: Router,
    address: &str,
    limit: Option<Duration>,
    grace: Duration,
) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let stop = stop(limit)?;
    let service = service.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(told(stop.clone()));
    tokio::select! {
        ended = server => ended?,
        () = told_and(stop, grace) => println!("requests are cut off"),
    }
    Ok(())
}

/// Returns what becomes `true` with the signal, or after `limit`.
fn stop(limit: Option<Duration>) -> Result<Receiver<bool>, ctrlc::Error> {
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
async fn told(mut stop: Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

/// Waits for the signal, and then for `grace`.
async fn told_and(stop: Receiver<bool>, grace: Duration) {
    told(stop).await;
    sleep(grace).await;
}
