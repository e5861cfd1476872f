// Neither the names in the function nor those in scope get in the way.
#![allow(non_camel_case_types, dead_code)]

use llm_audit::audit;

struct Result;
struct Option;
struct Some;
struct Ok;
mod core {}
mod std {}
mod llm {}

#[audit(prompt = out, output = out + 1)]
fn ask(out: u8, call: u8, __llm_audit_call: u8, __llm_audit_answer: u8) -> u8 {
    out + call + __llm_audit_call + __llm_audit_answer
}

#[audit(prompt = r#type, output)]
async fn raw(r#type: &str) -> &str {
    r#type
}

macro_rules! declare {
    ($name:ident, $answer:expr, $argument:ident: $type:ty) => {
        #[audit(tool, name = stringify!($name), tool_arguments = $argument, output = out)]
        fn $name($argument: $type) -> &'static str {
            #![allow(clippy::all)]
            let _ = $argument;
            $answer
        }
    };
}

declare!(find, "found", query: &str);

fn main() {
    assert_eq!(ask(1, 2, 3, 4), 10);
    assert_eq!(find("it"), "found");
}
