//! Addresses of wallets: Bitcoin in base58check, Bitcoin, Litecoin and Cardano in Bech32 (BIP 173,
//! BIP 350), Ethereum by its shape.

use std::ops::Range;

use sha2::{Digest, Sha256};

use super::{Anchor, Confidence, Detector};
use crate::redact::bytes::{ByteSet, byte, has, in_word, run};
use crate::redact::data_type::DataType;

pub(super) const BASE58: Detector = Detector::find(
    "wallet_base58",
    DataType::CryptoWallet,
    Confidence::Valid,
    &[Anchor::InLongRun(b"13")],
    base58,
);

pub(super) const BECH32: Detector = Detector::find(
    "wallet_bech32",
    DataType::CryptoWallet,
    Confidence::Valid,
    &[Anchor::InLongRun(b"bBla")],
    bech32,
);

pub(super) const ETHEREUM: Detector = Detector::find(
    "wallet_ethereum",
    DataType::CryptoWallet,
    Confidence::Prefix,
    &[Anchor::InLongRun(b"0")],
    ethereum,
);

/// Without the letters and digits that look alike.
const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BASE58_SET: ByteSet = ByteSet::of(ALPHABET);
const BECH32_ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
/// The longest address of Cardano.
const MAX_BECH32: usize = 110;

/// Version, hash and checksum.
const ADDRESS: usize = 25;

fn base58(text: &[u8], at: usize) -> Option<Range<usize>> {
    if in_word(text, at) {
        return None;
    }
    let end = run(text, at, &BASE58_SET, 36);
    if !(26..=35).contains(&(end - at)) || goes_on(text, end) {
        return None;
    }
    let mut address = [0_u8; ADDRESS];
    for character in text.get(at..end)? {
        let mut carry = ALPHABET.iter().position(|known| known == character)?;
        for byte in address.iter_mut().rev() {
            carry += usize::from(*byte) * 58;
            *byte = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        if carry != 0 {
            return None;
        }
    }
    let (payload, checksum) = address.split_at_checked(ADDRESS - 4)?;
    let hash = Sha256::digest(Sha256::digest(payload));
    let known = matches!(payload, [0x00 | 0x05, ..]);
    (known && hash.starts_with(checksum)).then_some(at..end)
}

fn bech32(text: &[u8], at: usize) -> Option<Range<usize>> {
    const PREFIXES: [&[u8]; 6] = [b"bc1q", b"bc1p", b"BC1Q", b"BC1P", b"ltc1q", b"addr1"];
    if !PREFIXES.iter().any(|prefix| has(text, at, prefix)) {
        return None;
    }
    let end = run(text, at, &ByteSet::ALNUM, MAX_BECH32 + 1);
    let address = text.get(at..end)?;
    if in_word(text, at) || goes_on(text, end) || !(30..=MAX_BECH32).contains(&address.len()) {
        return None;
    }
    let separator = address.iter().rposition(|b| *b == b'1')?;
    let (prefix, data) = address.split_at_checked(separator)?;
    let prefix = || prefix.iter().map(u8::to_ascii_lowercase);
    let values = prefix()
        .map(|b| Some(b >> 5))
        .chain([Some(0)])
        .chain(prefix().map(|b| Some(b & 31)))
        .chain(data.iter().skip(1).map(|b| {
            let value = BECH32_ALPHABET
                .iter()
                .position(|known| *known == b.to_ascii_lowercase());
            value.and_then(|value| u8::try_from(value).ok())
        }));
    const GENERATOR: [u32; 5] = [
        0x3b6a_57b2,
        0x2650_8e6d,
        0x1ea1_19fa,
        0x3d42_33dd,
        0x2a14_62b3,
    ];
    const BECH32: u32 = 1;
    const BECH32M: u32 = 0x2bc8_30a3;
    let mut checksum = 1_u32;
    for value in values {
        let top = checksum >> 25;
        checksum = (checksum & 0x01ff_ffff) << 5 ^ u32::from(value?);
        for (bit, generator) in GENERATOR.iter().enumerate() {
            if top >> bit & 1 != 0 {
                checksum ^= generator;
            }
        }
    }
    matches!(checksum, BECH32 | BECH32M).then_some(at..end)
}

fn ethereum(text: &[u8], at: usize) -> Option<Range<usize>> {
    if !has(text, at, b"0x") || in_word(text, at) {
        return None;
    }
    let end = run(text, at + 2, &ByteSet::HEX, 41);
    let digits = text.get(at + 2..end)?;
    // The address of zeros is nobody's.
    let nobody = digits.iter().all(|b| *b == b'0');
    (digits.len() == 40 && !nobody && !goes_on(text, end)).then_some(at..end)
}

fn goes_on(text: &[u8], end: usize) -> bool {
    byte(text, end).is_some_and(|b| ByteSet::WORD.contains(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::detectors::tests::check;

    #[test]
    fn addresses_with_a_right_checksum_are_found() {
        check(
            DataType::CryptoWallet,
            &[
                "to wallet «1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa».",
                "\\n«3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy»\\n",
                "«bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4», ok",
                "«BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4»",
                "«bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0»",
                "from: «0x52908400098527886e0f7030069857d2e4169ee7», value",
            ]
            .map(str::to_owned),
        );
    }

    #[test]
    fn wrong_checksums_and_other_lengths_are_left() {
        check(
            DataType::CryptoWallet,
            &[
                "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
                "x1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
                "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5 bc1q addr1 addr10",
                "0x7f3a2b1c0d4e let id = 0x9f86d081884c7d659a2feaa0c55ad015;",
                "0x0000000000000000000000000000000000000000",
                "0x9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            ]
            .map(str::to_owned),
        );
    }
}
