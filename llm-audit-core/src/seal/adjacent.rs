//! Texts that stand side by side in a message, where a value may have been cut in two.

use crate::catalog::Field;
use crate::event::Part;
use crate::facet::Facet;
use crate::level::Level;

use super::parts::facet_of;
use super::report::place_of_part;
use super::scrub;
use super::treatment::Treatment;
use crate::redact::Step;

/// What came of a part's text as one of several.
pub(super) enum Joined {
    /// It is to be looked at by itself only.
    Alone,
    /// What is left of it.
    Redacted(String),
    /// It could not be redacted.
    Failed,
}

/// Where the text of a part is in `field`.
fn content_place(field: Field) -> Vec<Step> {
    let mut place = place_of_part(field).to_vec();
    place.push(Step::Column("content"));
    place
}

impl Treatment<'_> {
    /// Redacts each run of adjacent texts as one text, and returns what is left of each part.
    pub(super) fn joined_texts(
        &mut self,
        field: Field,
        container: Facet,
        role: Option<&str>,
        parts: &[Part],
    ) -> Vec<Joined> {
        let mut joined = Vec::new();
        let mut rest = parts;
        while let Some(first) = rest.first() {
            let facet = facet_of(first, role, container);
            let belongs =
                |part: &&Part| scrub::may_go_on(part) && facet_of(part, role, container) == facet;
            let length = rest.iter().take_while(belongs).count();
            let (run, tail) = rest.split_at(length.max(1));
            rest = tail;
            let level = self.level(container).min(self.level(facet));
            let kept = level >= Level::Redacted && (!facet.is_content() || self.is_sampled(facet));
            let families = self
                .families_at(level, facet)
                .filter(|_| kept && length > 1);
            let Some(families) = families else {
                joined.extend(run.iter().map(|_| Joined::Alone));
                continue;
            };
            let texts = run
                .iter()
                .map(|part| part.content.clone().unwrap_or_default());
            let mut texts: Vec<_> = texts.collect();
            let scrubbed = self.scrub(Some(facet), &content_place(field), |session| {
                scrub::scrub_adjacent(session, families, &mut texts)
            });
            if self.note(field, Some(facet), scrubbed) {
                joined.extend(texts.into_iter().map(Joined::Redacted));
            } else {
                joined.extend(run.iter().map(|_| Joined::Failed));
            }
        }
        joined
    }
}
