//! Every way in which an interaction can go, with marks in all that is said in it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use super::claim::Guard;
use super::kit::Outputs;
use super::plant::{Planter, plant_call, plant_recorder, planted_fields};
use crate::Ack;
use crate::audit::Audit;
use crate::context::Context;
use crate::event::{Evaluation, Guardrail, Kind, Operation, Status};
use crate::facet::Facet;
use crate::interaction::Interaction;
use crate::recorder::Recorder;

/// Says and runs everything once.
pub(super) struct Forms<'a> {
    audit: &'a Audit,
    planter: &'a Planter,
    outputs: &'a Outputs,
}

impl<'a> Forms<'a> {
    pub(super) const fn new(audit: &'a Audit, planter: &'a Planter, outputs: &'a Outputs) -> Self {
        Self {
            audit,
            planter,
            outputs,
        }
    }

    /// Runs every form.
    pub(super) fn run(&self) {
        self.finished();
        self.failed();
        self.blocked();
        self.abandoned();
        self.panicked();
        self.streamed();
        self.timed_out();
        self.durable();
        self.within_a_context();
        self.of_unknown_words();
        self.recorded();
    }

    fn finished(&self) {
        let mut call = self.audit.begin(Operation::Chat);
        self.speak(&mut call);
        plant_call(self.planter, &mut call);
        self.outputs.show(&call);
        call.sent();
        call.finish();
        let mut call = self.audit.begin(Operation::ExecuteTool);
        self.speak(&mut call);
        drop(call.finish_with::<(), _>(Err(self.error("error of finish_with"))));
    }

    fn failed(&self) {
        let mut call = self.audit.begin(Operation::InvokeAgent);
        plant_call(self.planter, &mut call);
        let header = self.planter.of("header", [Facet::Raw]);
        let token = format!("Bearer {}", self.planter.marks.secret("header"));
        call.raw_headers([
            ("authorization", token.as_str()),
            ("x-note", header.as_str()),
        ]);
        call.fail(&self.error("error of fail"));
        self.audit
            .begin(Operation::Chat)
            .fail(&self.error("error of fail"));
    }

    fn blocked(&self) {
        let mut call = self.audit.begin(Operation::Chat);
        self.speak(&mut call);
        call.block(self.verdict("verdict of block"));
    }

    fn abandoned(&self) {
        let mut call = self.audit.begin(Operation::Retrieval);
        self.speak(&mut call);
        plant_call(self.planter, &mut call);
        drop(call);
        let mut call = self.audit.begin(Operation::Chat);
        self.speak(&mut call);
        call.on_drop(Status::Cancelled);
    }

