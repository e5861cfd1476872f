use tracing_subscriber::EnvFilter;

fn main() {
    let (writer, _guard) = tracing_appender::non_blocking(tracing_appender::rolling::daily("log", "app"));
    tracing_subscriber::fmt().json().with_env_filter(EnvFilter::new("info")).with_writer(writer).init();
    tracing::info!(model = "small", input_tokens = 12, prompt = "hello", "chat");
}
