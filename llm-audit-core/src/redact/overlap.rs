//! Findings that overlap: which of them names each part, so that no part is left over.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::data_type::{DataType, Family};
use super::detectors::Confidence;
use super::scan::Hit;

/// Makes findings disjoint and puts them in the order of the text.
///
/// Secrets that overlap are hidden as one, under the type of the surer one. Elsewhere a secret stands
/// before personal data, the surer finding before others, then the longer one; what such a finding
/// leaves of another is hidden as a value of its own. No letter and no digit of a finding is left
/// over, but for the host behind a secret that ends at an `@`.
///
/// `shows` says whether the operator of the first type shows something that the one of the second
/// does not.
pub(super) fn resolve(text: &str, hits: &mut Vec<Hit>, shows: &dyn Fn(DataType, DataType) -> bool) {
    if hits.len() < 2 {
        return;
    }
    sort(hits);
    let mut pairs = hits.windows(2);
    if pairs.all(|pair| matches!(pair, [a, b] if a.end <= b.start)) {
        return;
    }
    let given = std::mem::take(hits);
    let mut rest = given.as_slice();
    while let Some(first) = rest.first() {
        let mut end = first.end;
        let joined = rest.iter().skip(1).take_while(|hit| {
            let joins = hit.start < end;
            end = end.max(hit.end);
            joins
        });
        let (group, behind) = rest
            .split_at_checked(1 + joined.count())
            .unwrap_or((rest, &[]));
        part(text, group, hits, shows);
        rest = behind;
    }
}

fn sort(hits: &mut [Hit]) {
    hits.sort_by_key(|hit| (hit.start, hit.end));
}

/// What stands before what: secrets, then the surer, then the longer.
type Rank = (bool, Confidence, usize, Reverse<usize>);

fn rank(hit: &Hit) -> Rank {
    let is_secret = hit.data_type.family() == Family::Secret;
    let length = hit.end - hit.start;
    (is_secret, hit.confidence, length, Reverse(hit.start))
}

/// Adds the disjoint findings of a group that hangs together, in the order of the text.
fn part(
    text: &str,
    group: &[Hit],
    hits: &mut Vec<Hit>,
    shows: &dyn Fn(DataType, DataType) -> bool,
) {
    let is_secret = |hit: &Hit| hit.data_type.family() == Family::Secret;
    let start = group.iter().map(|hit| hit.start).min();
    let end = group.iter().map(|hit| hit.end).max();
    let mut own = group.to_vec();
    if group.iter().any(is_secret) {
        own.retain(is_secret);
        unite(&mut own);
        own.extend(group.iter().filter(|hit| !is_secret(hit)));
        sort(&mut own);
    }
    if let Some(first) = own.iter().max_by_key(|hit| rank(hit))
        && Some(first.start) == start
        && Some(first.end) == end
    {
        // Where a prefix or a check says what the whole is, a weaker finding in it is none.
        let is_exposed = |hit: &Hit| {
            let is_none =
                first.confidence >= Confidence::Prefix && hit.confidence < first.confidence;
            !is_none && shows(first.data_type, hit.data_type)
        };
        hits.push(Hit {
            is_united: first.is_united || group.iter().any(is_exposed),
            ..*first
        });
        return;
    }
    let mut pieces = pieces(&own);
    // Where values are cut, what is shown of one could be part of another.
    for index in 1..pieces.len() {
        if let Some([last, next]) = pieces.get_mut(index - 1..=index)
            && last.end == next.start
        {
            (last.is_united, next.is_united) = (true, true);
            let is_host = is_secret(last)
                && next.data_type == DataType::Email
                && text
                    .get(next.start..)
                    .is_some_and(|rest| rest.starts_with('@'));
            if is_host {
                next.end = next.start;
            }
        }
    }
    for piece in pieces {
        if is_secret(&piece) {
            hits.push(piece);
            continue;
        }
        let whole = text.get(piece.start..piece.end).unwrap_or_default();
        if whole.contains(char::is_alphanumeric) {
            let start = piece.start + (whole.len() - whole.trim_start().len());
            hits.push(piece.moved(start..start + whole.trim().len()));
        }
    }
}

