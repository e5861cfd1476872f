use super::*;
use crate::hold::Hold;
use crate::testing::ManualClock;
use std::path::Path;

const PATIENCE: Duration = Duration::from_secs(30);

/// Users for 7 days, everything else for ever.
fn users_for_a_week() -> PolicyBuilder {
    policy()
        .facet(Facet::User, Level::Full)
        .retention(Retention::Forever)
        .retain(Facet::User, Retention::Days(7))
}

fn start(vfs: &Arc<MemVfs>, clock: &ManualClock, policy: PolicyBuilder) -> AuditGuard {
    let vfs = Arc::clone(vfs) as Arc<dyn crate::vfs::Vfs>;
    let log = builder().policy(policy.build().unwrap()).journal(DIR);
    log.vfs(vfs).clock(clock.clone()).spawn().unwrap()
}

/// A log of two users that is eight days old, and the next start of its program.
fn aged(policy: impl Fn() -> PolicyBuilder) -> (Arc<MemVfs>, ManualClock, AuditGuard) {
    let vfs = Arc::new(MemVfs::default());
    let clock = ManualClock::at("2026-01-01T12:00:00Z".parse().unwrap());
    let audit = start(&vfs, &clock, policy());
    for user in ["u-1", "u-2"] {
        let mut call = audit.begin(Operation::Chat);
        call.user_id(user).request_model("small");
        call.finish();
    }
    assert!(audit.shutdown(PATIENCE).is_complete());
    clock.advance(Duration::from_secs(8 * 86_400));
    let audit = start(&vfs, &clock, policy());
    // Its first look is behind it: that one doubts the clock.
    assert!(audit.holds().unwrap().is_empty());
    audit.confirm_clock();
    (vfs, clock, audit)
}

fn users(vfs: &Arc<MemVfs>) -> Vec<Option<String>> {
    let calls = of_kind(vfs, &Kind::Interaction).into_iter();
    calls
        .map(|call| call.user_id().map(str::to_owned))
        .collect()
}

#[test]
fn a_run_on_a_thread_of_its_own_does_what_its_plan_says_and_records_it() {
    let (vfs, _, audit) = aged(users_for_a_week);
    let plan = audit.plan_retention(PATIENCE).unwrap();
    assert_eq!(plan.events, 2, "{plan:?}");
    assert_eq!(
        users(&vfs),
        [Some("u-1".to_owned()), Some("u-2".to_owned())]
    );
    assert!(audit.run_retention(PATIENCE).is_complete());
    assert_eq!(users(&vfs), [None, None]);
    let runs = of_kind(&vfs, &Kind::RetentionRun);
    assert_eq!(runs.len(), 1);
    let names: Vec<_> = plan
        .rewritten
        .iter()
        .map(|planned| planned.file.clone())
        .collect();
    assert_eq!(runs[0].rewritten(), Some(names.as_slice()));
    assert_eq!(runs[0].narrowed(), Some(plan.events));
    assert_eq!(runs[0].absence(Facet::User), Some(Absence::Expired));
    assert_eq!(plan.facets.iter().collect::<Vec<_>>(), [Facet::User]);
    let nothing = audit.plan_retention(PATIENCE).unwrap();
    assert!(nothing.rewritten.is_empty() && nothing.deleted.is_empty());
}

#[test]
fn a_hold_is_recorded_survives_and_wins_until_it_is_lifted() {
    let (vfs, clock, audit) = aged(users_for_a_week);
    audit
        .hold(Hold::subject("m 7", "u-1"), "legal", "a claim")
        .unwrap();
    assert!(audit.hold(Hold::subject("", "u-1"), "legal", "").is_err());
    assert_eq!(audit.holds().unwrap().len(), 1);
    assert!(audit.run_retention(PATIENCE).is_complete());
    assert!(audit.shutdown(PATIENCE).is_complete());
    let audit = start(&vfs, &clock, users_for_a_week());
    audit.confirm_clock();
    assert!(audit.run_retention(PATIENCE).is_complete());
    assert_eq!(users(&vfs), [Some("u-1".to_owned()), None]);
    assert!(audit.lift_hold("m 7", "legal", "settled").unwrap());
    assert!(!audit.lift_hold("m 7", "legal", "settled").unwrap());
    assert!(audit.run_retention(PATIENCE).is_complete());
    assert!(audit.shutdown(PATIENCE).is_complete());
    assert_eq!(users(&vfs), [None, None]);
    let told = of_kind(&vfs, &Kind::LegalHold);
    assert_eq!(told.len(), 2);
    assert_eq!(told[0].hold(), Some("m 7"));
    assert_eq!(told[0].change_actor(), Some("legal"));
    assert_eq!(told[0].change_after(), told[1].change_before());
    assert!(!told.iter().any(|event| event.to_json().contains("u-1")));
    assert!(
        audit
            .hold(Hold::session("m", "s"), "", "")
            .unwrap_err()
            .is_refused()
    );
}

