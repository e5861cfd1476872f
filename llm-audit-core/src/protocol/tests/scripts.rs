//! A call of each protocol, in the words of its public reference.

use crate::protocol::event_stream::tests::message;

/// A call, and the event that it gives.
pub(super) struct Script {
    pub(super) name: &'static str,
    pub(super) path: &'static str,
    pub(super) headers: &'static [(&'static str, &'static str)],
    pub(super) request: &'static str,
    pub(super) media_type: &'static str,
    pub(super) body: fn() -> Vec<u8>,
    pub(super) provider: &'static str,
    pub(super) input: &'static str,
    pub(super) output: &'static str,
    pub(super) reasons: &'static [&'static str],
    /// Input, of it read from and written to a cache, output, of it reasoning, total.
    pub(super) tokens: [u64; 6],
}

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream; charset=utf-8";

const CHAT: &str = r#"{"model":"small","stream":true,"messages":[
    {"role":"system","content":"Be brief."},
    {"role":"user","content":[{"type":"text","text":"What is this?"},
        {"type":"image_url","image_url":{"url":"data:image/png;base64,aGVsbG8="}}]},
    {"role":"assistant","content":null,"tool_calls":[
        {"id":"t-0","type":"function","function":{"name":"look","arguments":"{\"at\": 1}"}}]},
    {"role":"tool","tool_call_id":"t-0","content":"a cat"}]}"#;
const CHAT_INPUT: &str = "system: text=Be brief.; \
    user: text=What is this?, blob=image/png=5=sha256:2cf24dba; \
    assistant: tool_call=t-0=look={\"at\":1}; tool: tool_call_response=t-0=\"a cat\"";
const CHAT_OUTPUT: &str = "assistant: reasoning=Hm…, text=A \"cat\" é, \
    tool_call=t-1=name_it={\"name\":\"Tom\"} (tool_call)";

const RESPONSES: &str = r#"{"model":"small","instructions":"Be brief.","input":[
    {"role":"user","content":[{"type":"input_text","text":"Name the cat."},{"type":"input_image","file_id":"f-1"}]},
    {"type":"function_call","call_id":"t-0","name":"look","arguments":"{}"},
    {"type":"function_call_output","call_id":"t-0","output":"grey"}]}"#;
const RESPONSES_INPUT: &str = "user: text=Name the cat., file=f-1; \
    assistant: tool_call=t-0=look={}; tool: tool_call_response=t-0=\"grey\"";
const RESPONSES_OUTPUT: &str =
    "assistant: reasoning=Hm.=sig, text=Tom, tool_call=t-1=save={\"n\":1} (stop)";

const ANTHROPIC: &str = r#"{"model":"small","max_tokens":99,"system":"Be brief.","messages":[
    {"role":"user","content":"Name the cat."},
    {"role":"assistant","content":[{"type":"tool_use","id":"t-0","name":"look","input":{}}]},
    {"role":"user","content":[{"type":"tool_result","tool_use_id":"t-0","content":"grey"},
        {"type":"image","source":{"type":"base64","media_type":"image/png","data":"aGVsbG8="}}]}]}"#;
const ANTHROPIC_INPUT: &str = "user: text=Name the cat.; assistant: tool_call=t-0=look={}; \
    user: tool_call_response=t-0=\"grey\", blob=image/png=5=sha256:2cf24dba";
const ANTHROPIC_OUTPUT: &str =
    "assistant: reasoning=Hm.=sig, text=Tom, tool_call=t-1=save={\"n\":1} (tool_call)";

const GEMINI: &str = r#"{"systemInstruction":{"parts":[{"text":"Be brief."}]},"contents":[
    {"role":"user","parts":[{"text":"Name it."},{"inlineData":{"mimeType":"image/png","data":"aGVsbG8="}}]},
    {"role":"model","parts":[{"functionCall":{"name":"look","args":{"at":1}}}]},
    {"role":"function","parts":[{"functionResponse":{"name":"look","response":{"is":"grey"}}}]}]}"#;
const GEMINI_INPUT: &str = "user: text=Name it., blob=image/png=5=sha256:2cf24dba; \
    assistant: tool_call=look={\"at\":1}; tool: tool_call_response=look={\"is\":\"grey\"}";
const GEMINI_OUTPUT: &str = "assistant: reasoning=Hm., text=Tom, tool_call=save={\"n\":1} (stop)";
const GEMINI_PIECES: [&str; 3] = [
    r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"Hm.","thought":true},{"text":"T"}]}}],
        "modelVersion":"small-1","responseId":"r-1"}"#,
    r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"om"}]},"index":0}],"modelVersion":"small-1"}"#,
    r#"{"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"save","args":{"n":1}}}]},
        "finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":20,"cachedContentTokenCount":8,
        "candidatesTokenCount":4,"thoughtsTokenCount":3,"toolUsePromptTokenCount":2,"totalTokenCount":29}}"#,
];

