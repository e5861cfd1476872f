//! Paths into JSON: a subset of RFC 9535, compiled to a tree that is walked with the value.
//!
//! A path is `$` and any number of `.name` (a member), `..name` (a member at any depth) and `[*]`
//! (every element, or every member). Names are compared without regard to case, `_` and `-`.

use std::cmp::Reverse;

use super::operator::Operator;
use crate::sorted::SortedMap;

/// What is done with the value at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PathRule {
    /// The operator is applied to the value as a whole.
    Operate(Operator),
    /// Personal data in it stays.
    Allow,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    Member(String),
    Each,
    Deep(String),
}

/// A parsed path; it ends in no wildcard of descendants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path(Vec<Segment>);

/// Which of several rules for one value holds: the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// A facet's own rule stands over one for all facets.
    of_facet: bool,
    steps: usize,
    deep_steps: Reverse<usize>,
}

/// Rules by path.
#[derive(Clone, Debug, Default)]
pub(super) struct Paths {
    /// The first is the root.
    nodes: Vec<Node>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    members: SortedMap<String, usize>,
    each: Option<usize>,
    /// The node whose members are looked for at any depth below this one.
    deep: Option<usize>,
    /// Whether this node stays active below the value it was reached at.
    stays: bool,
    rule: Option<(Rank, PathRule)>,
}

/// Where in the tree a value is: nodes, each once.
pub(super) type At = Vec<usize>;

const MAX_STEPS: usize = 32;

impl Path {
    /// Returns the path that `text` is, or what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str = "a path is `$` and then `.name`, `..name` or `[*]`, as in \
                            `$.user.ssn`, `$..password` or `$.items[*].sku`";
        let mut rest = text.strip_prefix('$').ok_or(FORM)?;
        let mut segments = Vec::new();
        while !rest.is_empty() {
            if let Some(behind) = rest.strip_prefix("[*]") {
                segments.push(Segment::Each);
                rest = behind;
                continue;
            }
            let (deep, behind) = match rest.strip_prefix("..") {
                Some(behind) => (true, behind),
                None => (false, rest.strip_prefix('.').ok_or(FORM)?),
            };
            let end = behind.find(['.', '[']).unwrap_or(behind.len());
            let (name, behind) = behind.split_at(end);
            let name = normal(name);
            if name.is_empty() || name.contains(['*', ']', '"', '\'', '$']) {
                return Err(FORM.to_owned());
            }
            segments.push(match deep {
                true => Segment::Deep(name),
                false => Segment::Member(name),
            });
            rest = behind;
        }
        if segments.len() > MAX_STEPS {
            return Err(format!("a path has at most {MAX_STEPS} steps"));
        }
        Ok(Self(segments))
    }
}

impl Paths {
    /// Adds a rule; of rules at equal paths the first of a facet's own stands.
    pub(super) fn add(&mut self, path: &Path, rule: PathRule, of_facet: bool) {
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        let (mut at, mut deep_steps) = (0, 0);
        for segment in &path.0 {
            at = match segment {
                Segment::Member(name) => self.member(at, name),
                Segment::Each => self.child(at, |node| &mut node.each),
                Segment::Deep(name) => {
                    deep_steps += 1;
                    let below = self.child(at, |node| &mut node.deep);
                    if let Some(node) = self.nodes.get_mut(below) {
                        node.stays = true;
                    }
                    self.member(below, name)
                }
            };
        }
        let rank = Rank {
            of_facet,
            steps: path.0.len(),
            deep_steps: Reverse(deep_steps),
        };
        if let Some(node) = self.nodes.get_mut(at)
            && node.rule.as_ref().is_none_or(|(known, _)| *known < rank)
        {
            node.rule = Some((rank, rule));
        }
    }

    /// Returns where the document as a whole is.
    pub(super) fn root(&self) -> At {
        let mut at = At::new();
        if !self.nodes.is_empty() {
            self.reach(0, &mut at);
        }
        at
    }

    /// Returns where the member `name` of a value at `from` is.
    pub(super) fn member_of(&self, from: &At, name: &str) -> At {
        if from.is_empty() {
            return At::new();
        }
        let name = normal(name);
        self.step(from, |node| [node.members.get(&name).copied(), node.each])
    }

    /// Returns where the elements of an array at `from` are.
    pub(super) fn element_of(&self, from: &At) -> At {
        self.step(from, |node| [node.each, None])
    }

    /// Returns the rule for a value at `at`.
    pub(super) fn rule(&self, at: &At) -> Option<&PathRule> {
        let rules = at
            .iter()
            .filter_map(|node| self.nodes.get(*node)?.rule.as_ref());
        rules.max_by_key(|(rank, _)| *rank).map(|(_, rule)| rule)
    }

    /// Returns the operators of all rules.
    pub(super) fn operators(&self) -> impl Iterator<Item = &Operator> {
        let rules = self.nodes.iter().filter_map(|node| node.rule.as_ref());
        rules.filter_map(|(_, rule)| match rule {
            PathRule::Operate(operator) => Some(operator),
            PathRule::Allow => None,
        })
    }

