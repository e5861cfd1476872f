//! A reverse proxy on loopback that audits any client by a swap of its base URL:
//! `cargo run --release --features gateway --example gateway -- --listen 127.0.0.1:8080 --upstream
//! https://api.openai.com --dir audit-log [--policy FILE]`, and `OPENAI_BASE_URL=http://127.0.0.1:8080/v1`.
#![expect(clippy::print_stdout, reason = "the examples print")]

use std::error::Error;
use std::net::TcpListener;
use std::time::Duration;

use llm_audit::clients::Capture;
use llm_audit::clients::gateway::Gateway;
use llm_audit::{Policy, Preset};
use tokio::sync::oneshot;

type Failure = Box<dyn Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let option = |name: &str| {
        let mut words = std::env::args().skip_while(|word| word != name);
        words.nth(1)
    };
    let needed = |name: &str| option(name).ok_or_else(|| format!("{name} is missing"));
    // Without a file: who called which model when and at what cost, and no content.
    let policy = match option("--policy") {
        Some(file) => Policy::from_file(file)?,
        None => Policy::preset(Preset::Operations)?,
    };
    let audit = llm_audit::builder()
        .policy(policy)
        .journal(needed("--dir")?)
        .spawn()?;

    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::Client::builder().no_proxy().build()?;
    let gateway = Gateway::new(Capture::new(&audit), client, &needed("--upstream")?)?;
    let listener = TcpListener::bind(needed("--listen")?)?;
    println!("listening on http://{}", listener.local_addr()?);
    match option("--seconds") {
        Some(seconds) => {
            let end = tokio::time::sleep(Duration::from_secs(seconds.parse()?));
            gateway.serve(listener, end).await?;
        }
        None => {
            let (stop, stopped) = oneshot::channel::<()>();
            let mut stop = Some(stop);
            ctrlc::set_handler(move || drop(stop.take()))?;
            gateway
                .serve(listener, async { drop(stopped.await) })
                .await?;
        }
    }
    println!("{}", audit.shutdown(Duration::from_secs(5)));
    Ok(())
}
