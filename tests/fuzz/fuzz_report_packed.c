/* Archives: gzip, zip, compound files, within each other. */
#include "fuzz.h"

#include "report/in/find.h"
#include "report/in/msgfile.h"
#include "report/in/zip.h"

static bool take_aggregate(void *context, const struct found_aggregate *found)
{
    const struct aggregate_watch watch = {0};
    (void)context;
    found_rows(found, &watch);
    return true;
}

static bool take_failure(void *context, const struct failure_report *r, const unsigned char *digest)
{
    (void)context, (void)r, (void)digest;
    return true;
}

static bool take_tls(void *context, const struct tlsrpt *r, const unsigned char *digest)
{
    (void)context, (void)r, (void)digest;
    return true;
}

static bool take_refusal(void *context, struct str what, struct str why)
{
    (void)context, (void)what;
    require(why.n > 0);
    return true;
}

static bool take_attachment(void *n, struct str bytes, struct str name)
{
    (void)name;
    require(bytes.n <= IN_INNER_MAX && ++*(unsigned *)n <= IN_MEMBERS_MAX);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct find_sink sink = {NULL, take_aggregate, take_failure, take_tls, take_refusal};
    struct str bytes = fuzz_text(data, size);
    struct zip_member members[IN_MEMBERS_MAX];
    bool more;
    unsigned attachments = 0;
    size_t n = zip_members(bytes, members, IN_MEMBERS_MAX, &more);
    for (size_t i = 0; i < n; i++)
        require(members[i].bytes.p >= bytes.p &&
                members[i].bytes.p + members[i].bytes.n <= bytes.p + bytes.n);
    if (msgfile_is(bytes))
        msgfile_attachments(bytes, take_attachment, &attachments);
    require(find_reports(bytes, &sink));
    return 0;
}
