"""sweep.py - address fields of every kind: what assay says of each, and what the MTA delivers.

The values are bytes, with what stands behind the colon; FAR stands for a domain."""

import pathlib
import subprocess

FAR = b"far.example"
PRINTABLE = [bytes([c]) for c in range(0x21, 0x7F)]
HIGH = [bytes([c]) for c in (*range(0x80, 0xA2), 0xC3, 0xE9, 0xFE, 0xFF)] + ["é".encode(), "€".encode(), "😀".encode()]

# Where a byte can stand: in and between words, in quotes, comments, both parts of an address.
SHAPES = [
    b" A a%sb C <x@FAR>",
    b" %s <x@FAR>",
    b' A "a%sb" C <x@FAR>',
    b' "A" a%sb <x@FAR>',
    b" x@FAR (a%sb)",
    b" A (a%sb) <x@FAR>",
    b" a%sb@FAR",
    b' Q <"a%sb"@FAR>',
    b" Q <x@a%sb.example>",
]

OTHERS = """
x@FAR,y@FAR|x@FAR ,y@FAR|x@FAR , ,y@FAR|,x@FAR|x@FAR,|x@FAR, y@FAR|x@FAR,  y@FAR|x@FAR,\ty@FAR|x@FAR,^y@FAR
A <x@FAR>,B <y@FAR>|"Doe, J" <x@FAR>,"D, K" <y@FAR>|"a\\",b" <x@FAR>,y@FAR|x@FAR (a, b),y@FAR
A^B <x@FAR>|A^\tB <x@FAR>|A^<x@FAR>|"A^B" <x@FAR>|A  B\tC <x@FAR>|^x@FAR|\tx@FAR|x@FAR |x@FAR^(c)|O'^B <x@FAR>
A<x@FAR>|A"B"C <x@FAR>|"A""B" <x@FAR>|""<x@FAR>|" " <x@FAR>|O"'"B <x@FAR>|A.B. <x@FAR>|A . B <x@FAR>|.<x@FAR>
'x@FAR' <x@FAR>|'a' 'b' <x@FAR>|o'brien@FAR|O'B <o'brien@FAR>|'x@FAR'|"A \\"B\\"" O'C <x@FAR>|"A\\\\" B. <x@FAR>
=?utf-8?q?J=C3=BCrgen?= <x@FAR>|=?utf-8?b?SsO8cmdlbg==?=^=?utf-8?b?SsO8cmdlbg==?= <x@FAR>
=?utf-8?q?J=C3=BCrgen?= O'Brien Jr. <x@FAR>|=?utf-8?q?J=C3=BCr.gen?= <x@FAR>|=?utf-8?Q?J=C3=BC'r?= Dr. B <x@FAR>
=?utf-8?b?SsO8?= "x"y. <x@FAR>|"=?utf-8?q?a.b?=" <x@FAR>|x@FAR (=?utf-8?q?a.b?=)|=?utf-8*en?q?a?= <x@FAR>
=?utf-8?q?a,b?= <x@FAR>|=?utf-8?b?a.b?= <x@FAR>
< x@FAR >|x @ FAR|A <x @FAR>|A <x@ FAR>|x . y@FAR|A <x . "y" . z@FAR>|x@FAR.|<x@FAR.>|x..y.@FAR|.x@FAR
<@y.example:x@FAR>|A <@y.example,@z.example:x@FAR>|@y.example:x@FAR|"x y"@FAR|"x@y"@FAR|"x\\"y"@FAR
x|<x>|A <x>|x!y|x%y|x!y@FAR|x%y@FAR|x@localhost|x@mx|x@far|x@[192.0.2.25]|x@[192.0.2.99]|x@y@FAR|x@|@FAR|<>|A <>
(c) x@FAR|(c)x@FAR|(c) <x@FAR>|x@FAR(c)|x@FAR (a)(b)|(a) (b) x@FAR|A (c)B. <x@FAR> (d)|A <x(c)@FAR>|A <x@(c)FAR>
A <(c) x@FAR>|A <x@FAR (c)>|x@FAR (a (b) c)|x@FAR (a\\)b)|x@FAR ("a)|x@FAR (a^b)|x@FAR (a), y@FAR (b)|x@FAR ()
(a) A (b) <x@FAR> (c), (d) y@FAR (e)|x@FAR, (c)
g:;|g: ;|g:x@FAR;|g: x@FAR, y@FAR;|g:x@FAR,y@FAR;|g h: A <x@FAR>, O'B <y@FAR>;|"g, h": x@FAR;|a.b:;|o'b: x@FAR;
y@FAR, g: x@FAR;|g: x@FAR;, y@FAR|g: x@FAR (c);|g:x@FAR;,h:;|undisclosed-recipients:;|Undisclosed recipients:;
=?utf-8?q?J=C3=BCr.gen?=: x@FAR;|g: (c);|undisclosed-recipients:|g: x@FAR; (c)
x@FAR;|x@FAR; y@FAR|x@FAR y@FAR|<x@FAR> <y@FAR>|<x@FAR> A|A <x@FAR|A x@FAR>|<<x@FAR>>|"A <x@FAR>|(A <x@FAR>
A [b] <x@FAR>|Acme, Inc. <x@FAR>|Re: Ann <x@FAR>|N <mailto:x@FAR>|A B|x@FAR <x@FAR>|a\\b <x@FAR>
"""


