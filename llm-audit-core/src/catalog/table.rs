//! The table of every field: the single source of names, types and meanings.
//!
//! A row is `Variant name: Type sensitivity "OpenTelemetry name" "meaning";`. Sections say whether
//! the host sets the fields (`host`) or the log itself (`own`), and which facet they belong to.
//! OpenTelemetry names are of the GenAI conventions, 1.42.0-dev of August 2026; where they have no
//! word, the name is under `llm_audit.`.

/// Hands the whole table to the macro `$callback`, after the given tokens in brackets.
macro_rules! with_catalog {
    ($callback:ident $($argument:tt)*) => {
        $callback! {
            [$($argument)*]
            own envelope {
                SchemaVersion schema_version: Int plain "llm_audit.schema_version" "Version of the event schema.";
                EventId event_id: Id plain "llm_audit.event.id" "Identifier of the event, a UUIDv7.";
                Kind kind: Text plain "llm_audit.event.kind" "Kind of event.";
                WriterId writer_id: Text plain "llm_audit.writer.id" "Writer of the event, new at every start.";
                RecordedAt recorded_at: Time plain "llm_audit.recorded_at" "When the event was handed in.";
                Seq seq: Int plain "llm_audit.seq" "Number of the event within its writer; dense save for numbers in `loss` events.";
                Operation operation: Text plain "gen_ai.operation.name" "What was done: chat, embeddings, execute_tool and others.";
                Status status: Text plain "llm_audit.status" "How it ended: ok, error, cancelled, abandoned, partial, timeout, blocked.";
                StartedAt started_at: Time plain "llm_audit.started_at" "When the operation began.";
                EndedAt ended_at: Time plain "llm_audit.ended_at" "When the operation ended.";
                PolicyId policy_id: Text plain "llm_audit.policy.id" "The first characters of the hash of the policy that was in force.";
                PolicyHash policy_hash: Text plain "llm_audit.policy.hash" "Hash of the policy with the layers that narrowed it for this event; its text is in the same log.";
                Absent absent: TextsMap plain "llm_audit.absent" "Facets without their data, by reason: withheld, redacted, truncated, sampled_out, expired, erased, failed.";
                Redactions redactions: Redactions plain "llm_audit.redactions" "What the redactor hid: field, type, operator and count, never a value.";
                Truncations truncations: Truncations plain "llm_audit.truncations" "Fields that were cut, with their original size and digest.";
                Digests digests: TextMap plain "llm_audit.digests" "Keyed digests of fields that are kept at level digest.";
                SampleRate sample_rate: Float plain "llm_audit.sampling.rate" "Probability with which the content of this event was kept.";
                SdkName sdk_name: Text plain "telemetry.sdk.name" "Name of the writing library.";
                SdkVersion sdk_version: Text plain "telemetry.sdk.version" "Version of the writing library.";
                PolicyText policy_text: Text plain "llm_audit.policy.text" "Canonical text of a policy, of which `policy_hash` is the hash.";
                RetentionText retention: Text plain "llm_audit.retention" "How long the log is kept.";
                RedactorVersion redactor_version: Text plain "llm_audit.redactor.version" "Version of the redaction engine.";
                Sinks sinks: Texts plain "llm_audit.sinks" "Name of each sink.";
                ApprovedBy approved_by: Text plain "llm_audit.policy.approved_by" "Who approved the policy, as its file says.";
                PolicyReason policy_reason: Text plain "llm_audit.policy.reason" "Why the policy is as it is, as its file says.";
                PreviousHash previous_hash: Text plain "llm_audit.previous_hash" "SHA-256 of the line of the previous `log_opened` in the directory.";
                ChangeBefore change_before: Text plain "llm_audit.change.before" "Hash of what was in force before a change.";
                ChangeAfter change_after: Text plain "llm_audit.change.after" "Hash of what is in force after it.";
                ChangeDiff change_diff: Texts plain "llm_audit.change.diff" "Paths that differ, without values.";
                ChangeActor change_actor: Text plain "llm_audit.change.actor" "Who changed it, as the host says.";
                ChangeReason change_reason: Text plain "llm_audit.change.reason" "Why, as the host says.";
                LossWriterId loss_writer_id: Text plain "llm_audit.loss.writer_id" "Writer whose numbers are missing.";
                LossSink loss_sink: Text plain "llm_audit.loss.sink" "Sink that misses them; absent for the log itself.";
                SeqFrom seq_from: Int plain "llm_audit.loss.seq_from" "First number of the window that a loss is in.";
                SeqTo seq_to: Int plain "llm_audit.loss.seq_to" "Last number of that window.";
                Count count: Int plain "llm_audit.count" "How many: events lost, files deleted.";
                Bytes bytes: Int plain "llm_audit.bytes" "How many bytes: of events lost, of files deleted.";
                Reasons reasons: Counts plain "llm_audit.loss.reasons" "Events lost by reason.";
                Stage stage: Text plain "llm_audit.loss.stage" "Where on the way they were lost: admission, journal, recovery, sink.";
                Exact exact: Bool plain "llm_audit.loss.exact" "Whether `count` is exact, or an upper bound after a crash.";
                Format format: Text plain "llm_audit.journal.format" "Format of a journal segment.";
                Segment segment: Int plain "llm_audit.journal.segment" "Number of the segment within its writer.";
                FirstSeq first_seq: Int plain "llm_audit.journal.first_seq" "First number that the segment may hold; 0 when it repeats events of earlier segments.";
                Files files: Texts plain "llm_audit.retention.files" "Names of the files that a retention run deleted.";
                Rewritten rewritten: Texts plain "llm_audit.retention.rewritten" "Names of the files that a retention run wrote anew, without what had expired.";
                Narrowed narrowed: Int plain "llm_audit.retention.narrowed" "Events that a retention run took something out of; `absent` says which facets.";
                Rewrites rewrites: Int plain "llm_audit.journal.rewrites" "How often the segment was written anew; `absent` says which facets are in none of its events any more.";
                Hold hold: Text plain "llm_audit.legal_hold.name" "Name of a legal hold.";
            }
            host envelope {
                ErrorType error_type: Text plain "error.type" "Class of the error: the provider's code or the error's type, of low cardinality.";
                ErrorCode error_code: Text plain "llm_audit.error.code" "The provider's own error code.";
                HttpStatus http_status: Int plain "http.response.status_code" "HTTP status of the response.";
                TraceId trace_id: Text plain "llm_audit.trace_id" "W3C trace id, 32 lower-case hex digits; another text is not taken.";
                SpanId span_id: Text plain "llm_audit.span_id" "W3C span id, 16 lower-case hex digits; another text is not taken.";
                ParentSpanId parent_span_id: Text plain "llm_audit.parent_span_id" "Span id of the parent.";
                ParentEventId parent_event_id: Id plain "llm_audit.parent_event_id" "Event within which this one happened.";
                TargetEventId target_event_id: Text plain "llm_audit.target_event_id" "Event that a late fact is about.";
                TargetResponseId target_response_id: Text plain "llm_audit.target_response_id" "Provider's response id that a late fact is about.";
                Links links: Links plain "llm_audit.links" "Other events or spans that this one belongs with.";
            }
            host User {
                UserId user_id: Text sensitive "user.id" "The user of the application.";
                EndUserId end_user_id: Text sensitive "llm_audit.end_user.id" "The person behind the user, where they differ.";
                UserRoles user_roles: Texts sensitive "user.roles" "Roles of the user.";
            }
            host Groups {
                UserGroups user_groups: Texts sensitive "llm_audit.user.groups" "Groups of the user.";
                TenantId tenant_id: Text sensitive "llm_audit.tenant.id" "Tenant on whose behalf the call was made; it also selects the policy's tenant layer.";
                Team team: Text sensitive "llm_audit.team" "Team that owns the call.";
            }
            host Project {
                ProjectId project_id: Text sensitive "llm_audit.project.id" "Project that the call belongs to.";
                ProjectPath project_path: Text sensitive "llm_audit.project.path" "Path of the project.";
                ProjectAncestors project_ancestors: Texts sensitive "llm_audit.project.ancestors" "Groups above the project, root first.";
            }
            host CodeOwners {
                CodeOwners code_owners: Texts sensitive "llm_audit.code_owners" "Owners of the code that the call is about.";
            }
            host Session {
                SessionId session_id: Text sensitive "session.id" "Session of the application.";
                ConversationId conversation_id: Text sensitive "gen_ai.conversation.id" "Conversation that the call is a turn of.";
                TurnIndex turn_index: Int plain "llm_audit.turn.index" "Number of the turn, from 0.";
            }
            host Device {
                DeviceId device_id: Text sensitive "device.id" "Device of the user.";
                DeviceName device_name: Text sensitive "llm_audit.device.name" "Name of the device.";
                ClientAddress client_address: Text sensitive "client.address" "Address of the client.";
                UserAgent user_agent: Text sensitive "user_agent.original" "User agent of the client.";
                NetworkOrigin network_origin: Text sensitive "llm_audit.network.origin" "Network that the request came from.";
            }
            host SystemPrompt {
                SystemInstructions system_instructions: Parts sensitive "gen_ai.system_instructions" "System instructions that were passed apart from the messages.";
            }
            host Prompt {
                InputMessages input_messages: Messages sensitive "gen_ai.input.messages" "Messages sent to the model, in order.";
                PromptTemplateVariables prompt_template_variables: JsonMap sensitive "gen_ai.prompt.variable" "Values put into the prompt template.";
                SkillInput skill_input: Json sensitive "llm_audit.skill.input" "Input of a skill.";
                PromptLanguage language: Text plain "llm_audit.prompt.language" "Language of the prompt, as the host says.";
            }
            own Prompt {
                PromptDigest prompt_digest: Text plain "llm_audit.prompt.digest" "Keyed digest of the last user text.";
                PromptChars prompt_chars: Int plain "llm_audit.prompt.chars" "Characters of text in the input messages.";
                MessageCount message_count: Int plain "llm_audit.prompt.message_count" "Number of input messages.";
            }
            host Response {
                OutputMessages output_messages: Messages sensitive "gen_ai.output.messages" "Messages that the model gave, one for each choice.";
            }
            own Response {
                ResponseDigest response_digest: Text plain "llm_audit.response.digest" "Keyed digest of the text of the first choice.";
                ResponseChars response_chars: Int plain "llm_audit.response.chars" "Characters of text in the output messages.";
            }
            host ToolIo {
                ToolArguments tool_arguments: Json sensitive "gen_ai.tool.call.arguments" "Arguments of a tool call.";
                ToolResult tool_result: Json sensitive "gen_ai.tool.call.result" "Result of a tool call.";
                ToolError tool_error: Text sensitive "llm_audit.tool.error" "Error text that a tool returned.";
            }
            host Retrieval {
                Query query: Text sensitive "gen_ai.retrieval.query.text" "Retrieval query.";
                Documents documents: Documents sensitive "gen_ai.retrieval.documents" "Documents that were found.";
                DataSourceId data_source_id: Text sensitive "gen_ai.data_source.id" "Data source that was searched.";
                AccessedResources accessed_resources: Texts sensitive "llm_audit.accessed_resources" "Resources that were read.";
            }
            host Media {
                Media media: Media sensitive "llm_audit.media" "Images, audio, video and files: type, size, digest and reference.";
            }
            host Raw {
                RawRequest raw_request: Text sensitive "llm_audit.raw.request" "Body of the request as on the wire.";
                RawResponse raw_response: Text sensitive "llm_audit.raw.response" "Body of the response as on the wire.";
                RawHeaders raw_headers: TextMap sensitive "llm_audit.raw.headers" "Headers that the host named.";
            }
            host Model {
                Provider provider: Text plain "gen_ai.provider.name" "Provider, in the convention's words: openai, anthropic, aws.bedrock.";
                RequestModel request_model: Text plain "gen_ai.request.model" "Model that was asked for.";
                ResponseModel response_model: Text plain "gen_ai.response.model" "Model that answered.";
                FinishReasons finish_reasons: Texts plain "gen_ai.response.finish_reasons" "Why the model stopped, for each choice.";
                ResponseId response_id: Text plain "gen_ai.response.id" "The provider's id of the response.";
                BaseModel base_model: Text plain "llm_audit.model.base" "Model that a tuned one was made from.";
                ModelVersion model_version: Text plain "llm_audit.model.version" "Version of the model.";
                FineTuneId fine_tune_id: Text plain "llm_audit.model.fine_tune_id" "Fine-tuning that made the model.";
                ModelSize model_size: Text plain "llm_audit.model.size" "Size of the model, such as 7B.";
                Hardware hardware: Text plain "llm_audit.model.hardware" "Hardware that serves the model.";
                Quantization quantization: Text plain "llm_audit.model.quantization" "Quantization of the model.";
                ServingEngine serving_engine: Text plain "llm_audit.model.serving_engine" "Program that serves the model.";
                ConnectionType connection_type: Text plain "llm_audit.connection.type" "Standard, tuned, or grounded by a knowledge base, data store or search.";
                ConnectionMethod connection_method: Text plain "llm_audit.connection.method" "Kind of credential: api_key, user_account, service_account, oauth, workload_identity.";
                CredentialAlias credential_alias: Text plain "llm_audit.credential.alias" "The user's name for the credential, never the secret.";
                ServerAddress server_address: Text plain "server.address" "Host of the provider.";
                ServerPort server_port: Int plain "server.port" "Port of the provider.";
                SystemFingerprint system_fingerprint: Text plain "openai.response.system_fingerprint" "The provider's fingerprint of its set-up.";
                ServiceTier service_tier: Text plain "openai.response.service_tier" "Service tier that answered.";
            }
            host RequestConfig {
                Temperature temperature: Float plain "gen_ai.request.temperature" "Sampling temperature.";
                TopP top_p: Float plain "gen_ai.request.top_p" "Nucleus sampling.";
                TopK top_k: Int plain "gen_ai.request.top_k" "Top-k sampling.";
                MaxTokens max_tokens: Int plain "gen_ai.request.max_tokens" "Most tokens to generate.";
                StopSequences stop_sequences: Texts plain "gen_ai.request.stop_sequences" "Texts that end the generation.";
                Seed seed: Text plain "gen_ai.request.seed" "Seed of the provider, as text.";
                FrequencyPenalty frequency_penalty: Float plain "gen_ai.request.frequency_penalty" "Frequency penalty.";
                PresencePenalty presence_penalty: Float plain "gen_ai.request.presence_penalty" "Presence penalty.";
                ChoiceCount choice_count: Int plain "gen_ai.request.choice.count" "Number of choices asked for.";
                Stream stream: Bool plain "gen_ai.request.stream" "Whether a stream was asked for.";
                OutputType output_type: Text plain "gen_ai.output.type" "Type of output asked for: text, json, image, speech.";
                ReasoningEffort reasoning_effort: Text plain "gen_ai.request.reasoning.level" "Effort of reasoning asked for.";
                ToolChoice tool_choice: Text plain "llm_audit.request.tool_choice" "How the model may choose tools.";
                ResponseFormatDigest response_format_digest: Text plain "llm_audit.request.response_format_digest" "Digest of the response format's schema.";
                RequestExtra request_extra: JsonMap plain "llm_audit.request.extra" "Other request settings that the host named.";
            }
            host Tools {
                ToolName tool_name: Text plain "gen_ai.tool.name" "Tool that was run.";
                ToolType tool_type: Text plain "gen_ai.tool.type" "Type of tool: function, extension, datastore.";
                ToolCallId tool_call_id: Text plain "gen_ai.tool.call.id" "The model's id of the tool call.";
                ToolDefinitions tool_definitions: ToolDefinitions plain "gen_ai.tool.definitions" "Tools that were offered: name, type and digest.";
                McpMethod mcp_method: Text plain "mcp.method.name" "Method of the Model Context Protocol.";
                McpSessionId mcp_session_id: Text plain "mcp.session.id" "Session of the Model Context Protocol.";
                McpServer mcp_server: Text plain "llm_audit.mcp.server" "Server of the Model Context Protocol.";
                McpProtocolVersion mcp_protocol_version: Text plain "mcp.protocol.version" "Version of the Model Context Protocol.";
            }
            host Usage {
                InputTokens input_tokens: Int plain "gen_ai.usage.input_tokens" "Input tokens in total, cached ones included.";
                CacheReadInputTokens cache_read_input_tokens: Int plain "gen_ai.usage.cache_read.input_tokens" "Input tokens read from a cache.";
                CacheWriteInputTokens cache_write_input_tokens: Int plain "gen_ai.usage.cache_write.input_tokens" "Input tokens written to a cache.";
                OutputTokens output_tokens: Int plain "gen_ai.usage.output_tokens" "Output tokens in total, reasoning included.";
                ReasoningOutputTokens reasoning_output_tokens: Int plain "gen_ai.usage.reasoning.output_tokens" "Output tokens of reasoning.";
                ModalityTokens modality_tokens: Counts plain "llm_audit.usage.modality_tokens" "Tokens by modality and direction, such as image.input.";
                TotalTokens total_tokens: Int plain "llm_audit.usage.total_tokens" "Input and output tokens.";
                UsageSource usage_source: Text plain "llm_audit.usage.source" "Where the numbers are from: provider, estimated, partial, inconsistent.";
                UsageRaw usage_raw: Json plain "llm_audit.usage.raw" "The provider's usage object.";
                QuotaLimit quota_limit: Int plain "llm_audit.quota.limit" "Quota of the credential.";
                QuotaRemaining quota_remaining: Int plain "llm_audit.quota.remaining" "What is left of it.";
                BudgetRemaining budget_remaining: Text plain "llm_audit.budget.remaining" "What is left of the budget, a decimal.";
                InputCost input_cost: Text plain "llm_audit.cost.input" "Cost of the input, a decimal.";
                OutputCost output_cost: Text plain "llm_audit.cost.output" "Cost of the output, a decimal.";
                TotalCost total_cost: Text plain "llm_audit.cost.total" "Cost in total, a decimal.";
                Currency currency: Text plain "llm_audit.cost.currency" "Currency of the costs (ISO 4217).";
                PriceTableId price_table_id: Text plain "llm_audit.cost.price_table_id" "Price table that the costs are from.";
            }
            host Timing {
                PromptAt prompt_at: Time plain "llm_audit.prompt_at" "When the user asked.";
                SentAt sent_at: Time plain "llm_audit.sent_at" "When the request left.";
                FirstChunkAt first_chunk_at: Time plain "llm_audit.first_chunk_at" "When the first chunk came.";
                LastChunkAt last_chunk_at: Time plain "llm_audit.last_chunk_at" "When the last chunk came.";
                ResponseAt response_at: Time plain "llm_audit.response_at" "When the response was complete.";
                LatencyUs latency_us: Int plain "llm_audit.latency_us" "From begin to end, in microseconds.";
                TimeToFirstChunkUs time_to_first_chunk_us: Int plain "gen_ai.response.time_to_first_chunk" "From sending to the first chunk, in microseconds.";
                QueueUs queue_us: Int plain "llm_audit.queue_us" "Time in a queue before sending, in microseconds.";
                TokensPerSecond tokens_per_second: Float plain "llm_audit.tokens_per_second" "Output tokens a second.";
                ChunkCount chunk_count: Int plain "llm_audit.chunk_count" "Number of chunks.";
                InterChunkP50Us inter_chunk_p50_us: Int plain "llm_audit.inter_chunk_p50_us" "Median time between chunks, in microseconds.";
                InterChunkP95Us inter_chunk_p95_us: Int plain "llm_audit.inter_chunk_p95_us" "95th percentile of it.";
            }
            host Routing {
                RoutingMode routing_mode: Text plain "llm_audit.routing.mode" "How the model was chosen: manual, context, default, fallback, experiment.";
                RoutingChoice routing_choice: Text plain "llm_audit.routing.choice" "What the user chose by hand.";
                RoutingReason routing_reason: Text plain "llm_audit.routing.reason" "Why the router chose so.";
                RoutingCandidates routing_candidates: Texts plain "llm_audit.routing.candidates" "Models that were considered.";
                RoutingVariant routing_variant: Text plain "llm_audit.routing.variant" "Variant of an experiment.";
                Attempt attempt: Int plain "llm_audit.attempt" "Number of the attempt, from 1.";
                Retries retries: Int plain "llm_audit.retries" "Attempts after the first.";
                CacheHit cache_hit: Bool plain "llm_audit.cache_hit" "Whether the answer came from the host's own cache.";
            }
            host Resources {
                CpuUs cpu_us: Int plain "llm_audit.resources.cpu_us" "CPU time, in microseconds: of the call as the host says, of the process since its start as a probe says.";
                MemoryBytes memory_bytes: Int plain "llm_audit.resources.memory_bytes" "Memory in use, in bytes.";
                GpuUtilization gpu_utilization: Float plain "llm_audit.resources.gpu_utilization" "Utilisation of the GPU, 0 to 1.";
                EnergyJoules energy_joules: Float plain "llm_audit.resources.energy_joules" "Energy, in joules.";
            }
            host ErrorDetail {
                ErrorMessage error_message: Text sensitive "exception.message" "Text of the error.";
                ErrorStack error_stack: Text sensitive "exception.stacktrace" "Stack of the error.";
                ErrorBody error_body: Text sensitive "llm_audit.error.body" "Body of the provider's error response.";
            }
            host Source {
                ServiceName service_name: Text plain "service.name" "Service that made the call.";
                ServiceVersion service_version: Text plain "service.version" "Its version.";
                Environment environment: Text plain "deployment.environment.name" "Environment that it runs in.";
                Region region: Text plain "cloud.region" "Region that it runs in.";
                Source source: Text plain "llm_audit.source" "Where in the product the call was made.";
                Endpoint endpoint: Text plain "http.route" "Route of the host's own request.";
                AutomationName automation_name: Text plain "llm_audit.automation.name" "Automation that made the call.";
                AutomationType automation_type: Text plain "llm_audit.automation.type" "Type of automation.";
                FolderPath folder_path: Text sensitive "llm_audit.folder_path" "Folder that the user worked in.";
                PromptType prompt_type: Text plain "llm_audit.prompt.type" "Type of prompt: free_form, skill, template.";
                SkillName skill_name: Text plain "llm_audit.skill.name" "Skill that was run.";
                SkillTest skill_test: Bool plain "llm_audit.skill.test" "Whether the skill was run to test a connection.";
                AgentId agent_id: Text plain "gen_ai.agent.id" "Agent's id.";
                AgentName agent_name: Text plain "gen_ai.agent.name" "Agent's name.";
                AgentVersion agent_version: Text plain "gen_ai.agent.version" "Agent's version.";
                WorkflowName workflow_name: Text plain "gen_ai.workflow.name" "Workflow's name.";
                StepName step_name: Text plain "llm_audit.step.name" "Name of a step: a filter, a classifier, an external service.";
                PromptTemplateId prompt_template_id: Text plain "gen_ai.prompt.name" "Prompt template.";
                PromptTemplateVersion prompt_template_version: Text plain "gen_ai.prompt.version" "Its version.";
                PromptTemplateDigest prompt_template_digest: Text plain "llm_audit.prompt.template_digest" "Digest of its text.";
                CodeFunction code_function: Text plain "code.function.name" "Function that made the call.";
                CodeFile code_file: Text plain "code.file.path" "File of that function.";
                CodeLine code_line: Int plain "code.line.number" "Line in that file.";
            }
            host Metrics {
                Metrics metrics: Numbers plain "llm_audit.metrics" "The user's own numbers, by name.";
            }
            host Metadata {
                Tags tags: Texts sensitive "llm_audit.tags" "The user's own tags.";
                Metadata metadata: JsonMap sensitive "llm_audit.metadata" "The user's own values, by key; each is JSON text.";
            }
            host Classification {
                ClassificationFile classification_file: Text plain "llm_audit.classification.file" "Label of the file.";
                ClassificationRepo classification_repo: Text plain "llm_audit.classification.repo" "Label of the repository.";
                ClassificationGroup classification_group: Text plain "llm_audit.classification.group" "Label of the group.";
                SensitivityLabels sensitivity_labels: Texts plain "llm_audit.sensitivity_labels" "Other sensitivity labels.";
            }
            own Classification {
                ClassificationEffective classification_effective: Text plain "llm_audit.classification.effective" "The highest of the three, by the policy's order.";
            }
            host Guardrails {
                GuardrailsAssigned guardrails_assigned: Texts plain "llm_audit.guardrails.assigned" "Guardrails that were to be applied.";
                Guardrails guardrails: Guardrails plain "llm_audit.guardrails" "Verdicts of guardrails.";
            }
            host Detections {
                PromptPiiDetected prompt_pii_detected: Bool plain "llm_audit.detections.prompt.pii" "Whether the prompt holds personal data; absent when nothing looked.";
                PromptPiiCounts prompt_pii_counts: Counts plain "llm_audit.detections.prompt.pii_counts" "Personal data in the prompt, by type.";
                ResponsePiiDetected response_pii_detected: Bool plain "llm_audit.detections.response.pii" "Whether the response holds personal data; absent when nothing looked.";
                ResponsePiiCounts response_pii_counts: Counts plain "llm_audit.detections.response.pii_counts" "Personal data in the response, by type.";
                ZeroShotLabel zero_shot_label: Text plain "llm_audit.detections.zero_shot.label" "Label of a zero-shot classifier.";
                ZeroShotScore zero_shot_score: Float plain "llm_audit.detections.zero_shot.score" "Its score.";
                ZeroShotModel zero_shot_model: Text plain "llm_audit.detections.zero_shot.model" "The classifier.";
                PromptToxicity prompt_toxicity: Float plain "llm_audit.detections.prompt.toxicity" "Toxicity of the prompt, 0 to 1.";
                ResponseToxicity response_toxicity: Float plain "llm_audit.detections.response.toxicity" "Toxicity of the response, 0 to 1.";
                InjectionScore injection_score: Float plain "llm_audit.detections.injection" "Prompt injection, 0 to 1.";
                JailbreakScore jailbreak_score: Float plain "llm_audit.detections.jailbreak" "Jailbreak, 0 to 1.";
                AnomalyScore anomaly_score: Float plain "llm_audit.detections.anomaly" "Anomaly, 0 to 1.";
                DistressScore distress_score: Float plain "llm_audit.detections.distress" "Distress of the user, 0 to 1.";
            }
            host Evaluation {
                Evaluations evaluations: Evaluations sensitive "llm_audit.evaluations" "Scores of evaluators.";
            }
            host Feedback {
                FeedbackThumb feedback_thumb: Text sensitive "llm_audit.feedback.thumb" "Thumb of a person: up or down.";
                FeedbackRating feedback_rating: Float sensitive "llm_audit.feedback.rating" "Rating of a person, on the host's own scale.";
                FeedbackComment feedback_comment: Text sensitive "llm_audit.feedback.comment" "Comment of a person.";
                FeedbackAccepted feedback_accepted: Bool sensitive "llm_audit.feedback.accepted" "Whether the answer was accepted.";
                FeedbackEdited feedback_edited: Bool sensitive "llm_audit.feedback.edited" "Whether the answer was edited.";
                FeedbackCopied feedback_copied: Bool sensitive "llm_audit.feedback.copied" "Whether the answer was copied.";
                FeedbackRegenerated feedback_regenerated: Bool sensitive "llm_audit.feedback.regenerated" "Whether another answer was asked for.";
                Correction correction: Text sensitive "llm_audit.correction" "The answer as a person adjusted it.";
                OversightDecision oversight_decision: Text sensitive "llm_audit.oversight.decision" "Decision of a person: approved, edited, rejected, escalated.";
                OversightReason oversight_reason: Text sensitive "llm_audit.oversight.reason" "Reason for it.";
                OversightLatencyUs oversight_latency_us: Int plain "llm_audit.oversight.latency_us" "Time that the decision took, in microseconds.";
                AnnotatorKind annotator_kind: Text plain "llm_audit.annotator.kind" "Who gives the late fact: human, model, code.";
            }
            host Training {
                TrainingAllowed training_allowed: Bool plain "llm_audit.training.allowed" "Whether the event may be used for training.";
                TrainingBasis training_basis: Text plain "llm_audit.training.basis" "On what basis: consent, contract and others.";
                DatasetIds dataset_ids: Texts plain "llm_audit.training.dataset_ids" "Datasets that hold the event.";
                DatasetSplit dataset_split: Text plain "llm_audit.training.split" "Part of the dataset: train, validation, test.";
            }
        }
    };
}

pub(crate) use with_catalog;
