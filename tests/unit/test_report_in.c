/* report/in: what arrives as a report is unpacked, mended and read. */
#include "test.h"

#include <iconv.h>
#include <stdlib.h>
#include <zlib.h>

#include "report/in/find.h"
#include "report/in/mime.h"
#include "report/in/repair.h"
#include "report/in/zip.h"

#define HEAD                                                                                       \
    "<report_metadata><org_name>Reporter</org_name><email>noreply@reporter.example</email>"        \
    "<report_id>id-1</report_id><date_range><begin>1700000000</begin><end>1700086399</end>"        \
    "</date_range></report_metadata>"
#define POLICY                                                                                     \
    "<policy_published><domain>Example.ORG</domain><adkim>r</adkim><p>none</p></policy_published>"
#define RECORD                                                                                     \
    "<record><row><source_ip>192.0.2.1</source_ip><count>3</count><policy_evaluated>"              \
    "<disposition>none</disposition><dkim>pass</dkim><spf>fail</spf></policy_evaluated></row>"     \
    "<identifiers><header_from>example.org</header_from></identifiers>"                            \
    "<auth_results><dkim><domain>example.org</domain><selector>s1</selector><result>pass</result>" \
    "</dkim><spf><domain>bounce.example.net</domain><result>softfail</result></spf>"               \
    "</auth_results></record>"
#define COUNT(text)                                                                                \
    {                                                                                              \
        "<feedback>" HEAD "<record><row><source_ip>192.0.2.1</source_ip><count>" text              \
        "</count></row></record></feedback>",                                                      \
            "refused has a count that is no number: \"" text "\"\n"                                \
    }
#define REPORT "<feedback>" HEAD POLICY RECORD "</feedback>"

/* --- What comes out is written as one line a thing ---------------------------------------------*/

struct seen {
    struct arena *arena;
    struct strbuf out;
};

static bool see_row(void *seen, const struct aggregate_row *row)
{
    struct seen *s = seen;
    char address[NETADDR_TEXT];
    const char *disposition = aggregate_disposition_word(row->disposition);
    sb_printf(&s->out, " [%s %lld %s %d%d %.*s", netaddr_format(&row->source, address),
              (long long)row->count, disposition ? disposition : "-", row->dkim, row->spf,
              STR_ARG(row->header_from));
    for (size_t i = 0; i < row->n_dkim; i++)
        sb_printf(&s->out, " d=%.*s/%.*s=%.*s", STR_ARG(row->auth_dkim[i].domain),
                  STR_ARG(row->auth_dkim[i].selector), STR_ARG(row->auth_dkim[i].result));
    for (size_t i = 0; i < row->n_spf; i++)
        sb_printf(&s->out, " spf=%.*s=%.*s", STR_ARG(row->auth_spf[i].domain),
                  STR_ARG(row->auth_spf[i].result));
    for (size_t i = 0; i < row->n_reasons; i++)
        sb_printf(&s->out, " %.*s(%.*s)", STR_ARG(row->reasons[i].type),
                  STR_ARG(row->reasons[i].comment));
    sb_addc(&s->out, ']');
    return true;
}

static bool see_aggregate(void *seen, const struct found_aggregate *f)
{
    struct seen *s = seen;
    const struct aggregate_head *h = &f->report->head;
    const struct aggregate_watch watch = {.context = seen, .row = see_row};
    sb_printf(&s->out, "%.*s|%.*s|%.*s|%lld-%lld|%.*s%s%s", STR_ARG(h->org_name), STR_ARG(h->email),
              STR_ARG(h->report_id), (long long)h->begin, (long long)h->end,
              STR_ARG(h->policy.domain), f->repaired ? " repaired" : "",
              f->damaged ? " damaged" : "");
    found_rows(f, &watch);
    sb_addc(&s->out, '\n');
    return true;
}

static bool see_failure(void *seen, const struct failure_report *r,
                        const unsigned char digest[FIND_DIGEST])
{
    struct seen *s = seen;
    char address[NETADDR_TEXT];
    (void)digest;
    sb_printf(&s->out, "failure %.*s %s %.*s %lld\n", STR_ARG(r->domain),
              netaddr_format(&r->source, address), STR_ARG(r->reporter), (long long)r->arrival);
    return true;
}

static bool see_tls(void *seen, const struct tlsrpt *r, const unsigned char digest[FIND_DIGEST])
{
    struct seen *s = seen;
    (void)digest;
    sb_printf(&s->out, "tls %.*s %.*s", STR_ARG(r->organization), STR_ARG(r->report_id));
    for (size_t i = 0; i < r->n; i++)
        sb_printf(&s->out, " %.*s=%lld/%lld", STR_ARG(r->policies[i].domain),
                  (long long)r->policies[i].successes, (long long)r->policies[i].failures);
    sb_addc(&s->out, '\n');
    return true;
}

static bool see_refusal(void *seen, struct str what, struct str why)
{
    struct seen *s = seen;
    sb_printf(&s->out, "refused %.*s%s%.*s\n", STR_ARG(what), what.n ? " " : "", STR_ARG(why));
    return true;
}

