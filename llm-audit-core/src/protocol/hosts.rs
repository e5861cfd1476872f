//! Who answers at a host.

/// Providers by how their hosts end, and behind a `*` how they begin.
const HOSTS: &[(&str, &str)] = &[
    ("openai.azure.com", "azure.ai.openai"),
    ("services.ai.azure.com", "azure.ai.inference"),
    ("openai.com", "openai"),
    ("anthropic.com", "anthropic"),
    ("aiplatform.googleapis.com", "gcp.vertex_ai"),
    ("generativelanguage.googleapis.com", "gcp.gemini"),
    ("cognitiveservices.azure.com", "azure.ai.openai"),
    ("bedrock*.amazonaws.com", "aws.bedrock"),
    ("mistral.ai", "mistral_ai"),
    ("groq.com", "groq"),
    ("deepseek.com", "deepseek"),
    ("x.ai", "x_ai"),
    ("perplexity.ai", "perplexity"),
    ("cohere.com", "cohere"),
    ("cohere.ai", "cohere"),
    ("ml.cloud.ibm.com", "ibm.watsonx.ai"),
    ("openrouter.ai", "openrouter"),
];

/// Returns the provider whose host `host` is, if it is a known one.
pub(crate) fn provider(host: &str) -> Option<&'static str> {
    // An endpoint in a private network of AWS has its own name before the service's.
    let service = host
        .split_once('.')
        .filter(|(name, _)| name.starts_with("vpce-"));
    let host = service.map_or(host, |(_, service)| service);
    let known = HOSTS.iter().find(|(pattern, _)| is_at(host, pattern));
    known.map(|(_, provider)| *provider)
}

fn is_at(host: &str, pattern: &str) -> bool {
    let (begin, end) = match pattern.split_once("*.") {
        Some((begin, end)) => (begin, end),
        None => ("", pattern),
    };
    let begins = host.get(..begin.len());
    let before = host.len().checked_sub(end.len());
    let parts = before.and_then(|at| Some((host.get(..at)?, host.get(at..)?)));
    begins.is_some_and(|host| host.eq_ignore_ascii_case(begin))
        && parts.is_some_and(|(before, tail)| {
            tail.eq_ignore_ascii_case(end) && (before.is_empty() || before.ends_with('.'))
        })
}
