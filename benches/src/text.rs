//! Texts of four natures, with values that a redactor finds as often as such texts have them.

/// Natural prose with a value in every few sentences.
pub const PROSE: &str = "Dear colleagues, the meeting about the quarterly report was moved to \
Thursday at half past ten. Please send the figures to ada.lovelace@example.org before noon, and \
call the front desk if the door is locked. Nobody has found out why the second printer prefers \
blue, but the vendor says that a new drum costs 214.50 and arrives within two weeks. The customer \
from Tromsø asked again whether the invoice could be sent by post; his address has not changed \
since the spring. We agreed on the plan: first the migration, then the holidays, then the long \
list of small things. Her card 4111 1111 1111 1111 was refused twice, which the bank explains by \
the new limit. Nothing else is open, and the minutes are in the usual folder.\n";

/// Source code: many names, few values.
pub const CODE: &str = r#"/// Returns the sum of all open invoices, or an error that names the first bad one.
pub fn total(invoices: &[Invoice], rate: &Rate) -> Result<Money, Error> {
    let mut total = Money::zero(rate.currency());
    for (index, invoice) in invoices.iter().enumerate() {
        if invoice.lines().is_empty() || invoice.is_cancelled() {
            continue;
        }
        let url = format!("https://{HOST}/api/v2/invoices/{}?page={index}", invoice.id());
        total += invoice.lines().map(|line| line.price * rate.of(line.date)).sum::<Money>();
        log::debug!("invoice {url} adds {total:?}");
    }
    let token = std::env::var("BILLING_TOKEN").map_err(|_| Error::missing("BILLING_TOKEN"))?;
    Ok(total.checked(&token)?)
}
"#;

/// JSON of identifiers and numbers: every other byte announces something.
pub const JSON: &str = r#"{"id":"8d0f7c1e-5a44-4f0e-9a63-0b8b3f5f7a11","ts":1779264000123,"ip":"198.51.100.23","user":{"id":90017,"mail":"k.noether@example.net","roles":["admin","billing"]},"items":[{"sku":"A-10023-77","qty":3,"price":19.99,"eta":"2026-05-20T08:00:00Z"},{"sku":"B-99210-01","qty":1,"price":249.0,"eta":null}],"sha":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","ok":true,"ratio":0.031415}
"#;

/// Prose without a value, and without what announces one.
pub const CLEAN: &str = "The river had been slow all summer, and the boats lay in the reeds as if \
they had been forgotten there. In the evening the children came down with their lanterns and told \
each other stories of the great flood, which none of them had seen. An old man mended a net and \
said nothing. When the wind turned, the whole valley smelled of hay, and far away a dog barked at \
the moon.\n";

/// Returns `bytes` bytes of `text`, one after the other; a character is never cut.
pub fn repeated(text: &str, bytes: usize) -> String {
    let mut out = text.repeat(bytes / text.len() + 1);
    while !out.is_char_boundary(bytes.min(out.len())) {
        out.insert(0, ' ');
    }
    out.truncate(bytes);
    out
}
