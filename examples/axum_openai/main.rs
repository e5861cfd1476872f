//! A web service that asks a model, with its audit log: tenants, classification, feedback, an orderly end.
//! `cargo run --features axum,async-openai,toml --example axum_openai -- --listen 127.0.0.1:8080 --upstream
//! https://api.openai.com/v1 --dir audit-log`, with `LLM_API_KEY`. Offline: any server of that protocol.
#![expect(clippy::print_stdout, reason = "the examples print")]

mod app;
mod feedback;
mod routes;
mod stop;
mod who;

use std::error::Error;
use std::time::Duration;

use llm_audit::Policy;
use llm_audit::clients::server::ServerLayer;

/// How long threads may take to let go, and the log to write: with `--grace` less than the platform's 30 s.
const CUT: Duration = Duration::from_secs(2);
const FLUSH: Duration = Duration::from_secs(5);

fn main() -> Result<(), Box<dyn Error>> {
    let option = |name: &str| std::env::args().skip_while(|word| word != name).nth(1);
    let or = |name: &str, default: &str| option(name).unwrap_or_else(|| default.to_owned());
    let audit = llm_audit::builder()
        .policy(Policy::from_file(or(
            "--policy",
            "examples/axum_openai/policy.toml",
        ))?)
        .journal(or("--dir", "audit-log"))
        .spawn()?;

    let app = app::App::new(&audit, &or("--upstream", "http://127.0.0.1:11434/v1"))?;
    let layer = ServerLayer::new()
        .identify(who::who)
        .event_id_header("x-audit-event-id".parse()?)
        .fail_closed();
    let service = routes::routes(app).layer(layer);

    let grace = Duration::from_secs(or("--grace", "20").parse()?);
    let seconds = option("--seconds").map(|seconds| seconds.parse());
    let limit = seconds.transpose()?.map(Duration::from_secs);
    let runtime = tokio::runtime::Runtime::new()?;
    let served = runtime.block_on(stop::serve(
        service,
        &or("--listen", "127.0.0.1:8080"),
        limit,
        grace,
    ));
    // Requests that still run are dropped, and their calls recorded as cancelled, before the log is shut down.
    runtime.shutdown_timeout(CUT);
    let report = audit.shutdown(FLUSH);
    println!("{report}");
    served?;
    if report.is_complete() {
        Ok(())
    } else {
        Err("events are missing".into())
    }
}
