fn main() {
    let (writer, _guard) = tracing_appender::non_blocking(tracing_appender::rolling::daily("log", "app"));
    tracing_subscriber::fmt().json().with_writer(writer).init();
    tracing::info!(model = "small", input_tokens = 12, prompt = "hello", "chat");
}
