//! That secrets are found by the names that they are assigned to, and nothing else is.

use super::*;
use crate::redact::detectors::tests::{ALNUM, HEX, check, random};

fn all(marked: &[&str]) {
    let marked: Vec<_> = marked.iter().map(|text| (*text).to_owned()).collect();
    check(DataType::GenericSecret, &marked);
}

#[test]
fn passwords_are_found_in_code_configuration_and_commands() {
    all(&[
        "password=«hunter2»",
        "db_password: \"«correct horse 1»\"x"
            .replace("correct horse 1", "letmein")
            .as_str(),
        "PGPASSWORD=«letmein» psql -h db",
        "postgres?user=a&password=«letmein»&x=1",
        "--password «Dragon6948#» --user svc",
        "{\\\"password\\\":\\\"«p4ss,w0rd»\\\"}",
        "pass: «hunter2», user: x",
        "<password>«hunter2»</password>",
        "user.passwd = '«a(b)c1»';",
        "| **Passwort:** «hunter2» |",
        "spring.datasource.password=«pa55&word»\n",
        "password: «123456»",
        "password=«aB3dE.xY12345abc42»",
        "<input type=\"password\" name=\"password\" value=\"«Winter#91»\">",
        "- name: DB_PASSWORD\n  value: \"«Winter#91»\"\n- name: X",
        "{\"name\":\"DB_PASSWORD\",\"value\":\"«Winter#91»\"}",
        "login ada / pw: «Winter#91» , and PW=«Winter91»",
        "machine db login ada password «Winter91Sun»",
        "ALTER ROLE a PASSWORD '«cedar#Box12»', IDENTIFIED BY '«cedar#Box12»'",
        "define('DB_PASSWORD', '«S0ft-rain!»');",
        "<wsse:Password Type=\"a#PasswordText\">«lemon4Drop»</wsse:Password>",
    ]);
}

#[test]
fn passwords_are_found_in_prose_of_nine_languages() {
    all(&[
        "my password is «Tr0ub4dor9!» but login fails",
        "Mein Passwort lautet «Sommer2210!», trotzdem",
        "mot de passe : «winter2414!»",
        "La contraseña es «Lisbon1715».",
        "la password è «Lisbon1715»",
        "a senha é «Lisbon1715», a senha antiga era «Lisbon1715»",
        "Het wachtwoord is «Lisbon1715»",
        "hasło to «Lisbon1715»",
        "パスワードは«hunter2!»です。",
        "密码是«hunter2»。",
        "密码：«hunter2»",
        "Das Kennwort ist «hunter2»?",
        "The password for the old server is «Tr0ub4dor9!».",
        "password «x»".replace(['«', '»'], "").as_str(),
    ]);
}

#[test]
fn keys_and_tokens_are_found_by_their_names() {
    let (key, hex) = (random(ALNUM, 24), random(HEX, 40));
    check(
        DataType::GenericSecret,
        &[
            format!("const API_SECRET = '«{key}»';"),
            format!("client_secret=«{hex}»&grant_type=client_credentials"),
            format!("\\\"api_key\\\": \\\"«{key}»\\\""),
            format!("apiKey: `«{key}»`, SECRET_KEY_BASE=«{hex}»"),
            format!("der API-Schlüssel lautet «{key}», la clé API est «{key}»"),
            format!("access_token=«{key}»&x=1, deploy --token «{key}»"),
            format!("トークンは«{key}»です"),
            "client_secret: «Dragon3000»".to_owned(),
            "passwords: «hunter2x»".to_owned(),
            format!("API_KEYS=«{key}»"),
        ],
    );
}

#[test]
fn a_forged_placeholder_hides_no_secret() {
    all(&[
        "password=«[EMAIL:hunter2-secret!]»",
        "password=«[EMAIL:k1:hunter2-secret!]»",
        "password=\"«[EMAIL:hunter2-secret!]»\"",
        "password=\"«[EMAIL_078051120]»\"",
    ]);
}

