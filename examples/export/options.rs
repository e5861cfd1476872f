//! What the command line says.

use std::error::Error;

use llm_audit::Sink;
use llm_audit::sinks::http::Endpoint;
use llm_audit::sinks::otlp::{ContentTarget, OtlpConfig, Profile};
use llm_audit::sinks::{HttpSink, OtlpSink};

const USAGE: &str = "options: --journal DIR, --http URL or --otlp URL, --header K=V, --state FILE; \
    with --otlp --profile genai|openinference, --content none|span";

pub(crate) struct Options {
    pub(crate) journal: String,
    pub(crate) sink: Box<dyn Sink>,
    pub(crate) state: String,
}

impl Options {
    pub(crate) fn read() -> Result<Option<Self>, Box<dyn Error>> {
        let (mut journal, mut http, mut otlp) = (None, None, None);
        let (mut state, mut headers) = ("export.json".to_owned(), Vec::new());
        let (mut profile, mut content) = (Profile::default(), ContentTarget::default());
        let mut args = std::env::args().skip(1);
        while let Some(name) = args.next() {
            let value = args.next().ok_or(USAGE)?;
            match name.as_str() {
                "--journal" => journal = Some(value),
                "--http" => http = Some(value),
                "--otlp" => otlp = Some(value),
                "--profile" => profile = value.parse()?,
                "--content" => content = value.parse()?,
                "--state" => state = value,
                "--header" => {
                    let (name, value) = value.split_once('=').ok_or(USAGE)?;
                    headers.push((name.to_owned(), value.to_owned()));
                }
                _ => return Err(USAGE.into()),
            }
        }
        let with_headers = |url: String| {
            let add = |to: Endpoint, (name, value): (String, String)| to.header(name, value);
            headers.into_iter().fold(Endpoint::new(url), add)
        };
        let sink: Box<dyn Sink> = match (http, otlp) {
            (None, None) => return Ok(None),
            (Some(url), None) => Box::new(HttpSink::new(with_headers(url))?),
            (None, Some(url)) => {
                let config = OtlpConfig::new(with_headers(url));
                Box::new(OtlpSink::with(config.profile(profile).content(content))?)
            }
            (Some(_), Some(_)) => return Err(USAGE.into()),
        };
        Ok(Some(Self {
            journal: journal.ok_or(USAGE)?,
            sink,
            state,
        }))
    }
}
