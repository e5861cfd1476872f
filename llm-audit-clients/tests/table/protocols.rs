//! The protocols: what is asked, and how each puts a text on the wire, at once and in pieces.

use serde_json::json;

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";

type Pieces = fn(&[&str]) -> Vec<Vec<u8>>;

pub(crate) struct Protocol {
    pub(crate) name: &'static str,
    pub(crate) provider: &'static str,
    pub(crate) operation: &'static str,
    /// Paths of a whole answer and of a stream.
    paths: [&'static str; 2],
    pub(crate) headers: &'static [(&'static str, &'static str)],
    request: &'static str,
    /// The answer at once.
    unary: fn(&str) -> String,
    /// The media type of a stream, and its pieces: some, one for each text, and the end.
    pub(crate) stream: Option<(&'static str, Pieces)>,
    /// Pieces of a stream before the first text.
    pub(crate) before: usize,
    /// The body of an answer that is none.
    pub(crate) error: &'static str,
    /// Input and output, and what a stream has said of them before its first text.
    pub(crate) tokens: (u64, u64),
    pub(crate) tokens_at_first: Option<(u64, u64)>,
    pub(crate) has_text: bool,
}

impl Protocol {
    pub(crate) const fn path(&self, streams: bool) -> &'static str {
        self.paths[streams as usize]
    }

    /// Returns the body of the request.
    pub(crate) fn request(&self, streams: bool) -> String {
        self.request
            .replace("STREAM", if streams { "true" } else { "false" })
    }

    /// Returns the media type and the pieces of an answer that is `texts`.
    pub(crate) fn answer(&self, streams: bool, texts: &[&str]) -> (&'static str, Vec<Vec<u8>>) {
        match self.stream.filter(|_| streams) {
            Some((media_type, pieces)) => (media_type, pieces(texts)),
            None => (JSON, vec![(self.unary)(&texts.concat()).into_bytes()]),
        }
    }
}

const OPENAI_ERROR: &str =
    r#"{"error":{"message":"Slow down.","type":"requests","code":"rate_limit_exceeded"}}"#;

pub(crate) const PROTOCOLS: &[Protocol] = &[
    Protocol {
        name: "openai chat",
        provider: "openai",
        operation: "chat",
        paths: ["/v1/chat/completions"; 2],
        headers: &[("authorization", "Bearer sk-secret")],
        request: r#"{"model":"small","stream":STREAM,"messages":[{"role":"user","content":"Why?"}]}"#,
        unary: |text| {
            json!({"id": "c-1", "model": "small-1", "choices": [{"index": 0, "finish_reason": "stop",
                "message": {"role": "assistant", "content": text}}],
                "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}})
            .to_string()
        },
        stream: Some((EVENTS, |texts| {
            let mut pieces = vec![event(
                &json!({"model": "small-1", "choices": [{"index": 0, "delta": {"role": "assistant"}}]}),
            )];
            pieces.extend(texts.iter().map(|text| {
                event(&json!({"choices": [{"index": 0, "delta": {"content": text}}]}))
            }));
            pieces.push(event(
                &json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
            ));
            pieces.push(event(
                &json!({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 7}}),
            ));
            pieces.push(b"data: [DONE]\n\n".to_vec());
            pieces
        })),
        before: 1,
        error: OPENAI_ERROR,
        tokens: (5, 7),
        tokens_at_first: None,
        has_text: true,
    },
    Protocol {
        name: "openai responses",
        provider: "openai",
        operation: "chat",
        paths: ["/v1/responses"; 2],
        headers: &[("authorization", "Bearer sk-secret")],
        request: r#"{"model":"small","stream":STREAM,"input":"Why?"}"#,
        unary: |text| {
            json!({"id": "r-1", "model": "small-1", "status": "completed", "output": [{"type": "message",
                "role": "assistant", "content": [{"type": "output_text", "text": text}]}],
                "usage": {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12}})
            .to_string()
        },
        stream: Some((EVENTS, |texts| {
            let begun = json!({"type": "response.created", "response": {"id": "r-1", "model": "small-1", "status": "in_progress"}});
            let mut pieces = vec![event(&begun)];
            pieces.extend(texts.iter().map(|text| {
                event(&json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": text}))
            }));
            pieces.push(event(
                &json!({"type": "response.output_text.done", "output_index": 0, "content_index": 0,
                "text": texts.concat()}),
            ));
            pieces.push(event(&json!({"type": "response.completed", "response": {"id": "r-1", "status": "completed",
                "usage": {"input_tokens": 5, "output_tokens": 7}}})));
            pieces
        })),
        before: 1,
        error: OPENAI_ERROR,
        tokens: (5, 7),
        tokens_at_first: None,
        has_text: true,
    },
    Protocol {
        name: "anthropic messages",
        provider: "anthropic",
        operation: "chat",
        paths: ["/v1/messages"; 2],
        headers: &[
            ("x-api-key", "sk-secret"),
            ("anthropic-version", "2023-06-01"),
        ],
        request: r#"{"model":"small","max_tokens":99,"stream":STREAM,"messages":[{"role":"user","content":"Why?"}]}"#,
        unary: |text| {
            json!({"id": "m-1", "type": "message", "role": "assistant", "model": "small-1",
                "content": [{"type": "text", "text": text}], "stop_reason": "end_turn",
                "usage": {"input_tokens": 5, "output_tokens": 7}})
            .to_string()
        },
        stream: Some((EVENTS, |texts| {
            let mut pieces = vec![
                event(
                    &json!({"type": "message_start", "message": {"id": "m-1", "model": "small-1",
                    "usage": {"input_tokens": 5, "output_tokens": 1}}}),
                ),
                event(
                    &json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
                ),
            ];
            pieces.extend(texts.iter().map(|text| {
                event(&json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}))
            }));
            pieces.push(event(&json!({"type": "content_block_stop", "index": 0})));
            pieces.push(event(&json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}})));
            pieces.push(event(&json!({"type": "message_stop"})));
            pieces
        })),
        before: 2,
        error: r#"{"type":"error","error":{"type":"rate_limit_error","message":"Slow down."}}"#,
        tokens: (5, 7),
        tokens_at_first: Some((5, 1)),
        has_text: true,
    },
    Protocol {
        name: "gemini",
        provider: "gcp.gemini",
        operation: "generate_content",
        paths: [
            "/v1beta/models/small:generateContent",
            "/v1beta/models/small:streamGenerateContent?alt=sse",
        ],
        headers: &[("x-goog-api-key", "secret")],
        request: r#"{"contents":[{"role":"user","parts":[{"text":"Why?"}]}]}"#,
        unary: |text| gemini(text, true).to_string(),
        stream: Some((EVENTS, |texts| {
            let mut pieces: Vec<_> = texts
                .iter()
                .map(|text| event(&gemini(text, false)))
                .collect();
            pieces.push(event(&gemini("", true)));
            pieces
        })),
        before: 0,
        error: r#"{"error":{"code":429,"message":"Slow down.","status":"RESOURCE_EXHAUSTED"}}"#,
        tokens: (5, 7),
        tokens_at_first: None,
        has_text: true,
    },
    Protocol {
        name: "ollama",
        provider: "ollama",
        operation: "chat",
        paths: ["/api/chat"; 2],
        headers: &[],
        request: r#"{"model":"small","stream":STREAM,"messages":[{"role":"user","content":"Why?"}]}"#,
        unary: |text| ollama(text, true).to_string(),
        stream: Some(("application/x-ndjson", |texts| {
            let line = |text: &str, is_last| format!("{}\n", ollama(text, is_last)).into_bytes();
            let mut pieces: Vec<_> = texts.iter().map(|text| line(text, false)).collect();
            pieces.push(line("", true));
            pieces
        })),
        before: 0,
        error: r#"{"error":"Slow down."}"#,
        tokens: (5, 7),
        tokens_at_first: None,
        has_text: true,
    },
    Protocol {
        name: "bedrock converse",
        provider: "aws.bedrock",
        operation: "chat",
        paths: ["/model/small/converse", "/model/small/converse-stream"],
        headers: &[("authorization", "AWS4-HMAC-SHA256 Credential=a")],
        request: r#"{"messages":[{"role":"user","content":[{"text":"Why?"}]}]}"#,
        unary: |text| {
            json!({"output": {"message": {"role": "assistant", "content": [{"text": text}]}}, "stopReason": "end_turn",
                "usage": {"inputTokens": 5, "outputTokens": 7, "totalTokens": 12}})
            .to_string()
        },
        stream: Some(("application/vnd.amazon.eventstream", |texts| {
            let mut pieces = vec![message("messageStart", &json!({"role": "assistant"}))];
            pieces.extend(texts.iter().map(|text| {
                message(
                    "contentBlockDelta",
                    &json!({"contentBlockIndex": 0, "delta": {"text": text}}),
                )
            }));
            pieces.push(message("messageStop", &json!({"stopReason": "end_turn"})));
            let usage = json!({"inputTokens": 5, "outputTokens": 7, "totalTokens": 12});
            pieces.push(message("metadata", &json!({"usage": usage})));
            pieces
        })),
        before: 1,
        error: r#"{"message":"Slow down."}"#,
        tokens: (5, 7),
        tokens_at_first: None,
        has_text: true,
    },
    Protocol {
        name: "embeddings",
        provider: "openai",
        operation: "embeddings",
        paths: ["/v1/embeddings"; 2],
        headers: &[("authorization", "Bearer sk-secret")],
        request: r#"{"model":"small","input":"Why?"}"#,
        unary: |_| {
            json!({"model": "small-1", "data": [{"index": 0, "embedding": [0.25, -1.0]}],
                "usage": {"prompt_tokens": 5, "total_tokens": 5}})
            .to_string()
        },
        stream: None,
        before: 0,
        error: OPENAI_ERROR,
        tokens: (5, 0),
        tokens_at_first: None,
        has_text: false,
    },
];