const OLLAMA: &str =
    r#"{"model":"small","messages":[{"role":"user","content":"Hi."}],"options":{"temperature":0}}"#;
const BEDROCK: &str = r#"{"system":[{"text":"Be brief."}],"messages":[
    {"role":"user","content":[{"text":"Name it."},{"image":{"format":"png","source":{"bytes":"aGVsbG8="}}}]},
    {"role":"assistant","content":[{"toolUse":{"toolUseId":"t-0","name":"look","input":{}}}]},
    {"role":"user","content":[{"toolResult":{"toolUseId":"t-0","content":[{"text":"grey"}]}}]}]}"#;
const BEDROCK_INPUT: &str = "user: text=Name it., blob=png=5=sha256:2cf24dba; assistant: tool_call=t-0=look={}; \
    user: tool_call_response=t-0=[{\"text\":\"grey\"}]";

fn events(documents: &[&str]) -> Vec<u8> {
    let one = |document: &&str| {
        let lines: Vec<_> = document
            .lines()
            .map(|line| format!("data: {line}\n"))
            .collect();
        lines.concat() + "\n"
    };
    documents.iter().map(one).collect::<String>().into_bytes()
}

fn named(documents: &[(&str, &str)]) -> Vec<u8> {
    let one = |(name, json): &(&str, &str)| {
        format!("event: {name}\ndata: {{\"type\":\"{name}\"{json}}}\n\n")
    };
    documents.iter().map(one).collect::<String>().into_bytes()
}

fn messages(documents: &[(&str, &str)]) -> Vec<u8> {
    let one = |(name, payload): &(&str, &str)| {
        let headers = [
            (":event-type", *name),
            (":content-type", JSON),
            (":message-type", "event"),
        ];
        message(&headers, payload)
    };
    documents.iter().flat_map(one).collect()
}