static struct str look(struct arena *a, struct str input)
{
    struct seen s = {.arena = a};
    const struct find_sink sink = {&s, see_aggregate, see_failure, see_tls, see_refusal};
    sb_init(&s.out, a);
    assert_true(find_reports(at_page_end(input), &sink));
    return sb_str(&s.out);
}

#define ROW                                                                                        \
    " [192.0.2.1 3 none 10 example.org d=example.org/s1=pass spf=bounce.example.net=softfail]"
#define SEEN "Reporter|noreply@reporter.example|id-1|1700000000-1700086399|example.org"

/* --- XML ---------------------------------------------------------------------------------------*/

struct xml_case {
    const char *xml, *want;
};

static void xml(void **state)
{
    static const struct xml_case cases[] = {
        {REPORT, SEEN ROW "\n"},
        {"\xEF\xBB\xBF<?xml version=\"1.0\"?>\r\n" REPORT, SEEN ROW "\n"},
        {"<?xml version=\"1.0\" encoding=\"windows-1252\"?><feedback><report_metadata><org_name>"
         "\x93M\xFCller\x94</org_name><report_id>x</report_id></report_metadata>" POLICY RECORD
         "</feedback>",
         "\xE2\x80\x9CM\xC3\xBCller\xE2\x80\x9D||x|0-0|example.org" ROW "\n"},
        {"<ns:feedback xmlns=\"urn:x\">" HEAD POLICY RECORD "</ns:feedback>", SEEN ROW "\n"},
        /* repaired */
        {"junk <?xml version=\"1.0\"?>\" " REPORT "\n--x", SEEN " repaired" ROW "\n"},
        {"<feedback><xs:schema a=\"b\">" HEAD POLICY RECORD "</feedback>",
         SEEN " repaired" ROW "\n"},
        {"<feedback><report_metadata><org_name>A & B < C "
         "\x07&#7;\xFF</org_name><email><a@b></email>"
         "<report_id>1&amp;2</report_id></report_metadata>" POLICY RECORD "</feedback>",
         "A & B < C \xEF\xBF\xBD|<a@b>|1&2|0-0|example.org repaired" ROW "\n"},
        {"<feedback>" HEAD POLICY RECORD "</feedback>\n</feedback>", SEEN " repaired" ROW "\n"},
        {REPORT "<x><<feed\n" REPORT,
         "refused holds reports behind the first one: one file each\n" SEEN " repaired" ROW "\n"},
        /* damaged */
        {"<feedback>" HEAD POLICY RECORD "<record><row><source_ip>192.0.2.9</source_ip>",
         SEEN " repaired damaged" ROW "\n"},
        {"<feedback>" HEAD POLICY, "refused is no XML from line 1 on: no element found\n"},
        /* odd and whole */
        {"<feedback>" HEAD "<record><row><source_ip>192.0.2.1</source_ip><count>many</count></row>"
         "</record><record><row><source_ip>192.0.2.2</source_ip><count>-2</count></row></record>"
         "<record><row><source_ip>[192.0.2.33]</source_ip></row></record></feedback>",
         "Reporter|noreply@reporter.example|id-1|1700000000-1700086399|"
         " [192.0.2.1 1 - 00 ] [192.0.2.2 1 - 00 ] [192.0.2.33 1 - 00 ]\n"},
        {"<feedback>" HEAD "<record><row><source_ip>192.0.2.1</source_ip><count>1,234</count></row>"
         "</record><record><row><source_ip>192.0.2.2</source_ip><count>12 345 678</count></row>"
         "</record><record><row><source_ip>192.0.2.3</source_ip><count>3\xC2\xA0"
         "456</count></row></record><record><row><source_ip>192.0.2.4</source_ip><count>1'000.0"
         "</count></row></record><record><row><source_ip>192.0.2.5</source_ip><count>007</count>"
         "</row></record><record><row><source_ip>192.0.2.6</source_ip><count>5\xE2\x80\xAF"
         "000</count></row></record></feedback>",
         "Reporter|noreply@reporter.example|id-1|1700000000-1700086399|"
         " [192.0.2.1 1234 - 00 ] [192.0.2.2 12345678 - 00 ] [192.0.2.3 3456 - 00 ]"
         " [192.0.2.4 1000 - 00 ] [192.0.2.5 7 - 00 ] [192.0.2.6 5000 - 00 ]\n"},
        COUNT("1,23"),
        COUNT("1,2345"),
        COUNT("1234,567"),
        COUNT("1,234,56"),
        COUNT("1,234 567"),
        COUNT("1,,234"),
        COUNT("1,"),
        COUNT("1.234"),
        COUNT("1.000"),
        COUNT("1."),
        COUNT("1.5"),
        COUNT("1e3"),
        COUNT("5 messages"),
        COUNT("0x10"),
        {"<feedback>" HEAD "<record><row><source_ip>192.0.2.1</source_ip>"
         "<count>999,999,999,999,999,999,999</count></row></record></feedback>",
         "refused has a count that is no number: \"999,999,999,999,999,999,999\"\n"},
        {"<feedback>" HEAD "<record><row><source_ip>192.0.2.1</source_ip>"
         "<count>999,999,999,999,999,999</count></row></record></feedback>",
         "refused counts more messages than there are\n"},
        {"<feedback>" HEAD "<policy_published><domain>x@EXAMPLE.org</domain><p/></policy_published>"
         "<policy_published><domain>other.example</domain></policy_published>"
         "<record><row><count>2</count></row></record><record><row><source_ip/></row></record>"
         "<record><row><source_ip>::ffff:192.0.2.7</source_ip><policy_evaluated><dkim>PASS</dkim>"
         "<spf>softfail</spf><reason>mailing_list</reason><reason><type/></reason>"
         "</policy_evaluated></row><identities><header_from>x@Example.org</header_from>"
         "</identities><auth_results><spf><result>Pass</result></spf><spf><domain>b</domain>"
         "</spf></auth_results></record></feedback>",
         SEEN " [192.0.2.7 1 - 10 example.org spf==pass spf=b= mailing_list() ()]\n"},
        {"<feedback><report_metadata><report_id>r</report_id><date_range><begin> 1699.0 </begin>"
         "<end>x</end></date_range></report_metadata></feedback>",
         "||r|1699-0|\n"},
        {"<feedback><report_metadata><report_id>r</report_id><date_range>"
         "<begin>1700000000123</begin><end>2023-11-15T23:59:59.5Z</end></date_range>"
         "</report_metadata></feedback>",
         "||r|1700000000-1700092799|\n"},
        {"<feedback><report_metadata><report_id>r</report_id><date_range><begin>100000000000</"
         "begin>"
         "<end>100000001000</end></date_range></report_metadata></feedback>",
         "||r|100000000000-100000001|\n"},
        {"<feedback><report_metadata><report_id>r</report_id><date_range><begin>2023-11-15T</begin>"
         "<end>99999999999999999999</end></date_range></report_metadata></feedback>",
         "||r|0-999999999999999|\n"},
        {"<feedback><report_metadata><report_id>r</report_id><date_range><begin>2023-11-15</begin>"
         "</date_range></report_metadata></feedback>",
         "||r|0-0|\n"},
        /* refused */
        {"<feedback>" POLICY RECORD "</feedback>", "refused has no report_id\n"},
        {"<!DOCTYPE feedback [<!ENTITY x \"y\">]>" REPORT,
         "refused has a DOCTYPE, which no report needs\n"},
        {"<!DOCTYPE html><html></html>", "refused has a DOCTYPE, which no report needs\n"},
        {"<html>x</html>", "refused is no report: its outermost element is not <feedback>\n"},
        {"", "refused holds no report\n"},
        {"unused", "refused holds no report\n"},
        {"<feedback><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>",
         "refused has elements within each other too deeply\n"},
    };
    (void)state;
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_str(look(a, str_of(cases[i].xml)), cases[i].want);
    arena_free(a);
}