fn event(json: &serde_json::Value) -> Vec<u8> {
    let name = json.get("type").and_then(|name| name.as_str());
    let name = name
        .map(|name| format!("event: {name}\n"))
        .unwrap_or_default();
    format!("{name}data: {json}\n\n").into_bytes()
}

fn gemini(text: &str, is_last: bool) -> serde_json::Value {
    let content = json!({"role": "model", "parts": [{"text": text}]});
    match is_last {
        true => {
            json!({"candidates": [{"content": content, "finishReason": "STOP"}], "modelVersion": "small-1",
            "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 7, "totalTokenCount": 12}})
        }
        false => json!({"candidates": [{"content": content}], "modelVersion": "small-1"}),
    }
}

fn ollama(text: &str, is_last: bool) -> serde_json::Value {
    let message = json!({"role": "assistant", "content": text});
    match is_last {
        true => json!({"model": "small-1", "message": message, "done": true, "done_reason": "stop",
            "prompt_eval_count": 5, "eval_count": 7}),
        false => json!({"model": "small-1", "message": message, "done": false}),
    }
}

/// A message of AWS's event stream: lengths and their checksum, headers, payload, the checksum of all.
fn message(name: &str, payload: &serde_json::Value) -> Vec<u8> {
    let mut headers = Vec::new();
    for (header, value) in [
        (":event-type", name),
        (":content-type", JSON),
        (":message-type", "event"),
    ] {
        headers.push(header.len() as u8);
        headers.extend_from_slice(header.as_bytes());
        headers.push(7); // a text
        headers.extend_from_slice(&(value.len() as u16).to_be_bytes());
        headers.extend_from_slice(value.as_bytes());
    }
    let payload = payload.to_string();
    let mut message = Vec::new();
    message.extend_from_slice(&((16 + headers.len() + payload.len()) as u32).to_be_bytes());
    message.extend_from_slice(&(headers.len() as u32).to_be_bytes());
    message.extend_from_slice(&crc32(&message).to_be_bytes());
    message.extend_from_slice(&headers);
    message.extend_from_slice(payload.as_bytes());
    message.extend_from_slice(&crc32(&message).to_be_bytes());
    message
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}
