//! What a tool is given and gives, as JSON without the bytes of media.

use std::borrow::Cow;

use super::json::{CUT, Json};
use super::parts;
use crate::event::Part;
use crate::interaction::Interaction;

/// Levels of nesting that are kept, as of any document.
const MAX_DEPTH: usize = 64;

/// Characters of base64 from which on a text that is nothing else is media, whatever it is called.
const LONG_BASE64: usize = 1024;

/// The shortest line of base64 that is written in lines.
const BASE64_LINE: usize = 60;

/// Members that are bytes.
const BYTES: &[&str] = &["blob", "b64_json", "bytes"];

/// Returns the JSON text of `json`, in which media are what the policy leaves of them.
pub(crate) fn text(call: &mut Interaction, json: Json<'_>) -> String {
    let mut writer = Writer {
        call,
        text: String::new(),
        has_media: false,
    };
    writer.value(json, 0);
    writer.text
}

/// Returns the JSON text of what `text` is, a string when it is no JSON.
pub(crate) fn text_of(call: &mut Interaction, text: &str) -> String {
    match Json::parse(text) {
        Some(json) => self::text(call, json),
        None => encoded(text),
    }
}

struct Writer<'c> {
    call: &'c mut Interaction,
    text: String,
    has_media: bool,
}

impl Writer<'_> {
    fn value(&mut self, json: Json<'_>, depth: usize) {
        if depth == MAX_DEPTH {
            self.text.push_str("null");
        } else if json.is_array() {
            let mut before = '[';
            json.each(|element| {
                self.text.push(before);
                before = ',';
                self.value(element, depth + 1);
            });
            self.text.push_str(if before == '[' { "[]" } else { "]" });
        } else if json.is_object() {
            match parts::enclosed_media(self.call, json) {
                Some(part) => self.media(&part),
                None => self.members(json, depth),
            }
        } else if let Some(text) = json.str() {
            self.string(json, &text, depth);
        } else {
            self.text.push_str(json.text());
        }
    }

    fn members(&mut self, json: Json<'_>, depth: usize) {
        let mut before = '{';
        json.members(|name, value| {
            self.text.push(before);
            before = ',';
            self.text.push_str(&encoded(name.trim_end_matches(CUT)));
            self.text.push(':');
            match value.str().filter(|_| BYTES.contains(&name)) {
                Some(data) if value.is_cut() || is_base64(&data) => self.bytes(value, &data),
                _ => self.value(value, depth + 1),
            }
        });
        self.text.push_str(if before == '{' { "{}" } else { "}" });
    }

    fn string(&mut self, json: Json<'_>, text: &str, depth: usize) {
        if is_data_uri(text) || text.len() >= LONG_BASE64 && is_base64(text) {
            return self.bytes(json, text);
        }
        // Some tools give a text that is JSON.
        if text.trim_start().starts_with(['[', '{'])
            && let Some(inner) = Json::parse(text)
        {
            let mut writer = Writer {
                call: self.call,
                text: String::new(),
                has_media: false,
            };
            writer.value(inner, depth + 1);
            if writer.has_media {
                let text = encoded(&writer.text);
                self.has_media = true;
                return self.text.push_str(&text);
            }
        }
        match json.is_cut() {
            true => self.text.push_str(&encoded(text)),
            false => self.text.push_str(json.text()),
        }
    }

    fn bytes(&mut self, json: Json<'_>, data: &str) {
        let part = parts::inline(self.call, data, json.is_cut());
        self.media(&part);
    }

    fn media(&mut self, part: &Part) {
        self.has_media = true;
        self.text.push('{');
        let columns = [
            ("type", &part.r#type),
            ("mime_type", &part.mime_type),
            ("uri", &part.uri),
            ("file_id", &part.file_id),
            ("digest", &part.digest),
        ];
        let texts = columns
            .into_iter()
            .filter_map(|(name, text)| Some((name, encoded(text.as_ref()?))));
        let bytes = part.bytes.map(|bytes| ("bytes", bytes.to_string()));
        for (at, (name, value)) in texts.chain(bytes).enumerate() {
            let comma = if at > 0 { "," } else { "" };
            self.text.push_str(&format!("{comma}\"{name}\":{value}"));
        }
        self.text.push('}');
    }
}

/// Returns whether `text` is a URI that holds what it is of.
pub(crate) fn is_data_uri(text: &str) -> bool {
    let scheme = text.get(..5);
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
}

/// Returns whether `text` is nothing but base64, in one line or in lines as mail has them.
pub(crate) fn is_base64(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte);
    let text = text.trim_end();
    let line = text.lines().next().unwrap_or_default();
    !text.is_empty()
        && (line.len() == text.len() || line.len() >= BASE64_LINE)
        && text
            .bytes()
            .all(|byte| is_digit(byte) || matches!(byte, b'\r' | b'\n'))
}

/// Returns `text` as a JSON string.
fn encoded(text: &str) -> String {
    serde_json::to_string(&Cow::Borrowed(text)).unwrap_or_default()
}
