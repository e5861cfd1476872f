use proptest::prelude::*;

use super::*;
use crate::facet::FacetGroup;
use crate::level::Level;

const LABELS: [&str; 3] = ["low", "middle", "high"];

fn facet() -> impl Strategy<Value = Facet> {
    prop::sample::select(Facet::ALL)
}

fn level() -> impl Strategy<Value = Level> {
    prop::sample::select(Level::ALL)
}

/// Settings of a layer; the levels are among those that the facet accepts.
fn settings() -> impl Strategy<Value = Vec<(Facet, Level)>> {
    let one =
        facet().prop_flat_map(|facet| (Just(facet), prop::sample::select(facet.accepted_levels())));
    prop::collection::vec(one, 0..8)
}

fn any_levels() -> impl Strategy<Value = Levels> {
    prop::collection::vec((facet(), level()), 0..8).prop_map(|all| {
        all.into_iter()
            .fold(Levels::FULL, |levels, (facet, level)| {
                levels.with(facet, level)
            })
    })
}

fn layer(settings: &[(Facet, Level)]) -> impl FnOnce(LayerBuilder) -> LayerBuilder {
    |layer| {
        settings
            .iter()
            .fold(layer, |layer, (facet, level)| layer.facet(*facet, *level))
    }
}

prop_compose! {
    fn builder()(
        preset in prop::sample::select(Preset::ALL),
        process in settings(),
        group in prop::option::of((prop::sample::select(FacetGroup::ALL), level())),
        tenants in prop::option::of((settings(), settings())),
        rules in prop::option::of((prop::collection::vec(settings(), 3), settings())),
    ) -> PolicyBuilder {
        let mut builder = complete().consent_to_raw().preset(preset);
        for (facet, level) in process {
            builder = builder.facet(facet, level);
        }
        if let Some((group, level)) = group {
            builder = builder.group(group, level);
        }
        if let Some((acme, others)) = tenants {
            builder = builder.tenant("acme", layer(&acme)).tenants_default(layer(&others));
        }
        if let Some((rules, unclassified)) = rules {
            builder = builder.classification_order(LABELS).unclassified(layer(&unclassified));
            for (label, settings) in LABELS.iter().zip(rules) {
                builder = builder.rule(*label, layer(&settings));
            }
        }
        builder
    }
}

fn assert_not_above(lower: Levels, upper: Levels) -> Result<(), TestCaseError> {
    prop_assert_eq!(lower.min(upper), lower);
    Ok(())
}

proptest! {
    #[test]
    fn no_layer_raises_a_level(
        builder in builder(),
        tenant in prop::option::of(prop::sample::select(vec!["acme", "globex"])),
        labels in prop::collection::vec(prop::sample::select(vec!["low", "middle", "high", "odd"]), 0..3),
        call in any_levels(),
    ) {
        let policy = builder.build().unwrap();
        let mut scope = Scope::new().classification(&labels);
        scope.tenant = tenant;
        let without_call = policy.effective(&scope);
        let levels = policy.effective(&scope.call(call));
        assert_not_above(without_call, policy.levels())?;
        assert_not_above(levels, without_call)?;
        for facet in Facet::ALL.iter().filter(|facet| **facet != Facet::Guardrails) {
            prop_assert!(levels.get(*facet) <= call.get(*facet));
        }
        for (facet, level) in levels.iter() {
            prop_assert!(facet.accepted_levels().contains(&level), "{} {}", facet, level);
        }
    }

    #[test]
    fn a_higher_label_never_shows_more(builder in builder(), label in 0..2_usize) {
        let policy = builder.build().unwrap();
        let of = |label| policy.effective(&Scope::new().classification(&[LABELS[label]]));
        assert_not_above(of(label + 1), of(label))?;
    }

    #[test]
    fn an_explanation_gives_the_effective_levels(
        builder in builder(),
        labels in prop::collection::vec(prop::sample::select(LABELS.to_vec()), 0..3),
        call in any_levels(),
    ) {
        let policy = builder.build().unwrap();
        let scope = Scope::new().tenant("acme").classification(&labels).call(call);
        let levels = policy.effective(&scope);
        for row in &policy.explain(&scope) {
            prop_assert_eq!(row.level, levels.get(row.facet));
        }
    }

    #[test]
    fn the_order_of_keys_does_not_change_the_hash(
        settings in prop::collection::btree_map(facet(), any::<bool>(), 1..10),
        seed: prop::sample::Index,
    ) {
        let mut entries: Vec<String> = settings
            .iter()
            .map(|(facet, on)| format!("\"{facet}\": \"{}\"", if *on { "full" } else { "off" }))
            .collect();
        let load = |entries: &[String]| {
            let text = format!(
                r#"{{"facets": {{{}}}, "consent_to_raw": true, "retention": {{"default": 30}}}}"#,
                entries.join(", ")
            );
            Policy::from_json(&text).unwrap()
        };
        let sorted = load(&entries);
        let middle = seed.index(entries.len());
        entries.rotate_left(middle);
        let rotated = load(&entries);
        prop_assert_eq!(rotated.hash(), sorted.hash());
        entries.reverse();
        let reversed = load(&entries);
        prop_assert_eq!(reversed.canonical_text(), sorted.canonical_text());
    }

    #[test]
    fn a_policy_differs_from_itself_nowhere(builder in builder()) {
        let (one, two) = (builder.clone().build().unwrap(), builder.build().unwrap());
        prop_assert_eq!(one.diff(&two), Vec::<String>::new());
        prop_assert_eq!(one.hash(), two.hash());
    }

    #[test]
    fn garbage_is_refused_without_a_panic(text in "\\PC*") {
        drop(Policy::from_json(&text));
        #[cfg(feature = "toml")]
        drop(Policy::from_toml(&text));
    }

    #[test]
    fn garbage_of_the_right_shape_is_refused_without_a_panic(
        text in "([{}\\[\\]:,.=\\n\" 0-9-]|facets|tenant|rule|prompt|\"full\"|\"level\"|\\\\u[0-9a-f]{4}|null|1e999){0,30}"
    ) {
        drop(Policy::from_json(&text));
        #[cfg(feature = "toml")]
        drop(Policy::from_toml(&text));
    }
}

#[test]
fn deep_nesting_costs_no_stack() {
    for open in ["[", "{\"a\":"] {
        let error = Policy::from_json(&open.repeat(100_000)).unwrap_err();
        assert!(error.is_policy());
    }
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(Policy::from_json(&nested).is_err());
    #[cfg(feature = "toml")]
    assert!(Policy::from_toml(&format!("a = {nested}")).is_err());
}
