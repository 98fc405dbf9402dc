/* milter_packet.c - takes packets of the milter protocol apart.
 *
 * Nothing is believed: a text ends with a NUL inside its packet, a number has all its bytes, names
 * of macros have values.
 *
 * Errors: false, or -1 and a phrase. */
#include "milter/serve/milter_packet.h"

#include <string.h>

#define HEAD 4 /* bytes of length */

static uint32_t read_u32(const char *p)
{
    const unsigned char *b = (const unsigned char *)p;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

ptrdiff_t milter_frame(const char *data, size_t n, const char **problem)
{
    if (n < HEAD)
        return 0;
    uint32_t length = read_u32(data);
    if (length == 0) {
        *problem = "a packet without a command";
        return -1;
    }
    if (length > MILTER_PACKET_MAX) {
        *problem = "a packet that is too long";
        return -1;
    }
    return n - HEAD < length ? 0 : (ptrdiff_t)(HEAD + length);
}

struct milter_packet milter_packet(const char *frame, size_t n)
{
    return (struct milter_packet){
        .command = frame[HEAD], .data = frame + HEAD + 1, .n = n - HEAD - 1};
}

bool milter_read_negotiation(const struct milter_packet *p, struct milter_negotiation *out)
{
    if (p->n < 12)
        return false;
    *out = (struct milter_negotiation){
        read_u32(p->data), {.actions = read_u32(p->data + 4), .steps = read_u32(p->data + 8)}};
    return true;
}

/* Takes a text with its NUL off the front of what is left of a packet. */
static const char *take_text(struct milter_packet *rest)
{
    const char *text = rest->data;
    const char *end = rest->n ? memchr(text, '\0', rest->n) : NULL;
    if (!end)
        return NULL;
    rest->n -= (size_t)(end + 1 - text);
    rest->data = end + 1;
    return text;
}

bool milter_read_connect(const struct milter_packet *p, struct mta_client *out)
{
    struct milter_packet rest = *p;
    *out = (struct mta_client){.host = take_text(&rest)};
    if (!out->host || !rest.n)
        return false;
    out->family = rest.data[0];
    if (out->family == 'U')
        return true;
    if ((out->family != '4' && out->family != '6' && out->family != 'L') || rest.n < 3)
        return false;
    out->port = (unsigned)(unsigned char)rest.data[1] << 8 | (unsigned char)rest.data[2];
    rest.data += 3;
    rest.n -= 3;
    out->address = take_text(&rest);
    return out->address != NULL;
}

bool milter_read_text(const struct milter_packet *p, const char **out)
{
    struct milter_packet rest = *p;
    *out = take_text(&rest);
    return *out != NULL;
}

bool milter_read_arguments(const struct milter_packet *p, const char *out[MILTER_ARGUMENT_MAX + 1])
{
    struct milter_packet rest = *p;
    size_t n = 0;
    while (rest.n) {
        const char *text = take_text(&rest);
        if (!text)
            return false;
        if (n < MILTER_ARGUMENT_MAX)
            out[n++] = text;
    }
    out[n] = NULL;
    return n > 0;
}

bool milter_read_header(const struct milter_packet *p, const char **name, const char **value)
{
    struct milter_packet rest = *p;
    *name = take_text(&rest);
    *value = *name ? take_text(&rest) : NULL;
    return *value != NULL;
}

bool milter_read_macros(const struct milter_packet *p, char *command)
{
    if (!p->n)
        return false;
    struct milter_packet rest = {.data = p->data + 1, .n = p->n - 1};
    *command = p->data[0];
    while (rest.n)
        if (!take_text(&rest) || !take_text(&rest))
            return false;
    return true;
}

/* "i", "{i}" or "{daemon_name}" for the name without braces. */
static bool is_macro(const char *told, const char *name)
{
    size_t n = strlen(name);
    if (told[0] != '{')
        return strcmp(told, name) == 0;
    return strncmp(told + 1, name, n) == 0 && told[n + 1] == '}' && told[n + 2] == '\0';
}

const char *milter_find_macro(const char *pairs, size_t n, const char *name)
{
    struct milter_packet rest = {.data = pairs, .n = n};
    while (rest.n) {
        const char *told = take_text(&rest), *value = take_text(&rest);
        if (!told || !value)
            return NULL;
        if (is_macro(told, name))
            return value;
    }
    return NULL;
}
