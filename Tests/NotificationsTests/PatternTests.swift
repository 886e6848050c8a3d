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
        ("^x$|^y$", "y", true), ("^x|y$", "x", true), ("^$|^a$", "", true), ("[[:digit:]_]{2,200}", "4_1", true),
        ("[^[:space:]]", " ", false), ("[^[:space:]]+", "a-b", true), ("(?P<year>\\d+)-(?<day>\\d+)", "26-11", true),
        ("(?i)gpt-É", "GPT-é", true), ("(?i)[a-c]x", "BX", true),
        ("(?i:a)b", "Ab", true), ("(?i:a)b", "AB", false), ("((?i)a)b", "AB", false), ("a(?i)b", "aB", true), ("a(?i)b", "AB", false),
        ("(?s).", "\n", true), ("(?is)A.", "a\n", true), ("(?i)[^a]", "A", false),
    ])
    func matchesTheWhole(pattern: String, text: String, isMatch: Bool) throws {
        #expect(try Pattern(pattern).matches(text) == isMatch)
    }

    @Test(arguments: [
        "(", ")", "[a", "*a", "a{2", "a{3,2}", "a{1001}", "a\\", "\\q", "a^b", "a$b", "(?=a)", "[z-a]", "(((a{100}){100}){100})",
        "((((){100}){100}){100}){100}", "((((a{0}){100}){100}){100}){100}", "((a*){100}){40}b", "a**", "a+*", "a{1}{2}", "a???",
        "[[:letter:]]+", "[[:alpha]", "[[.a.]]", "[[=a=]]", "(?x)a", "(?)a", "(?P<a-b>c)", "(?P=a)", "(^a|b$)", "(?<=a)b",
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

    /// A form that lists instances writes them all into one pattern.
    @Test func aLongListOfNames() throws {
        let names = (0..<150).map { "host\($0).example.com:9100" }
        let pattern = try Pattern(names.joined(separator: "|"))
        #expect(names.allSatisfy(pattern.matches))
        #expect(!pattern.matches("host150.example.com:9100"))
    }

    @Test func hostilePatternsTakeLinearTime() throws {
        let pattern = try Pattern("(a*)*(a|a)*(a+)+b")
        #expect(!pattern.matches(String(repeating: "a", count: 1024)))
    }
}
