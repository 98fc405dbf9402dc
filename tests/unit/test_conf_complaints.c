/* test_conf_complaints.c - assay.conf: what is said about what is not understood. */
#include "conf_rig.h"

/* Every complaint, word for word. */
static const struct {
    const char *text, *want;
} bad[] = {
    /* Names */
    {"lisen = \"x\";", "text:1: unknown option lisen; is listen meant?\n"},
    {"\n\ndns = { timeot = \"5s\"; };",
     "text:3: unknown option dns.timeot; is dns.timeout meant?\n"},
    {"on-reject = \"reject\";", "text:1: unknown option on-reject; is dmarc.on-reject meant?\n"},
    {"frobnicate = 1;", "text:1: unknown option frobnicate; assay.conf(5) lists all options\n"},
    {"greylisting = { mode = \"enforce\"; };\ndnsbls = { };",
     "text:1: unknown option greylisting; is greylist meant?\n"
     "text:2: unknown option dnsbls; is dnsbl meant?\n"},
    {"dnsbl = { x = 1; };", "text:1: unknown option dnsbl.x; assay.conf(5) lists all options\n"},
    {"singing = ( );", "text:1: unknown option singing; is signing meant?\n"},
    {"dns = \"127.0.0.1\";",
     "text:1: dns: wanted is a group of options such as dns = { ... }, not a text\n"},
    {"mode = \"shadow\";\nmode = \"enforce\";",
     "text:2: mode: is set at text:1 already: remove one of the two\n"},
    {"mode : \"shadow\";\nmode : \"enforce\";",
     "text:2: mode: is set at text:1 already: remove one of the two\n"},
    {"dns = { timeout = \"1s\"; };\nmode = \"shadow\";\n"
     "dns : {\ntimeout /* x */\n# y\n: \"2s\"; frob = 1; frob = 2; };",
     "text:4: dns.timeout: is set at text:1 already: remove one of the two\n"
     "text:6: unknown option dns.frob; assay.conf(5) lists all options\n"
     "text:6: unknown option dns.frob; assay.conf(5) lists all options\n"},
    {"signing = ( { domain = \"a.example\";\ndomain = \"b.example\"; keys = ( { selector = \"s\";\n"
     "file = \"/k\"; selector = \"t\"; } ); lifetime = \"1d\";\nlifetime = \"2d\"; } );",
     "text:2: signing: domain: is set at text:1 already: remove one of the two\n"
     "text:4: signing: lifetime: is set at text:3 already: remove one of the two\n"
     "text:3: signing: selector: is set at text:2 already: remove one of the two\n"},
    {"signing = ( { domain = \"a.example\"; " KEY
     " } );\nsigning = ( { domain = \"a.example\"; " KEY
     " }, 3 );\nsigning = { domain = \"b.example\"; };",
     "text:2: signing: wanted is { domain = \"example.org\"; keys = ( { selector = \"s1\"; file = "
     "\"/path/s1.pem\"; } ); }, not a number\n"
     "text:3: signing: an entry needs at least one key, as in { domain = \"example.org\"; keys = ( "
     "{ selector = \"s1\"; file = \"/path/s1.pem\"; } ); }\n"
     "text:2: signing: a.example has an entry already, at text:1: put all its keys there, or say "
     "which senders this one is for\n"},
    /* Types */
    {"listen = 8892;", "text:1: listen: wanted is a list of sockets such as [ "
                       "\"inet:8892@127.0.0.1\", \"unix:/run/assay/assay.sock\" ], not a number\n"},
    {"listen = [ ];",
     "text:1: listen: names no socket: an MTA needs one, such as inet:8892@127.0.0.1\n"},
    {"milter-library = \"libmilter\"; listen = [ \"/a\",\n\"inet:1@::1\" ];",
     "text:1: listen: libmilter serves one socket only, and these are 2: name one, or set "
     "milter-library = \"own\"\n"},
    {"milter-library = \"own\"; listen = [ \"inet:1@127.0.0.1\",\n\"inet:127.0.0.1:1\",\n"
     "\"inet:8892\", \"inet:0\" ];",
     "text:2: listen: \"inet:127.0.0.1:1\" is in the list already\n"
     "text:3: listen: \"inet:0\" has no port from 1 to 65535; allowed are inet:8892@127.0.0.1, "
     "inet6:8892@[::1], inet:127.0.0.1:8892 and unix:/run/assay/assay.sock\n"},
    {"trusted-networks = \"10.0.0.0/8 127.0.0.1\";\nrelay-networks = \"10.1.0.0/16,::1\";",
     "text:1: trusted-networks: \"10.0.0.0/8 127.0.0.1\" is more than one: write each in quotes of "
     "its own, and commas between them\n"
     "text:2: relay-networks: \"10.1.0.0/16,::1\" is more than one: write each in quotes of its "
     "own, and commas between them\n"},
    /* Sockets that take each other's place */
    {"listen = [ \"/run/a.sock\", \"inet:8892@127.0.0.1\" ];\n"
     "policy-service = {\nlisten = \"inet:127.0.0.1:8892\"; };\ncontrol = \"unix:/run/a.sock\";",
     "text:4: control: \"unix:/run/a.sock\" is taken by listen (\"/run/a.sock\"): choose "
     "another path\n"
     "text:3: policy-service.listen: \"inet:127.0.0.1:8892\" is taken by listen "
     "(\"inet:8892@127.0.0.1\"): choose another port\n"},
    {"listen = [ \"inet:8892@127.0.0.1\", \"inet:8893@192.0.2.1\", \"inet6:8894@[::1]\" ];\n"
     "policy-service = { listen = \"inet:8896@127.0.0.1\"; };\n"
     "srs = { domain = \"srs.example.org\"; secrets = \"/s\";\nlisten = \"inet:8896@0.0.0.0\"; };",
     "text:4: srs.listen: \"inet:8896@0.0.0.0\" is taken by policy-service.listen "
     "(\"inet:8896@127.0.0.1\"): choose another port\n"},
    {"listen = [ \"inet:8892@127.0.0.1\", \"inet:8892\" ];",
     "text:1: listen: \"inet:8892\" is taken by listen (\"inet:8892@127.0.0.1\"): choose another "
     "port\n"},
    {"listen = \"inet:8892@127.0.0.300\";",
     "text:1: listen: \"inet:8892@127.0.0.300\" has no valid host or address; allowed are "
     "inet:8892@127.0.0.1, inet6:8892@[::1], inet:127.0.0.1:8892 and "
     "unix:/run/assay/assay.sock\n"},
    {"dns = { timeout = 5; };", "text:1: dns.timeout: wanted is a duration in quotes such as "
                                "\"5s\" (units ms, s, m, h, d), not a number\n"},
    {"dns = { max-in-flight = \"64\"; };",
     "text:1: dns.max-in-flight: wanted is a whole number, not a text\n"},
    {"dns = { max-in-flight = 64.5; };",
     "text:1: dns.max-in-flight: wanted is a whole number, not a fraction\n"},
    {"received-spf = \"yes\";", "text:1: received-spf: wanted is true or false, not a text\n"},
    {"mode = true;",
     "text:1: mode: wanted is one of these words in quotes: enforce, shadow, not true or false\n"},
    {"socket-mode = 0660;",
     "text:1: socket-mode: wanted is octal permissions in quotes such as \"0660\", not a number\n"},
    {"reference = { sample = \"0.1\"; };",
     "text:1: reference.sample: wanted is a number from 0 to 1 such as 0.01, not a text\n"},
    {"dns = { cache-size = 5; };", "text:1: dns.cache-size: wanted is a size in quotes such as "
                                   "\"64M\" (units K, M, G), not a number\n"},
    {"trusted-networks = [ 10, 11 ];",
     "text:1: trusted-networks: wanted is a list of networks such as [ \"192.0.2.0/24\", "
     "\"2001:db8::1\" ], not a number\n"
     "text:1: trusted-networks: wanted is a list of networks such as [ \"192.0.2.0/24\", "
     "\"2001:db8::1\" ], not a number\n"},
    {"submission-daemons = { a = 1; };",
     "text:1: submission-daemons: wanted is a list such as [ \"one\", \"two\" ], not a group\n"},
    /* Values */
    {"user = \"\";", "text:1: user: \"\" is empty: leave the option out instead\n"},
    {"mode = \"shdow\";",
     "text:1: mode: \"shdow\" is not allowed here: the words are enforce, shadow\n"},
    {"dmarc = { on-reject = \"drop\"; };", "text:1: dmarc.on-reject: \"drop\" is not allowed here: "
                                           "the words are tag, quarantine, tempfail, reject\n"},
    {"dns = { timeout = \"90s\"; };",
     "text:1: dns.timeout: \"90s\" is out of bounds: allowed is 100ms to 60s\n"},
    {"dns = { timeout = \"5\"; };", "text:1: dns.timeout: \"5\" has no unit: write ms, s, m, h or "
                                    "d behind the number\n"},
    {"dns = { timeout = \"5 s\"; };",
     "text:1: dns.timeout: \"5 s\" is no duration such as \"5s\" (units ms, s, m, h, d)\n"},
    {"dns = { timeout = \".s\"; };",
     "text:1: dns.timeout: \".s\" is no duration such as \"5s\" (units ms, s, m, h, d)\n"},
    {"dns = { timeout = \"200.5ms\"; };",
     "text:1: dns.timeout: \"200.5ms\" is no whole number of milliseconds\n"},
    {"dns = { timeout = \"99999999999s\"; };",
     "text:1: dns.timeout: \"99999999999s\" is no duration such as \"5s\" (units ms, s, m, h, "
     "d)\n"},
    {"dns = { max-in-flight = 8; };",
     "text:1: dns.max-in-flight: \"8\" is out of bounds: allowed is 16 to 65536\n"},
    {"dns = { max-in-flight = -1; };",
     "text:1: dns.max-in-flight: \"-1\" is out of bounds: allowed is 16 to 65536\n"},
    {"dns = { max-in-flight = 4294967396; };",
     "text:1: dns.max-in-flight: \"4294967396\" is out of bounds: allowed is 16 to 65536\n"},
    {"dns = { max-in-flight = 0x1000000FF; };",
     "text:1: dns.max-in-flight: \"4294967551\" is out of bounds: allowed is 16 to 65536\n"},
    {"arc = { mode = \"seal\"; };",
     "text:1: arc.mode: \"seal\" needs arc.sealing-domain, a domain that has keys in signing\n"},
    {"arc = { mode = \"seal\"; sealing-domain = \"example.org\"; };",
     "text:1: arc.sealing-domain: \"example.org\" has no entry in signing, whose key would seal\n"},
    {"arc = { mode = \"seal\"; sealing-domain = \"a.example.org\"; };\n"
     "signing = ( { domain = \"example.org\"; keys = ( { selector = \"s\"; file = \"/k\"; } ); } "
     ");",
     "text:1: arc.sealing-domain: \"a.example.org\" has no entry in signing, whose key would "
     "seal\n"},
    {"arc = { mode = \"seal\"; sealing-domain = \"example.org\"; };\n"
     "signing = ( { domain = \"a.example.org\"; subdomains = true; keys = ( { selector = \"s\"; "
     "file "
     "= \"/k\"; } ); } );",
     "text:1: arc.sealing-domain: \"example.org\" has no entry in signing, whose key would seal\n"},
    {"dns = { max-queries = 19; };",
     "text:1: dns.max-queries: \"19\" is out of bounds: allowed is 20 to 1000\n"},
    {"dkim = { min-key-bits = 2048; max-key-bits = 2047; };",
     "text:1: dkim.min-key-bits: 2048 is more than dkim.max-key-bits (2047): no RSA key would be "
     "accepted\n"},
    {"reference = { sample = 1.1; };",
     "text:1: reference.sample: \"1.1\" is no share from 0 to 1, such as 0.01\n"},
    {"reference = { sample = 2; };",
     "text:1: reference.sample: \"2\" is no share from 0 to 1, such as 0.01\n"},
    {"reference = { sample = -0.5; };",
     "text:1: reference.sample: \"-0.5\" is no share from 0 to 1, such as 0.01\n"},
    {"dns = { cache-size = \"64MB\"; };",
     "text:1: dns.cache-size: \"64MB\" is no size such as \"64M\" (units K, M, G)\n"},
    {"dns = { cache-size = \"1K\"; };",
     "text:1: dns.cache-size: \"1K\" is out of bounds: allowed is 64K to 16G\n"},
    {"socket-mode = \"0999\";",
     "text:1: socket-mode: \"0999\" is no octal mode from 0000 to 0777\n"},
    {"socket-mode = \"1777\";",
     "text:1: socket-mode: \"1777\" is no octal mode from 0000 to 0777\n"},
    {"trusted-networks = [\n\"192.0.2.0/24\",\n\"192.0.2.1/24\",\n\"nonsense\" ];",
     "text:3: trusted-networks: \"192.0.2.1/24\" has bits set behind the prefix length: write the "
     "network's first address\n"
     "text:4: trusted-networks: \"nonsense\" is not an IP address or network such as 192.0.2.0/24 "
     "or 2001:db8::/32\n"},
    {"authserv-id = \"two words\";",
     "text:1: authserv-id: \"two words\" is no host name such as mx.example.org\n"},
    {"authserv-id = \"a;b\";",
     "text:1: authserv-id: \"a;b\" is no host name such as mx.example.org\n"},
    {"dmarc = { ignore-domains = [ \"*.example.org\", \"a..b\" ]; };",
     "text:1: dmarc.ignore-domains: \"*.example.org\" may not hold an asterisk: write "
     "\"example.org\", the domains below it are included\n"
     "text:1: dmarc.ignore-domains: \"a..b\" is no domain name such as example.org\n"},
    {"dmarc = { ignore-domains = [ \"@a.example\", \"u@a.example\", \"a/b\", \"*\", \"mx*.a\",\n"
     "\"https://u@a.example:8/x\", \"http://\" ]; };",
     "text:1: dmarc.ignore-domains: \"@a.example\" is no domain: write \"a.example\"\n"
     "text:1: dmarc.ignore-domains: \"u@a.example\" is an address: write \"a.example\"\n"
     "text:1: dmarc.ignore-domains: \"a/b\" is no domain name such as example.org\n"
     "text:1: dmarc.ignore-domains: \"*\" may not hold an asterisk: write \"example.org\"\n"
     "text:1: dmarc.ignore-domains: \"mx*.a\" may not hold an asterisk: name the domain itself\n"
     "text:2: dmarc.ignore-domains: \"https://u@a.example:8/x\" is a URL: write \"a.example\"\n"
     "text:2: dmarc.ignore-domains: \"http://\" is a URL: write \"example.org\"\n"},
    {"listen = \"8892\";",
     "text:1: listen: \"8892\" is no socket address; allowed are inet:8892@127.0.0.1, "
     "inet6:8892@[::1], inet:127.0.0.1:8892 and unix:/run/assay/assay.sock\n"},
    {"dns = { servers = [ \"ns.example\", \"127.0.0.1@x\" ]; };",
     "text:1: dns.servers: \"ns.example\" is no resolver such as 127.0.0.1, 127.0.0.1@53, [::1]:53 "
     "or fe80::1%eth0\n"
     "text:1: dns.servers: \"127.0.0.1@x\" is no resolver such as 127.0.0.1, 127.0.0.1@53, "
     "[::1]:53 or fe80::1%eth0\n"},
    {"state-dir = \"var\";", "text:1: state-dir: \"var\" is no absolute path\n"},
    {"oversign-headers = [ \"From\", \"a;b\" ];",
     "text:1: oversign-headers: \"a;b\" is never signed: it has a semicolon, which ends the list "
     "of "
     "signed fields (RFC 6376 3.2)\n"},
    {"sign-headers = [ \"To\", \"Received\", \"a:b\" ];",
     "text:1: sign-headers: \"received\" is never signed: it is added by every MTA on the way (RFC "
     "5321 4.4)\n"
     "text:1: sign-headers: \"a:b\" is no name of a header field\n"
     "text:1: sign-headers: From is missing, and must be signed (RFC 6376 5.4)\n"},
    /* Rules between options */
    {"dns = { deadline = \"3s\";\n early-wait = \"4s\"; };",
     "text:2: dns.early-wait: is longer than dns.deadline, of which it is a part\n"},
    {"limits = { message-memory = \"1M\";\n memory = \"1599K\"; };",
     "text:2: limits.memory: has to be at least limits.message-memory and limits.dns-memory "
     "together, and 64 KB for other answers of the DNS, or one large message is too much\n"},
    {"limits = { dns-memory = \"4K\";\n message-memory = \"1G\"; };\n"
     "reports = { record = false; }; sender = { mode = \"enforce\"; };\n"
     "dnsbl = { mode = \"enforce\"; lists = ( { zone = \"a.example\"; weight = 1; } ); };",
     "text:2: limits.memory: has to be at least limits.message-memory and limits.dns-memory "
     "together, and 76 KB for other answers of the DNS, or one large message is too much\n"},
    {"key-table = \"/etc/opendkim/KeyTable\";",
     "text:1: key-table: is of no use without signing-table\n"},
    {"dmarc = { public-suffix-list = \"/usr/share/publicsuffix/public_suffix_list.dat\"; };",
     "text:1: dmarc.public-suffix-list: is of no use without dmarc.discovery = \"psl\"\n"},
    {"dmarc = { discovery = \"psl\";\n public-suffix-list = \"/nonexistent/list\"; };",
     "text:2: dmarc.public-suffix-list: \"/nonexistent/list\" is of no use: No such file or "
     "directory\n"},
    {"dmarc = { discovery = \"psl\";\n public-suffix-list = \"/etc/passwd\"; };",
     "text:2: dmarc.public-suffix-list: \"/etc/passwd\" is of no use: it is no public suffix list: "
     "com is missing\n"},
    {"dmarc = {\n on-mailing-list = \"tag\"; };",
     "text:2: dmarc.on-mailing-list: holds for the mailing lists that dmarc.mailing-lists names, "
     "which is missing: name the domains of lists that you trust, as in [ \"lists.example.org\" "
     "]\n"},
    {"dmarc = {\n mailing-lists = [ \"lists.example.org\" ]; };",
     "text:2: dmarc.mailing-lists: is of no use without dmarc.on-mailing-list milder than "
     "\"reject\"\n"},
    {"signing-table = \"/etc/opendkim/SigningTable\";",
     "text:1: signing-table: is of no use without key-table\n"},
    {"key-table = \"k\"; signing-table = \"ldap://x/\";",
     "text:1: key-table: \"k\" is not allowed: allowed are /path, file:/path and refile:/path\n"
     "text:1: signing-table: \"ldap://x/\" is not allowed: allowed are /path, file:/path and "
     "refile:/path\n"},
    /* signing */
    {"signing = ( { } );",
     "text:1: signing: domain is missing\n"
     "text:1: signing: an entry needs at least one key, as in { domain = \"example.org\"; keys = ( "
     "{ selector = \"s1\"; file = \"/path/s1.pem\"; } ); }\n"},
    {"signing = ( { domain = \"a b\"; subdomains = 1; key = 2;\n keys = ( 5, { selector = \"_ "
     "x\";\n"
     "file = \"k.pem\"; } ); } );",
     "text:1: signing: unknown option key; allowed here are domain, subdomains, senders, keys, "
     "directory, header-canonicalization, body-canonicalization, lifetime, sign-headers, "
     "oversign-headers\n"
     "text:1: signing: domain: \"a b\" is no domain name such as example.org\n"
     "text:1: signing: subdomains: wanted is true or false, not a number\n"
     "text:2: signing: keys: wanted is { selector = \"...\"; file = \"...\"; }, not a number\n"
     "text:2: signing: selector: \"_ x\" is no selector: letters, digits and hyphens, such as "
     "\"s2026\"\n"
     "text:3: signing: file: \"k.pem\" is no absolute path: write the whole path of the PEM "
     "file\n"},
    /* What would never sign. */
    {"signing = ( { domain = \"*.a.example\"; " KEY " }, { domain = \"@a.example\"; " KEY " },\n"
     "{ domain = \"u@a.example\"; " KEY " }, { domain = \"https://a.example/\"; " KEY " },\n"
     "{ domain = \"192.0.2.1\"; " KEY " }, { domain = \"*\"; " KEY " },\n"
     "{ domain = \"a.example\"; keys = { selector = \"s._domainkey\"; file = \"/k\"; }; },\n"
     "{ domain = \"b.example\"; keys = { selector = \"S._domainkey.b.example.\"; file = \"/k\"; }; "
     "},\n"
     "{ domain = \"c.example\"; keys = { selector = \"_domainkey\"; file = \"/k\"; }; },\n"
     "{ domain = \"d.example\"; senders = [ \"ann@d.example,\", \"*@*/d.example\" ]; " KEY " } );",
     "text:1: signing: domain: \"*.a.example\" may not hold an asterisk: write \"a.example\" and "
     "subdomains = true, for the domains below it\n"
     "text:1: signing: domain: \"@a.example\" is no domain: write \"a.example\"\n"
     "text:2: signing: domain: \"u@a.example\" is an address: write \"a.example\" and senders = [ "
     "\"u@a.example\" ]\n"
     "text:2: signing: domain: \"https://a.example/\" is a URL: write \"a.example\"\n"
     "text:3: signing: domain: \"192.0.2.1\" is an IP address: wanted is a domain name such as "
     "example.org\n"
     "text:3: signing: domain: \"*\" may not hold an asterisk: write \"example.org\" and "
     "subdomains "
     "= true, for the domains below it\n"
     "text:4: signing: selector: \"s._domainkey\" is the name of a record: the selector is what "
     "stands before \"._domainkey\", such as \"s\"\n"
     "text:5: signing: selector: \"S._domainkey.b.example.\" is the name of a record: the selector "
     "is what stands before \"._domainkey\", such as \"s\"\n"
     "text:6: signing: selector: \"_domainkey\" is the name of a record: the selector is what "
     "stands before \"._domainkey\", such as \"s2026\"\n"
     "text:7: signing: senders: \"ann@d.example,\" has no domain name behind its @\n"
     "text:7: signing: senders: \"*@*/d.example\" has no domain name behind its @\n"},
    {"signing = ( { domain = \"a.example\"; keys = ( { selector = \"s\"; file = \"/a\"; },\n"
     "{ selector = \"S\"; file = \"/b\"; } ); },\n"
     "{ domain = \"A.example\"; keys = ( { selector = \"s\"; file = 5; } ); }, 7 );",
     "text:2: signing: selector: \"s\" stands twice for a.example\n"
     "text:3: signing: file: wanted is text in quotes, not a number\n"
     "text:3: signing: wanted is { domain = \"example.org\"; keys = ( { selector = \"s1\"; file = "
     "\"/path/s1.pem\"; } ); }, not a number\n"
     "text:3: signing: a.example has an entry already, at text:1: put all its keys there, or say "
     "which senders this one is for\n"},
    {"signing = ( { domain = \"a.example\"; " KEY
     " senders = [ \"a@a.example\", \"A@A.example\" ]; "
     "},\n{ domain = \"a.example\"; " KEY " senders = \"a@a.example\"; },\n"
     "{ domain = \"b.example\"; " KEY " senders = [ ]; },\n"
     "{ domain = \"b.example\"; " KEY
     " senders = [ \"b.example\", \"x@\", \"x@a.example\", \"x@bb.example\" ]; },\n"
     "{ domain = \"c.example\"; " KEY " senders = 5; } );",
     "text:3: signing: senders: is empty: leave it out for all of the domain\n"
     "text:4: signing: senders: \"b.example\" has no @: wanted is an address, @example.org for all "
     "of a domain, or a pattern\n"
     "text:4: signing: senders: \"x@\" has no domain name behind its @\n"
     "text:4: signing: senders: \"x@a.example\" is not of the entry's domain\n"
     "text:4: signing: senders: \"x@bb.example\" is not of the entry's domain\n"
     "text:5: signing: senders: wanted is [ \"ann@example.org\" ], not a number\n"
     "text:1: signing: senders: a@a.example stands in the entry at text:1 already\n"
     "text:2: signing: senders: a@a.example stands in the entry at text:1 already\n"},
    {"signing = ( { domain = \"a.example\"; " KEY " lifetime = \"1y\";\n"
     "header-canonicalization = \"nice\"; body-canonicalization = 7; },\n"
     "{ domain = \"b.example\"; " KEY "\n"
     "sign-headers = [ \"From\", \"Bcc\", \"Content-Length\" ];\n"
     "oversign-headers = [ \"Return-Path\", \"DKIM-Signature\" ]; },\n"
     "{ domain = \"c.example\"; " KEY " sign-headers = [ ]; } );",
     "text:2: header-canonicalization: \"nice\" is not allowed here: the words are simple, "
     "relaxed\n"
     "text:2: body-canonicalization: wanted is one of these words in quotes: simple, relaxed, not "
     "a "
     "number\n"
     "text:1: signature-lifetime: \"1y\" is no duration such as \"5s\" (units ms, s, m, h, d)\n"
     "text:4: sign-headers: \"bcc\" is never signed: it is removed before others see the message "
     "(RFC 5322 3.6.3)\n"
     "text:4: sign-headers: \"content-length\" is never signed: it is counted anew wherever the "
     "message is stored\n"
     "text:5: oversign-headers: \"return-path\" is never signed: it is written anew on delivery "
     "(RFC 5321 4.4)\n"
     "text:5: oversign-headers: \"dkim-signature\" is never signed: it is added on the way, and in "
     "any order (RFC 6376 4.2)\n"
     "text:6: sign-headers: From is missing, and must be signed (RFC 6376 5.4)\n"},
    {"on-sender-mismatch = \"reject\";",
     "text:1: on-sender-mismatch: is of no use without senders-must-match\n"},
    {"\nsenders-must-match = \"/nonexistent/map\";",
     "text:2: senders-must-match: cannot read /nonexistent/map: No such file or directory\n"},
    {"senders-must-match = \"map\";", "text:1: senders-must-match: \"map\" is no absolute path\n"},
    {"signing = ( { domain = \"a.example\"; directory = \"/d/\";\n"
     "keys = ( { selector = \"s\"; file = \"/a\"; } ); },\n"
     "{ domain = \"b.example\"; directory = \"/d\"; },\n"
     "{ domain = \"c.example\"; directory = \"d\"; },\n"
     "{ domain = \"d.example\"; directory = 5; } );",
     "text:2: signing: keys: not beside directory, which names keys too\n"
     "text:4: signing: directory: \"d\" is no absolute path: write the whole path of the "
     "directory\n"
     "text:5: signing: directory: wanted is text in quotes, not a number\n"
     "text:3: signing: directory: /d is that of the entry at text:1 already: each "
     "needs its own\n"},
    /* Syntax */
    /* Typographic quotes, and a blank that is none. */
    {"# \xe2\x80\x9c\nmode = \xe2\x80\x9cshadow\xe2\x80\x9d;\nuser =\xc2\xa0\"x\";",
     "text:2: '\xe2\x80\x9c' (\\xe2\\x80\\x9c) may stand in texts and comments only: write the "
     "quotes and blanks of ASCII\n"
     "text:3: '\xc2\xa0' (\\xc2\\xa0) may stand in texts and comments only: write the quotes and "
     "blanks of ASCII\n"},
    {"listen \"x\";", "text:1: syntax error, here or just before: look for a missing quote, brace, "
                      "comma or semicolon\n"},
    /* As the manual names an option, and a word as it stands there. */
    {"mode = \"shadow\";\ndns.timeout = \"5s\";\n",
     "text:2: dns.timeout: a dot means a group: write dns = { timeout = ...; };\n"},
    {"arc.mode : \"seal\";\nmode = shadow;",
     "text:1: arc.mode: a dot means a group: write arc = { mode = ...; };\n"},
    {"dns = {\n  dnssec = off;\n};", "text:2: off: texts stand in quotes: write \"off\"\n"},
    {"listen = [ \"unix:/a\", inet:8892@127.0.0.1 ];",
     "text:1: inet:8892@127.0.0.1: texts stand in quotes: write \"inet:8892@127.0.0.1\"\n"},
    {"limits = { memory = 1G };", "text:1: 1G: texts stand in quotes: write \"1G\"\n"},
    {"spf = { check-helo = true;\n void-lookups = 0x2; }; reference = { sample = 1e-2; ",
     "text:2: syntax error, here or just before: look for a missing quote, brace, comma or "
     "semicolon\n"},
    {"spf = { check-helo = true void-lookups };",
     "text:1: syntax error, here or just before: look for a missing quote, brace, comma or "
     "semicolon\n"},
    {"trusted-networks = [ \"10.0.0.0/8\" \"::1\" ];",
     "text:1: trusted-networks: \"10.0.0.0/8::1\" has a prefix length that does not fit the "
     "address\n"
     "text:1: no comma stands before \"::1\": with the text before it, it is one entry\n"},
    {"user = \"assay;\nmode = \"shadow\";", "text:1: a text has no closing quote on this line\n"},
    {"mode = \"shadow\";\n/* open\n\n", "text:2: the comment that begins here with /* has no end: "
                                        "*/ is missing\n"},
    {"@include 'x'", "text:1: @include wants a path in quotes, and nothing else on its line\n"},
    {"mode = \"enforce\"\n  @include \"/nonexistent/x\"\nlisen = 1;",
     "text:2: cannot read /nonexistent/x: No such file or directory\n"
     "text:3: unknown option lisen; is listen meant?\n"},
};

static void test_complaints(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        conf_problems_init(&problems, arena);
        struct conf *conf = conf_parse(str_of(bad[i].text), &problems);
        if (conf || !str_eq(complaints(), str_of(bad[i].want)))
            print_error("for: %s\n", bad[i].text);
        assert_null(conf);
        assert_str(complaints(), bad[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONF_TEST(test_complaints),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
