"""URLs with a host, and texts that are none, each in another way."""

# Code points of what is not seen, at the edges of each range, and those beside them.
UNSEEN = (
    *(1, 8, 9, 10, 13, 27, 31, 32, 127, 128, 133, 159, 160, 173, 5760, 8192, 8207),
    *(8232, 8233, 8239, 8287, 8288, 8303, 12288, 65279),
    *(847, 1564, 4447, 4448, 6068, 6069, 6155, 6156, 6159, 12644, 65024, 65025, 65039, 65440),
    *(65520, 65521, 65531, 113824, 113827, 119155, 119162, 917504, 917505, 921599),
)
BESIDE_UNSEEN = (
    *(33, 126, 161, 172, 174, 5759, 5761, 8191, 8208, 8231, 8240, 8286, 8304),
    *(12287, 12289, 65278, 65280),
    *(846, 848, 1563, 1565, 4446, 4449, 6067, 6070, 6154, 6160, 12643, 12645, 65023, 65040),
    *(65439, 65441, 65519, 65532, 113823, 113828, 119154, 119163, 917503, 921600),
)
# What Unicode has for the ends of a host, and what is beside that.
LIKE = (
    *(8263, 8264, 8265, 8448, 8449, 8453, 8454, 10868, 65043, 65046, 65109, 65110, 65119),
    *(65131, 65283, 65295, 65306, 65311, 65312),
)
BESIDE_LIKE = (
    *(8262, 8266, 8447, 8450, 8452, 8455, 10867, 10869, 65042, 65044, 65045, 65047, 65108),
    *(65111, 65118, 65120, 65130, 65132, 65282, 65284, 65294, 65296, 65305, 65307, 65310),
    65313,
)
HTTPS_URLS = (
    *("https://h", "HTTPS://H", "https://@h", "https://:@h", "https://a:b@h", "https://[::1]"),
    *(
        "https://h:",
        "https://h:09",
        "https://h?",
        "https://h#",
        "https://h/",
        "https://_h",
        "https://h_",
    ),
    *("https://[::]:", "https://[1::]", "https://[1:2:3:4:5:6:7:8]", "https://[::7:6:5:4:3:2:1]"),
    *(
        "https://[1:2:3:4:5:6:7::]",
        "https://[1::3:4:5:6:7:8]",
        "https://[0:90ab:cdef:ABCD:EF09::f]",
    ),
    *(
        "https://[1111:2222:3333:4444:5555:6666:7777:8888]",
        "https://h:0000000443",
        "https://h:9999",
    ),
    *(
        "https://h:10000",
        "https://h:59999",
        "https://h:60000",
        "https://h:64999",
        "https://h:65000",
    ),
    *(
        "https://h:65499",
        "https://h:65500",
        "https://h:65529",
        "https://h:65530",
        "https://h:65535",
    ),
    *(
        "https://az09AZ.~%!$&'()*+,;=:_-@h",
        "https://09.az-AZ_h",
        "https://h/\\",
        'https://h/"<>^`{|}',
    ),
    *("https://h/\u00a1", "https://\u00a1"),
    *(f"https://h/{chr(code)}" for code in BESIDE_UNSEEN),
    *(f"https://h{chr(code)}h" for code in BESIDE_LIKE),
    *(f"https://h{end}{chr(code)}" for code in LIKE for end in "/?#"),
    *("https://[ab:cd:ef:AB:01:23:45:67]", "https://[01:23:45:67:ab:cd:ef:AB]", "https://[ab::cd]"),
    *(
        "https://[12:ab:cd::ef:34:ab]",
        "https://[::ab:12]",
        "https://[ab:12::]",
        "https://[12:34::56:78]",
    ),
    *("https://h.", "https://h-", "https://h/a@b[c]:d", "https://h?a/b", "https://\u00e9"),
)
PORTS = ("59999", "64999", "65499", "65529", "65535", "9999")
NO_HTTPS_URLS = (
    *("", "h", "http://h", "ahttps://h", "https:/h", "https//h", "https:h", "https://"),
    *("xttps://h", "hxtps://h", "htxps://h", "httxs://h", "httpx://h", "https.//h", "https:./h"),
    *(
        "https:/.h",
        "https://[F0.9]",
        "https://[:]",
        "https://[1]",
        "https://[1:2]",
        "https://[:::]",
    ),
    *("https://[1:2:3:4:5:6:7]", "https://[1:2:3:4:5:6:7:8:9]", "https://[1:2:3:4:5:6:7:8::]"),
    *(
        "https://[::1:2:3:4:5:6:7:8]",
        "https://[1:2:3::4:5:6:7:8]",
        "https://[1::2::3]",
        "https://[1:::2]",
    ),
    *("https://[12345::]", "https://[::12345]", "https://[1:12345::]", "https://[::1:12345]"),
    *("https://[12345:2:3:4:5:6:7:8]", "https://[1:2:3:4:5:6:7:80000]", "https://[1.2.3.4]"),
    *("https://[:1::]", "https://[::1:]", "https://[1:2:3:4:5:6:7:]", "https://[:2:3:4:5:6:7:8]"),
    *("https://[g::]", "https://[::g]", "https://[1:g::]", "https://[::1:g]", "https://x[::1]"),
    *("https://[1:2:3:4:5:6:7:g]", "https://[1:g:3:4:5:6:7:8]", "https://[::1]]", "https://[[::1]"),
    *(f"https://{c}h" for c in "!\"$%&'()*+,-.;<=>[\\]^`{|}~"),
    *(f"https://h{c}h" for c in "!\"$%&'()*+,;<=>[\\]^`{|}~"),
    *(f"https://{c}@h" for c in '"<>[\\]^`{|}\u00e9'),
    *(
        "https://h:65536",
        "https://h:65540",
        "https://h:65600",
        "https://h:66000",
        "https://h:70000",
    ),
    *("https://h:99999", "https://h:100000", "https://h:0065536", "https://h:99999999/"),
    *(f"https://h:{port[:at]}a{port[at + 1 :]}" for port in PORTS for at in range(len(port))),
    *("https://[a:b:c:d:e:f:a:b::]", "https://[::a:b:c:d:e:f:a:b]", "https://[a:b:c:d::e:f:a:b]"),
    *("https://[1:a:1:a:1:a:1:a::]", "https://[a:1:a:1:a:1:a:1::]", "https://[1-2-3-4-5-6-7-8]"),
    *("https://[1-2::3]", "https://[::1-2]", "https://[1-:2]", "https://[1:-2]", "https://(::1]"),
    *("https://[::1)", "http\u017f://h", "https://[1:2:3:4:5:6:7:8::9]"),
    *(f"https://h{path}{chr(code)}" for code in UNSEEN for path in ("/", "")),
    *(f"https://h{chr(code)}h" for code in LIKE),
    *("https://\uff0f", "https://\u200b/", "https://u:\uff20@h", "https://h\uff1a80/a"),
    *("https:///@h", "https://?@h", "https://#@h", "https://a@@h", "https://a b@h", "https:// @h"),
    *("https://[]", "https://[g]", "https://[::1", "https://::1]", "https://[ ]", "https://[::1]a"),
    *("https://.h", "https://-h", "https://:1", "https://]h", "https://[h", "https:// h"),
    *(
        "https://h[",
        "https://h]",
        "https://h[x",
        "https://h]x",
        "https://h x",
        "https://h@",
        "https://@",
    ),
    *("https://h:a", "https://h:1a", "https://h::1", "https://h/ ", "https://h/a b", "https://h\n"),
    *("\nhttps://h", "https://h/\n", "https://h?a b", "https://?h", "https://#h", "https:///h"),
)