static void gather(void *out, const char *p, size_t n)
{
    sb_add(out, (struct str){p, n});
}

/* What the second try makes of a text, in pieces of this size. */
static struct str mended(struct arena *a, struct str text, size_t piece)
{
    struct repair r;
    struct strbuf out;
    sb_init(&out, a);
    repair_begin(&r, text, gather, &out);
    for (size_t i = 0; i < text.n; i += piece)
        repair_feed(&r, str_sub(text, i, i + piece));
    repair_end(&r);
    return sb_str(&out);
}

static void mending(void **state)
{
    static const struct xml_case cases[] = {
        {"x <?xml a?>y<row>", "<row>"},
        {"<row a='1' b=\"2\">t</row >", "<row>t</row>"},
        {"<row/><sp /><p a=\"/\"/>", "<row/><sp/><p/>"},
        {"<sp><p/ ></sp>", "<sp><p></sp>"},
        {"<a:row>t</a:row><b:x>u</b:x>", "<row>t</row>u"},
        {"<row<sp>", "<row><sp>"},
        {"<row><!-- <sp> -- --><p><!--->--></row>", "<row><p></row>"},
        {"<row><![CDATA[a<b&c]]d]]]></row>", "<row>a&lt;b&amp;c]]d]</row>"},
        {"<row>a< b &lt;&#65;&#x41;&quot;&apos;&gt;</row>",
         "<row>a&lt; b &lt;&#65;&#x41;&quot;&apos;&gt;</row>"},
        {"<row>&;&a;&amp &#;&#x;&#zz;&#7;&#x110000;&#xFFFE;& &toolongtobeanentity;</row>",
         "<row>&amp;;&amp;a;&amp;amp       &amp; &amp;toolongtobeanentity;</row>"},
        {"<row><1></ ><-><.a><a\x01></row>", "<row>&lt;1&gt;&lt;/ &gt;&lt;-&gt;&lt;.a&gt;</row>"},
        /* a "<" that begins no tag, whatever stands behind it */
        {"<row>a<b c</row>", "<row>a&lt;b c</row>"},
        {"<row>a<b c> d</row>", "<row>a&lt;b c&gt; d</row>"},
        {"<row>a</b c</row>", "<row>a&lt;/b c</row>"},
        {"<row>a<b</row>", "<row>a&lt;b</row>"},
        {"<row>a<b/c</row>", "<row>a&lt;b/c</row>"},
        {"<row>a<p c</row>", "<row>a&lt;p c</row>"},
        {"<row>a<b &amp; c</row>", "<row>a&lt;b &amp; c</row>"},
        {"<row>a<b & c<d</row>", "<row>a&lt;b &amp; c&lt;d</row>"},
        {"<row>a<>b<</row>", "<row>a&lt;&gt;b&lt;</row>"},
        {"<row>a<?b? <! <!-x <![CDATAx <? y</row>",
         "<row>a&lt;! &lt;!-x &lt;![CDATAx &lt;? y</row>"},
        {"<row><a:>]]></row>", "<row>&lt;a:&gt;]]&gt;</row>"},
        /* a tag all the same */
        {"<row><b c='d' e = \"f\"g=h i=/>t</b ></row>",
         "<row>&lt;b c='d' e = \"f\"g=h i=/&gt;t</row>"},
        {"<row><b c='d' e = \"f\"g=h/>t</b ></row>", "<row>t</row>"},
        {"<row><b c>t<b =1>u<b c=>v<b c=' d>w</row>",
         "<row>&lt;b c&gt;t&lt;b =1&gt;u&lt;b c=&gt;v&lt;b c=' d&gt;w</row>"},
        {"<row><b c=' ' d=\">\">t</row>", "<row>&lt;b c=' ' d=\"&gt;\"&gt;t</row>"},
        {"<_:x><\xC3\xA4 y=1>t</_:x></\xC3\xA4>< a><:a/>", ""},
        {"<row><_:x><\xC3\xA4 y='>t</_:x></\xC3\xA4>< a></row>",
         "<row>&lt;\xC3\xA4 y='&gt;t&lt; a&gt;</row>"},
        {"<row><b @c=1>t<b c=\"\">u<b c=\"'>v</row>",
         "<row>&lt;b @c=1&gt;tu&lt;b c=\"'&gt;v</row>"},
        {"<row>\xEF\xBC\xA1\xDF\xBF\xE0\xA0\x80\xF4\x8F\xBF\xBF\xF4\x90\x80\x80</row>",
         "<row>\xEF\xBC\xA1\xDF\xBF\xE0\xA0\x80\xF4\x8F\xBF\xBF\xEF\xBF\xBD</row>"},
        {"<row>\xE2\x82", "<row>\xEF\xBF\xBD"},
        {"<row><b-c.d_e>t</b-c.d_e></b><></row>", "<row>t&lt;&gt;</row>"},
        {"<row>\xF5\x80\xEF\xBF\xBE\xEF\xBF\xBD</row>",
         "<row>\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD</row>"},
        {"<row>&#00000065;\xC2\xA0<bb cc dd>t</row>",
         "<row>&#00000065;\xC2\xA0&lt;bb cc dd&gt;t</row>"},
        {"<row>&#0000000065;&#00000000065;&aaaaaaaaaaa;</row>",
         "<row> &amp;#00000000065;&amp;aaaaaaaaaaa;</row>"},
        {"<row>\t<p\na\r=\t\"1\">t</p\r></row\n>", "<row>\t<p>t</p></row>"},
        {"<row a='1'<sp b=2<p c>t</p/></row>", "<row><sp><p>t</p></row>"},
        {"<?xml <row><?x y>t<?z <p>", "<row>t<p>"},
        /* before the first tag */
        {"a < b & c &amp; <d e <xs:schema>\n<![CDATA[f]]><!-- g -->h<!i><row>t", "<row>t"},
        {"<row>\xC3\xA4\xC3(\xE2\x82\xF0\x9F\x98\x80\xC0\xFF\xEF\xBF\xBF</row>",
         "<row>\xC3\xA4\xEF\xBF\xBD("
         "\xEF\xBF\xBD\xF0\x9F\x98\x80\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"
         "</row>"},
        {"<?xml encoding=\"ISO-8859-1\"?><row>\xE4\x80\x81</row>",
         "<row>\xC3\xA4\xE2\x82\xAC\xEF\xBF\xBD</row>"},
        {"<feedback><row></feedback><row>", "<feedback><row></feedback>"},
        {"<row>\x7F\t\r\n\x1F</row>", "<row> \t\r\n </row>"},
        {"<!DOCTYPE x><row>", "<!DOCTYPE x><row>"},
        {"<row", ""},
        {"<row>&am", "<row>"},
    };
    (void)state;
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t piece = 1; piece < 100; piece += 33)
            assert_str(mended(a, str_of(cases[i].xml), piece), cases[i].want);
    arena_free(a);
}