pub(super) const SCRIPTS: &[Script] = &[
    Script {
        name: "chat",
        path: "/v1/chat/completions",
        headers: &[],
        request: CHAT,
        media_type: JSON,
        body: || {
            br#"{"id":"c-1","object":"chat.completion","model":"small-1","choices":[{"index":0,"message":{
            "role":"assistant","reasoning_content":"Hm\u2026","content":"A \"cat\" \u00e9","tool_calls":[
            {"id":"t-1","type":"function","function":{"name":"name_it","arguments":"{\"name\":\"Tom\"}"}}]},
            "finish_reason":"tool_calls"}],"usage":{"prompt_tokens":40,"completion_tokens":9,"total_tokens":49,
            "prompt_tokens_details":{"cached_tokens":16},"completion_tokens_details":{"reasoning_tokens":2}}}"#
                .to_vec()
        },
        provider: "openai",
        input: CHAT_INPUT,
        output: CHAT_OUTPUT,
        reasons: &["tool_calls"],
        tokens: [40, 16, 0, 9, 2, 49],
    },
    Script {
        name: "chat, stream",
        path: "/openai/deployments/small/chat/completions?api-version=1",
        headers: &[],
        request: CHAT,
        media_type: EVENTS,
        body: || {
            events(&[
                r#"{"id":"c-1","model":"small-1","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#,
                r#"{"id":"c-1","model":"small-1","choices":[{"index":0,"delta":{"reasoning_content":"Hm"}}]}"#,
                r#"{"id":"c-1","model":"small-1","choices":[{"index":0,"delta":{"reasoning_content":"…"}}]}"#,
                r#"{"id":"c-1","model":"small-1","choices":[{"index":0,"delta":{"content":"A \"c"}}]}"#,
                r#"{"id":"c-1","model":"small-1","choices":[{"index":0,"delta":{"content":"at\" \u00e9"}}]}"#,
                r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t-1","type":"function","function":{"name":"name_it","arguments":""}}]}}]}"#,
                r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"name\":"}}]}}]}"#,
                r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\"Tom\"}"}}]}}]}"#,
                r#"{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}],"usage":null}"#,
                r#"{"choices":[],"usage":{"prompt_tokens":40,"completion_tokens":9,"prompt_tokens_details":{"cached_tokens":16},"completion_tokens_details":{"reasoning_tokens":2}}}"#,
                "[DONE]",
            ])
        },
        provider: "openai",
        input: CHAT_INPUT,
        output: CHAT_OUTPUT,
        reasons: &["tool_calls"],
        tokens: [40, 16, 0, 9, 2, 49],
    },
    Script {
        name: "completions, stream of two choices",
        path: "/v1/completions",
        headers: &[],
        request: r#"{"model":"small","prompt":"Once","n":2,"stream":true}"#,
        media_type: EVENTS,
        body: || {
            events(&[
                r#"{"choices":[{"index":1,"text":"up","finish_reason":null}]}"#,
                r#"{"choices":[{"index":0,"text":"more","finish_reason":"stop"},{"index":1,"text":"on","finish_reason":"length"}]}"#,
                r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":3}}"#,
                "[DONE]",
            ])
        },
        provider: "openai",
        input: "user: text=Once",
        output: "assistant: text=more (stop); assistant: text=upon (length)",
        reasons: &["stop", "length"],
        tokens: [1, 0, 0, 3, 0, 4],
    },
    Script {
        name: "responses",
        path: "/v1/responses",
        headers: &[],
        request: RESPONSES,
        media_type: JSON,
        body: || {
            br#"{"id":"r-1","object":"response","status":"completed","model":"small-1","error":null,"output":[
            {"type":"reasoning","id":"i-0","summary":[{"type":"summary_text","text":"Hm."}],"encrypted_content":"sig"},
            {"type":"message","id":"i-1","role":"assistant","content":[{"type":"output_text","text":"Tom","annotations":[]}]},
            {"type":"function_call","id":"i-2","call_id":"t-1","name":"save","arguments":"{\"n\":1}"}],
            "usage":{"input_tokens":20,"input_tokens_details":{"cached_tokens":8},"output_tokens":9,
            "output_tokens_details":{"reasoning_tokens":4},"total_tokens":29}}"#
                .to_vec()
        },
        provider: "openai",
        input: RESPONSES_INPUT,
        output: RESPONSES_OUTPUT,
        reasons: &["completed"],
        tokens: [20, 8, 0, 9, 4, 29],
    },
    Script {
        name: "responses, stream",
        path: "/v1/responses",
        headers: &[],
        request: RESPONSES,
        media_type: EVENTS,
        body: || {
            named(&[
                (
                    "response.created",
                    r#","response":{"id":"r-1","model":"small-1","status":"in_progress","error":null}"#,
                ),
                (
                    "response.output_item.added",
                    r#","output_index":0,"item":{"id":"i-0","type":"reasoning","summary":[]}"#,
                ),
                (
                    "response.reasoning_summary_text.delta",
                    r#","output_index":0,"summary_index":0,"delta":"Hm.""#,
                ),
                (
                    "response.output_item.done",
                    r#","output_index":0,"item":{"type":"reasoning","summary":[{"text":"Hm."}],"encrypted_content":"sig"}"#,
                ),
                (
                    "response.output_text.delta",
                    r#","output_index":1,"content_index":0,"delta":"T""#,
                ),
                (
                    "response.output_text.delta",
                    r#","output_index":1,"content_index":0,"delta":"om""#,
                ),
                (
                    "response.output_text.done",
                    r#","output_index":1,"content_index":0,"text":"Tom""#,
                ),
                (
                    "response.output_item.added",
                    r#","output_index":2,"item":{"type":"function_call","call_id":"t-1","name":"save","arguments":""}"#,
                ),
                (
                    "response.function_call_arguments.delta",
                    r#","output_index":2,"delta":"{\"n\":""#,
                ),
                (
                    "response.function_call_arguments.delta",
                    r#","output_index":2,"delta":"1}""#,
                ),
                (
                    "response.output_item.done",
                    r#","output_index":2,"item":{"type":"function_call","call_id":"t-1","name":"save","arguments":"{\"n\":1}"}"#,
                ),
                (
                    "response.completed",
                    r#","response":{"id":"r-1","status":"completed","error":null,"incomplete_details":null,"usage":{"input_tokens":20,"input_tokens_details":{"cached_tokens":8},"output_tokens":9,"output_tokens_details":{"reasoning_tokens":4}}}"#,
                ),
            ])
        },
        provider: "openai",
        input: RESPONSES_INPUT,
        output: RESPONSES_OUTPUT,
        reasons: &["completed"],
        tokens: [20, 8, 0, 9, 4, 29],
    },
    Script {
        name: "anthropic",
        path: "/v1/messages",
        headers: &[("anthropic-version", "2023-06-01"), ("x-api-key", "k")],
        request: ANTHROPIC,
        media_type: JSON,
        body: || {
            br#"{"id":"m-1","type":"message","role":"assistant","model":"small-1","content":[
            {"type":"thinking","thinking":"Hm.","signature":"sig"},{"type":"text","text":"Tom"},
            {"type":"tool_use","id":"t-1","name":"save","input":{"n": 1}}],"stop_reason":"tool_use",
            "usage":{"input_tokens":10,"cache_creation_input_tokens":2,"cache_read_input_tokens":8,"output_tokens":9}}"#
                .to_vec()
        },
        provider: "anthropic",
        input: ANTHROPIC_INPUT,
        output: ANTHROPIC_OUTPUT,
        reasons: &["tool_use"],
        tokens: [20, 8, 2, 9, 0, 29],
    },
    Script {
        name: "anthropic, stream at a path of a gateway",
        path: "/proxy/llm",
        headers: &[("anthropic-version", "2023-06-01")],
        request: ANTHROPIC,
        media_type: EVENTS,
        body: || {
            named(&[
                (
                    "message_start",
                    r#","message":{"id":"m-1","type":"message","model":"small-1","content":[],"usage":{"input_tokens":10,"cache_creation_input_tokens":2,"cache_read_input_tokens":8,"output_tokens":1}}"#,
                ),
                (
                    "content_block_start",
                    r#","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}"#,
                ),
                ("ping", ""),
                (
                    "content_block_delta",
                    r#","index":0,"delta":{"type":"thinking_delta","thinking":"Hm."}"#,
                ),
                (
                    "content_block_delta",
                    r#","index":0,"delta":{"type":"signature_delta","signature":"sig"}"#,
                ),
                ("content_block_stop", r#","index":0"#),
                (
                    "content_block_start",
                    r#","index":1,"content_block":{"type":"text","text":""}"#,
                ),
                (
                    "content_block_delta",
                    r#","index":1,"delta":{"type":"text_delta","text":"T"}"#,
                ),
                (
                    "content_block_delta",
                    r#","index":1,"delta":{"type":"text_delta","text":"om"}"#,
                ),
                (
                    "content_block_start",
                    r#","index":2,"content_block":{"type":"tool_use","id":"t-1","name":"save","input":{}}"#,
                ),
                (
                    "content_block_delta",
                    r#","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"n\""}"#,
                ),
                (
                    "content_block_delta",
                    r#","index":2,"delta":{"type":"input_json_delta","partial_json":": 1}"}"#,
                ),
                (
                    "message_delta",
                    r#","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":9}"#,
                ),
                ("message_stop", ""),
            ])
        },
        provider: "anthropic",
        input: ANTHROPIC_INPUT,
        output: ANTHROPIC_OUTPUT,
        reasons: &["tool_use"],
        tokens: [20, 8, 2, 9, 0, 29],
    },
    Script {
        name: "gemini",
        path: "/v1beta/models/small:generateContent?key=k",
        headers: &[],
        request: GEMINI,
        media_type: JSON,
        body: || {
            br#"{"candidates":[{"index":0,"content":{"role":"model","parts":[{"text":"Hm.","thought":true},{"text":"Tom"},
            {"functionCall":{"name":"save","args":{"n":1}}}]},"finishReason":"STOP"}],"usageMetadata":{
            "promptTokenCount":20,"cachedContentTokenCount":8,"candidatesTokenCount":4,"thoughtsTokenCount":3,
            "toolUsePromptTokenCount":2}}"#
                .to_vec()
        },
        provider: "gcp.gemini",
        input: GEMINI_INPUT,
        output: GEMINI_OUTPUT,
        reasons: &["STOP"],
        tokens: [22, 8, 0, 7, 3, 29],
    },
    Script {
        name: "gemini, stream of events",
        path: "/v1beta/models/small:streamGenerateContent?alt=sse",
        headers: &[],
        request: GEMINI,
        media_type: EVENTS,
        body: || events(&GEMINI_PIECES),
        provider: "gcp.gemini",
        input: GEMINI_INPUT,
        output: GEMINI_OUTPUT,
        reasons: &["STOP"],
        tokens: [22, 8, 0, 7, 3, 29],
    },
    Script {
        name: "gemini, stream of elements",
        path: "/v1beta/models/small:streamGenerateContent",
        headers: &[],
        request: GEMINI,
        media_type: JSON,
        body: || format!("[{}]\n", GEMINI_PIECES.join(",\r\n")).into_bytes(),
        provider: "gcp.gemini",
        input: GEMINI_INPUT,
        output: GEMINI_OUTPUT,
        reasons: &["STOP"],
        tokens: [22, 8, 0, 7, 3, 29],
    },
    Script {
        name: "ollama",
        path: "/api/chat",
        headers: &[],
        request: OLLAMA,
        media_type: JSON,
        body: || {
            br#"{"model":"small","created_at":"x","message":{"role":"assistant","thinking":"Hm.","content":"Hello"},
            "done":true,"done_reason":"stop","prompt_eval_count":5,"eval_count":3}"#
                .to_vec()
        },
        provider: "ollama",
        input: "user: text=Hi.",
        output: "assistant: reasoning=Hm., text=Hello (stop)",
        reasons: &["stop"],
        tokens: [5, 0, 0, 3, 0, 8],
    },
    Script {
        name: "ollama, stream",
        path: "/api/chat",
        headers: &[],
        request: OLLAMA,
        media_type: "application/x-ndjson",
        body: || {
            br#"{"model":"small","message":{"role":"assistant","thinking":"Hm."},"done":false}
{"model":"small","message":{"role":"assistant","content":"Hel"},"done":false}
{"model":"small","message":{"role":"assistant","content":"lo"},"done":false}
{"model":"small","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","prompt_eval_count":5,"eval_count":3}
"#
            .to_vec()
        },
        provider: "ollama",
        input: "user: text=Hi.",
        output: "assistant: reasoning=Hm., text=Hello (stop)",
        reasons: &["stop"],
        tokens: [5, 0, 0, 3, 0, 8],
    },
    Script {
        name: "bedrock",
        path: "/model/small/converse",
        headers: &[("authorization", "AWS4-HMAC-SHA256 Credential=a")],
        request: BEDROCK,
        media_type: JSON,
        body: || {
            br#"{"output":{"message":{"role":"assistant","content":[
            {"reasoningContent":{"reasoningText":{"text":"Hm.","signature":"sig"}}},{"text":"Tom"},
            {"toolUse":{"toolUseId":"t-1","name":"save","input":{"n":1}}}]}},"stopReason":"tool_use",
            "usage":{"inputTokens":10,"outputTokens":9,"totalTokens":29,"cacheReadInputTokens":8,"cacheWriteInputTokens":2},
            "metrics":{"latencyMs":7}}"#
                .to_vec()
        },
        provider: "aws.bedrock",
        input: BEDROCK_INPUT,
        output: ANTHROPIC_OUTPUT,
        reasons: &["tool_use"],
        tokens: [20, 8, 2, 9, 0, 29],
    },
    Script {
        name: "bedrock, stream",
        path: "/model/small/converse-stream",
        headers: &[],
        request: BEDROCK,
        media_type: "application/vnd.amazon.eventstream",
        body: || {
            messages(&[
                ("messageStart", r#"{"role":"assistant","p":"ab"}"#),
                (
                    "contentBlockDelta",
                    r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"Hm."}}}"#,
                ),
                (
                    "contentBlockDelta",
                    r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"sig"}}}"#,
                ),
                ("contentBlockStop", r#"{"contentBlockIndex":0}"#),
                (
                    "contentBlockDelta",
                    r#"{"contentBlockIndex":1,"delta":{"text":"T"}}"#,
                ),
                (
                    "contentBlockDelta",
                    r#"{"contentBlockIndex":1,"delta":{"text":"om"}}"#,
                ),
                (
                    "contentBlockStart",
                    r#"{"contentBlockIndex":2,"start":{"toolUse":{"toolUseId":"t-1","name":"save"}}}"#,
                ),
                (
                    "contentBlockDelta",
                    r#"{"contentBlockIndex":2,"delta":{"toolUse":{"input":"{\"n\":1}"}}}"#,
                ),
                ("messageStop", r#"{"stopReason":"tool_use"}"#),
                (
                    "metadata",
                    r#"{"usage":{"inputTokens":10,"outputTokens":9,"totalTokens":29,"cacheReadInputTokens":8,"cacheWriteInputTokens":2},"metrics":{"latencyMs":7}}"#,
                ),
            ])
        },
        provider: "aws.bedrock",
        input: BEDROCK_INPUT,
        output: ANTHROPIC_OUTPUT,
        reasons: &["tool_use"],
        tokens: [20, 8, 2, 9, 0, 29],
    },
    Script {
        name: "embeddings",
        path: "/v1/embeddings",
        headers: &[],
        request: r#"{"model":"small","input":["One.","Two."]}"#,
        media_type: JSON,
        body: || {
            br#"{"object":"list","model":"small-1","data":[{"index":0,"embedding":[0.25,-1]},{"index":1,"embedding":[0.5,1]}],
            "usage":{"prompt_tokens":4,"total_tokens":4}}"#
                .to_vec()
        },
        provider: "openai",
        input: "user: text=One.; user: text=Two.",
        output: "",
        reasons: &[],
        tokens: [4, 0, 0, 0, 0, 4],
    },
];
