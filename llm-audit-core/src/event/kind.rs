//! The open vocabularies of the envelope.

use std::fmt;

macro_rules! open_enum {
    ($(#[$doc:meta])* $name:ident { $(#[doc = $variant_doc:literal] $variant:ident $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $(#[doc = $variant_doc] $variant,)+
            /// A word of a newer version, kept as it is.
            Other(String),
        }

        impl $name {
            /// Every word of this version.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Every word of this version with its meaning, for generated documents.
            pub(crate) const WORDS: &'static [(&'static str, &'static str)] =
                &[$(($text, $variant_doc.trim_ascii()),)+];

            /// Returns the word that is written to the log.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)+
                    _ => Self::Other(text.to_owned()),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

open_enum! {
    /// The kind of an event.
    Kind {
        /// An attempt to connect or authenticate to a provider.
        ModelConnection "model_connection",
        /// The intent, written before a call leaves.
        PromptSent "prompt_sent",
        /// One finished operation: the row that everybody queries.
        Interaction "interaction",
        /// A stored skill or prompt template was run.
        SkillTriggered "skill_triggered",
        /// A verdict of a guardrail.
        Guardrail "guardrail",
        /// A score of an earlier event.
        Evaluation "evaluation",
        /// What a person thought of an earlier event.
        Feedback "feedback",
        /// An answer as a person adjusted it.
        Correction "correction",
        /// A person's decision about an earlier event.
        Oversight "oversight",
        /// Training allowed or withdrawn for an earlier event.
        Consent "consent",
        /// A start of the log.
        LogOpened "log_opened",
        /// A clean end of the log.
        LogClosed "log_closed",
        /// A combination of policy layers, written when first used.
        PolicyApplied "policy_applied",
        /// Another policy is in force.
        PolicyChanged "policy_changed",
        /// Other sinks are in use.
        SinkChanged "sink_changed",
        /// Data is kept for another time.
        RetentionChanged "retention_changed",
        /// Redaction works differently.
        RedactionChanged "redaction_changed",
        /// Sampling works differently.
        SamplingChanged "sampling_changed",
        /// Another key is current.
        KeyRotated "key_rotated",
        /// A legal hold was set or lifted.
        LegalHold "legal_hold",
        /// Expired data was deleted.
        RetentionRun "retention_run",
        /// Events were exported.
        Exported "exported",
        /// Data was erased.
        Erased "erased",
        /// The log was read.
        Accessed "accessed",
        /// Sequence numbers that are missing.
        Loss "loss",
        /// A journal segment begins.
        SegmentOpened "segment_opened",
        /// A writer begins.
        WriterOpened "writer_opened",
        /// A writer ended, or was found ended.
        WriterClosed "writer_closed",
        /// A signed state of the log.
        Checkpoint "checkpoint",
    }
}

impl Kind {
    /// Returns whether events of this kind are counted as the host's.
    pub(crate) fn is_hosts(&self) -> bool {
        self.is_capture() || matches!(self, Self::Other(_))
    }

    /// Returns whether events of this kind hold what the host captured; the others are the log's
    /// own.
    pub fn is_capture(&self) -> bool {
        matches!(
            self,
            Self::ModelConnection
                | Self::PromptSent
                | Self::Interaction
                | Self::SkillTriggered
                | Self::Guardrail
                | Self::Evaluation
                | Self::Feedback
                | Self::Correction
                | Self::Oversight
                | Self::Consent
        )
    }
}

open_enum! {
    /// What an interaction does, in the words of the OpenTelemetry GenAI conventions.
    Operation {
        /// A chat completion.
        Chat "chat",
        /// A text completion.
        TextCompletion "text_completion",
        /// Multimodal generation.
        GenerateContent "generate_content",
        /// Embeddings.
        Embeddings "embeddings",
        /// A search for documents.
        Retrieval "retrieval",
        /// Ordering of documents by relevance.
        Rerank "rerank",
        /// A run of a tool.
        ExecuteTool "execute_tool",
        /// A run of an agent.
        InvokeAgent "invoke_agent",
        /// A run of a workflow.
        InvokeWorkflow "invoke_workflow",
        /// Any other step: a filter, a classifier, an external service.
        Step "step",
    }
}

open_enum! {
    /// How an interaction ended.
    Status {
        /// It succeeded.
        Ok "ok",
        /// It failed, or panicked (`error_type` is then `panic`).
        Error "error",
        /// The future or stream was dropped.
        Cancelled "cancelled",
        /// The guard was dropped without a word.
        Abandoned "abandoned",
        /// The stream ended before the protocol's end.
        Partial "partial",
        /// A time-out.
        Timeout "timeout",
        /// A guardrail stopped it.
        Blocked "blocked",
    }
}

open_enum! {
    /// Why the data of a facet is absent or incomplete, those reasons first by which all is gone.
    ///
    /// A facet that has no reason and no field was not provided.
    Absence {
        /// A later erasure removed it.
        Erased "erased",
        /// Its retention ran out.
        Expired "expired",
        /// The policy, or the sink's own rule, does not let it through.
        Withheld "withheld",
        /// The policy's sampling left it out.
        SampledOut "sampled_out",
        /// It could not be kept safely: the redactor failed, or memory ran out.
        Failed "failed",
        /// It was too large and was cut.
        Truncated "truncated",
        /// The redactor replaced parts of it.
        Redacted "redacted",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back_and_unknown_ones_survive() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from(kind.as_str()), *kind);
        }
        assert_eq!(Kind::from("from_the_future").as_str(), "from_the_future");
        assert_eq!(Status::from("ok"), Status::Ok);
    }
}
