//! What the compiler says of wrong uses of `#[audit]`.

#[test]
fn wrong_uses_are_explained_where_they_are() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
    cases.pass("tests/ui/pass/*.rs");
}
