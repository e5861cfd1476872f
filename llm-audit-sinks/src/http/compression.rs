//! How bodies are made shorter on their way.

use std::io::{self, Write};

use flate2::write::GzEncoder;

/// How the body of a request is compressed.
///
/// # Examples
///
/// ```
/// use llm_audit_sinks::http::{Compression, Endpoint};
///
/// let endpoint = Endpoint::new("https://logs.example.org/").compression(Compression::Gzip);
/// # assert!(format!("{endpoint:?}").contains("Gzip"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// As it is: every receiver reads it.
    #[default]
    None,
    /// `Content-Encoding: gzip` (RFC 1952).
    Gzip,
    /// `Content-Encoding: zstd` (RFC 8878).
    #[cfg(feature = "http-zstd")]
    #[cfg_attr(docsrs, doc(cfg(feature = "http-zstd")))]
    Zstd,
}

impl Compression {
    /// Returns what `Content-Encoding` says, if the header is there.
    pub(super) const fn content_encoding(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Gzip => Some("gzip"),
            #[cfg(feature = "http-zstd")]
            Self::Zstd => Some("zstd"),
        }
    }

    /// Returns the compressed body; the same one each time.
    pub(super) fn apply(self, body: Vec<u8>) -> io::Result<Vec<u8>> {
        match self {
            Self::None => Ok(body),
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(&body)?;
                encoder.finish()
            }
            #[cfg(feature = "http-zstd")]
            Self::Zstd => zstd::encode_all(&*body, zstd::DEFAULT_COMPRESSION_LEVEL),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn a_body_comes_out_of_gzip_as_it_went_in_and_the_same_each_time() {
        let body = b"{\"kind\":\"interaction\"}\n".repeat(1_000);
        let short = Compression::Gzip.apply(body.clone()).unwrap();
        assert!(short.len() < body.len() / 10);
        assert_eq!(Compression::Gzip.apply(body.clone()).unwrap(), short);
        let mut long = Vec::new();
        flate2::read::GzDecoder::new(&*short)
            .read_to_end(&mut long)
            .unwrap();
        assert_eq!(long, body);
    }

    #[cfg(feature = "http-zstd")]
    #[test]
    fn a_body_comes_out_of_zstd_as_it_went_in() {
        let body = b"{\"kind\":\"interaction\"}\n".repeat(1_000);
        let short = Compression::Zstd.apply(body.clone()).unwrap();
        assert!(short.len() < body.len() / 10);
        assert_eq!(zstd::decode_all(&*short).unwrap(), body);
    }
}
