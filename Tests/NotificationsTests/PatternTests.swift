import Testing

@testable import Notifications

@Suite struct PatternTests {
    @Test(arguments: [
        ("error_spike|fallback_spike", "fallback_spike", true), ("error_spike|fallback_spike", "xfallback_spike", false),
        ("error", "error_spike", false), ("error.*", "error_spike", true), ("^error.*$", "error_spike", true), ("", "", true),
        ("", "a", false),
        ("a?b+c*", "bbc", true), ("a?b+c*", "ac", false), ("(ab|cd){2}", "abcd", true), ("(ab|cd){2}", "ab", false),
        ("(?:x){1,3}", "xxxx", false), ("x{2,}", "xxxx", true), ("[a-c]+", "abc", true), ("[^a-c]+", "abc", false), ("[]a]+", "]a", true),
        ("\\d{3}", "123", true), ("\\D", "1", false), ("\\w+-\\w+", "gpt-4o", true), ("gpt-4\\.1", "gpt-401", false),
        ("[\\d.]+", "4.1", true),
        (".", "\n", false), ("é.", "éß", true), ("(a|)b", "b", true), ("a||b", "", true),
        ("a+?", "", false), ("a+?b??", "aab", true), ("a{1,3}?", "", false), ("(a+)?", "", true),
    ])
    func matchesTheWhole(pattern: String, text: String, isMatch: Bool) throws {
        #expect(try Pattern(pattern).matches(text) == isMatch)
    }

    @Test(arguments: [
        "(", ")", "[a", "*a", "a{2", "a{3,2}", "a{101}", "a\\", "\\q", "a^b", "a$b", "(?=a)", "[z-a]", "(((a{100}){100}){100})",
        "((((){100}){100}){100}){100}", "((((a{0}){100}){100}){100}){100}", "((a*){100}){13}b", "a**", "a+*", "a{1}{2}", "a???",
        "[[:alpha:]]+", "[^[:space:]]",
    ])
    func refusesWhatItCannotRead(pattern: String) {
        #expect(throws: PatternError.self) { try Pattern(pattern) }
    }

    @Test func aLabelIsLookedAtToItsEnd() throws {
        let long = String(repeating: "x", count: 4000)
        #expect(try Pattern("x*").matches(long))
        #expect(try !Pattern("x*").matches(long + " down"))
        #expect(try Pattern(".*down").matches(long + " down"))
    }

    @Test func hostilePatternsTakeLinearTime() throws {
        let pattern = try Pattern("(a*)*(a|a)*(a+)+b")
        #expect(!pattern.matches(String(repeating: "a", count: 1024)))
    }
}