    fn panicked(&self) {
        let payload = self.planter.never("panic message");
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let mut call = self.audit.begin(Operation::Chat);
            self.speak(&mut call);
            // Not `panic!`: the hook would print the message, and the log is what is tried here.
            call.enter(|| resume_unwind(Box::new(payload)));
        }));
        drop(panicked);
    }

    fn streamed(&self) {
        for (operation, status) in [
            (Operation::Chat, Status::Partial),
            (Operation::TextCompletion, Status::Ok),
        ] {
            let mut call = self.audit.begin(operation);
            self.speak(&mut call);
            call.sent();
            let response = [Facet::Response];
            let reasoning = [Facet::Response, Facet::Reasoning];
            for (piece, number) in pieces(&self.planter.of("chunk", response)).zip(0..) {
                call.chunk(&piece).chunk_of(1 + number % 2, &piece);
            }
            for piece in pieces(&self.planter.of("reasoning_chunk", reasoning)) {
                call.reasoning_chunk(&piece);
            }
            self.outputs.show(&call);
            call.empty_chunk();
            call.end(status);
        }
    }

    fn timed_out(&self) {
        let mut call = self.audit.begin(Operation::Embeddings);
        self.speak(&mut call);
        call.deadline(Duration::ZERO);
    }

    fn durable(&self) {
        let begun = self
            .audit
            .begin_durable_blocking(Operation::Chat, |call| self.speak(call));
        match begun {
            Ok(mut call) => {
                call.failed(&self.error("error of failed"));
                self.outputs.show(&call.commit_blocking(Ack::Synced));
            }
            Err(error) => self.outputs.show(&error),
        }
        let comment = self
            .planter
            .of("comment that is committed", [Facet::Feedback]);
        let mut feedback = self.audit.feedback("1");
        let committed = feedback
            .feedback_comment(comment)
            .commit_blocking(Ack::Written);
        self.outputs.show(&committed);
    }

    fn within_a_context(&self) {
        let context = Context::default().with(planted_fields(self.planter));
        self.outputs.show(&context);
        context.enter(|| {
            let outer = self.audit.begin(Operation::InvokeWorkflow);
            outer.enter(|| {
                let mut call = self.audit.begin(Operation::Chat);
                self.speak(&mut call);
                call.finish();
            });
            outer.finish();
        });
    }

    /// Words of the host's own: only what is a word is kept as one.
    fn of_unknown_words(&self) {
        let operation = Operation::Other(self.planter.never("operation"));
        let status = Status::Other(self.planter.never("status"));
        self.audit.begin(operation).end(status);
        let kind = Kind::Other(self.planter.never("kind"));
        self.audit.event(kind).record();
    }

    fn recorded(&self) {
        let target = self
            .planter
            .behind("target of a late fact", Guard::Envelope);
        let score = Evaluation::default()
            .name(
                self.planter
                    .of("name of an evaluation", [Facet::Evaluation]),
            )
            .explanation(
                self.planter
                    .of("explanation of an evaluation", [Facet::Evaluation]),
            );
        let decision = self.planter.of("decision of oversight", [Facet::Feedback]);
        let recorders = [
            self.audit.evaluation(&target, score),
            self.audit.feedback(&target),
            self.audit
                .correction(&target, &self.planter.of("correction", [Facet::Feedback])),
            self.audit.oversight(&target, &decision),
            self.audit.consent(&target, true),
            self.audit.guardrail(self.verdict("verdict")),
            self.audit
                .model_connection(&self.planter.of("provider of a connection", [Facet::Model])),
            self.audit
                .skill_triggered(&self.planter.of("skill", [Facet::Source])),
        ];
        for mut recorder in recorders {
            recorder.record();
        }
        let mut everything: Recorder = self.audit.event(Kind::Feedback);
        plant_recorder(self.planter, &mut everything);
        self.outputs.show(&everything);
        everything.record();
    }

    /// Says something in every way that an interaction has of its own.
    fn speak(&self, call: &mut Interaction) {
        let say =
            |channel: &str, facets: &[Facet]| self.planter.of(channel, facets.iter().copied());
        let (prompt, response) = (Facet::Prompt, Facet::Response);
        let tool_response = say("tool_response", &[prompt, Facet::ToolIo]);
        let tool_call = say("tool_call", &[response, Facet::ToolIo]);
        call.system(say("system", &[prompt, Facet::SystemPrompt]))
            .prompt(say("prompt", &[prompt]))
            .assistant(say("assistant", &[prompt]))
            .tool_response(&tool_response, &tool_response)
            .reasoning(say("reasoning", &[response, Facet::Reasoning]))
            .response(say("response", &[response]))
            .tool_call(&tool_call, &tool_call, &[&tool_call]);
    }

    /// Returns an error as clients write them, with the address and what the provider said.
    fn error(&self, channel: &str) -> String {
        let said = self.planter.of(channel, [Facet::ErrorDetail]);
        let marks = &self.planter.marks;
        let (key, query) = (marks.secret(channel), marks.word(channel));
        format!("429 from https://llm.example.org/v1/chat?api-key={key}&q={query}: {said}")
    }

    fn verdict(&self, channel: &str) -> Guardrail {
        let text = self.planter.of(channel, [Facet::Guardrails]);
        Guardrail::default()
            .name(text.as_str())
            .verdict(text.as_str())
            .categories([text.as_str()])
            .error(text)
    }
}

/// Cuts `text` into pieces of seven characters, so that every mark comes in several.
fn pieces(text: &str) -> impl Iterator<Item = String> {
    let characters: Vec<char> = text.chars().collect();
    let pieces: Vec<String> = characters
        .chunks(7)
        .map(|piece| piece.iter().collect())
        .collect();
    pieces.into_iter()
}
