//! What the command line says.

use std::error::Error;

use llm_audit::Sink;
use llm_audit::sinks::otlp::{ContentTarget, Profile};

use super::destination::{self, Destination};

const USAGE: &str = "options: --journal DIR, --http URL or --otlp URL, --header K=V or K=@FILE, --state FILE; \
    with --otlp --profile genai|openinference, --content none|span";

pub(crate) struct Options {
    pub(crate) journal: String,
    pub(crate) sink: Box<dyn Sink>,
    pub(crate) state: String,
    pub(crate) to: String,
}

impl Options {
    pub(crate) fn read() -> Result<Option<Self>, Box<dyn Error>> {
        let (mut journal, mut address, mut headers) = (None, None, Vec::new());
        let mut state = "export.json".to_owned();
        let (mut profile, mut content) = (Profile::default(), ContentTarget::default());
        let mut args = std::env::args().skip(1);
        while let Some(name) = args.next() {
            let value = args.next().ok_or(USAGE)?;
            match (name.as_str(), &address) {
                ("--journal", _) => journal = Some(value),
                ("--http", None) => address = Some(("http", value)),
                ("--otlp", None) => address = Some(("otlp", value)),
                ("--profile", _) => profile = value.parse()?,
                ("--content", _) => content = value.parse()?,
                ("--state", _) => state = value,
                ("--header", _) => {
                    headers.push(destination::header(&value).ok_or(USAGE)??);
                }
                _ => return Err(USAGE.into()),
            }
        }
        let Some((kind, url)) = address else {
            return Ok(None);
        };
        let destination = Destination { kind, url, headers };
        Ok(Some(Self {
            journal: journal.ok_or(USAGE)?,
            to: destination.name(),
            sink: destination.sink(|config| config.profile(profile).content(content))?,
            state,
        }))
    }
}
