//! The types of data that are found, in two families.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::sorted::SortedSet;
use crate::sync::{Mutex, lock};

macro_rules! data_types {
    ($($family:ident { $($(#[$doc:meta])* $variant:ident $name:literal $word:literal,)+ })+) => {
        /// A type of data that the redactor finds.
        ///
        /// [`DataType::name`] stands in policy files and in the log's report, [`DataType::word`] in
        /// the text that takes the place of a value.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum DataType {
            $($($(#[$doc])* $variant,)+)+
            /// A type of your own; see [`DataType::custom`].
            Custom(CustomType),
        }

        impl DataType {
            /// Every built-in type, personal data first.
            pub const ALL: &'static [Self] = &[$($(Self::$variant,)+)+];

            /// Returns the name in policy files and reports, such as `credit_card`.
            pub const fn name(self) -> &'static str {
                match self {
                    $($(Self::$variant => $name,)+)+
                    Self::Custom(custom) => custom.name,
                }
            }

            /// Returns the word in placeholders, such as `CREDIT_CARD`.
            pub const fn word(self) -> &'static str {
                match self {
                    $($(Self::$variant => $word,)+)+
                    Self::Custom(custom) => custom.word,
                }
            }

            /// Returns the family that the type belongs to.
            pub const fn family(self) -> Family {
                match self {
                    $($(Self::$variant => Family::$family,)+)+
                    Self::Custom(custom) => custom.family,
                }
            }
        }
    };
}

data_types! {
    Pii {
        /// An e-mail address.
        Email "email" "EMAIL",
        /// A telephone number.
        Phone "phone" "PHONE",
        /// The number of a payment card.
        CreditCard "credit_card" "CREDIT_CARD",
        /// A bank account (ISO 13616).
        Iban "iban" "IBAN",
        /// The address of a host in a network, IPv4 or IPv6; not that of the host itself.
        IpAddress "ip_address" "IP_ADDRESS",
        /// The hardware address of a device (EUI-48).
        MacAddress "mac_address" "MAC_ADDRESS",
        /// A social security number of the United States.
        UsSsn "us_ssn" "US_SSN",
        /// A number that another state gives to each person, for taxes, insurance or identity.
        NationalId "national_id" "NATIONAL_ID",
        /// The number of a passport.
        Passport "passport" "PASSPORT",
        /// The date on which somebody was born.
        DateOfBirth "date_of_birth" "DATE_OF_BIRTH",
        /// A number of a patient, of a medical record, or of one who treats patients.
        HealthId "health_id" "HEALTH_ID",
        /// The address of a wallet of Bitcoin, Ethereum or the like.
        CryptoWallet "crypto_wallet" "CRYPTO_WALLET",
        /// The name of a person. Only detectors of yours, and values that the host names, have it.
        Person "person" "PERSON",
        /// A postal address. Only detectors of yours, and values that the host names, have it.
        Address "address" "ADDRESS",
        /// What a path of the policy hides, whatever it is.
        Redacted "redacted" "REDACTED",
    }
    Secret {
        /// A JSON web token (RFC 7519).
        Jwt "jwt" "JWT",
        /// The body of a private key in PEM (RFC 7468) or of a PGP private key block.
        PrivateKey "private_key" "PRIVATE_KEY",
        /// A bearer token (RFC 6750), or the value of another header that authenticates.
        BearerToken "bearer_token" "BEARER_TOKEN",
        /// Credentials of basic authentication (RFC 7617).
        BasicAuth "basic_auth" "BASIC_AUTH",
        /// A key of OpenAI, or of a service whose keys have the same form.
        OpenAiKey "openai_key" "OPENAI_KEY",
        /// A key of Anthropic.
        AnthropicKey "anthropic_key" "ANTHROPIC_KEY",
        /// The id of an AWS access key; it names the account.
        AwsAccessKey "aws_access_key" "AWS_ACCESS_KEY",
        /// The secret of an AWS access key.
        AwsSecretKey "aws_secret_key" "AWS_SECRET_KEY",
        /// An API key, client secret or access token of Google.
        GcpKey "gcp_key" "GCP_KEY",
        /// A key, client secret or signature of Azure.
        AzureKey "azure_key" "AZURE_KEY",
        /// A token of GitHub.
        GithubToken "github_token" "GITHUB_TOKEN",
        /// A token of GitLab.
        GitlabToken "gitlab_token" "GITLAB_TOKEN",
        /// A token or web hook of Slack.
        SlackToken "slack_token" "SLACK_TOKEN",
        /// A secret key or web hook secret of Stripe.
        StripeKey "stripe_key" "STRIPE_KEY",
        /// An API key of Twilio.
        TwilioKey "twilio_key" "TWILIO_KEY",
        /// An API key of SendGrid.
        SendgridKey "sendgrid_key" "SENDGRID_KEY",
        /// A token of Hugging Face.
        HuggingfaceToken "huggingface_token" "HUGGINGFACE_TOKEN",
        /// A token of npm.
        NpmToken "npm_token" "NPM_TOKEN",
        /// A token of PyPI.
        PypiToken "pypi_token" "PYPI_TOKEN",
        /// A key of another vendor, those of language models first.
        VendorKey "vendor_key" "VENDOR_KEY",
        /// The password in a URL (RFC 3986) or in a connection string.
        UrlCredentials "url_credentials" "URL_CREDENTIALS",
        /// The values of cookies (RFC 6265).
        Cookie "cookie" "COOKIE",
        /// A password, key or token that only the name it is assigned to gives away.
        GenericSecret "generic_secret" "GENERIC_SECRET",
    }
}

/// A type of data that no built-in detector knows; [`DataType::custom`] makes one.
///
/// # Examples
///
/// ```
/// use llm_audit_core::redact::{DataType, Family};
///
/// let badge = DataType::custom("badge_number", Family::Pii)?;
/// assert!(matches!(badge, DataType::Custom(_)));
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CustomType {
    name: &'static str,
    word: &'static str,
    family: Family,
}

/// Types of one's own are told apart by name for as long as the process lives; they are a handful.
const MAX_CUSTOM: usize = 4_096;
const MAX_CUSTOM_NAME: usize = 32;

impl DataType {
    /// Returns a type of your own: what detectors of yours find, or what the host names.
    ///
    /// The name is 2 to 32 characters of `a-z`, `0-9` and `_` and begins with a letter. It stands in
    /// policies and reports, in capitals in placeholders, and is remembered until the process ends.
    ///
    /// # Errors
    ///
    /// When the name has another form or is that of a built-in type or a family, or when the
    /// process has made 4,096 types.
    ///
    /// # Examples
    ///
    /// ```
    /// use llm_audit_core::redact::{DataType, Family};
    ///
    /// let staff = DataType::custom("employee_id", Family::Pii)?;
    /// assert_eq!(staff.word(), "EMPLOYEE_ID");
    /// assert_eq!(staff, DataType::custom("employee_id", Family::Pii)?);
    /// # Ok::<(), llm_audit_core::Error>(())
    /// ```
    pub fn custom(name: &str, family: Family) -> Result<Self, Error> {
        let is_name = (2..=MAX_CUSTOM_NAME).contains(&name.len())
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        if !is_name {
            return Err(Error::policy(format!(
                "a type of your own has a name of 2 to {MAX_CUSTOM_NAME} characters of a-z, 0-9 \
                 and _ that begins with a letter, such as `employee_id`"
            )));
        }
        let is_taken = Self::ALL.iter().any(|known| known.name() == name)
            || Family::ALL.iter().any(|known| known.name() == name);
        if is_taken {
            return Err(Error::policy(format!(
                "`{name}` is a built-in type or family; give a type of your own another name"
            )));
        }
        Ok(Self::Custom(CustomType {
            name: interned(name)?,
            word: interned(&name.to_uppercase())?,
            family,
        }))
    }

    /// The types that no built-in detector finds.
    #[cfg(test)]
    pub(super) const WITHOUT_DETECTOR: &'static [Self] =
        &[Self::Person, Self::Address, Self::Redacted];
}

/// Returns whether `word` stands in placeholders of a built-in type, or of one that the process made.
pub(super) fn is_word_of_type(word: &str) -> bool {
    let is_word = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    DataType::ALL.iter().any(|known| known.word() == word)
        || word.bytes().all(is_word) && lock(&KNOWN).contains(word)
}

static KNOWN: Mutex<SortedSet<&'static str>> = Mutex::new(SortedSet::new());

/// Returns `text` for the rest of the process: a data type is a plain value wherever it goes.
pub(super) fn interned(text: &str) -> Result<&'static str, Error> {
    let mut known = lock(&KNOWN);
    if let Some(text) = known.get(text) {
        return Ok(text);
    }
    if known.len() >= 2 * MAX_CUSTOM {
        return Err(Error::policy(format!(
            "the process has made {MAX_CUSTOM} types of its own; use the same ones again"
        )));
    }
    let text: &'static str = Box::leak(text.to_owned().into_boxed_str());
    known.insert(text);
    Ok(text)
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for DataType {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .iter()
            .copied()
            .find(|data_type| data_type.name() == name)
            .ok_or_else(|| {
                Error::policy(format!(
                    "unknown data type `{name}`; the types are {}",
                    names(Self::ALL.iter().map(|data_type| data_type.name()))
                ))
            })
    }
}

/// A family of data types; its name in policy files stands for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Family {
    /// Data about people.
    Pii,
    /// Credentials. They are hidden one-way, at level Full too.
    Secret,
}

impl Family {
    /// Every family.
    pub const ALL: &'static [Self] = &[Self::Pii, Self::Secret];

    /// Returns the name in policy files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pii => "pii",
            Self::Secret => "secret",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Lists names for an error message.
pub(super) fn names<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_parses_to_its_type_and_the_word_is_the_name_in_capitals() {
        for data_type in DataType::ALL {
            assert_eq!(data_type.name().parse::<DataType>().unwrap(), *data_type);
            assert_eq!(data_type.word(), data_type.name().to_uppercase());
        }
    }

    #[test]
    fn an_unknown_type_lists_the_known_ones() {
        let error = "emial".parse::<DataType>().unwrap_err().to_string();
        assert!(
            error.contains("`emial`") && error.contains("credit_card"),
            "{error}"
        );
    }
}
