//! Shapes of values as one regular expression, and texts with such values. The benchmark
//! `benches/benches/redact.rs` takes both from here.

/// The shapes of values without their check digits, as one expression without Unicode classes.
pub(crate) const SHAPES: &[&str] = &[
    r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,24}\b",
    r"\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b",
    r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b",
    r"\b(?:[0-9]{4}[ -]){3}[0-9]{4}\b",
    r"\b(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}\b",
    r"\+[0-9]{8,15}\b",
    r"\b[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}\b",
    r"\b0x[0-9A-Fa-f]{40}\b",
    r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b",
    r"\bAIza[0-9A-Za-z_-]{35}",
    r"\b(?:gh[pousr]_|npm_)[0-9A-Za-z]{36,}\b",
    r"\bglpat-[0-9A-Za-z_-]{20,}",
    r"\bsk-[0-9A-Za-z_-]{20,}",
    r"\bxox[abeprs]-[0-9A-Za-z-]{20,}",
    r"\b[rs]k_(?:live|test)_[0-9A-Za-z]{10,}\b",
    r"\bSG\.[0-9A-Za-z_-]{16,32}\.[0-9A-Za-z_-]{32,}",
    r"\bSK[0-9a-f]{32}\b",
    r"\b(?:hf_|gsk_|r8_|pplx-|xai-|csk-|lin_api_|ntn_)[0-9A-Za-z]{30,}\b",
    r"\beyJ[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+\.[0-9A-Za-z_-]*",
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[0-9A-Za-z+/=\s]+",
    r"\b[a-z][a-z0-9+.-]*://[^\s:/@]+:[^\s@/]+@",
    r"\b[Bb]earer +[0-9A-Za-z._~+/-]{16,}=*",
    r#"(?:[Pp]assw(?:or)?d|[Ss]ecret|[Tt]oken|[Aa]pi[_-]?[Kk]ey)["']?[:=] ?["']?[^\s"',;]{6,}"#,
];

/// Returns the shapes as one pattern.
pub(crate) fn pattern() -> String {
    let shapes: Vec<_> = SHAPES.iter().map(|shape| format!("(?:{shape})")).collect();
    format!("(?-u){}", shapes.join("|"))
}

/// Numbers that look random, the same ones each time.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % below
    }

    fn of(&mut self, alphabet: &str, count: usize) -> String {
        let letters = alphabet.as_bytes();
        let mut letter = || letters.get(self.next(letters.len())).copied();
        (0..count)
            .filter_map(|_| letter())
            .map(char::from)
            .collect()
    }

    fn digits(&mut self, count: usize) -> String {
        self.of("0123456789", count)
    }

    /// Returns characters among which are letters of both kinds and a digit.
    fn mixed(&mut self, count: usize) -> String {
        self.of(ALNUM, count - 6) + "k7Qx2M"
    }

    fn card(&mut self) -> String {
        let mut digits = format!("4{}", self.digits(14)).into_bytes();
        let sum: u32 = (0..)
            .zip(&digits)
            .map(|(at, digit)| luhn(u32::from(digit - b'0'), at % 2 == 0))
            .sum();
        let check = u8::try_from((10 - sum % 10) % 10).unwrap_or(0);
        digits.push(b'0' + check);
        let groups: Vec<_> = digits
            .chunks(4)
            .map(|group| String::from_utf8_lossy(group))
            .collect();
        groups.join(" ")
    }

    /// Returns a value with what stands around it.
    fn value(&mut self) -> String {
        match self.next(22) {
            0 | 1 => format!("{}.{}@example.org", self.of(LOWER, 5), self.of(LOWER, 7)),
            2 => format!("198.51.{}.{}", 1 + self.next(250), 1 + self.next(250)),
            3 => format!(
                "{}-{}-{}",
                100 + self.next(500),
                10 + self.next(89),
                1000 + self.next(8999)
            ),
            4 | 5 => self.card(),
            6 => format!("00:1b:{}:4c:5d:9e", self.of("0123456789abcdef", 2)),
            7 => format!("+1415555{}", self.digits(4)),
            8 => "DE89370400440532013000".to_owned(),
            9 => format!("0x{}a7", self.of("0123456789abcdef", 38)),
            10 => format!("AKIA{}", self.of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)),
            11 => format!("AIza{}", self.mixed(35)),
            12 => format!("ghp_{}", self.mixed(36)),
            13 => format!("sk-{}", self.mixed(48)),
            14 => format!("xoxb-{}-{}", self.digits(12), self.mixed(24)),
            15 => format!("sk_live_{}", self.mixed(24)),
            16 => format!("SG.{}.{}", self.mixed(22), self.mixed(43)),
            17 => format!("hf_{}", self.mixed(34)),
            18 => format!("eyJhbGciOiJIUzI1NiJ9.{}.{}", self.mixed(40), self.mixed(43)),
            19 => format!("postgres://app:{}@db.example.org/x", self.mixed(16)),
            20 => format!("Authorization: Bearer {}", self.mixed(32)),
            _ => format!("password=\"{}\"", self.mixed(14)),
        }
    }

    /// Returns words of prose, of at least so many bytes.
    fn words(&mut self, bytes: usize) -> String {
        const WORDS: &[&str] = &[
            "the",
            "river",
            "had",
            "been",
            "slow",
            "all",
            "summer",
            "and",
            "boats",
            "lay",
            "in",
            "reeds,",
            "as",
            "if",
            "they",
            "were",
            "forgotten",
            "there.",
            "we",
            "moved",
            "meeting",
            "to",
            "Thursday;",
            "nobody",
            "knows",
            "why",
            "printer",
            "prefers",
            "blue",
            "paper",
        ];
        let mut words = String::new();
        while words.len() < bytes {
            words += WORDS.get(self.next(WORDS.len())).unwrap_or(&"");
            words.push(' ');
        }
        words
    }

    /// Returns a text of words with a value every so many bytes or some more.
    pub(crate) fn text(&mut self, values: usize, apart: usize) -> String {
        let parts = (0..values).map(|_| self.words(apart) + &self.value() + " ");
        let text: String = parts.collect();
        text + "."
    }
}

fn luhn(digit: u32, doubled: bool) -> u32 {
    match digit << u32::from(doubled) {
        sum @ 10.. => sum - 9,
        sum => sum,
    }
}

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
