//! Segments made of any bytes, some of whose lines have the checksum of their place.

/// The name of the segment, the first of writer 00…01.
pub const NAME: &str =
    "20260101-00000000-0000-0000-0000-000000000001-000001-00000000000000000001.jsonl";

/// What is behind a line's body: `,"crc":"xxxxxxxx"}`.
const TRAILER: usize = 18;

/// Returns the content of a segment: the lines of `data`, of which those that begin with `+` get the
/// checksum that makes them good.
pub fn content(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in data.split_inclusive(|byte| *byte == b'\n') {
        match line
            .strip_prefix(b"+")
            .and_then(|line| line.strip_suffix(b"\n"))
        {
            Some(json) => {
                let body = json.strip_suffix(b"}").unwrap_or(json);
                out.extend_from_slice(body);
                out.extend_from_slice(format!(",\"crc\":\"{:08x}\"}}\n", crc(body)).as_bytes());
            }
            None => out.extend_from_slice(line),
        }
    }
    out
}

/// Returns the JSON objects of the good lines of a segment.
pub fn good_lines(content: &[u8]) -> Vec<Vec<u8>> {
    let lines = content.split_inclusive(|byte| *byte == b'\n');
    let ended = lines.filter_map(|line| line.strip_suffix(b"\n"));
    ended
        .filter_map(|line| {
            let (body, trailer) = line.split_at_checked(line.len().checked_sub(TRAILER)?)?;
            let expected = format!(",\"crc\":\"{:08x}\"}}", crc(body));
            let good = body.len() > 1 && body.starts_with(b"{") && trailer == expected.as_bytes();
            good.then(|| [body, b"}"].concat())
        })
        .collect()
}

fn crc(body: &[u8]) -> u32 {
    let mut place = [0; 24];
    place[15] = 1;
    place[16] = 1;
    crc32c::crc32c_append(crc32c::crc32c(&place), body)
}
