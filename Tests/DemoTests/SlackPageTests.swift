import Foundation
import Testing

@testable import Demo

@Suite struct SlackPageTests {
    @Test(arguments: [
        ("plain", "plain"),
        ("*bold* and _it_ and ~gone~", "<strong>bold</strong> and <em>it</em> and <s>gone</s>"),
        ("snake_case_name stays, 2*3*4 too", "snake_case_name stays, 2*3*4 too"),
        ("`a *b* <c>`", "<code>a *b* &lt;c&gt;</code>"),
        (
            "<https://example.com/a?b=1&amp;c=2|Open>",
            #"<a href="https://example.com/a?b=1&amp;c=2" target="_blank" rel="noreferrer noopener">Open</a>"#
        ),
        ("<javascript:alert(1)|x>", "&lt;javascript:alert(1)|x&gt;"),
        ("<!channel>", #"<span class="mention">@channel</span>"#),
        ("&lt;!channel&gt; &amp; co", "&lt;!channel&gt; &amp; co"),
        (":fire: 12:30:45 :unknown:", "🔥 12:30:45 :unknown:"),
        ("a\nb", "a<br>b"),
        ("&gt; quoted", "<blockquote>quoted</blockquote>"),
        ("```x\n*y*```", "<pre>x\n*y*</pre>"),
        (#"<script>alert("1")</script>"#, "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;"),
        ("unclosed <http://a", "unclosed &lt;http://a"),
    ])
    func rendersMrkdwn(source: String, html: String) {
        #expect(Mrkdwn.html(source) == html)
    }

    @Test(arguments: [
        (#"{"text": "hello"}"#, nil),
        (#"{}"#, "no_text"),
        (#"{"blocks": []}"#, "no_text"),
        (#"{"text": "t", "blocks": [{"type": "carousel"}]}"#, "invalid_blocks"),
        (#"{"blocks": [{"type": "header", "text": {"type": "mrkdwn", "text": "t"}}]}"#, "invalid_blocks"),
        (#"{"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "t"}}, {"type": "divider"}]}"#, nil),
        (#"{"blocks": [{"type": "section"}]}"#, "invalid_blocks"),
        (#"{"blocks": [{"type": "context", "elements": [{"type": "mrkdwn", "text": "t"}]}]}"#, nil),
        (
            #"{"blocks": [{"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Go"}, "style": "loud"}]}]}"#,
            "invalid_blocks"
        ),
        (
            #"{"attachments": [{"color": "danger", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": ""}}]}]}"#,
            "invalid_blocks"
        ),
    ])
    func refusesWhatSlackRefuses(json: String, refusal: String?) throws {
        #expect(try JSONDecoder().decode(SlackPayload.self, from: Data(json.utf8)).refusal == refusal)
    }

    @Test func refusesTextsOverTheLimits() throws {
        func header(_ length: Int) throws -> SlackPayload {
            let text = String(repeating: "x", count: length)
            return try JSONDecoder().decode(
                SlackPayload.self, from: Data(#"{"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "\#(text)"}}]}"#.utf8)
            )
        }
        #expect(try header(150).refusal == nil)
        #expect(try header(151).refusal == "invalid_blocks")
    }

    @Test func rendersButtonsAsLinksAndNothingElseAsMarkup() throws {
        let json = #"""
            {"attachments": [{"color": "#c0392b\" onload=\"x", "blocks": [
              {"type": "section", "text": {"type": "mrkdwn", "text": "*<b>*"}, "fields": [{"type": "mrkdwn", "text": "*Now*\n31 %"}]},
              {"type": "actions", "elements": [
                {"type": "button", "style": "primary", "text": {"type": "plain_text", "text": "Acknowledge"}, "url": "http://127.0.0.1:8080/a/x?y=\"z"},
                {"type": "button", "text": {"type": "plain_text", "text": "Bad"}, "url": "javascript:alert(1)"}]}]}]}
            """#
        let payload = try JSONDecoder().decode(SlackPayload.self, from: Data(json.utf8))
        #expect(
            payload.html
                == #"<div class="attachment" style="--bar:#8d8d8d"><div class="section"><p>*&lt;b&gt;*</p><div class="fields"><p><strong>Now</strong><br>31 %</p></div></div>"#
                + #"<p class="actions"><a class="button primary" href="http://127.0.0.1:8080/a/x?y=&quot;z" target="_blank" rel="noreferrer noopener">Acknowledge</a>"#
                + #"<button class="button" disabled title="No link behind this button">Bad</button></p></div>"#)
    }
}
