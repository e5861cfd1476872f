//! Sinks of llm-audit.
