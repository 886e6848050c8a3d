import Testing

@testable import Notifications

@Suite struct MarkupTests {
    @Test(arguments: [
        ("@here a@b.example", "@\u{2060}here a@\u{2060}b.\u{2060}example"), ("#general", "#\u{2060}general"),
        ("https://x.example/a", "https:\u{2060}//x.\u{2060}example/a"), (":fire:", ":\u{2060}fire:"),
        ("gpt-4.1 at 12:30, 31.2 %", "gpt-4.1 at 12:30, 31.2 %"), ("a\nb\u{0}\u{202E}\u{200B}c", "a b c"), ("", ""),
    ])
    func textIsMadeInert(text: String, inert: String) {
        #expect(SafeText.inert(text) == inert)
    }

    @Test(arguments: [
        (Markup.slack, "*b* a_b _i_ <!here> &", "∗b∗ a_b ＿i＿ &lt;!here&gt; &amp;"), (.slack, "> quote", "›\u{20}quote"),
        (.markdown, "*b* [x](y) a_b", "\\*b\\* \\[x\\](y) a\\_b"), (.markdown, "- item", "\u{2060}- item"),
        (.rocketChat, "*b* [x](y) <z|w> a_b", "∗b∗ ［x］(y) ‹z¦w› a_b"), (.chatText, "<users/all> ~s~", "‹users/all› ∼\u{2060}s∼"),
        (.html, "<b>&</b>", "&lt;b&gt;&amp;&lt;/b&gt;"), (.card, "<at>x</at> [l](u)", "‹at›x‹/at› ［l］(u)"),
        (.plain, "<at>", "<\u{2060}at>"),
    ])
    func eachFormatWritesMarksAsText(markup: Markup, text: String, written: String) {
        #expect(markup.words(text, limit: 200).replacing("~\u{2060}", with: "∼\u{2060}") == written)
    }

    @Test(arguments: [Markup.slack, .markdown, .rocketChat, .chatText])
    func aNameStaysInItsCode(markup: Markup) {
        #expect(markup.name("a`b\nc") == "`a'b c`")
        #expect(markup.name(" \u{200B}") == "(unnamed)")
        #expect(markup.name(String(repeating: "x", count: 300)).utf16.count == 102)
    }

    @Test(arguments: [
        (Markup.slack, "<https://m.example/a?b&amp;c|Open>"), (.markdown, "[Open](https://m.example/a?b&c)"),
        (.html, "<a href=\"https://m.example/a?b&amp;c\">Open</a>"), (.chatText, "<https://m.example/a?b&c|Open>"),
    ])
    func linksAreOurs(markup: Markup, link: String) {
        #expect(markup.link("https://m.example/a?b&c", "Open") == link)
    }

    @Test(arguments: [
        "javascript:alert(1)", "https://x y", "https://x>", "https://x|y", "https://\"", "https://ä", "",
        "https://known.example@evil.example/", "http://user:pw@127.0.0.1", "https://a@b?c",
    ])
    func whatIsNoAddressIsNoLink(url: String) {
        #expect(Markup.markdown.link(url, "Open") == nil)
    }

    @Test func anAtSignBehindTheHostMisleadsNobody() {
        #expect(AlertLinks.isLink("https://m.example/@team?to=a@b#c@d"))
    }

    @Test func anAddressCannotEndItsLink() {
        #expect(Markup.markdown.link("https://m.example/(a)", "Open") == "[Open](https://m.example/%28a%29)")
    }

    @Test(arguments: [
        ("abcdef", 6, "abcdef"), ("abcdefg", 6, "abcde…"), ("a&b", 6, "a…"), ("a&b", 7, "a&amp;b"), ("👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 12, "👩‍👩‍👧‍👦…"), ("&&", 3, "…"),
    ])
    func textIsCutBetweenCharacters(text: String, limit: Int, cut: String) {
        #expect(SafeText.fitted(text, to: limit) { $0 == "&" ? "&amp;" : nil } == cut)
    }

    /// Marks without end on one letter take neither the letter nor what follows away.
    @Test func aLetterWithManyMarksIsShownWithSome() {
        let text = SafeText.fitted("e" + String(repeating: "\u{301}", count: 8000) + " is slow", to: 100)
        #expect(text.unicodeScalars.first == "e" && text.hasSuffix(" is slow") && text.utf16.count <= 100)
    }

    @Test(
        arguments: [
            ([0, 1, 2, 3, 4, 5, 6, 7], nil, "▁▂▃▄▅▆▇█"), ([0, 0, 0], nil, "▁▁▁"), ([4, nil, 8], nil, "▅·█"), ([46, 91], 100, "▄▇"),
            ([.nan, -1, .infinity, 1], nil, "···█"), ([nil, nil], nil, nil), ([], nil, nil),
        ] as [([Double?], Double?, String?)])
    func aCourseIsALineOfBars(values: [Double?], top: Double?, text: String?) {
        #expect(Sparkline.text(values, top: top) == text)
    }
}