/* What is a character of XML 1.0 (section 2.2) stays one, in every form that names it. */
static void numbers(void **state)
{
    static const struct {
        unsigned code;
        bool kept;
    } cases[] = {
        {0, false},        {8, false},      {9, true},       {10, true},       {11, false},
        {12, false},       {13, true},      {14, false},     {31, false},      {32, true},
        {0xD7FF, true},    {0xD800, false}, {0xDFFF, false}, {0xE000, true},   {0xFFFD, true},
        {0xFFFE, false},   {0xFFFF, false}, {0x10000, true}, {0x10FFFF, true}, {0x110000, false},
        {0xABCDEF, false}, {0xA9, true},    {0xFA, true},
    };
    (void)state;
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct str forms[] = {str_printf(a, "&#%u;", cases[i].code),
                                    str_printf(a, "&#x%x;", cases[i].code),
                                    str_printf(a, "&#x%X;", cases[i].code)};
        for (size_t f = 0; f < 3; f++) {
            struct str text = str_printf(a, "<row>%.*s</row>", STR_ARG(forms[f]));
            assert_str(mended(a, text, 100), cases[i].kept ? str_cstr(a, text) : "<row> </row>");
        }
    }
    assert_str(mended(a, STR("<row>&#X41;</row>"), 100), "<row>&#x41;</row>");
    arena_free(a);
}