#[test]
fn a_hold_of_the_policy_wins_as_long_as_the_policy_has_it() {
    let held = || users_for_a_week().hold(Hold::subject("m 7", "u-2"));
    let (vfs, clock, audit) = aged(held);
    assert!(audit.run_retention(PATIENCE).is_complete());
    assert!(audit.shutdown(PATIENCE).is_complete());
    assert_eq!(users(&vfs), [None, Some("u-2".to_owned())]);
    let audit = start(&vfs, &clock, users_for_a_week());
    audit.confirm_clock();
    assert!(audit.run_retention(PATIENCE).is_complete());
    assert!(audit.shutdown(PATIENCE).is_complete());
    assert_eq!(users(&vfs), [None, None]);
    // The policy is in the log, and whom it holds is not.
    let starts = of_kind(&vfs, &Kind::LogOpened);
    assert!(starts[0].policy_text().unwrap().contains("m 7"));
    assert!(!starts[0].policy_text().unwrap().contains("u-2"));
    assert_eq!(of_kind(&vfs, &Kind::LegalHold).len(), 1);
}

#[test]
fn the_holds_of_a_policy_that_replaces_another_are_in_force_until_the_next() {
    let (vfs, _, audit) = aged(users_for_a_week);
    let held = users_for_a_week().hold(Hold::subject("m 7", "u-1"));
    audit
        .replace_policy(held.build().unwrap(), "legal", "claim")
        .unwrap();
    assert!(audit.run_retention(PATIENCE).is_complete());
    assert_eq!(users(&vfs), [Some("u-1".to_owned()), None]);
    let none = users_for_a_week().build().unwrap();
    audit.replace_policy(none, "legal", "settled").unwrap();
    assert!(audit.run_retention(PATIENCE).is_complete());
    assert_eq!(users(&vfs), [None, None]);
    let told = of_kind(&vfs, &Kind::LegalHold);
    let reasons: Vec<_> = told.iter().map(Event::change_reason).collect();
    assert_eq!(reasons, [Some("claim"), Some("settled")]);
}

#[test]
fn a_log_begins_with_its_opening_also_when_the_first_policy_has_a_hold() {
    let vfs = Arc::new(MemVfs::default());
    let report = run(&vfs, Policy::none(), |audit| {
        let held = Policy::builder().facet(Facet::Model, Level::Full);
        let held = held.hold(Hold::subject("m", "u-1"));
        audit.replace_policy(held.build().unwrap(), "", "").unwrap();
    });
    assert!(report.is_complete());
    let first = events(&vfs).into_iter().find(|event| event.seq().is_some());
    assert_eq!(*first.unwrap().kind(), Kind::LogOpened);
    assert_eq!(of_kind(&vfs, &Kind::LegalHold).len(), 1);
}

#[test]
fn whom_a_hold_is_about_cannot_be_guessed_from_its_record() {
    let hold = || Hold::subject("m", "u-1");
    let keyed = || users_for_a_week().key(Key::bytes("k1", &[7; 32]).unwrap());
    for (policy, has_key) in [(keyed(), true), (users_for_a_week(), false)] {
        let vfs = Arc::new(MemVfs::default());
        let report = run(&vfs, policy.build().unwrap(), |audit| {
            audit.hold(hold(), "legal", "a claim").unwrap();
            assert!(audit.lift_hold("m", "legal", "settled").unwrap());
        });
        assert!(report.is_complete());
        let told = of_kind(&vfs, &Kind::LegalHold);
        assert_eq!(told.len(), 2);
        assert_eq!(told[0].change_after(), told[1].change_before());
        for event in &told {
            let digests = [event.change_before(), event.change_after()];
            let is_keyed = |digest: Option<&str>| digest.is_some_and(|it| it.starts_with("h:k1:"));
            assert_eq!(digests.map(is_keyed), [has_key; 2]);
            assert_eq!(digests.map(|digest| digest.is_some()), [has_key; 2]);
        }
    }
    // Nor from the text of a policy that has it.
    let text = |policy: PolicyBuilder| {
        let policy = policy.hold(hold()).build().unwrap();
        policy.canonical_text().to_owned()
    };
    let json: serde_json::Value = serde_json::from_str(&text(users_for_a_week())).unwrap();
    assert_eq!(json["holds"]["m"], "subject");
    assert!(text(keyed()).contains("h:k1:"));
}