def values(far=FAR):
    """All of them, each once."""
    swept = [shape.replace(b"%s", c) for shape in SHAPES for c in PRINTABLE + HIGH]
    texts = [b" " + text.encode() for line in OTHERS.strip().split("\n") for text in line.split("|")]
    others = [text.replace(b"^", b"\n ").replace(b"\\t", b"\t") for text in texts]
    names = b"n" * 205, b"n " * 100
    lengths = [b' "%s%s" <x@FAR>' % (name, b"m" * n) for name in names for n in (0, 10, 25, 35, 60, 300)]
    for n in range(20, 29):
        lengths += [b" %s@FAR, %s@FAR" % (b"a" * n, b"b" * 24), b" %s@FAR, %s@FAR, c@FAR" % (b"a" * n, b"b" * 24)]
    lists = [b", ".join([b" y@FAR", *[b"Person %d <person%d@FAR>" % (i, i) for i in range(n)]]) for n in (5, 40, 80)]
    every = [value.replace(b"FAR", far) for value in swept + others + lengths + lists]
    return list(dict.fromkeys(every))


def values_of_one(far):
    """Some that have one address, for From: a few of every shape, and what is special in names."""
    swept = [shape.replace(b"%s", c) for shape in SHAPES for c in PRINTABLE[::31]]
    special = [b" A a%sb C <x@FAR>".replace(b"%s", bytes([c])) for c in b"!#$%&'*+-./=?^_`{|}~\x80\xe9"]
    others = [v for v in values(b"FAR")[len(SHAPES) * len(PRINTABLE + HIGH) :] if v.count(b"@FAR") == 1 and len(v) < 99]
    return [value.replace(b"FAR", far) for value in dict.fromkeys(swept + special + others)]


def predict(build, name, fields, mode="relaxed"):
    """What assay says of each field: its value as it will be delivered, or None where it cannot know."""
    asked = "".join(f"{name} {value.hex()}\n" for value in fields)
    program = pathlib.Path(build) / "tests" / "e2e" / "settle"
    done = subprocess.run([program, mode], input=asked, text=True, capture_output=True, check=True)
    said = done.stdout.splitlines()
    if len(said) != len(fields):
        raise RuntimeError(f"settle said {len(said)} lines for {len(fields)} fields")
    known = {"settled": lambda value, _: value, "changes": lambda *_: None}
    return [known.get(word, lambda _, text: bytes.fromhex(text))(value, word) for value, word in zip(fields, said)]


def delivered(data, name):
    """The values of the fields of this name in a message with CRLF or LF, folds as LF."""
    header = data.replace(b"\r\n", b"\n").split(b"\n\n")[0]
    fields = header.replace(b"\n ", b"\0 ").replace(b"\n\t", b"\0\t").split(b"\n")
    wanted = name.lower().encode() + b":"
    return [field[len(wanted) :].replace(b"\0", b"\n") for field in fields if field.lower().startswith(wanted)]
