//! Token arithmetic, the same for every provider.

/// Tokens of one call, in the arithmetic of the log: input includes cached tokens, output includes
/// reasoning.
///
/// Providers count differently, so there is a constructor for each way of counting. Numbers that
/// cannot be true together are kept and marked with `usage_source = "inconsistent"`; no total is
/// made of them.
///
/// # Examples
///
/// ```
/// use llm_audit_core::Usage;
///
/// let usage = Usage::anthropic(10, 4).cache_read(100).cache_write(20);
/// assert_eq!(usage.input_tokens(), 130);
/// assert_eq!(usage.total_tokens(), Some(134));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    input: u64,
    output: u64,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    reasoning: Option<u64>,
    cache_beside_input: bool,
    source: &'static str,
}

impl Usage {
    /// Returns the usage of a provider that counts cached tokens within the input and reasoning
    /// within the output, as OpenAI does.
    pub const fn openai(input_tokens: u64, output_tokens: u64) -> Self {
        Self {
            input: input_tokens,
            output: output_tokens,
            cache_read: None,
            cache_write: None,
            reasoning: None,
            cache_beside_input: false,
            source: "provider",
        }
    }

    /// Returns the usage of a provider that counts cached tokens beside the input, as Anthropic
    /// does.
    pub const fn anthropic(input_tokens: u64, output_tokens: u64) -> Self {
        Self {
            cache_beside_input: true,
            ..Self::openai(input_tokens, output_tokens)
        }
    }

    /// Returns a usage that the host estimated.
    pub const fn estimated(input_tokens: u64, output_tokens: u64) -> Self {
        Self {
            source: "estimated",
            ..Self::openai(input_tokens, output_tokens)
        }
    }

    /// Returns the usage with `tokens` read from a cache.
    #[must_use]
    pub const fn cache_read(mut self, tokens: u64) -> Self {
        self.cache_read = Some(tokens);
        self
    }

    /// Returns the usage with `tokens` written to a cache.
    #[must_use]
    pub const fn cache_write(mut self, tokens: u64) -> Self {
        self.cache_write = Some(tokens);
        self
    }

    /// Returns the usage with `tokens` of reasoning within the output.
    #[must_use]
    pub const fn reasoning(mut self, tokens: u64) -> Self {
        self.reasoning = Some(tokens);
        self
    }

    /// Returns the usage as that of a stream that was cut: what had been counted so far.
    #[must_use]
    pub const fn partial(mut self) -> Self {
        self.source = "partial";
        self
    }

    /// Returns the input tokens, cached ones included.
    pub const fn input_tokens(&self) -> u64 {
        if self.cache_beside_input {
            self.input.saturating_add(self.cached())
        } else {
            self.input
        }
    }

    /// Returns the output tokens, reasoning included.
    pub const fn output_tokens(&self) -> u64 {
        self.output
    }

    /// Returns input and output tokens together, or `None` when the numbers contradict each other.
    pub const fn total_tokens(&self) -> Option<u64> {
        if self.is_consistent() {
            Some(self.input_tokens().saturating_add(self.output))
        } else {
            None
        }
    }

    /// Returns whether cached tokens fit in the input and reasoning in the output.
    pub const fn is_consistent(&self) -> bool {
        let reasoning = match self.reasoning {
            Some(tokens) => tokens,
            None => 0,
        };
        self.cached() <= self.input_tokens() && reasoning <= self.output
    }

    /// Returns whether the provider had not said its last word.
    pub(crate) fn is_partial(&self) -> bool {
        self.source == "partial"
    }

    pub(crate) const fn cache_read_tokens(&self) -> Option<u64> {
        self.cache_read
    }

    pub(crate) const fn cache_write_tokens(&self) -> Option<u64> {
        self.cache_write
    }

    pub(crate) const fn reasoning_tokens(&self) -> Option<u64> {
        self.reasoning
    }

    pub(crate) const fn source(&self) -> &'static str {
        if self.is_consistent() {
            self.source
        } else {
            "inconsistent"
        }
    }

    const fn cached(&self) -> u64 {
        let read = match self.cache_read {
            Some(tokens) => tokens,
            None => 0,
        };
        let written = match self.cache_write {
            Some(tokens) => tokens,
            None => 0,
        };
        read.saturating_add(written)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cached_tokens_are_counted_once() {
        assert_eq!(
            Usage::openai(130, 4).cache_read(100).total_tokens(),
            Some(134)
        );
        assert_eq!(
            Usage::anthropic(30, 4).cache_read(100).total_tokens(),
            Some(134)
        );
    }

    #[test]
    fn numbers_that_contradict_each_other_are_marked_and_not_summed() {
        let usage = Usage::openai(10, 4).cache_read(11);
        assert_eq!(
            (usage.total_tokens(), usage.source()),
            (None, "inconsistent")
        );
        assert!(!Usage::openai(10, 4).reasoning(5).is_consistent());
    }

    proptest! {
        #[test]
        fn a_total_is_never_less_than_its_parts(
            input in 0..u64::MAX, output in 0..u64::MAX, read in 0..u64::MAX, write in 0..u64::MAX,
        ) {
            for usage in [Usage::openai(input, output), Usage::anthropic(input, output)] {
                let usage = usage.cache_read(read).cache_write(write);
                if let Some(total) = usage.total_tokens() {
                    prop_assert!(total >= read.max(write).max(output));
                }
            }
        }
    }
}
