//! Who asks, from where, and on whose behalf.

use llm_audit::Fields;

use crate::random::Random;

const TENANTS: &[&str] = &["acme", "globex", "initech", "umbrella"];
const TEAMS: &[&str] = &["support", "search", "billing", "docs", "mobile"];
const ROLES: &[&str] = &["agent", "editor", "reviewer", "admin"];
const REGIONS: &[&str] = &["eu-central-1", "eu-north-1", "us-east-1"];
const AGENTS: &[&str] = &["Mozilla/5.0", "assist-ios/4.2", "assist-cli/1.9"];

/// A person in a session.
pub(crate) struct Person {
    pub(crate) fields: Fields,
    pub(crate) project: String,
}

/// Returns somebody; some come far more often than others.
pub(crate) fn somebody(random: &mut Random, session: u64) -> Person {
    let share = random.share();
    let user = (share * share * share * 2_000.0) as u64;
    let of = |words: &[&'static str]| words.get(user as usize % words.len()).copied();
    let (tenant, team) = (
        of(TENANTS).unwrap_or_default(),
        of(TEAMS).unwrap_or_default(),
    );
    let project = format!("p-{:03}", user % 40);
    let fields = Fields::new()
        .user_id(format!("u-{user:05}"))
        .end_user_id(format!("customer-{:06}", random.within(0, 50_000)))
        .user_roles([random.word(ROLES)])
        .user_groups([tenant, team])
        .tenant_id(tenant)
        .team(team)
        .project_id(project.as_str())
        .project_path(format!("{tenant}/{team}/{project}"))
        .project_ancestors([tenant, team])
        .code_owners([format!("@{tenant}/{team}")])
        .session_id(format!("s-{session:08x}-{:04x}", random.within(0, 65_536)))
        .conversation_id(format!("c-{session:08x}"))
        .device_id(format!("d-{:05}", user * 2 + random.within(0, 2)))
        .client_address(format!("192.0.2.{}", user % 250))
        .user_agent(random.word(AGENTS))
        .service_name("assist")
        .service_version("4.2.1")
        .environment(if random.once_in(12) {
            "staging"
        } else {
            "production"
        })
        .region(random.word(REGIONS));
    Person { fields, project }
}
