//! What is masked, what is not, and that it does not matter how the bytes were cut.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::mask::Masker;
use super::rules::Rules;
use super::swallow::{KEY_MAX_BYTES, KEY_OTHER_LINES_MAX};

/// Bytes that wait for more, at most; a name, its value and what is between them.
const WAITING_MAX_BYTES: usize = 1024;
const OWN: &str = "correct horse, battery/staple@1";

fn rules() -> Arc<Rules> {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let environment = BTreeMap::from([
        pair("MY_SECRET", OWN),
        pair("SERVICE_TOKEN", "0123456789abcdef0123456789abcdef"),
        pair("LINES_TOKEN", "first of many\nsecond of many"),
        pair("THREADS", "plain value of an innocent one"),
    ]);
    Arc::new(Rules::new(&environment).expect("small"))
}

fn mask(text: &[u8]) -> Vec<u8> {
    let mut masker = Masker::new(rules());
    let mut out = Vec::new();
    masker.push(text, &mut out);
    masker.finish(&mut out);
    out
}

fn masked(text: &str) -> String {
    String::from_utf8(mask(text.as_bytes())).expect("text stays text")
}

fn github() -> String {
    format!("ghp_{}", "a1B2".repeat(9))
}

#[test]
fn tokens_of_known_services_are_masked_wherever_they_stand() {
    let token = github();
    for (before, after) in [
        ("", "\n"),
        ("using ", " now\n"),
        ("'", "'"),
        ("\x1b[31m", "\x1b[0m"),
        ("{\"x\":\"", "\"}"),
        ("\\n", "\\n"),
        ("https://x/?t=", "&u=1"),
        ("\r 50%|#####     | ", "\r"),
    ] {
        assert_eq!(
            masked(&format!("{before}{token}{after}")),
            format!("{before}[masked: a GitHub token]{after}")
        );
    }
    for (text, kind) in [
        (format!("hf_{}", "aB3d".repeat(9)), "a Hugging Face token"),
        ("AKIAIOSFODNN7EXAMPLE".to_owned(), "an AWS access key"),
        (format!("sk-proj-{}", "Zx9_".repeat(12)), "an API key"),
        (
            format!("eyJhbGciOiJIUzI1NiJ9.eyJ{}.sig-natur_e", "b2".repeat(20)),
            "a signed web token",
        ),
    ] {
        assert_eq!(masked(&format!("({text})")), format!("([masked: {kind}])"));
    }
}

#[test]
fn values_under_the_name_of_a_secret_are_masked() {
    let kind = "[masked: a value under the name of a secret]";
    for (text, wanted) in [
        ("password = hunter2\n", "password = @\n"),
        ("DB_PASSWORD='correct horse'\n", "DB_PASSWORD='@'\n"),
        ("\"api_key\": \"0123456789\",", "\"api_key\": \"@\","),
        ("{'secret': b'q\\'w$erty'}", "{'secret': b'@'}"),
        (
            "\"{\\\"password\\\": \\\"hunter2\\\"}\"",
            "\"{\\\"password\\\": \\\"@\\\"}\"",
        ),
        (
            "\x1b[1mpassword\x1b[0m: \x1b[32mhunter2\x1b[0m",
            "\x1b[1mpassword\x1b[0m: \x1b[32m@\x1b[0m",
        ),
        (
            "train --password hunter22 --lr 1",
            "train --password @ --lr 1",
        ),
        (
            "GET /?access_token=ab12cd34ef&x=1",
            "GET /?access_token=@&x=1",
        ),
        (
            "Authorization: Basic dXNlcjpwYXNz\n",
            "Authorization: Basic @\n",
        ),
        ("password=123456", "password=@"),
        ("clientSecret := s3cr3t!", "clientSecret := @"),
    ] {
        assert_eq!(masked(text), wanted.replace('@', kind), "{text}");
    }
    assert_eq!(
        masked("Authorization: Bearer abcdef0123456789xyz\n"),
        "Authorization: Bearer [masked: a bearer token]\n"
    );
    let token = github();
    assert_eq!(
        masked(&format!("token={token}\n")),
        "token=[masked: a GitHub token]\n"
    );
    let long = "x1".repeat(40_000);
    assert_eq!(
        masked(&format!("password=\"{long}\" end")),
        format!("password=\"{kind}\" end")
    );
}

#[test]
fn passwords_in_urls_are_masked_and_nothing_else_of_them() {
    assert_eq!(
        masked("postgres://me:pa55word@db:5432/x?a=b\n"),
        "postgres://me:[masked: a password in a URL]@db:5432/x?a=b\n"
    );
    for text in [
        "http://127.0.0.1:8080/",
        "https://user@host/",
        "https://me:$PASSWORD@host/",
        "see https://a.b/c:d@e",
    ] {
        assert_eq!(masked(text), text);
    }
}