/// Returns, in the order of the text, the longest pieces over which one finding stands before all
/// others.
fn pieces(own: &[Hit]) -> Vec<Hit> {
    let mut borders: Vec<_> = own.iter().flat_map(|hit| [hit.start, hit.end]).collect();
    borders.sort_unstable();
    borders.dedup();
    let mut open: BinaryHeap<(Rank, usize)> = BinaryHeap::new();
    let mut next = 0;
    let mut pieces: Vec<(Hit, usize)> = Vec::new();
    for border in borders.windows(2) {
        let [start, end] = *border else { continue };
        while let Some(hit) = own.get(next).filter(|hit| hit.start <= start) {
            open.push((rank(hit), next));
            next += 1;
        }
        let ended = |(_, index): &(Rank, usize)| own.get(*index).is_none_or(|hit| hit.end <= start);
        while open.peek().is_some_and(ended) {
            open.pop();
        }
        let Some((hit, index)) = open
            .peek()
            .and_then(|(_, index)| Some((own.get(*index)?, *index)))
        else {
            continue;
        };
        match pieces.last_mut() {
            Some((last, of)) if *of == index && last.end == start => last.end = end,
            _ => pieces.push((hit.moved(start..end), index)),
        }
    }
    pieces.into_iter().map(|(piece, _)| piece).collect()
}