/* The C library knows that charset, too. */
static void windows_1252(void **state)
{
    (void)state;
    iconv_t library = iconv_open("UTF-8", "CP1252");
    struct arena *a = arena_new(0);
    if (library == (iconv_t)-1)
        skip();
    for (unsigned c = 0x20; c < 0x100; c++) {
        char byte = (char)c, out[8] = "", *from = &byte, *to = out;
        size_t left = 1, room = sizeof out - 1;
        if (c == '<' || c == '>' || c == '&' || c == 0x7F)
            continue;
        if (iconv(library, &from, &left, &to, &room) == (size_t)-1)
            strcpy(out, "\xEF\xBF\xBD");
        struct str text = str_printf(a, "<?xml encoding='windows-1252'?><row>%c</row>", byte);
        assert_str(mended(a, text, 100), str_cstr(a, str_printf(a, "<row>%s</row>", out)));
    }
    iconv_close(library);
    assert_int_equal(repair_windows_1252(0x7F), 0x7F);
    arena_free(a);
}

/* `before`, n times `c`, `after`. */
static struct str with_many(struct arena *a, const char *before, size_t n, char c,
                            const char *after)
{
    struct strbuf b;
    sb_init(&b, a);
    sb_add(&b, str_of(before));
    for (; n; n--)
        sb_addc(&b, c);
    sb_add(&b, str_of(after));
    return sb_str(&b);
}

/* Tags that cannot be held until it is seen whether they are some. */
static void long_tags(void **state)
{
    static const struct {
        const char *before, *after, *held, *longer;
    } cases[] = {
        {"<row><p a='", "'>t</p>", "<row><p>t</p>", "<row><p>t</p>"},
        {"<row><p a='", "'/>t", "<row><p/>t", "<row><p>t"},
        {"<row><b a='", "'/>t</b>", "<row>t", "<row>t"},
        {"<row><p ", "<p>t", "<row>&lt;p *<p>t", "<row><p><p>t"},
        {"<row><b ", "<p>t", "<row>&lt;b *<p>t", "<row><p>t"},
        {"<row><", ">t", "<row>t", "<row>t"},
        {"<row></", "<p>t", "<row>&lt;/*<p>t", "<row><p>t"},
    };
    (void)state;
    struct arena *a = arena_new(0);
    size_t room = sizeof((struct repair *)NULL)->held;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *star = strchr(cases[i].held, '*');
        for (size_t n = room - 40; n < room + 40; n++) {
            struct str text = with_many(a, cases[i].before, n, 'x', cases[i].after);
            size_t end = n + strlen(cases[i].before) - 5 + strcspn(cases[i].after, "<>");
            struct str held =
                star ? with_many(
                           a,
                           str_cstr(a, (struct str){cases[i].held, (size_t)(star - cases[i].held)}),
                           n, 'x', star + 1)
                     : str_of(cases[i].held);
            assert_str(mended(a, text, 100), end <= room ? str_cstr(a, held) : cases[i].longer);
        }
    }
    arena_free(a);
}

static void more_reports(void **state)
{
    static const struct {
        const char *text;
        bool more;
    } cases[] = {
        {"<feedback></feedback>", false},
        {"<feedback></feedback><feedback>", true},
        {"<feedback></feedback\n>-<feed<<feedbac<feedback", true},
        {"<feedback></feedback></feedback><x><feedbac k", false},
    };
    (void)state;
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t piece = 1; piece < 100; piece += 33) {
            struct repair r;
            struct strbuf out;
            struct str text = str_of(cases[i].text);
            sb_init(&out, a);
            repair_begin(&r, text, gather, &out);
            for (size_t at = 0; at < text.n; at += piece)
                repair_feed(&r, str_sub(text, at, at + piece));
            repair_end(&r);
            assert_str(sb_str(&out), "<feedback></feedback>");
            assert_int_equal(r.more, cases[i].more);
        }
    arena_free(a);
}

static void long_texts_are_cut(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct strbuf b;
    sb_init(&b, a);
    sb_add(&b, STR("<feedback><report_metadata><report_id>"));
    sb_addc(&b, 'x');
    for (int i = 0; i < 200; i++)
        sb_add(&b, STR("\xC3\xA4"));
    sb_add(&b, STR("</report_id></report_metadata></feedback>"));
    struct str seen = look(a, sb_str(&b));
    assert_int_equal(seen.n, 2 + 255 + sizeof "|0-0|\n" - 1);
    arena_free(a);
}