#[test]
fn secrets_of_the_environment_are_masked_by_value() {
    assert_eq!(
        masked(&format!("a{OWN}b")),
        "a[masked: the value of MY_SECRET]b"
    );
    assert_eq!(
        masked("x second of many y"),
        "x [masked: the value of LINES_TOKEN] y"
    );
    // A value that another rule would tear is masked whole.
    for text in [format!("password={OWN}\n"), format!("db://u:{OWN}/\n")] {
        let out = masked(&text);
        for part in ["horse", "battery", "staple"] {
            assert!(!out.contains(part), "{out}");
        }
    }
    // One that goes on where another secret ends, or before which another begins.
    for text in [
        format!("Bearer {}first of many", github()),
        format!("{}second of many", github()),
        "password=hunter2first of many".to_owned(),
        "first of manysecond of many".to_owned(),
    ] {
        let out = masked(&text);
        assert!(
            !out.contains("of many") && !out.contains("hunter2"),
            "{out}"
        );
    }
    let innocent = "plain value of an innocent one";
    assert_eq!(masked(innocent), innocent);
}

#[test]
fn private_keys_are_masked_up_to_their_end() {
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ\n".repeat(20);
    let key = |body: &str| {
        format!("-----BEGIN RSA PRIVATE KEY-----\n{body}Qw==\n-----END RSA PRIVATE KEY-----")
    };
    let mask = "[masked: a private key]";
    assert_eq!(
        masked(&format!("a\n{}\nb\n", key(&body))),
        format!("a\n{mask}\nb\n")
    );
    let prefixed = key(&body).replace('\n', "\n2026-01-01 INFO ");
    assert_eq!(masked(&format!("{prefixed}\nb")), format!("{mask}\nb"));
    let escaped = key(&body).replace('\n', "\\n");
    assert_eq!(masked(&format!("'{escaped}'\nb")), format!("'{mask}'\nb"));
    let headed = key(&format!(
        "Proc-Type: 4,ENCRYPTED\nDEK-Info: x\nComment: by a b c\n\n{body}"
    ));
    assert_eq!(masked(&headed), mask);
    // A program that is killed while it prints one.
    assert_eq!(
        masked(&format!("-----BEGIN PRIVATE KEY-----\n{body}")),
        mask
    );
    // One that only speaks of one goes on to be heard.
    let spoken =
        "expected -----BEGIN PRIVATE KEY-----\n".to_owned() + &"a line of words\n".repeat(20);
    let kept = masked(&spoken).matches("a line of words").count();
    assert_eq!(kept, 20 - KEY_OTHER_LINES_MAX as usize + 1);
    let endless = "-----BEGIN PRIVATE KEY".to_owned() + &"A".repeat(KEY_MAX_BYTES + 100);
    assert!(masked(&endless).len() < 200);
    let certificate = key(&body).replace("RSA PRIVATE KEY", "CERTIFICATE");
    assert_eq!(masked(&certificate), certificate);
}

/// What training prints, with everything that may look like a secret and is none.
const ORDINARY: &str = r#"Epoch 3/10: 100%|##########| 50/50 [00:01<00:00, 49.5it/s, loss=0.123, acc=0.98]
{"step":3,"metrics":{"tokens":1000000,"loss_per_token":0.12345678,"auth/f1":0.987654321}}
Setting `pad_token_id` to `eos_token_id`:50256 for open-end generation.
special tokens: {'bos_token': '<|endoftext|>', 'pad_token': '[PAD]', 'unk_token': '<unk>'}
mask_token: mask-token-103 token_type_ids: 0 max_tokens = 4096000 tokens/s: 123456.78
Namespace(token=None, use_auth_token=False, api_key=None, password='********', secret=undefined)
    token = get_token_from_file(path)
    password = os.environ["DB_PASSWORD"]
    client = Client(api_key=settings.api_key(1))
export API_KEY=$API_KEY_1 PWD=/home/me/project1 OLDPWD=/home/me/project2
fetching task-a1b2c3d4e5f6a7b8c9d0e1f2 of disk-mask-risk-0123456789abcdef0123
hf_hub_download_with_a_long_name_1234567890 npm_config_registry_of_mine sk-learn
sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
blake3 af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262 run 01JD2Q8ZK4T0
commit 83db48f2bf269f4aa0d1e5d7bd5ffb3a7a7d2d3c (HEAD -> main) 550e8400-e29b-41d4-a716-446655440000
data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==
Loading weights from /home/ada/.cache/token_classifier/secret_model-00001-of-00002.safetensors
The tokenizer class you load is not the same: token == other_token_12345 Token indices sequence length
AKIAIOSFODNN7EXAMPLELONGER xAKIAIOSFODNN7EXAMPLE eyJhbGciOiJub25l the password is wrong: try again
secret_ratio: 0.12345678 credential_count: 123456789 password_strength=0.87654321
----- BEGIN ----- -----BEGIN CERTIFICATE----- basic_auth: disabled cookie policy: default
"#;