#[test]
fn a_person_is_held_under_every_pseudonym_and_a_name_that_holds_nothing_is_refused() {
    let (old, new) = (Key::bytes("k1", &[1; 32]), Key::bytes("k2", &[2; 32]));
    let keys = crate::KeyRing::new(new.unwrap()).with_old(old.unwrap());
    let with = |keys: &crate::KeyRing| {
        let policy = users_for_a_week().keys(keys.clone());
        policy.facet(Facet::User, Level::Digest)
    };
    let vfs = Arc::new(MemVfs::default());
    let clock = ManualClock::at("2026-01-01T12:00:00Z".parse().unwrap());
    let first = crate::KeyRing::new(keys.iter().last().unwrap().clone());
    for keys in [&first, &keys] {
        let audit = start(&vfs, &clock, with(keys));
        for (user, tenant) in [("u-1", None), ("u-1", Some("acme")), ("u-2", None)] {
            let mut call = audit.begin(Operation::Chat);
            call.user_id(user).request_model("small");
            if let Some(tenant) = tenant {
                call.tenant_id(tenant);
            }
            call.finish();
        }
        assert!(audit.shutdown(PATIENCE).is_complete());
    }
    clock.advance(Duration::from_secs(8 * 86_400));
    let audit = start(&vfs, &clock, with(&keys));
    let wrong = audit.hold(Hold::subject("m", "u-1"), "", "").unwrap_err();
    assert!(wrong.to_string().contains("Hold::person"), "{wrong}");
    let person = Hold::person("m", "u-1", &keys, ["acme"]);
    audit.hold(person, "legal", "a claim").unwrap();
    audit.confirm_clock();
    assert!(audit.run_retention(PATIENCE).is_complete());
    let kept: Vec<_> = users(&vfs).iter().map(Option::is_some).collect();
    assert_eq!(kept, [true, true, false, true, true, false]);
    // In a policy it is refused as well.
    let wrong = with(&keys).hold(Hold::subject("m", "u-1")).build();
    assert!(wrong.unwrap_err().to_string().contains("Hold::person"));
    let wrong = users_for_a_week().key(Key::bytes("k1", &[1; 32]).unwrap());
    let wrong = wrong.facet(Facet::Session, Level::Digest);
    assert!(wrong.hold(Hold::session("m", "s-1")).build().is_err());
}

#[test]
fn a_hold_is_not_lifted_before_the_record_of_that_is_durable() {
    let (vfs, clock, audit) = aged(users_for_a_week);
    audit.hold(Hold::subject("m", "u-1"), "legal", "").unwrap();
    assert!(audit.shutdown(PATIENCE).is_complete());
    let log = builder().policy(users_for_a_week().build().unwrap());
    let log = log.journal(DIR).ack_timeout(Duration::from_millis(500));
    let log = log.vfs(Arc::clone(&vfs) as Arc<dyn crate::vfs::Vfs>);
    let audit = log.clock(clock.clone()).spawn().unwrap();
    assert!(audit.flush(PATIENCE).is_complete());
    vfs.fail_one_in(crate::vfs::Op::Write, crate::vfs::Fault::Io, 1);
    assert!(audit.lift_hold("m", "legal", "settled").is_err());
    let holds = vfs.get(&Path::new(DIR).join("holds.json")).unwrap();
    assert!(String::from_utf8(holds).unwrap().contains("u-1"));
    vfs.heal();
    clock.advance(Duration::from_secs(60));
}

#[test]
fn a_policy_file_says_what_is_held_and_how_long_facets_are_kept() {
    let text = r#"{
        "facets": { "model": { "level": "full", "retain": 7 }, "identity": { "retain": "90 days" } },
        "retention": { "default": "forever" },
        "hold": [ { "name": "a", "subject": "u-1" }, { "name": "b", "session": "s-1" },
            { "name": "c", "since": "2026-01-01T00:00:00Z", "before": "2026-02-01T00:00:00Z" } ]
    }"#;
    let policy = Policy::from_json(text).unwrap();
    let (since, before) = (
        "2026-01-01T00:00:00Z".parse().unwrap(),
        "2026-02-01T00:00:00Z".parse().unwrap(),
    );
    assert_eq!(
        policy.holds(),
        [
            Hold::subject("a", "u-1"),
            Hold::session("b", "s-1"),
            Hold::between("c", since, before)
        ]
    );
    assert_eq!(policy.retentions().of(Facet::Model), Retention::Days(7));
    assert_eq!(policy.retentions().of(Facet::Device), Retention::Days90);
    for wrong in [
        r#"{"name": "a"}"#,
        r#"{"name": "a", "subject": "u", "session": "s"}"#,
        r#"{"subject": "u"}"#,
    ] {
        let error = Policy::from_json(&format!(r#"{{"hold": [{wrong}]}}"#)).unwrap_err();
        assert!(error.to_string().contains("hold"), "{error}");
    }
}
