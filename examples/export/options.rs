//! What the command line says.

use std::error::Error;

use llm_audit::Sink;
use llm_audit::sinks::http::Endpoint;
use llm_audit::sinks::otlp::{ContentTarget, OtlpConfig, Profile};
use llm_audit::sinks::{HttpSink, OtlpSink};

const USAGE: &str = "options: --journal DIR, --http URL or --otlp URL, --header K=V, --state FILE, and \
    with --otlp --profile genai or openinference, --content none or span";

pub(crate) struct Options {
    pub(crate) journal: String,
    pub(crate) sink: Box<dyn Sink>,
    pub(crate) state: String,
}

impl Options {
    /// Returns nothing when there are no options.
    pub(crate) fn read() -> Result<Option<Self>, Box<dyn Error>> {
        let (mut journal, mut http, mut otlp) = (None, None, None);
        let (mut state, mut headers) = ("export.json".to_owned(), Vec::new());
        let (mut profile, mut content) = (Profile::default(), ContentTarget::default());
        let mut args = std::env::args().skip(1);
        while let Some(name) = args.next() {
            let value = args.next().ok_or("each option has a value")?;
            match name.as_str() {
                "--journal" => journal = Some(value),
                "--http" => http = Some(value),
                "--otlp" => otlp = Some(value),
                "--profile" => profile = value.parse()?,
                "--content" => content = value.parse()?,
                "--state" => state = value,
                "--header" => headers.push(value),
                _ => return Err(USAGE.into()),
            }
        }
        let with_headers = |url: String| {
            let headers = headers.iter().map(|header: &String| header.split_once('='));
            headers.fold(Some(Endpoint::new(url)), |endpoint, header| {
                Some(endpoint?.header(header?.0, header?.1))
            })
        };
        let sink: Box<dyn Sink> = match (http, otlp) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => return Err(USAGE.into()),
            (Some(url), None) => Box::new(HttpSink::new(with_headers(url).ok_or(USAGE)?)?),
            (None, Some(url)) => {
                let config = OtlpConfig::new(with_headers(url).ok_or(USAGE)?);
                Box::new(OtlpSink::with(config.profile(profile).content(content))?)
            }
        };
        let journal = journal.ok_or(USAGE)?;
        Ok(Some(Self {
            journal,
            sink,
            state,
        }))
    }
}
