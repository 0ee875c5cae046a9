"""What a log line, an answer, a file or a node's name might carry to whoever shows it."""

MARKUP = """</script><script>alert(1)</script><img src=x onerror=alert(1)>"'><style>*{display:none}</style>{{7*7}}"""
TEXTS = (
    MARKUP,
    "]]></failure></testcase><testcase name='forged'/><![CDATA[",
    "-->\n<!--#exec cmd='id'-->",
    "| held | held |\n|---|---|\n| forged | yes |",
    "a\n\n# HELD\n\n- [x] forged",
    "[link](javascript:alert(1)) ![image](https://x.example/y.png) <https://x.example>",
    "```\nfenced\n```\n`code` ``two``",
    "**bold** __bold__ ~~gone~~ $x^2$ &lt;b&gt; \\| \\",
    "1. one\n2) two\n+ three\n- four\n> five\n=====\n-----",
    "<details open><summary>forged</summary></details><table><tr><td>",
    "\x00\x1b[2J\x1b]8;;https://x.example\x07link\x1b]8;;\x07\u202eright to left\u2066",
    "@somebody #12 :tada: www.x.example a@x.example https://x.example",
    "x" * 3000,
)