/// Makes one finding of those that overlap; they are in the order of the text.
fn unite(hits: &mut Vec<Hit>) {
    hits.dedup_by(|next, last| {
        if next.start >= last.end {
            return false;
        }
        let surer = if rank(next) > rank(last) {
            *next
        } else {
            *last
        };
        let range = last.start..last.end.max(next.end);
        let is_wider = range != (surer.start..surer.end);
        let is_united = last.is_united || next.is_united || is_wider;
        *last = Hit {
            is_united,
            ..surer.moved(range)
        };
        true
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::redact::{Detector, DetectorContext, Findings, Operator, Redactor};

    const TEXT: &str = "ab1 cd2,ef3 gh4.ij5 kl6@mn7 op8";

    fn hit(start: usize, end: usize, data_type: DataType, confidence: Confidence) -> Hit {
        Hit {
            start,
            end,
            data_type,
            detector: "test",
            confidence,
            is_united: false,
        }
    }

    fn any_hits() -> impl Strategy<Value = Vec<Hit>> {
        const TYPES: &[DataType] = &[
            DataType::IpAddress,
            DataType::Phone,
            DataType::GenericSecret,
            DataType::Jwt,
        ];
        let one = (
            0..TEXT.len(),
            1..12_usize,
            prop::sample::select(TYPES),
            prop::sample::select(Confidence::ALL),
        );
        let one = one.prop_map(|(start, length, data_type, confidence)| {
            hit(start, TEXT.len().min(start + length), data_type, confidence)
        });
        prop::collection::vec(one, 0..8)
    }

    proptest! {
        #[test]
        fn no_letter_of_any_finding_is_left_and_none_outside_is_taken(given in any_hits()) {
            let mut hits = given.clone();
            resolve(TEXT, &mut hits, &|_, _| false);
            let covers = |hits: &[Hit], at| hits.iter().any(|hit| hit.start <= at && at < hit.end);
            for (at, byte) in TEXT.bytes().enumerate() {
                let (before, after) = (covers(&given, at), covers(&hits, at));
                prop_assert!(before || !after, "{at}");
                prop_assert!(after || !before || !byte.is_ascii_alphanumeric(), "{at}");
            }
            let disjoint = hits.windows(2).all(|pair| pair[0].end <= pair[1].start);
            prop_assert!(disjoint, "{hits:?}");
            prop_assert!(hits.iter().all(|hit| hit.start < hit.end), "{hits:?}");
        }

        #[test]
        fn every_byte_of_a_secret_is_hidden_as_a_secret(given in any_hits()) {
            let mut hits = given.clone();
            resolve(TEXT, &mut hits, &|_, _| false);
            let is_secret = |hit: &&Hit| hit.data_type.family() == Family::Secret;
            let covers = |hits: &[Hit], at| {
                hits.iter().filter(is_secret).any(|hit| hit.start <= at && at < hit.end)
            };
            for at in 0..TEXT.len() {
                prop_assert_eq!(covers(&given, at), covers(&hits, at), "{}", at);
            }
        }
    }

    #[test]
    fn what_a_finding_leaves_of_an_address_is_hidden_too() {
        let text = "patient_id: u4263165@example.org";
        let hidden = "patient_id: [HEALTH_ID][EMAIL]";
        assert_eq!(Redactor::default().redact_str(text), hidden);
        let shows = |data_type, operator| {
            let redactor = Redactor::builder().operator(data_type, operator).build();
            redactor.unwrap().redact_str(text).into_owned()
        };
        for data_type in [DataType::HealthId, DataType::Email] {
            assert_eq!(
                shows(data_type, Operator::KeepLast(4)),
                hidden,
                "{data_type}"
            );
            assert_eq!(shows(data_type, Operator::Keep), hidden, "{data_type}");
        }
    }

    #[test]
    fn the_host_behind_a_password_is_no_address() {
        let text = "https://ada:y9I9u#R5fpiG39@git.example.org/x";
        assert_eq!(
            Redactor::default().redact_str(text),
            "https://ada:[URL_CREDENTIALS]@git.example.org/x"
        );
    }

    #[test]
    fn secrets_that_overlap_in_part_show_nothing_of_either() {
        let first = hit(0, 11, DataType::Jwt, Confidence::Shape);
        for (next, is_united) in [
            (hit(4, 15, DataType::GenericSecret, Confidence::Shape), true),
            (hit(4, 15, DataType::Jwt, Confidence::Valid), true),
            (hit(0, 11, DataType::Jwt, Confidence::Valid), false),
            (hit(4, 11, DataType::Jwt, Confidence::Shape), false),
        ] {
            let mut hits = vec![first, next];
            resolve(TEXT, &mut hits, &|_, _| false);
            assert_eq!(hits.len(), 1);
            assert_eq!(hits[0].is_united, is_united, "{next:?}");
        }
    }

    struct Address(Confidence);

    impl Detector for Address {
        fn name(&self) -> &str {
            "address"
        }

        fn data_types(&self) -> Vec<DataType> {
            vec![DataType::Address]
        }

        fn find(&self, text: &str, _: &DetectorContext<'_>, findings: &mut Findings) {
            findings.add_with(0..text.len(), DataType::Address, self.0);
        }
    }

    #[test]
    fn what_shows_a_part_shows_nothing_of_a_value_inside_that_another_operator_hides() {
        let text = "12 High St, +44 20 7946 0018";
        let shown = |confidence, operator: &str, inner: Operator| {
            let redactor = Redactor::builder()
                .detector(Address(confidence))
                .operator(DataType::Address, operator.parse::<Operator>().unwrap())
                .operator(DataType::Phone, inner)
                .build()
                .unwrap();
            redactor.redact_str(text).into_owned()
        };
        for operator in ["keep_last:4", "mask:6:4", "keep"] {
            let hidden = shown(Confidence::Context, operator, Operator::Redact);
            assert_eq!(hidden, "[ADDRESS]", "{operator}");
        }
        let last = Operator::KeepLast(4);
        assert_eq!(
            shown(Confidence::Context, "keep_last:4", last.clone()),
            "[ADDRESS:0018]"
        );
        assert_eq!(shown(Confidence::Context, "keep", last), "[ADDRESS]");
        assert_eq!(shown(Confidence::Context, "keep", Operator::Keep), text);
        // A check on the whole says that what looks like a value in it is none.
        assert_eq!(
            shown(Confidence::Valid, "keep_last:4", Operator::Redact),
            "[ADDRESS:0018]"
        );
    }
}