/* What many attributes make of a report. */
static struct str with_attributes(struct arena *a, const char *attribute, size_t n)
{
    struct strbuf b;
    sb_init(&b, a);
    sb_add(&b, STR("<feedback>" HEAD));
    for (size_t i = 0; i < n; i++)
        sb_printf(&b, "<report_metadata %s=\"en\"/>", attribute);
    sb_add(&b, STR(POLICY RECORD "</feedback>"));
    return look(a, sb_str(&b));
}

/* Those that no report has are limited to 10,000. */
static void strange_attributes(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    assert_str(with_attributes(a, "lang", 10001), SEEN ROW "\n");
    assert_str(with_attributes(a, "b", 10000), SEEN ROW "\n");
    assert_str(with_attributes(a, "b", 10001),
               "refused has too many elements that are not those of a report\n");
    arena_free(a);
}

/* --- Packed ------------------------------------------------------------------------------------*/

static struct str deflate_it(struct arena *a, struct str text, int window)
{
    z_stream z = {0};
    struct str out = {arena_alloc(a, text.n + 1000), 0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)text.p;
    z.avail_in = (uInt)text.n;
    z.next_out = (Bytef *)(uintptr_t)out.p;
    z.avail_out = (uInt)text.n + 1000;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out.n = z.total_out;
    deflateEnd(&z);
    return out;
}

static void put(struct strbuf *b, unsigned long value, unsigned bytes)
{
    for (; bytes; bytes--, value >>= 8)
        sb_addc(b, (char)(value & 0xFF));
}

static struct str joined(struct arena *a, struct str one, struct str two)
{
    struct strbuf b;
    sb_init(&b, a);
    sb_add(&b, one), sb_add(&b, two);
    return sb_str(&b);
}

/* As if it had been made of a file with a name so long that it has `size` bytes. */
static struct str gzip_of_size(struct arena *a, struct str gz, size_t size)
{
    struct strbuf b;
    sb_init(&b, a);
    sb_add(&b, str_sub(gz, 0, 3)), sb_addc(&b, 8), sb_add(&b, str_sub(gz, 4, 10));
    while (b.n + gz.n - 10 < size - 1)
        sb_addc(&b, 'n');
    sb_addc(&b, '\0'), sb_add(&b, str_sub(gz, 10, gz.n));
    assert_int_equal(b.n, size);
    return sb_str(&b);
}

struct zipped {
    struct str name, data;
    unsigned method, flags;
};

static struct str zip_it(struct arena *a, const struct zipped *v, size_t n, bool directory)
{
    struct strbuf b, d;
    sb_init(&b, a);
    sb_init(&d, a);
    for (size_t i = 0; i < n; i++) {
        put(&d, 0x02014B50, 4), put(&d, 20, 2), put(&d, 20, 2), put(&d, v[i].flags, 2);
        put(&d, v[i].method, 2), put(&d, 0, 8), put(&d, v[i].data.n, 4), put(&d, 1, 4);
        put(&d, v[i].name.n, 2), put(&d, 0, 2), put(&d, 0, 2), put(&d, 0, 8), put(&d, b.n, 4);
        sb_add(&d, v[i].name);
        put(&b, 0x04034B50, 4), put(&b, 20, 2), put(&b, v[i].flags, 2), put(&b, v[i].method, 2);
        put(&b, 0, 8), put(&b, v[i].data.n, 4), put(&b, 1, 4), put(&b, v[i].name.n, 2);
        put(&b, 0, 2), sb_add(&b, v[i].name), sb_add(&b, v[i].data);
    }
    size_t at = b.n;
    if (directory) {
        sb_add(&b, sb_str(&d));
        put(&b, 0x06054B50, 4), put(&b, 0, 4), put(&b, n, 2), put(&b, n, 2);
        put(&b, b.n - 12 - at, 4), put(&b, at, 4), put(&b, 0, 2);
    }
    return sb_str(&b);
}

static void packed(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct str gz = deflate_it(a, STR(REPORT), 31), raw = deflate_it(a, STR(REPORT), -15);
    assert_str(look(a, gz), SEEN ROW "\n");
    assert_str(look(a, deflate_it(a, gz, 31)), SEEN ROW "\n");
    struct strbuf b;
    sb_init(&b, a);
    sb_add(&b, gz), sb_add(&b, STR("\r\n"));
    assert_str(look(a, sb_str(&b)), SEEN ROW "\n");
    struct str first = deflate_it(a, str_sub(STR(REPORT), 0, 300), 31),
               second = deflate_it(a, str_sub(STR(REPORT), 300, 9999), 31);
    assert_str(look(a, joined(a, first, second)), SEEN ROW "\n");
    /* What is inflated comes in pieces of 16 KB. */
    for (size_t size = 16380; size < 16390; size++) {
        struct str members = joined(a, gzip_of_size(a, first, size), second);
        assert_str(look(a, deflate_it(a, members, 31)), SEEN ROW "\n");
    }
    assert_str(look(a, joined(a, gz, STR("\x1F\x8B"))), SEEN ROW "\n");
    assert_str(look(a, joined(a, gz, STR("\x1F\x8B\x07 no more"))), SEEN ROW "\n");
    struct str half = deflate_it(a, STR("<feedback>" HEAD POLICY RECORD RECORD "</feedback>"), 31);
    half.n -= 12;
    assert_str(look(a, half), SEEN " repaired damaged" ROW ROW "\n");

    const struct zipped members[] = {
        {STR("folder/"), STR(""), 0, 0},
        {STR("folder/a.xml"), raw, 8, 0},
        {STR("__MACOSX/._a.xml"), STR("x"), 0, 0},
        {STR("b.xml"), STR(REPORT), 0, 0},
        {STR("c.xml"), raw, 8, 1},
        {STR("d.xml"), raw, 12, 0},
        {STR("e.gz"), gz, 0, 0},
    };
    static const char want[] = SEEN ROW "\n" SEEN ROW "\nrefused c.xml is encrypted\n"
                                        "refused d.xml is packed in a way that is neither stored "
                                        "nor deflated\n" SEEN ROW "\n";
    assert_str(look(a, zip_it(a, members, 7, true)), want);
    assert_str(look(a, zip_it(a, members, 7, false)), want);
    assert_str(look(a, deflate_it(a, zip_it(a, members + 1, 1, true), 31)), SEEN ROW "\n");
    struct zipped many[11];
    for (size_t i = 0; i < 11; i++)
        many[i] = members[3];
    struct str seen = look(a, zip_it(a, many, 11, true));
    assert_true(str_ends_nocase(seen, STR(ROW "\nrefused has more than 10 members\n")));
    arena_free(a);
}