#[test]
fn a_placeholder_before_a_secret_does_not_hide_it() {
    all(&[
        "password=\"«[EMAIL]hunter2!»\"",
        "password=«[EMAIL]hunter2!x9» ok",
        "api_key=«[EMAIL_1]9xQmZ2p7Lk4R»",
        "token: «[EMAIL]9xQmZ2p7Lk4R8sT1»",
        "login --password «[EMAIL]hunter2!» -v",
        "password: «[PHONE:1234]hunter2!x»",
        "password=«[EMAIL_1][EMAIL_2]hunter2!»",
        "password=«[EMAIL_1], [EMAIL_2]»"
            .replace(['«', '»'], "")
            .as_str(),
        "password=\"[EMAIL_1][PHONE_2]\", password=[EMAIL_1]/[PHONE_2] x, password: [EMAIL]#2",
        "password=\"[EMAIL_1] or another\", password=[PHONE:1234]; x, (password: [EMAIL_1])",
    ]);
}

#[test]
fn brackets_are_hidden_with_what_they_hold() {
    all(&[
        "password=«[hunter2!]», x",
        "password=[SECRET_1] password=[YOUR_KEY_1], api_key: [MY_KEY_2]",
        "[password=«hunter2!»]",
    ]);
}

#[test]
fn words_with_digits_behind_password_are_hidden_in_logins_only() {
    all(&[
        "machine db login ada password «Winter91Sun»",
        "machine db\n  login ada\n  password «winter91sun»\n",
        "machine db password «Winter91Sun» login ada, username ada password «Winter91Sun»",
        "use user svc-web with password «Delta-Oak-17», not the old one",
        "the password Office365Account needs, contraseña Windows11Pro caducada",
        "Passwort Office365Konto, Neues Passwort Windows11-Update fehlt, wachtwoord Windows10Home",
        "mot de passe Windows11Pro, password iPhone15Pro, master password KeePass2.57.1Portable",
        "password OpenSSL3.0.13Fips, password CVE-2024-21413Exploit, passwords LinkedIn2012Breach",
        "use password Rfc2898DeriveBytes here, password v2.1.0-Rc1b3 released",
        "user password MyClass2.Method1(), password src/Auth2/login3.Ts, passcode iOS17.4.1Beta",
        "your login and password Office365Account",
    ]);
}

#[test]
fn who_was_identified_by_what_is_told_apart_from_sql() {
    all(&[
        "ALTER ROLE a PASSWORD '«cedar#Box12»', IDENTIFIED BY '«cedar#Box12»'",
        "create user 'a'@'%' identified by '«cedar12box»';",
        "GRANT ALL ON x.* TO a IDENTIFIED BY \"«cedar12box»\"",
        "cells were identified by CD4CD25Foxp3 staining, Identified by AlphaFold2Model1",
        "Identified by Gartner2024Report, the user was identified by 'Mary2Smith'",
        "re-identified by: AlphaFold2Model1",
    ]);
}

#[test]
fn harmless_texts_about_secrets_are_left() {
    all(&[
        "api_key = os.environ[\"OPENAI_API_KEY\"]",
        "password = getpass.getpass('Password: ')",
        "Set OPENAI_API_KEY=<your-api-key> in .env",
        "password: ********",
        "The password must have at least 12 characters.",
        "How do I reset my password? The token limit is 4096.",
        "max_tokens=4096, token: gpt-4o-2024-08-06",
        "password: String, secret: Option<String>, token: &str",
        "password is case-sensitive and base64-encoded",
        "let password = config.db.password2;",
        "password=user_password, secret=client_secret_v2",
        "\"password\": \"string\", \"token\": \"hello1\"",
        "compass: north12 bypass=route66",
        "secretary: Ann1234, tokenizer: gpt2x1",
        "next_page_token=CiAKGjBpNDd2Nmp2Zml2cXRwb",
        "password: https://vault.example.org/x1",
        "PWD=/home/ada/x1",
        "type=\"password\" name=\"password\" placeholder=\"Enter 8 characters\"",
        "public_key=9f86d081884c7d659a2f",
        "secret = vld1q_u64(x)",
        "passphrase = &self.passphrase2",
        "DB_PASSWORD=${DB_PASSWORD:?required}",
        "<input name=\"password\" value=\"Enter password 1\"> the password value: 12 signs",
        "password::Hash1, my key is F12345 F1",
        "password=[GENERIC_SECRET], password=[EMAIL_1] password=[EMAIL:1234]",
        "password=[EMAIL:k1:00ff00ff00ff00ff00ff00ff00ff00ff]",
        "password \"field\" and [\"password\", \"token\"], password SHA-256, password version 2.0.1",
        "redact('password', 'token2'), [\"password\", \"confirm_password1\"]",
    ]);
}
