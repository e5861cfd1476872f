//! The rules of a redactor that are in force, for people who read a policy.

use super::operator::Operator;
use super::settings::RuleSettings;
use super::{Confidence, Redactor};

impl Redactor {
    /// Returns what is in force, entry by entry as in a policy file, defaults among them; values and
    /// expressions are counted and not shown.
    pub(crate) fn in_force(&self) -> Vec<(String, String)> {
        let settings = &self.0.settings;
        let mut entries = vec![
            ("engine".to_owned(), Self::ENGINE_VERSION.to_owned()),
            ("preset".to_owned(), settings.preset.name().to_owned()),
        ];
        rules(&mut entries, "", &settings.rules());
        for (facet, of_facet) in &settings.facets {
            rules(&mut entries, &format!("facets.{facet}."), of_facet);
        }
        let counts = [
            ("allow", settings.allow.len(), "values"),
            ("allow_regex", settings.allow_regex.len(), "patterns"),
        ];
        for (entry, count, what) in counts.into_iter().filter(|(_, count, _)| *count > 0) {
            entries.push((entry.to_owned(), format!("{count} {what}")));
        }
        for detector in &self.0.detectors {
            let entry = if detector.is_foreign() {
                "detectors"
            } else {
                "patterns"
            };
            let types = detector.types().iter();
            let types: Vec<_> = types
                .map(|found| format!("{found} ({})", found.family().name()))
                .collect();
            entries.push((format!("{entry}.{}", detector.name()), types.join(", ")));
        }
        let (bytes, time) = self.0.budget.limits();
        entries.push(("max_bytes".to_owned(), bytes.to_string()));
        entries.push(("max_time_ms".to_owned(), time.as_millis().to_string()));
        entries
    }
}

fn rules(entries: &mut Vec<(String, String)>, prefix: &str, rules: &RuleSettings) {
    for (target, operator) in &rules.operators {
        entries.push((format!("{prefix}operators.{target}"), shown(operator)));
    }
    for (path, operator) in &rules.paths {
        entries.push((format!("{prefix}paths.\"{path}\""), shown(operator)));
    }
    for path in &rules.allow_paths {
        let entry = format!("{prefix}allow_paths.\"{path}\"");
        entries.push((entry, "personal data stays".to_owned()));
    }
    if let Some(least) = rules.min_confidence {
        let entry = format!("{prefix}min_confidence");
        entries.push((entry, Confidence::name(least).to_owned()));
    }
}

/// Returns an operator without the text that it writes.
fn shown(operator: &str) -> String {
    match operator.parse() {
        Ok(Operator::Replace(_)) | Err(_) => {
            operator.split(':').next().unwrap_or_default().to_owned()
        }
        Ok(_) => operator.to_owned(),
    }
}