    fn step(&self, from: &At, next: impl Fn(&Node) -> [Option<usize>; 2]) -> At {
        let mut at = At::new();
        for index in from {
            let Some(node) = self.nodes.get(*index) else {
                continue;
            };
            if node.stays {
                self.reach(*index, &mut at);
            }
            for index in next(node).into_iter().flatten() {
                self.reach(index, &mut at);
            }
        }
        at
    }

    fn reach(&self, index: usize, at: &mut At) {
        let deep = self.nodes.get(index).and_then(|node| node.deep);
        for index in [Some(index), deep].into_iter().flatten() {
            if !at.contains(&index) {
                at.push(index);
            }
        }
    }

    fn member(&mut self, at: usize, name: &str) -> usize {
        let new = self.nodes.len();
        let Some(node) = self.nodes.get_mut(at) else {
            return at;
        };
        let index = *node.members.or_insert(name.to_owned(), new);
        self.grow_to(index);
        index
    }

    fn child(&mut self, at: usize, slot: impl Fn(&mut Node) -> &mut Option<usize>) -> usize {
        let new = self.nodes.len();
        let Some(node) = self.nodes.get_mut(at) else {
            return at;
        };
        let index = *slot(node).get_or_insert(new);
        self.grow_to(index);
        index
    }

    fn grow_to(&mut self, index: usize) {
        if index == self.nodes.len() {
            self.nodes.push(Node::default());
        }
    }
}

/// Returns the form in which names are compared.
fn normal(name: &str) -> String {
    let letters = name.chars().filter(|c| !matches!(c, '_' | '-'));
    letters.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(rules: &[(&str, &str, bool)]) -> Paths {
        let mut paths = Paths::default();
        for (path, word, of_facet) in rules {
            let rule = PathRule::Operate(Operator::Replace((*word).to_owned()));
            paths.add(&Path::parse(path).unwrap(), rule, *of_facet);
        }
        paths
    }

    /// Walks to a place written as `a/[]/b`, and returns the word of the rule there.
    fn at(paths: &Paths, place: &str) -> Option<String> {
        let mut at = paths.root();
        for step in place.split('/').filter(|step| !step.is_empty()) {
            at = match step {
                "[]" => paths.element_of(&at),
                name => paths.member_of(&at, name),
            };
        }
        match paths.rule(&at)? {
            PathRule::Operate(Operator::Replace(word)) => Some(word.clone()),
            _ => None,
        }
    }

    #[test]
    fn paths_match_the_values_that_rfc_9535_says() {
        for (path, inside, outside) in [
            ("$", &[""][..], &["a"][..]),
            (
                "$.user.ssn",
                &["user/ssn"],
                &["ssn", "user", "a/user/ssn", "user/[]/ssn"],
            ),
            (
                "$..password",
                &["password", "a/password", "a/[]/b/password"],
                &["a", "passwords"],
            ),
            (
                "$.items[*].sku",
                &["items/[]/sku", "items/a/sku"],
                &["items/sku", "items/[]"],
            ),
            ("$..a..b", &["a/b", "x/a/y/b", "a/[]/b"], &["b", "b/a"]),
            ("$..a.b", &["a/b", "x/a/b", "a/a/b"], &["a/x/b"]),
            ("$[*]", &["[]", "a"], &["", "a/b"]),
        ] {
            let paths = paths(&[(path, "x", false)]);
            for place in inside {
                assert_eq!(at(&paths, place).as_deref(), Some("x"), "{path} at {place}");
            }
            for place in outside {
                assert_eq!(at(&paths, place), None, "{path} at {place}");
            }
        }
    }

    #[test]
    fn names_are_compared_without_case_and_separators() {
        let paths = paths(&[("$.apiKey", "x", false)]);
        for name in ["apikey", "API_KEY", "api-key", "ApiKey"] {
            assert_eq!(at(&paths, name).as_deref(), Some("x"), "{name}");
        }
    }

    #[test]
    fn of_several_rules_the_facets_own_then_the_longer_then_the_plainer_holds() {
        let rules = paths(&[
            ("$..name", "deep", false),
            ("$.user.name", "long", false),
            ("$.name", "plain", false),
        ]);
        assert_eq!(at(&rules, "user/name").as_deref(), Some("long"));
        assert_eq!(at(&rules, "name").as_deref(), Some("plain"));
        assert_eq!(at(&rules, "x/name").as_deref(), Some("deep"));
        let rules = paths(&[("$.user.name", "long", false), ("$..name", "own", true)]);
        assert_eq!(at(&rules, "user/name").as_deref(), Some("own"));
    }

    #[test]
    fn what_is_no_path_is_refused_with_the_form() {
        for text in [
            "", "user", "$user", "$.", "$..", "$.a[0]", "$.*", "$['a']", "$.a.", "$...a",
        ] {
            let why = Path::parse(text).unwrap_err();
            assert!(why.contains("`$.user.ssn`"), "{text}: {why}");
        }
        assert!(Path::parse(&format!("${}", ".a".repeat(33))).is_err());
    }
}