static void bombs(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    size_t n = 30U << 20;
    char *blanks = arena_alloc(a, n);
    memset(blanks, ' ', n);
    memcpy(blanks, "<feedback>", 10);
    assert_str(look(a, deflate_it(a, (struct str){blanks, n}, 31)),
               "refused is compressed more than any report is\n");
    uint32_t random = 1;
    for (size_t i = 10; i < n; i++) { /* less alike */
        random = random * 1664525U + 1013904223U;
        blanks[i] = (char)('a' + (random >> 28));
    }
    assert_str(look(a, deflate_it(a, (struct str){blanks, n}, 31)),
               "refused is larger than 25 MB when it is unpacked\n");
    struct str nested = STR(REPORT);
    for (int i = 0; i < 6; i++)
        nested = deflate_it(a, nested, 31);
    assert_str(look(a, nested), "refused is compressed too many times\n");
    arena_free(a);
}

/* --- Mail --------------------------------------------------------------------------------------*/

static struct str with_crlf(struct arena *a, struct str text)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < text.n; i++)
        sb_add(&b, text.p[i] == '\n' ? STR("\r\n") : str_sub(text, i, i + 1));
    return sb_str(&b);
}

static void mail(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    static const struct xml_case cases[] = {
        {"From: a@b\nContent-Type: text/xml\n\n" REPORT, SEEN ROW "\n"},
        {"X_Odd+Name: y\n\n" REPORT, SEEN ROW "\n"},
        {"From x\nContentType: application/octet-stream\n\n" REPORT, SEEN ROW "\n"},
        {"Content-Type: multipart/mixed;\n boundary*0=\"ab\";\n boundary*1=\"cd\"\n\n--abcd\n\n"
         "text\n--abcd\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\n" REPORT
         "\n--abcd--\n",
         SEEN ROW "\n"},
        {"Content-Transfer-Encoding-: quoted-printable\n\n<feedback><report_metadata>"
         "<report_id>a=3Db</report_id></report_metadata></feedback>",
         "||a=3Db|0-0|\n"},
        {"Content-Type: multipart/mixed\n\npreamble\n\n--\n--q\n\n" REPORT "\n--q--\n",
         SEEN ROW "\n"},
        {"Content-Type: multipart/mixed; boundary=p\n\n--q\n\n" REPORT "\n--q\n\n" REPORT "\n",
         SEEN ROW "\n" SEEN ROW "\n"},
        {"Content-Type: multipart/mixed\n\n--q\n\n" REPORT "\n--q\n\n" REPORT "\n",
         SEEN ROW "\n" SEEN ROW "\n"},
        {"Content-Type: message/rfc822\n\nContent-Type: message/rfc822\n\nA: b\n\n" REPORT,
         SEEN ROW "\n"},
        {"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nsorry\n"
         "--b\nContent-Type: message/rfc822\n\nSubject: x\n\n" REPORT "\n--b--\n",
         "refused is a bounce: a report that was sent from here came back\n"},
        {"Content-Transfer-Encoding: "
         "quoted-printable\n\n<feedback><report_metadata><report_id>a=3Db=2F=\n"
         "c=4d=zz</report_id></report_metadata></feedback>",
         "||a=b/cM=zz|0-0|\n"},
        {"Content-Transfer-Encoding: base64\n\nPGZlZWRiYWNrPjxyZXBvcnRfbWV0YWRhdGE+PHJlcG9ydF9pZD4x"
         "PC9yZXBv\ncnRfaWQ+PC9yZXBvcnRfbWV0YWRhdGE+PC9mZWVkYmFjaz4=\n",
         "||1|0-0|\n"},
        {"Subject: base64 that nobody declared\n\nPGZlZWRiYWNrPjxyZXBvcnRfbWV0YWRhdGE+PHJlcG9ydF9p"
         "ZD4xPC9yZXBv\ncnRfaWQ+PC9yZXBvcnRfbWV0YWRhdGE+PC9mZWVkYmFjaz4=\n",
         "||1|0-0|\n"},
        {"Subject: hello\n\nhello\n", "refused holds no report\n"},
        {"Content-Type: text/html\n\n<!DOCTYPE html><html></html>",
         "refused has a DOCTYPE, which no report needs\n"},
        {"From: x@reporter.example\nContent-Type: multipart/report; "
         "boundary=b\n\n--b\n\ntext\n--b\n"
         "Content-Type: message/feedback-report\n\nFeedback-Type: auth-failure\nSource-IP: "
         "192.0.2.1 (name)\nReported-Domain: Example.org\nArrival-Date: Mon, 01 Oct 2018 11:20:27 "
         "+0200\n\n--b\nContent-Type: message/rfc822\n\nFrom: y@example.org\n\n" REPORT "\n--b--\n",
         "failure example.org 192.0.2.1 reporter.example 1538385627\n"},
        {"From: x@reporter.example\nContent-Type: multipart/report; boundary=b\n\n--b\n"
         "Content-Type: message/feedback-report\n\nFeedback-Type: abuse\n\n--b--\n",
         "refused is feedback of another kind: abuse\n"},
        {"A: b\nContent-Type: text/plain\n\nFeedback-Type: auth-failure\nVersion: 1\nSource-IP: "
         "192.0.2.1\nReported-Domain: example.org\n",
         "failure example.org 192.0.2.1  0\n"},
        {"A: b\nContent-Type: text/plain\n\nFeedback-Type: auth-failure\nSource-IP: "
         "192.0.2.1\nReported-Domain: example.org\n",
         "refused holds no report\n"},
        {"From: Gate <x@gate.example> (it)\n\nA message claiming to be from you has failed the "
         "published "
         "DMARC\n"
         "policy for your domain.\n\nSender Domain: example.org\nSender IP Address: 2001:db8::1\n",
         "failure example.org 2001:db8::1 gate.example 0\n"},
        {"A: "
         "b\n\n{\"organization-name\":\"R\",\"date-range\":{\"start-datetime\":\"2016-04-01T00:00:"
         "00Z\"},\"report-id\":\"t\\u00e4\",\"policies\":[{\"policy\":{\"policy-domain\":\"d\"},"
         "\"summary\":{\"total-successful-session-count\":5,\"total-failure-session-count\":3}}]}",
         "tls R t\xC3\xA4 d=5/3\n"},
        {"A: b\n\n{\"date-range\":5,\"policies\":[1,\"x\",[2],{\"policy\":3,\"summary\":[4]},"
         "{\"policy\":{\"policy-domain\":\"d\"},\"summary\":{\"total-failure-session-count\":3}}],"
         "\"report-id\":\"t\"}",
         "tls  t =0/0 d=0/3\n"},
        {"A: b\n\n{\"a\":[1,2", "refused has no comma between values\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_str(look(a, str_of(cases[i].xml)), cases[i].want);
        assert_str(look(a, with_crlf(a, str_of(cases[i].xml))), cases[i].want);
    }
    arena_free(a);
}

static void policies_beyond_the_limit(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    struct strbuf b;
    sb_init(&b, a);
    sb_add(&b, STR("{\"report-id\":\"t\",\"policies\":[0"));
    for (int i = 0; i < TLSRPT_POLICIES_MAX + 2; i++)
        sb_add(&b, STR(",{\"summary\":{\"total-failure-session-count\":2}}"));
    sb_add(&b, STR("]}"));
    struct str seen = look(a, sb_str(&b));
    assert_int_equal(seen.n, sizeof "tls  t\n" - 1 + TLSRPT_POLICIES_MAX * (sizeof " =0/2" - 1));
    assert_true(str_ends_nocase(seen, STR(" =0/2 =0/6\n")));
    arena_free(a);
}

static void parameters(void **state)
{
    (void)state;
    struct arena *a = arena_new(0);
    assert_str(mime_parameter(a, STR("x/y; a=1; Name=\"q\\\"; z\""), STR("name")), "q\"; z");
    assert_str(mime_parameter(a, STR("x/y; name*0*=utf-8''%41b; name*1=c"), STR("name")), "Abc");
    assert_null(mime_parameter(a, STR("x/y; names=1"), STR("name")).p);
    assert_null(mime_parameter(a, STR("x/y"), STR("name")).p);
    assert_str(mime_parameter(a, STR("x/y; name*=it's"), STR("name")), "it's");
    assert_str(mime_parameter(a, at_page_end(STR("x/y; name=\"a\\")), STR("name")), "a\\");
    assert_str(mime_decode_base64(a, STR("QU\n!JD RA==QQ")), "ABCD");
    assert_str(mime_decode_base64(a, STR("QUI")), "AB");
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xml),
        cmocka_unit_test(mending),
        cmocka_unit_test(numbers),
        cmocka_unit_test(windows_1252),
        cmocka_unit_test(long_tags),
        cmocka_unit_test(more_reports),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(strange_attributes),
        cmocka_unit_test(packed),
        cmocka_unit_test(bombs),
        cmocka_unit_test(mail),
        cmocka_unit_test(policies_beyond_the_limit),
        cmocka_unit_test(parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