#[test]
fn ordinary_output_stays_as_it_is() {
    for line in ORDINARY.lines() {
        assert_eq!(masked(line), line);
    }
    assert_eq!(masked(ORDINARY), ORDINARY);
    let bytes: Vec<u8> = (0..=255u8).cycle().take(100_000).collect();
    assert!(mask(&bytes) == bytes);
}

#[test]
fn only_what_may_be_a_secret_waits() {
    let mut masker = Masker::new(rules());
    let mut out = Vec::new();
    for (text, waiting) in [
        ("\r 50%|#####     | 25/50, loss=0.5", 0),
        ("loading ", 0),
        ("model ghp", 3),
        ("_abc", 7),
        (" or no", 0),
        ("password = hun", 14),
        ("ter2 ", 0),
        ("correct horse", 13),
        (" car", 0),
    ] {
        masker.push(text.as_bytes(), &mut out);
        assert_eq!(masker.waiting(), waiting, "{text}");
    }
    let text = String::from_utf8(out).expect("text");
    assert!(text.ends_with("model ghp_abc or nopassword = [masked: a value under the name of a secret] correct horse car"), "{text}");
}

/// Pieces that are nothing, a secret, or half of one.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<Vec<u8>> = [
        "password",
        "passw",
        "token",
        "api_key",
        "bos_",
        "=",
        " = ",
        ": ",
        "\"",
        "'",
        "\\",
        "\n",
        "\r",
        " ",
        "://",
        "me:pw@host/",
        "ghp_",
        "sk-",
        "AKIA",
        "IOSFODNN7EXAMPLE",
        "-----BEGIN ",
        "RSA PRIVATE KEY",
        "-----",
        "-----END ",
        "Bearer ",
        "Basic ",
        "--",
        "hunter2",
        "MIIEvQIBADANBgkqhkiG9w0",
        "[",
        "(",
        "$",
        "\x1b[31m",
        "m",
        "correct horse",
        ", battery/",
        "staple@1",
        "0123456789abcdef",
        "first of many",
        "first",
        " of many",
        "second of ",
        "123456",
        "b'",
        "eyJhbGci",
        "loss=0.5 ",
        "correct horse, battery/staple@1",
        "Authorization",
    ]
    .iter()
    .map(|word| word.as_bytes().to_vec())
    .collect();
    prop_oneof![
        8 => prop::sample::select(words),
        1 => prop::collection::vec(any::<u8>(), 0..30),
        1 => Just(github().into_bytes()),
        1 => "[a-zA-Z0-9]{1,40}".prop_map(String::into_bytes),
        1 => (500usize..5000).prop_map(|count| vec![b'a'; count]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn however_it_is_cut_the_same_comes_out(
        pieces in prop::collection::vec(piece(), 0..25),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        bytewise in any::<bool>(),
    ) {
        let text = pieces.concat();
        let whole = mask(&text);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        if bytewise && text.len() < 600 {
            cuts.extend(0..text.len());
        }
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let mut masker = Masker::new(rules());
        let mut out = Vec::new();
        for pair in cuts.windows(2) {
            masker.push(&text[pair[0]..pair[1]], &mut out);
            let in_key = text.windows(10).any(|word| word == b"-----BEGIN");
            prop_assert!(masker.waiting() <= WAITING_MAX_BYTES || in_key, "{} wait", masker.waiting());
        }
        masker.finish(&mut out);
        prop_assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(&whole));
    }

    #[test]
    fn a_planted_secret_never_comes_out(
        before in prop::collection::vec(any::<u8>(), 0..200),
        after in prop::collection::vec(any::<u8>(), 0..200),
        cut in any::<prop::sample::Index>(),
    ) {
        for secret in [OWN.to_owned(), github()] {
            let text = [&before, b" ".as_slice(), secret.as_bytes(), b" ", &after].concat();
            let at = cut.index(text.len());
            let mut masker = Masker::new(rules());
            let mut out = Vec::new();
            masker.push(&text[..at], &mut out);
            masker.push(&text[at..], &mut out);
            masker.finish(&mut out);
            let found = out.windows(secret.len()).any(|window| window == secret.as_bytes());
            prop_assert!(!found);
        }
    }

    #[test]
    fn numbers_and_words_stay_as_they_are(text in "([a-f0-9]{2,64}|[ -~&&[^=:/-]]{0,30}|\r|\n| ){0,30}") {
        let innocent = !text.to_ascii_lowercase().contains("bearer") && !text.contains("first of many");
        if innocent && !text.contains("0123456789abcdef") {
            prop_assert_eq!(masked(&text), text);
        }
    }
}
