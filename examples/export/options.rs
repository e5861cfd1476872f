//! What the command line says.

use std::error::Error;

use llm_audit::sinks::http::Endpoint;

pub(crate) struct Options {
    pub(crate) journal: String,
    pub(crate) endpoint: Endpoint,
    pub(crate) state: String,
}

impl Options {
    /// Returns nothing when there are no options.
    pub(crate) fn read() -> Result<Option<Self>, Box<dyn Error>> {
        let (mut journal, mut url, mut state) = (None, None, "export.json".to_owned());
        let mut headers = Vec::new();
        let mut args = std::env::args().skip(1);
        while let Some(name) = args.next() {
            let value = args.next().ok_or("each option has a value")?;
            match name.as_str() {
                "--journal" => journal = Some(value),
                "--http" => url = Some(value),
                "--state" => state = value,
                "--header" => headers.push(value),
                _ => {
                    return Err(
                        "options: --journal DIR --http URL --header K=V --state FILE".into(),
                    );
                }
            }
        }
        let (Some(journal), Some(url)) = (journal, url) else {
            return Ok(None);
        };
        let mut endpoint = Endpoint::new(url);
        for header in &headers {
            let (name, value) = header.split_once('=').ok_or("a header is K=V")?;
            endpoint = endpoint.header(name, value);
        }
        Ok(Some(Self {
            journal,
            endpoint,
            state,
        }))
    }
}
