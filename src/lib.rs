//! llm-audit.
