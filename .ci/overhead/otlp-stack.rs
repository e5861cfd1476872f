use opentelemetry::KeyValue;
use opentelemetry::trace::{Span, Tracer, TracerProvider};
use opentelemetry_sdk::trace::SdkTracerProvider;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().build()?;
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).build();
    let mut span = provider.tracer("app").start("chat");
    span.set_attribute(KeyValue::new("gen_ai.request.model", "small"));
    span.set_attribute(KeyValue::new("gen_ai.usage.input_tokens", 12));
    span.end();
    provider.shutdown()?;
    Ok(())
}
