//! What comes before the first turn of a session.

use crate::log::Log;
use crate::random::Random;

/// Records a connection or a skill, now and then; returns how many events that makes.
pub(crate) fn record(log: &Log, random: &mut Random, project: &str) -> u64 {
    if random.once_in(20) {
        let mut connection = log.audit.model_connection("openai");
        connection.connection_method("api_key");
        connection.credential_alias("assist").record();
        1
    } else if random.once_in(20) {
        let mut skill = log.audit.skill_triggered("explain");
        skill.skill_test(false).source(project).record();
        1
    } else {
        0
    }
}
