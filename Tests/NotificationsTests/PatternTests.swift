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

    /// Each as Alertmanager 0.25 has it.
    private static let rarer: [(String, String, Bool)] = [
        ("(^a|b)", "a", true), ("(a$)", "a", true), ("(^web.*|^db.*)", "db1", true), ("(^web.*|^db.*)", "xdb1", false),
        ("(^a|b$)", "b", true),
        ("a^b", "ab", false), ("a$b", "ab", false), ("a^b|c", "c", true), ("(^|x)a", "xa", true), ("(^|x)a", "a", true),
        ("(a|^)b", "b", true),
        ("x*^a", "a", true), ("x*^a", "xa", false), ("(^)*a", "a", true), ("(^a|b)+", "ab", true), ("(^a|b)+", "ba", false),
        ("^*a", "a", true),
        ("(?:$)+", "", true), ("\\Aab\\z", "ab", true), ("a\\Ab", "ab", false), ("(?m)\\Aa\\n\\Ab", "a\nb", false),
        ("(?m)^a$\\n^b$", "a\nb", true), ("^a$\\n^b$", "a\nb", false), ("(?m:a$).b", "a\nb", false), ("(?ms)a$.^b", "a\nb", true),
        ("(?m)a$b", "ab", false), ("(?m)(?-m)a\\n^b", "a\nb", false),
        ("[\\s\\S]+", "a\n", true), ("[^\\W_]+", "a1", true), ("[^\\W_]+", "a_", false), ("[[:^alpha:]]", "1", true),
        ("[[:^alpha:]]", "a", false),
        ("[^[:^alpha:]]", "a", true), ("[\\Dx]+", "x-", true), ("[\\Dx]+", "1", false), ("(?i)[\\WB]", "b", true),
        ("(?i)[\\WB]", "a", false),
        ("(?i)\\W", "k", false), ("(?i)[[:upper:]]", "a", true), ("(?i)[[:^upper:]]", "a", false),
        ("\\x{0000000000041}", "A", true), ("\\x41\\x{42}\\x{1F600}", "AB😀", true), ("[\\x41-\\x43]", "B", true),
        ("\\a\\f\\v\\r", "\u{7}\u{c}\u{b}\r", true),
        ("\\101\\0", "A\0", true), ("a{", "a{", true), ("{", "{", true), ("a{,2}", "a{,2}", true), ("{a}", "{a}", true),
        ("a{b}", "a{b}", true),
        ("a{2", "a{2", true), ("a{01}", "a{01}", true), ("x{2}{", "xx{", true), ("a{+", "a{{", true), ("}]", "}]", true),
        ("\\Qa.b\\E+", "a.bb", true), ("\\Qa.b\\E+", "axb", false), ("\\Qa|)*\\E", "a|)*", true), ("\\Q\\E", "", true),
        ("x\\Qa\\\\E", "xa\\", true),
        ("(\\Q(\\E|b)c", "(c", true), ("(?i)\\QA\\E", "a", true),
        ("(?U)a+?b", "aab", true), ("(?i)a(?-i)b", "Ab", true), ("(?i)a(?-i)b", "AB", false), ("(?i-s:a.)", "A\n", false),
        ("(?i)(?-i:a)b", "aB", true),
        ("(?s-i)a.", "a\n", true), ("(?s)(?-s).", "\n", false), ("(?)a", "a", true), ("(?:)", "", true),
    ]

    @Test(arguments: rarer)
    func matchesTheWholeInRarerForms(pattern: String, text: String, isMatch: Bool) throws {
        #expect(try Pattern(pattern).matches(text) == isMatch)
    }

    @Test(arguments: [
        "(", ")", "[a", "*a", "{2}", "a{3,2}", "a{1001}", "a{99999999999999999999}", "a\\", "\\q", "(?=a)", "\\b", "\\B", "\\pL", "\\Z",
        "\\C", "[z-a]", "(((a{100}){100}){100})",
        "((((){100}){100}){100}){100}", "((((a{0}){100}){100}){100}){100}", "((a*){100}){40}b", "a**", "a+*", "a{1}{2}", "a???",
        "[[:letter:]]+", "[[:alpha]", "[[.a.]]", "[[=a=]]", "(?x)a", "(?P<a-b>c)", "(?P=a)", "(?<=a)b",
        "\\x4", "\\x{}", "\\x{110000}", "\\x{41", "\\Qa", "x\\Q\\", "\\xgg", "\\1", "\\8", "[\\A]", "[\\Qa\\E]", "[a-\\d]", "[[:^foo:]]",
        "(?-)a", "(?i-)a",
        "(?i--s)a", "(?i", "\\E", "^**", "(|*)",
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

    /// An assertion takes nothing, and is no way to go round for ever.
    @Test func hostileAnchorsTakeLinearTime() throws {
        let pattern = try Pattern("((^|$|a)*(^*|a)*)*b")
        #expect(!pattern.matches(String(repeating: "a", count: 1024)))
        #expect(throws: PatternError.self) { try Pattern("((((^){100}){100}){100}){100}") }
        // Opposites in classes have ranges like others, and are counted.
        #expect(throws: PatternError.self) { try Pattern("[" + String(repeating: "\\W\\S", count: 995) + "]{4}") }
    }

    @Test func hostilePatternsTakeLinearTime() throws {
        let pattern = try Pattern("(a*)*(a|a)*(a+)+b")
        #expect(!pattern.matches(String(repeating: "a", count: 1024)))
    }
}
